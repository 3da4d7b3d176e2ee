"""Searches with RE2, where it is installed, whatever means the same there.

RE2 takes time linear in the text for any pattern, so it needs no alarm, no short text and no main
thread. It lacks look-around, and its classes are those of ASCII: a pattern is translated where that
keeps its meaning, else left to Python's engine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Protocol

MOST_TEXT = 1024 * 1024
SPACES = r" \t\n\r\f\v\x1c-\x1f"
MEMORY = 8 << 20  # bytes for one pattern's automaton
# What RE2 lacks, or reads otherwise: look-around, atomic groups, other flags, possessive repeats.
FOREIGN = re.compile(r"\(\?(?:[=!>#]|<[=!]|P=|[a-z-]*[aLmuxs])|[*+?}]\+|\(\?\(")
OUTSIDE = {"s": f"[{SPACES}]", "S": f"[^{SPACES}]", "Z": r"\z", "d": r"\d", "w": r"\w",
           "D": r"\D", "W": r"\W", "b": r"\b", "B": r"\B", "A": r"\A"}  # fmt: skip
INSIDE = {"s": SPACES, "d": r"\d", "w": r"\w", "b": r"\x08"}
WIDE = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_"}


class Found(Protocol):
    """A pattern that is ready."""

    def search(self, text: str) -> object | None:
        """Returns a match, if there is one."""
        ...


def is_here() -> bool:
    """Tells whether RE2 is installed."""
    return _engine() is not None


def search_any(patterns: Sequence[str], text: str) -> tuple[str, str] | None:
    """Returns how a search ended ("yes", "no", "cut") with the pattern, None where RE2 cannot say.

    The patterns mean what they mean to Python's `re`, case ignored.
    """
    if _engine() is None or any("\ud800" <= sign <= "\udfff" for sign in text[:MOST_TEXT]):
        return None
    head = text[:MOST_TEXT]
    is_ascii = head.isascii()
    compiled = [(pattern, _compile(pattern, is_ascii)) for pattern in patterns]
    if any(ready is None for _, ready in compiled):
        return None
    is_cut = len(text) > MOST_TEXT
    for pattern, ready in compiled:
        if is_cut and ("$" in pattern or "\\Z" in pattern):
            return "cut", pattern
        if ready is not None and ready.search(head) is not None:
            return "yes", pattern
    return ("cut" if is_cut else "no"), patterns[-1]


@cache
def _engine() -> object | None:
    try:
        import re2
    except ImportError:
        return None
    engine: object = re2
    return engine


@cache
def _compile(pattern: str, is_ascii: bool) -> Found | None:
    translated = translate(pattern, is_ascii)
    if translated is None:
        return None
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = MEMORY
    try:
        ready: Found = re2.compile(translated, options)
    except re2.error:
        return None
    return ready


def translate(pattern: str, is_ascii: bool) -> str | None:
    """Returns a pattern of `re` in RE2's words, None where the meaning would change.

    For texts that are not `is_ascii` the classes are those of Unicode.
    """
    if FOREIGN.search(pattern):
        return None
    parts: list[str] = []
    in_class, at = False, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            part = _escape(pattern[at + 1 : at + 2], in_class, is_ascii)
            if part is None:
                return None
            parts.append(part)
            at += 2
            continue
        if sign == "[" and not in_class:
            in_class = True
            opened = re.match(r"\[\^?\]?", pattern[at:])
            assert opened is not None, "it begins with the bracket"
            parts.append(opened[0].replace("]", r"\]"))
            at += len(opened[0])
            continue
        in_class = in_class and sign != "]"
        parts.append(r"(?:\n?\z)" if sign == "$" and not in_class else sign)
        at += 1
    return "".join(parts)


def _escape(letter: str, in_class: bool, is_ascii: bool) -> str | None:
    """Returns what stands for an escape, None where nothing means the same."""
    if not letter.isalnum():
        return "\\" + letter
    if letter in "nrtfv":
        return "\\" + letter
    known = (INSIDE if in_class else OUTSIDE).get(letter)
    if known is None or (letter in "bBDW" and not is_ascii):
        return None
    if not is_ascii and letter in WIDE:
        return WIDE[letter] if in_class else f"[{WIDE[letter]}]"
    return known
