"""Explains a decision in plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nr_cli.cli.columns import clip, head_of, pad, width_of
from nr_cli.cli.screen import neutralise
from nr_cli.types.decision import Candidate, Decision, Rule
from nr_cli.types.facts import Fact
from nr_cli.types.opinion import Opinion

WIDTH = 100
_NAME = 28  # a longer name is cut in a column, never in the chain
_UNREACHED = 3  # so many rules that were not reached are listed, more are counted


def explain(decision: Decision) -> str:
    """Returns the explanation, at most 100 columns wide, ending in a newline.

    What was read comes first, then each rule, each candidate, the chain, the estimate.
    """
    blocks = [_head(decision)]
    if decision.guards:
        blocks.append(["guards", *_table([guard[:3] for guard in decision.guards])])
    if decision.rules:
        blocks.append(["rules", *_table(_rule_rows(decision.rules))])
    if decision.candidates:
        title = f"candidates (pick: {decision.pick})"
        rows = [_candidate_row(entry) for entry in decision.candidates]
        blocks.append([title, *_table(rows)])
    blocks.append(_tail(decision))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _head(decision: Decision) -> list[str]:
    """Returns what was read of the prompt, with the route it led to."""
    read = [f"about {decision.input_tokens} tokens"]
    language = decision.facts.get("language")
    if language is not None:
        read.append(f"language {language.value or 'unknown'}")
    read.append(f"needs {', '.join(decision.needs) or 'nothing special'}")
    lines = _field("prompt", ", ".join(read))
    if decision.intent is not None:
        lines += _field(
            "intent", f"{decision.intent.label} (confidence {decision.intent.confidence:.2f})"
        )
    for name, fact in decision.facts.items():
        if name.startswith("label."):
            lines += _field("label", _label(name.removeprefix("label."), fact))
    if decision.complexity is not None:
        lines += _field(
            "complexity", f"{decision.complexity.band} (score {decision.complexity.score:.2f})"
        )
    if decision.reasons:
        lines += _field("because", "; ".join(decision.reasons))
    for opinion in decision.opinions:
        lines += _field("asked", opinion_words(opinion))
    return lines + _field("route", _route(decision))


def opinion_words(opinion: Opinion) -> str:
    """Returns in one line who was asked about what, with what came of it."""
    question = opinion.question
    about = f"{question.who} about {question.about.replace('label.', 'label ', 1)}"
    if opinion.status == "given":
        paid = "from the cache" if opinion.is_cached else _paid(opinion)
        said = f"{about}: {opinion.label} ({paid})"
    elif opinion.status == "pending":
        said = f"{about}: it would be asked, nothing is sent here"
    else:
        said = f"{about}: no answer counts ({opinion.because}), if_fails: {question.if_fails}"
    return f"{said}, since {question.because}" if question.because else said


def _paid(opinion: Opinion) -> str:
    cost = "" if opinion.question.argv else f", {_dollars(opinion.cost)}"
    return f"{opinion.ms:.0f} ms{cost}"


def _label(name: str, fact: Fact) -> str:
    """Returns what one of the policy's own classifiers found, with its reason."""
    if fact.value is None:
        return f"{name}: none, {fact.why_unknown}"
    return f"{name}: {fact.value}" + (f", {fact.because}" if fact.because else "")


def _route(decision: Decision) -> str:
    if decision.route is None:
        pinned = decision.settings.name
        return f"none, pinned to {pinned}" if pinned else "none matches, and there is no default"
    if decision.route == "default":
        return "default, since no rule matched" if decision.rules else "default"
    return decision.route if decision.rules else f"{decision.route}, pinned"


def _tail(decision: Decision) -> list[str]:
    chain = " → ".join(model.name for model in decision.chain)
    size = f"{decision.input_tokens} tokens in, {decision.output_tokens} out"
    lines = _field("chain", chain or "empty: nothing can be asked")
    lines += _field("estimate", f"{size}, {_dollars(decision.est_cost)}")
    if decision.overhead_ms:
        lines += _field("decided in", f"{decision.overhead_ms:.1f} ms")
    return lines


def _rule_rows(rules: Sequence[Rule]) -> list[tuple[str, str, str]]:
    reached = [rule for rule in rules if rule.result != "not reached"]
    rest = rules[len(reached) :]
    if len(rest) <= _UNREACHED:
        return [(name, result, because) for name, result, because in rules]
    rows: list[tuple[str, str, str]] = [(rule.name, rule.result, rule.because) for rule in reached]
    return [*rows, (f"{len(rest)} more rules", "not reached", rest[0].because)]


def _candidate_row(entry: Candidate) -> tuple[str, str, str]:
    cost = _dollars(entry.est_cost)
    because = f"{entry.reason} ({cost})" if entry.reason else cost
    return entry.model.name, entry.state, because


def _dollars(cost: float | None) -> str:
    """Returns the cost to a ten-thousandth of a dollar, or as precisely as a small one needs."""
    if cost is None:
        return "cost unknown"
    return f"${cost:.4f}" if cost >= 0.01 or cost == 0 else f"${cost:.2g}"


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Returns three aligned columns, the last one wrapped under itself."""
    cells = [(_clip(name), state, because) for name, state, because in rows]
    first = max(width_of(name) for name, _, _ in cells)
    second = max(width_of(state) for _, state, _ in cells)
    lines: list[str] = []
    for name, state, because in cells:
        lines += _wrap(f"  {pad(name, first)}  {pad(state, second)}  ", because)
    return lines


def _field(name: str, text: str) -> list[str]:
    return _wrap(f"{name:<12}", text)


def _wrap(prefix: str, text: str) -> list[str]:
    """Returns the text behind the prefix, its further lines indented to the same column."""
    room = WIDTH - width_of(prefix)
    lines: list[str] = []
    line = ""
    for word in _pieces(_flat(text), room):
        if line and width_of(line) + 1 + width_of(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    indent = " " * width_of(prefix)
    return [f"{indent if number else prefix}{line}".rstrip() for number, line in enumerate(lines)]


def _pieces(text: str, room: int) -> Iterator[str]:
    """Yields the words of a text, those wider than the room in parts that fit."""
    for word in text.split():
        while width_of(word) > room:
            part = head_of(word, room)
            yield part
            word = word[len(part) :]
        if word:
            yield word


def _flat(text: str) -> str:
    return " ".join(neutralise(text).split())


def _clip(name: str) -> str:
    return clip(_flat(name), _NAME)
