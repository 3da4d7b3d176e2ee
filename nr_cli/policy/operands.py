"""Reads the values a condition is given: one or a list of words, a map of names to words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from nr_cli.policy.globs import matches_glob
from nr_cli.policy.scalars import as_written
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.facts import Fact, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

Report: TypeAlias = "Callable[[Path, str, str], None]"

SCALAR: JsonObject = {"type": ["string", "number", "boolean"]}


# Stands wherever a value may come from the environment, so that an editor cannot judge it.
VARIABLE: JsonObject = {"type": "string", "pattern": r"\$\{"}


def one_or_many(item: JsonObject) -> JsonObject:
    """Returns the schema of a value or a list of such values, any of them from a variable."""
    one: JsonObject = item if item is SCALAR else {"anyOf": [item, VARIABLE]}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def named(item: JsonObject) -> JsonObject:
    """Returns the schema of a map from names to such values."""
    return {"type": "object", "additionalProperties": item, "minProperties": 1}


BOOLEAN: JsonObject = {"anyOf": [{"enum": [True, False, "true", "false"]}, VARIABLE]}


def read_list(value: Json, at: Path, report: Report) -> list[tuple[Path, Json]] | None:
    """Returns each value with its place; a lone scalar is a list of one."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            report(at, "NR131", "the list is empty (name at least one value)")
            return None
        return [((*at, index), item) for index, item in enumerate(value)]
    return [(at, value)]


def read_words(value: Json, at: Path, report: Report) -> tuple[str, ...] | None:
    """Returns texts; a number or boolean is taken as it is written."""
    items = read_list(value, at, report)
    if items is None:
        return None
    words: list[str] = []
    for place, item in items:
        word = as_written(item)
        if not word:
            report(place, "NR131", "this must be text (a word, not empty)")
            return None
        words.append(word)
    return tuple(words)


def read_choices(
    value: Json, at: Path, report: Report, choices: Sequence[str], what: str
) -> tuple[str, ...] | None:
    """Returns words that are all among `choices`; `what` names such a word with its article."""
    words = read_words(value, at, report)
    known = True
    for word in words or ():
        if word not in choices:
            hint = did_you_mean(word, choices)
            listed = f" (they are {', '.join(choices)})"
            report(at, "NR133", f"{quote(word)} is not {what}{hint or listed}")
            known = False
    return words if known else None


def read_map(
    value: Json, at: Path, report: Report
) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """Returns each name with the words it is compared to, in the order written."""
    if not isinstance(value, Mapping) or not value:
        report(at, "NR131", "this must be a map of names to values (such as {NAME: value})")
        return None
    pairs: list[tuple[str, tuple[str, ...]]] = []
    for name, item in value.items():
        words = read_words(item, (*at, name), report)
        if words is not None:
            pairs.append((name, words))
    return tuple(pairs) if len(pairs) == len(value) else None


def unknown(name: str, fact: Fact) -> Verdict:
    """Returns the verdict on a fact that nothing knows."""
    return Verdict("unknown", f"{name} is unknown: {fact.why_unknown or 'nothing provides it'}")


def clip(text: str, most: int = 60) -> str:
    """Returns the text on one line, cut to a length that a table can hold."""
    flat = " ".join(text[: most * 4].split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def listed(words: Sequence[str], last: str = "or") -> str:
    """Returns the words as a person lists them: `a, b or c`, cut after four."""
    shown = [clip(word, 40) for word in words]
    if len(shown) > 4:
        shown = [*shown[:3], f"{len(shown) - 3} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


def match_any(text: str, patterns: Sequence[str]) -> str | None:
    """Returns the first pattern the text matches, None when there is none."""
    return next((pattern for pattern in patterns if matches_glob(pattern, text)), None)


def judge_glob(name: str, text: str, patterns: Sequence[str], secret: bool = False) -> Verdict:
    """Returns whether one text matches any pattern, said of the fact `name`.

    A `secret` text is compared but never repeated: it may hold a key.
    """
    matched = match_any(text, patterns)
    if matched is None:
        shown = "" if secret else f"{clip(text)}, "
        return Verdict("no", f"{name} is {shown}not {listed(patterns)}")
    if matched == text:
        return Verdict("yes", f"{name} is {clip(text)}")
    shown = "" if secret else f"{clip(text)}, "
    return Verdict("yes", f"{name} is {shown}like {clip(matched)}")


def judge_map(
    kind: str, values: Mapping[str, Json], wanted: Sequence[tuple[str, Sequence[str]]]
) -> Verdict:
    """Returns whether every named value is set to something its patterns match.

    The values found are not repeated, since an environment or a header may hold a key.
    """
    held: list[str] = []
    for name, patterns in wanted:
        text = as_written(values.get(name))
        if text is None:
            return Verdict("no", f"{kind} {clip(name)} is not set")
        verdict = judge_glob(f"{kind} {clip(name)}", text, patterns, secret=True)
        if verdict.truth == "no":
            return verdict
        held.append(verdict.because)
    return Verdict("yes", "; ".join(held))
