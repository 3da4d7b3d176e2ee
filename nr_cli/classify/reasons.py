"""Says in a user's words what weighed most in a reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nr_cli.classify.lexicon import load_marks
from nr_cli.classify.pieces import hash_word, words_of
from nr_cli.classify.structure import NAMES
from nr_cli.types.facts import INTENTS

if TYPE_CHECKING:
    from nr_cli.classify.trained import Features, Scores
    from nr_cli.classify.weights import Weights

MIDDLE = 0.35  # the score from which reasons speak for difficulty, below for ease
LOOKED_AT = 60  # tokens that may be named
# Words of any English sentence: they may weigh, but tell nobody why.
COMMON = frozenset(
    (
        "about", "after", "again", "all", "also", "and", "another", "any", "are", "back", "because",
        "before", "between", "both", "but", "can", "could", "each", "every", "few", "for", "from",
        "get", "give", "has", "have", "her", "here", "him", "his", "how", "into", "its", "just",
        "like", "make", "many", "more", "most", "much", "must", "name", "need", "never", "new",
        "not", "now", "off", "old", "one", "only", "other", "our", "out", "over", "own", "same",
        "say", "says", "see", "she", "should", "since", "small", "some", "still", "such", "take",
        "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "thing",
        "third", "this", "those", "three", "two", "under", "use", "uses", "very", "want", "was",
        "way", "well", "were", "what", "when", "where", "which", "while", "who", "why", "will",
        "with", "without", "would", "year", "you", "your",
    )
)  # fmt: skip
LEAST = 0.08  # a lesser push is not worth a word

# What a signal says when it speaks for difficulty, and for ease; {n} is what was counted.
Say = tuple[str, str]
PHRASES: dict[str, Say] = {
    "words": ("a long ask", "a short ask"),
    "prose": ("{n} words of instruction", "a short ask"),
    "size": ("a long prompt", "a short prompt"),
    "material": ("much material", "most of it is material"),
    "sentences": ("{n} sentences", "a single sentence"),
    "word_length": ("long words", "short words"),
    "numbers": ("{n} quantities", "no quantities"),
    "large_numbers": ("large numbers", "small numbers"),
    "operators": ("formulas", "no formulas"),
    "formula": ("a formula", "no formula"),
    "choices": ("answers to choose from", "no answers to choose from"),
    "asks": ("{n} questions", "a plain question"),
    "points": ("{n} points", "no list of points"),
    "limits": ("{n} constraints", "no constraints"),
    "hard": ("expert work", "no expert terms"),
    "easy": ("a simple kind of request", "no simple kind of request"),
    "proof": ("asks for a proof", "no proof asked for"),
    "code": ("code to be read", "no code to be read"),
    "names": ("{n} names", "no names"),
    "quotes": ("quoted text", "a quoted text"),
    "conditions": ("{n} conditions", "no conditions"),
    "wanted_size": ("asks for a set length", "no length asked for"),
    "commas": ("many clauses", "few clauses"),
    "distinct": ("varied words", "few different words"),
    "lines": ("{n} lines", "a single line"),
    "role": ("a role to be held", "no role"),
    "expertise": ("expert terms for its length", "no expert terms"),
    "tightness": ("many constraints for its length", "no constraints"),
}
COUNTED = frozenset(name for name, (hard, _) in PHRASES.items() if "{n}" in hard)


def explain(weights: Weights, features: Features, scores: Scores, intent: int) -> tuple[str, ...]:
    """Returns up to three phrases: the intent with its strongest word, then what weighed most.

    `intent` is the lane of the label.
    """
    hard = scores.complexity > MIDDLE
    said = sorted(_pushes(weights, features, scores, hard), key=lambda push: -push[0])
    phrases = list(dict.fromkeys(phrase for weight, phrase in said if phrase and weight > LEAST))
    return (_name(weights, features, intent, scores.intents[intent]), *phrases[:2])


def _name(weights: Weights, features: Features, intent: int, sure: float) -> str:
    if sure < 0.35:
        return "no telling words"
    word = _strongest(weights, features.asked, intent, 1)
    return f'{NAMES[INTENTS[intent]]} ("{word}")' if word else NAMES[INTENTS[intent]]


def _pushes(
    weights: Weights, features: Features, scores: Scores, hard: bool
) -> list[tuple[float, str]]:
    """Returns how far each signal, then the words, pushed towards the score's side, in words."""
    way = 1.0 if hard else -1.0
    pushes = []
    for name, value, level, moved in zip(
        weights.signals, features.signals, scores.level, scores.moved, strict=False
    ):
        # by being there a signal speaks for difficulty, but for the one of ease: that a short ask
        # made it harder is so for this model, and no reason to anybody
        is_plain = (level > 0) == (hard != (name == "easy"))
        if name in PHRASES and way * moved > 0 and is_plain:
            pushes.append((way * moved, _phrase(name, value, level > 0, features)))
    if way * scores.moved[-1] > 0:
        word = _strongest(weights, features.asked, len(INTENTS), 1 if hard else -1)
        say = f'worded like {"hard" if hard else "easy"} work ("{word}")'
        pushes.append((way * scores.moved[-1], say if word else ""))
    return pushes


def _phrase(name: str, value: float, more: bool, features: Features) -> str:
    there, absent = PHRASES[name]
    if not more:
        return absent
    if name == "hard":
        cues = [(hit.weight, hit.cue) for hit in features.hits if hit.key == "hard"]
        return f'{there} ("{max(cues)[1]}")' if cues else ""
    if name not in COUNTED:
        return there
    number = round(2**value - 1)
    return there.format(n=number) if number > 1 else ""  # one of a kind is no reason


def _strongest(weights: Weights, asked: str, lane: int, way: int) -> str:
    """Returns the word that pushes a lane furthest that way, nothing when none does."""
    best, found = 24, ""  # steps of a byte; less is no more than chance
    small = COMMON.union(load_marks())
    for token in dict.fromkeys(words_of(asked)[:LOOKED_AT]):
        if 2 < len(token) < 24 and token[0].isalpha() and token not in small:
            step = weights.table[weights.place(hash_word(token)) + lane]
            if way * (step - 128) > best:
                best, found = way * (step - 128), token
    return found
