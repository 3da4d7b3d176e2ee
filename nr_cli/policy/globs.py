"""Matches names against wildcards in time that cannot explode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

SPECIAL = "*?"


def matches_glob(pattern: str, text: str) -> bool:
    """Says whether the whole text matches; `*` is any run of characters, `?` any one.

    Brackets stand for themselves. The cost is at most the product of both lengths.
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _match(pattern, text, "*", _same_character)


def matches_path(pattern: str, path: str) -> bool:
    """Says whether a path matches; `*` stays inside one directory, `**` crosses any number."""
    return _match(pattern.split("/"), path.split("/"), "**", matches_glob)


def _same_character(wanted: str, found: str) -> bool:
    return wanted in ("?", found)


def _match(
    pattern: Sequence[str], items: Sequence[str], star: str, same: Callable[[str, str], bool]
) -> bool:
    """Matches greedily: on a mismatch only the last star takes one item more."""
    place = at = 0
    last_star, resume = -1, 0
    while at < len(items):
        if place < len(pattern) and pattern[place] == star:
            last_star, resume = place, at
            place += 1
        elif place < len(pattern) and same(pattern[place], items[at]):
            place, at = place + 1, at + 1
        elif last_star >= 0:
            resume += 1
            place, at = last_star + 1, resume
        else:
            return False
    return all(piece == star for piece in pattern[place:])
