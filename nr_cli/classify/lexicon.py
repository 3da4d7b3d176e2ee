"""Finds cue words of a text in the tables of the languages it is written in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

DENSE_FROM = "\u0e00"  # from here on scripts put no spaces between words
SHORTEST, LONGEST = 3, 14  # characters of the stems that are looked up
MOST_LANGUAGES = 4
UNSPACED = frozenset(("zh", "ja", "ko", "th", "hi", "ar"))  # or with endings glued to the word

Cue = tuple[str, float]


class Lexicon(NamedTuple):
    """One language's cues: whole words, stems, phrases by their first word, pieces of text."""

    words: dict[str, list[Cue]]
    stems: dict[str, list[Cue]]
    phrases: dict[str, list[tuple[str, str, float]]]
    pieces: list[tuple[str, str, float]]


class Hit(NamedTuple):
    """A cue that was found: what it speaks for, how strongly, at which word."""

    key: str
    weight: float
    cue: str
    at: int


def find_cues(words: list[str], folded: str) -> list[Hit]:
    """Returns every cue once, with the place of its first word (0 where words do not part)."""
    places: dict[str, int] = {}
    for at, word in enumerate(words):
        places.setdefault(word, at)
    line = f" {' '.join(words)} "
    hits: list[Hit] = []
    for language in pick_languages(places, folded):
        lexicon = load_lexicon(language)
        if lexicon.pieces:
            hits += [
                Hit(key, weight, piece, 0 if folded.find(piece) < 12 else 9)
                for piece, key, weight in lexicon.pieces
                if piece in folded
            ]
        else:
            hits += _find_spaced(lexicon, places, line)
    if not hits and words:
        for language in load_latin():
            hits += _find_spaced(load_lexicon(language), places, line)
    return _once(hits)


def _find_spaced(lexicon: Lexicon, places: dict[str, int], line: str) -> list[Hit]:
    words, stems, phrases = lexicon.words, lexicon.stems, lexicon.phrases
    hits: list[Hit] = []
    for word, at in places.items():
        for key, weight in words.get(word, ()):
            hits.append(Hit(key, weight, word, at))
        for end in range(SHORTEST, min(len(word), LONGEST) + 1):
            for key, weight in stems.get(word[:end], ()):
                hits.append(Hit(key, weight, word, at))
        for phrase, key, weight in phrases.get(word, ()):
            if phrase in line:
                hits.append(Hit(key, weight, phrase.strip(), at))
    return hits


def _once(hits: list[Hit]) -> list[Hit]:
    """Returns the strongest hit of each word for each key."""
    best: dict[tuple[str, str], Hit] = {}
    for hit in hits:
        known = best.get((hit.key, hit.cue))
        if known is None or known.weight < hit.weight:
            best[hit.key, hit.cue] = hit
    return list(best.values())


def pick_languages(words: Iterable[str], folded: str) -> list[str]:
    """Returns the languages whose cues to look for, likeliest first; English in every Latin text.

    Prompts mix languages ("写一个 Python 函数"), so a foreign script never rules English out.
    """
    languages = [] if folded.isascii() else scripts_of(folded)
    counts: dict[str, int] = {}
    marks = load_marks()
    for word in words:
        for language in marks.get(word, ()):
            counts[language] = counts.get(language, 0) + 1
    english = counts.pop("en", 0)
    ranked = sorted(counts, key=lambda language: -counts[language])
    likely = [language for language in ranked if counts[language] >= max(1, english)]
    if not languages and not likely and not english:
        return ["en"]
    return [*languages, *likely[:MOST_LANGUAGES], "en"]


def scripts_of(folded: str) -> list[str]:
    """Returns the languages of the scripts other than Latin that a text holds."""
    seen = set()
    for character in set(folded):
        if character > "\u036f":
            seen.add(_script_of(character))
    if "ja" in seen:
        seen.discard("zh")
    seen.discard("")
    if "ru" in seen and any(letter in folded for letter in "іїєґ"):
        return [*sorted(seen - {"ru"}), "uk"]
    return sorted(seen)


def _script_of(character: str) -> str:
    ranges = (
        ("\u0400", "\u052f", "ru"), ("\u0600", "\u06ff", "ar"), ("\u0900", "\u097f", "hi"),
        ("\u0e00", "\u0e7f", "th"), ("\u3040", "\u30ff", "ja"), ("\u3400", "\u9fff", "zh"),
        ("\uac00", "\ud7af", "ko"),
    )  # fmt: skip
    return next((name for low, high, name in ranges if low <= character <= high), "")


@cache
def load_latin() -> tuple[str, ...]:
    """Returns the languages in Latin letters other than English."""
    from nr_cli.classify.cues import LATIN

    return tuple(LATIN)


@cache
def load_marks() -> dict[str, tuple[str, ...]]:
    """Returns the languages that each small word gives away."""
    from nr_cli.classify.cues import ENGLISH, LATIN

    table: dict[str, tuple[str, ...]] = {}
    for language, cues in (("en", ENGLISH), *LATIN.items()):
        for word in cues["marks"].split():
            table[word] = (*table.get(word, ()), language)
    return table


@cache
def load_lexicon(language: str) -> Lexicon:
    """Returns the cues of a language, parsed."""
    from nr_cli.classify.cues import CYRILLIC, ENGLISH, LATIN, OTHER

    tables = ENGLISH if language == "en" else {**LATIN, **CYRILLIC, **OTHER}[language]
    lexicon = Lexicon({}, {}, {}, [])
    for key, line in tables.items():
        if key != "marks":
            for entry in line.split():
                _add(lexicon, key, entry, language in UNSPACED)
    return lexicon


def _add(lexicon: Lexicon, key: str, entry: str, unspaced: bool) -> None:
    weight = 1.0
    if entry[-1] == "!":
        entry, weight = entry[:-1], 2.0
    elif entry[-1] == "?":
        entry, weight = entry[:-1], 0.5
    stem = entry[-1] == "*"
    cue = entry.rstrip("*").replace("_", " ")
    if unspaced:
        lexicon.pieces.append((cue, key, weight))
    elif " " in cue:
        first = cue.partition(" ")[0]
        phrase = f" {cue}" if stem else f" {cue} "
        lexicon.phrases.setdefault(first, []).append((phrase, key, weight))
    else:
        table = lexicon.stems if stem else lexicon.words
        table.setdefault(cue, []).append((key, weight))
