"""Measures text in columns of a terminal."""

from __future__ import annotations


def width_of(text: str) -> int:
    """Returns the columns that a text takes: two for a wide character of East Asia, none for a
    mark that is set on the one before.
    """
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    unseen = ("Mn", "Me", "Cf")
    return sum(
        0 if category(character) in unseen else 1 + (east_asian_width(character) in ("W", "F"))
        for character in text
    )


def head_of(text: str, width: int) -> str:
    """Returns as many characters from the start as fit, at least one."""
    end = taken = 0
    for character in text:
        taken += width_of(character)
        if end and taken > width:
            break
        end += 1
    return text[:end]


def clip(text: str, width: int, mark: str = "…") -> str:
    """Returns the text, or its beginning with a mark where it is wider."""
    return text if width_of(text) <= width else head_of(text, width - width_of(mark)) + mark


def pad(text: str, width: int, right: bool = False) -> str:
    """Returns the text with spaces up to a width: behind it, or before it to set it right."""
    space = " " * (width - width_of(text))
    return space + text if right else text + space
