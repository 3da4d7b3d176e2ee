"""Hashes what a short text is made of: its words with their pairs, the pieces of its words.

The hashing trick (Weinberger et al. 2009, "Feature hashing for large scale multitask learning"):
a feature is known by its checksum, so that no vocabulary of texts is kept.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from zlib import crc32

from nr_cli.classify.lexicon import DENSE_FROM

TOKEN = re.compile(r"\w[\w'+-]*|[^\w\s]")
# Scripts without spaces between words, or whose words change so much that syllables say more.
DENSE = (
    "[\u0e00-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
MOST_WORDS = 160  # words looked at; an example is a sentence, what follows is material
PIECE = 4  # characters of a piece
PAIR, PART, LEAD = 1, 2, 3  # where each kind of feature begins to count its checksum


class Pieces(NamedTuple):
    """Checksums of 32 bits, each once: `words` with pairs of neighbours, `parts` of words.

    The first word counts a second time as such: much is said by how a request begins.
    """

    words: tuple[int, ...]
    parts: tuple[int, ...]


def cut(text: str) -> Pieces:
    """Returns what a text is made of; case does not count, digits all count as 0."""
    found = words_of(text)
    raw = [word.encode("utf-8", "replace") for word in found]
    words = [crc32(word) for word in raw]
    pairs = [crc32(word, first ^ PAIR) for first, word in zip(words, raw[1:], strict=False)]
    lead = [crc32(word, LEAD) for word in raw[:1]]
    parts: list[int] = []
    for word in found:
        parts += _parts(word)
    return Pieces(tuple(dict.fromkeys(words + pairs + lead)), tuple(dict.fromkeys(parts)))


def hash_word(word: str) -> int:
    """Returns the checksum by which a word is known."""
    return crc32(word.encode("utf-8", "replace"))


def words_of(text: str) -> list[str]:
    """Returns the words and signs of a text as they are compared; of dense scripts, each sign."""
    folded = text.casefold()
    if any(digit in folded for digit in "123456789"):
        folded = re.sub(r"\d", "0", folded)
    if not folded.isascii() and max(folded) >= DENSE_FROM:
        folded = re.sub(DENSE, r" \g<0> ", folded)
    return TOKEN.findall(folded)[:MOST_WORDS]


def _parts(word: str) -> list[int]:
    """Returns the checksums of a word's pieces, its two ends marked by a space."""
    if word.isascii():
        raw = f" {word} ".encode()
        return [crc32(raw[at : at + PIECE], PART) for at in range(max(1, len(raw) - PIECE + 1))]
    line = f" {word} "
    ends = range(max(1, len(line) - PIECE + 1))
    return [crc32(line[at : at + PIECE].encode("utf-8", "replace"), PART) for at in ends]
