"""Reads JSON as strictly as those who receive it: finite numbers, no endless nesting."""

from __future__ import annotations

import json
from typing import NoReturn

from nr_cli.types.json import Json

DEEPEST = 100
LARGEST = 2.0**64  # seeds are the largest numbers that any protocol takes


class BadValue(ValueError):
    """A text is JSON, but holds what no backend takes; the words say what."""


def parse_json(text: str) -> Json:
    """Returns the value of a JSON text.

    Raises: BadValue for what nobody could receive, another ValueError for what is no JSON.
    """
    try:
        value: Json = json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise BadValue("it is nested too deep") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise BadValue(str(error) if isinstance(error, BadValue) else "a huge number") from None
    refuse_odd(value)
    if "\\u" in text:
        refuse_surrogates(value)
    return value


def refuse_surrogates(value: Json) -> None:
    """Raises: BadValue for half a character, which no encoding can carry."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadValue("half of a surrogate pair in a text") from None


def refuse_constant(name: str) -> NoReturn:
    """Raises: BadValue for NaN with the infinities, which JSON does not have."""
    raise BadValue(f"{name} is no value of JSON")


def refuse_odd(value: Json) -> None:
    """Raises: BadValue for a number beyond all protocols, for more levels than anybody writes."""
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        if any(isinstance(node, int | float) and not abs(node) <= LARGEST for node in level):
            raise BadValue("a number in it is too large")
        level = [
            part
            for node in level
            if isinstance(node, dict | list)
            for part in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    raise BadValue("it is nested too deep")
