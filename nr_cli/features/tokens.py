"""Estimates how many tokens a text makes, by the scripts of its characters."""

from __future__ import annotations

SAMPLE = 8192  # characters looked at in each of three places of a long text

# Characters a token, measured on ordinary prose: ASCII, other alphabets, CJK and the like.
ASCII_CHARS = 4.2
ALPHABET_CHARS = 2.6
DENSE_CHARS = 1.3
DENSE_FROM = 0x0E00  # Thai onwards: scripts without spaces, then kana, Han, Hangul, emoji


def estimate(text: str) -> int:
    """Returns an estimate, never an exact count; long texts are sampled."""
    if not text:
        return 0
    if text.isascii():
        return max(1, round(len(text) / ASCII_CHARS))
    sample = text
    if len(text) > 3 * SAMPLE:
        middle = len(text) // 2
        sample = text[:SAMPLE] + text[middle : middle + SAMPLE] + text[-SAMPLE:]
    ascii_count = len(sample.encode("ascii", "ignore"))
    dense = sum(1 for character in sample if ord(character) >= DENSE_FROM)
    other = len(sample) - ascii_count - dense
    tokens = ascii_count / ASCII_CHARS + other / ALPHABET_CHARS + dense / DENSE_CHARS
    return max(1, round(tokens * len(text) / len(sample)))
