"""Finds words in one text, cheaply however many are looked for."""

from __future__ import annotations

from functools import lru_cache

LONG = 64 * 1024  # a shorter text is searched faster than its words are gathered
MANY = 8  # so many searches come first: most policies look for no more
MOST_WORDS = 100_000
_CHUNK = 256 * 1024


class Haystack:
    """One text, casefolded.

    A long text says the same words over and over. After the first searches its distinct words
    are gathered, a tenth of it as a rule, and looked through in its place: a word without white
    space is in the text exactly if it is in one of them. One with white space is looked for in the
    text itself, but only where all of its parts are there.
    """

    def __init__(self, text: str) -> None:
        self.text = text.casefold()
        self._searches = 0
        self._words: str | None = None

    def holds(self, word: str) -> bool:
        """Says whether a casefolded word is anywhere in the text."""
        self._searches += 1
        if len(self.text) < LONG or self._searches <= MANY:
            return word in self.text
        if self._words is None:
            self._words = _gather(self.text)
        parts = word.split()
        if not all(part in self._words for part in parts):
            return False
        return parts == [word] or word in self.text


@lru_cache(maxsize=2)
def haystack(text: str) -> Haystack:
    """Returns the text made ready; one prompt meets many conditions, so the last stays."""
    return Haystack(text)


def _gather(text: str) -> str:
    """Returns the distinct words of a text in one line, or the text where they are too many."""
    words: set[str] = set()
    rest = ""
    for start in range(0, len(text), _CHUNK):  # in parts, so that the list of all never stands
        part = rest + text[start : start + _CHUNK]
        found = part.split()
        rest = "" if part[-1].isspace() else found.pop()  # it may go on in the next part
        words.update(found)
        if len(words) > MOST_WORDS or len(rest) > _CHUNK:
            return text
    return " ".join({*words, rest})
