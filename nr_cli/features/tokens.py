"""Estimates how many tokens a text makes, by the scripts of its characters."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

SAMPLE = 4096  # characters looked at in each of three places of a long text

ASCII_CHARS = 4.2  # characters a token in English prose
# Characters a token from each code point on: scripts that vocabularies know less cost more.
STARTS = (
    0x0000, 0x0080, 0x0250, 0x0370, 0x0400, 0x0530, 0x0600, 0x0900, 0x0E00, 0x1000,
    0x1E00, 0x2000, 0x2E80, 0x3040, 0x3100, 0xAC00, 0xD7B0, 0x10000,
)  # fmt: skip
CHARS = (
    4.2, 1.8, 1.5, 2.4, 3.0, 1.8, 2.6, 2.2, 1.6, 1.0,
    1.6, 1.0, 1.0, 1.3, 1.3, 1.5, 0.8, 0.6,
)  # fmt: skip


def estimate(text: str) -> int:
    """Returns an estimate, never an exact count; 0 only for an empty text.

    A text of more than three samples is judged by its head, middle, tail.
    """
    if not text:
        return 0
    if text.isascii():  # a flag of the string, not a scan
        return max(1, round(len(text) / ASCII_CHARS))
    sample = text
    if len(text) > 3 * SAMPLE:
        middle = len(text) // 2
        sample = text[:SAMPLE] + text[middle : middle + SAMPLE] + text[-SAMPLE:]
    tokens = sum(
        number / CHARS[bisect_right(STARTS, ord(character)) - 1]
        for character, number in Counter(sample).items()
    )
    return max(1, round(tokens * len(text) / len(sample)))
