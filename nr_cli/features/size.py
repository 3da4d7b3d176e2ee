"""Measures how long a text is."""

from __future__ import annotations

from typing import NamedTuple

from nr_cli.features.tokens import estimate


class Size(NamedTuple):
    """The length of a text; `tokens` is an estimate, `lines` counts an unfinished last line."""

    chars: int
    lines: int
    tokens: int


def count(text: str) -> Size:
    """Returns the size of a text; an empty one has no lines."""
    lines = text.count("\n") + (not text.endswith("\n")) if text else 0
    return Size(len(text), lines, estimate(text))
