"""Judges one scalar by the field it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from nr_cli.policy import values
from nr_cli.policy.schema import DAY, LATER_VALUES, Field
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.json import Json
from nr_cli.types.policy import Path

Flaw: TypeAlias = "tuple[str, str]"

EXPECTED: Mapping[str, str] = {
    "number": "a number",
    "count": "a whole number such as 8192 or 128k",
    "duration": "a duration such as 800ms, 2s, 5m, 1h, 7d",
    "boolean": "true or false",
}


def find_flaw(field: Field, path: Path, value: Json, text: str) -> Flaw | None:
    """Returns the code with the message of what is wrong with a scalar, None if nothing is.

    `text` is the value as it was written.
    """
    if field.shape == "boolean" and not isinstance(value, bool):
        return "NR111", f"{named(path)} must be true or false"
    if field.shape == "number" and isinstance(value, str):
        return "NR111", f"{named(path)} must be {EXPECTED['number']}"
    if not text and not field.choices and field.shape in ("text", "texts"):
        return None if path[-1] == "system" else ("NR111", f"{named(path)} is empty")
    return _judge(field, path, value, text)


def find_expanded_flaw(field: Field, path: Path, text: str) -> Flaw | None:
    """Returns what is wrong with the text that variables have made of a scalar, as `find_flaw`.

    An empty text stands for a value that was left out, where one may be.
    """
    if field.shape == "headers" and not text.isprintable():
        return "NR111", f"header {quote(str(path[-1]))} must be one line of plain text"
    if not text and (field.shape == "url" or not (field.choices or field.required)):
        return None if field.shape not in EXPECTED else _judge(field, path, text, text)
    return _judge(field, path, text, text)


def named(path: Path) -> str:
    """Returns how a message names a value: its key, with the list's key for an item of a list."""
    if isinstance(path[-1], int) and len(path) > 1:
        return f"entry {path[-1] + 1} of {path[-2]}"
    return str(path[-1]) if str(path[-1]).isprintable() else quote(str(path[-1]))


def _judge(field: Field, path: Path, value: Json, text: str) -> Flaw | None:
    if field.shape == "boolean":
        known = values.read_boolean(value) is not None
        return None if known else ("NR111", f"{named(path)} must be true or false")
    if field.shape in EXPECTED:
        return _judge_number(field, path, value)
    if field.shape == "url":
        return _judge_url(path, text)
    if not field.choices:
        return None if text else ("NR111", f"{named(path)} is empty")
    return None if text in field.choices else _judge_choice(field, path, text)


def _judge_number(field: Field, path: Path, value: Json) -> Flaw | None:
    read = {"count": values.read_count, "duration": values.read_duration}.get(
        field.shape, values.read_number
    )
    number = read(value)
    if number is None:
        return "NR111", f"{named(path)} must be {EXPECTED[field.shape]}"
    if field.low is not None and number < field.low:
        return "NR131", f"{named(path)} must be at least {_bound(field, field.low)}"
    if field.high is not None and number > field.high:
        return "NR131", f"{named(path)} must be at most {_bound(field, field.high)}"
    if field.over is not None and number <= field.over:
        return "NR131", f"{named(path)} must be more than {_bound(field, field.over)}"
    return None


def _bound(field: Field, bound: float) -> str:
    """Returns a bound as it would be written: long durations in days."""
    in_days = field.shape == "duration" and bound and bound % DAY == 0
    return f"{bound / DAY:g}d" if in_days else f"{bound:g}"


def _judge_url(path: Path, text: str) -> Flaw | None:
    from nr_cli.policy.addresses import url_flaw

    # A provider's own address is judged with its key.
    wrong = None if path[-1] == "base_url" else url_flaw(text, False, False)
    return None if wrong is None else ("NR142", f"{path[-1]} {wrong}")


def _judge_choice(field: Field, path: Path, text: str) -> Flaw | None:
    key = str(path[-1])
    if text in LATER_VALUES.get(key, ()):
        from nr_cli import __version__

        message = f"{key}: {text} is not carried out by nr {__version__} yet"
        return "NR113", f"{message} (known: {', '.join(field.choices)})"
    if field.plugins is None:
        return _stranger(path, text, field.choices)
    from nr_cli import plugins

    broken = plugins.problem_of(field.plugins, text)
    if broken:
        return "NR133", f"{named(path)} cannot be {quote(text)} ({broken})"
    if plugins.find(field.plugins, text) is not None:
        return None
    return _stranger(path, text, (*field.choices, *plugins.names(field.plugins)))


def _stranger(path: Path, text: str, choices: tuple[str, ...]) -> Flaw:
    hint = did_you_mean(text, choices) or f" (known: {', '.join(choices)})"
    return "NR133", f"{named(path)} cannot be {quote(text)}{hint}"
