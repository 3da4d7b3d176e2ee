"""Measures how long a text is."""

from __future__ import annotations


def count_lines(text: str) -> int:
    """Returns the lines of a text, an unfinished last one included; an empty text has none."""
    return text.count("\n") + (not text.endswith("\n")) if text else 0
