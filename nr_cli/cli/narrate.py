"""Tells on stderr what a person should know while an ask is answered."""

from __future__ import annotations

from nr_cli.cli.env import Outside
from nr_cli.errors import ExitCode, FailureKind
from nr_cli.policy.builtin import EMBEDDED
from nr_cli.types.decision import Decision
from nr_cli.types.events import Decided, Event, Failed, Switched, Waiting
from nr_cli.types.record import Record

FELT = 2.0  # seconds of a wait that a person wonders about


class Narrator:
    """Speaks only where it helps: everything with -v, switches on a terminal, broken keys."""

    def __init__(self, outside: Outside, quiet: bool, verbose: bool, usage: bool) -> None:
        self._outside = outside
        self._quiet = quiet
        self._verbose = verbose
        self._usage = usage

    def hear(self, event: Event) -> None:
        """Takes one event."""
        if isinstance(event, Decided):
            self._tell_opinions(event.decision)
            self._tell_redaction(event.decision)
            for note in () if self._quiet else event.decision.notes:
                self._outside.say(f"nr: {note}")
        if isinstance(event, Waiting):
            self._tell_wait(event)
        if not isinstance(event, Failed | Switched):
            return
        from nr_cli.pipeline.failure import describe

        match event:
            case Failed() if self._verbose:
                self._outside.say(f"nr: {describe(event)}")
            case Switched(failed, to):
                self._switch(failed.kind, describe(failed), to.id)
            case _:
                pass

    def _tell_opinions(self, decision: Decision) -> None:
        """Says who was asked with -v, otherwise only that a judge's key is broken."""
        for opinion in decision.opinions:
            broken_key = opinion.error is not None and opinion.error.exit == ExitCode.AUTH
            if self._verbose or (broken_key and not self._quiet):
                from nr_cli.cli.explain import opinion_words

                self._outside.say(f"nr: {opinion_words(opinion)}")

    def _tell_redaction(self, decision: Decision) -> None:
        """Says that something was taken out, since the answer may be about it."""
        if decision.redacted and not self._quiet:
            kinds = ", ".join(sorted(decision.redact))
            self._outside.say(f"nr: {decision.redacted} taken out before sending ({kinds})")

    def _tell_wait(self, wait: Waiting) -> None:
        """Says a wait with -v, to a person only one that is felt."""
        felt = wait.seconds > FELT and self._outside.err_is_terminal
        if self._verbose or (felt and not self._quiet):
            self._outside.say(f"nr: waiting {wait.seconds:.1f} s: {wait.reason}")

    def _switch(self, kind: FailureKind, words: str, to: str) -> None:
        broken_key = kind == FailureKind.AUTH
        if self._quiet or not (broken_key or self._verbose or self._outside.err_is_terminal):
            return
        reason = words if broken_key and not self._verbose else kind.value
        self._outside.say(f"nr: {reason}; asking {to} instead")

    def end(self, record: Record) -> None:
        """Says the routing line with -v, the usage line with -u, whom a newcomer has met."""
        if record.cache == "stale" and not self._quiet:
            self._outside.say(f"nr: {stale_words(record)}")
        if record.cache not in ("hit", "stale") and record.model and record.model.id == EMBEDDED:
            self._introduce()
        if self._verbose:
            self._outside.say("nr: " + routing_line(record))
        if self._usage:
            self._outside.say("nr: " + usage_line(record))

    def _introduce(self) -> None:
        """Tells a person that the small offline model answered, with how to do better."""
        if self._outside.err_is_terminal and not self._quiet:
            self._outside.say(
                "nr: the small offline model answered; for a better one set OPENAI_API_KEY"
                " or name your models in routes.yaml"
            )


def routing_line(record: Record) -> str:
    """Returns one line: route, model, why, cache, cost, time."""
    model = record.model.id if record.model else "no model"
    age = "" if record.cache_age is None else f" ({record.cache_age:.0f} s old)"
    return " · ".join(
        [
            f"{record.decision.route or 'pinned'} → {model}",
            why(record),
            f"cache {record.cache}{age}",
            cost_words(record),
            f"{record.total_ms / 1000:.2f} s",
        ]
    )


def stale_words(record: Record) -> str:
    """Returns why an answer that is too old was given."""
    kinds = dict.fromkeys(attempt.kind.value for attempt in record.attempts if attempt.kind)
    return (
        f"every model failed ({', '.join(kinds) or 'all rest'}); this answer is {age(record)} old"
    )


def age(record: Record) -> str:
    """Returns how old a cached answer is."""
    seconds = record.cache_age or 0.0
    for size, word in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} seconds"


def why(record: Record) -> str:
    """Returns the matched rule's reason, or what stood in its place."""
    decision = record.decision
    if decision.route is None or (not decision.rules and decision.route != "default"):
        return "asked for by name"
    matched = [rule.because for rule in decision.rules if rule.result == "match"]
    return matched[0] if matched else "no rule matched"


def cost_words(record: Record) -> str:
    """Returns the cost; one that is not known is never shown as nothing."""
    spent = record.spent
    return "cost unknown" if spent is None else f"${spent:.6f}".rstrip("0").rstrip(".")


def usage_line(record: Record) -> str:
    """Returns tokens, cost and time."""
    usage = record.usage
    tokens = (
        "tokens unknown"
        if usage is None
        else f"{usage.input_tokens} in ({usage.cached_input_tokens} cached), "
        f"{usage.output_tokens} out"
    )
    return f"{tokens} · {cost_words(record)} · {record.total_ms / 1000:.2f} s"
