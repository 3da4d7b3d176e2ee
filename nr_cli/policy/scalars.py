"""Reads a plain YAML scalar by the core schema of YAML 1.2, narrowed where it would surprise.

Only `true` or `false` are booleans, `on` stays a word, `22:00` stays text. A number with a leading
zero (`08`, `0777`) stays text too: readers of YAML disagree on its base, so a number field
refuses it. Infinity is no number here.
"""

from __future__ import annotations

from functools import cache
from math import isinf
from re import Pattern, compile

from nr_cli.types.json import Json

MOST_DIGITS = 18


class OutOfRange(ValueError):
    """A scalar is a number, but one that no field can hold; the text of it says why."""


def resolve(source: str) -> Json:
    """Returns the value of an unquoted scalar; raises OutOfRange for a number that is too large."""
    if source in ("", "~", "null"):
        return None
    if source in ("true", "false"):
        return source == "true"
    if source[0] not in "+-.0123456789":
        return source
    if _integer().fullmatch(source):
        return _read_integer(source)
    if _float().fullmatch(source):
        value = float(source)
        if isinf(value):
            raise OutOfRange("the number is too large (put it in quotes if it is text)")
        return value
    return source


def as_written(value: Json) -> str | None:
    """Returns how a scalar is usually written, None for what has no scalar form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, int | float) else None


def _read_integer(source: str) -> int:
    digits = source.lstrip("+-")
    if len(digits) > MOST_DIGITS + 2 * digits.startswith(("0x", "0o")):
        raise OutOfRange(
            f"the number has {len(digits)} digits"
            f" (at most {MOST_DIGITS}; put it in quotes if it is text)"
        )
    return int(source, 0)


@cache
def _integer() -> Pattern[str]:
    return compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")


@cache
def _float() -> Pattern[str]:
    return compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
