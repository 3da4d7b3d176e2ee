"""Replaces `${VAR}` in a policy's scalar values, in one pass whose result is never read again.

Forms: `${VAR}`, `${VAR:-default}` (used when the variable is unset or empty),
`${VAR:?message}`, and `$$` for one dollar sign. Any other `$` stands for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Missing(NamedTuple):
    """A variable that a value needs is not set; `message` says what to do."""

    variable: str
    message: str


class _Reference(NamedTuple):
    """One `${…}`: its variable, and what stands after `:-` or `:?` with that operator."""

    name: str
    operator: str
    argument: str
    end: int


def has_variables(text: str) -> bool:
    """Says whether a value depends on the environment."""
    return "${" in text.replace("$$", "")


def flaw(text: str) -> str | None:
    """Returns what is wrong with the references in a text, None if nothing is."""
    position = text.find("$")
    while position >= 0:
        if text.startswith("$$", position):
            position += 2
        elif text.startswith("${", position):
            found = _read_reference(text, position)
            if isinstance(found, str):
                return found
            position = found.end
        else:
            position += 1
        position = text.find("$", position)
    return None


def variables_in(text: str) -> frozenset[str]:
    """Returns the variables that a text without flaw refers to."""
    found = set()
    position = text.find("$")
    while position >= 0:
        reference = _read_reference(text, position) if text.startswith("${", position) else ""
        if isinstance(reference, _Reference):
            found.add(reference.name)
            position = reference.end
        else:
            position += 2 if text.startswith("$$", position) else 1
        position = text.find("$", position)
    return frozenset(found)


def expand(text: str, env: Mapping[str, str]) -> str | Missing:
    """Returns the text with its references replaced, or what is missing.

    What a variable holds is taken as it is: neither YAML nor another reference.
    """
    if "$" not in text:
        return text
    pieces: list[str] = []
    start = 0
    while (position := text.find("$", start)) >= 0:
        pieces.append(text[start:position])
        if text.startswith("$$", position):
            pieces.append("$")
            start = position + 2
            continue
        found = _read_reference(text, position) if text.startswith("${", position) else "$"
        if isinstance(found, str):
            pieces.append("$")
            start = position + 1
            continue
        value = _look_up(found, env)
        if isinstance(value, Missing):
            return value
        pieces.append(value)
        start = found.end
    pieces.append(text[start:])
    return "".join(pieces)


def _look_up(reference: _Reference, env: Mapping[str, str]) -> str | Missing:
    value = env.get(reference.name, "")
    if value or (reference.name in env and not reference.operator):
        return value
    if reference.operator == ":-":
        return reference.argument
    told = reference.argument or "set it, or give a default: ${" + reference.name + ":-…}"
    return Missing(reference.name, f"the variable {reference.name} is not set ({told})")


def _read_reference(text: str, position: int) -> _Reference | str:
    """Reads the reference at `position`, or says what is wrong with it."""
    start = position + 2
    end = text.find("}", start)
    if end < 0:
        return "${ without } (write $$ for a dollar sign)"
    inside = text[start:end]
    if "${" in inside:
        return "${…} inside ${…} (variables do not nest)"
    name, operator, argument = inside, "", ""
    for sign in (":-", ":?"):
        if sign in inside and (not operator or inside.index(sign) < len(name)):
            name, _, argument = inside.partition(sign)
            operator = sign
    if not (name.isascii() and name.isidentifier()):
        return "${…} must hold a variable's name, alone or with :-default or :?message"
    return _Reference(name, operator, argument, end + 1)
