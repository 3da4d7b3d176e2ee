"""Reads intent together with complexity by weights trained on this project's own prompts.

A linear model over hashed words, pairs, pieces (`grams`), the structure of the prompt (`signals`)
with the cue words of some thirty languages: the intents by softmax, whose confidence is cooled by
a temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks"); the complexity by a
logistic unit, trained on how many of ten small models fail, refined by small trees. How it was
trained, on what, with which figures stands in MODEL_CARD.md beside the weights.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from nr_cli.classify import weights as store
from nr_cli.classify.bands import band_of
from nr_cli.classify.instruction import Task, read_task
from nr_cli.classify.lexicon import Hit, find_cues
from nr_cli.classify.pieces import Pieces, cut
from nr_cli.classify.reasons import explain
from nr_cli.classify.signals import measure
from nr_cli.classify.structure import PROOF, WORD, find_stuffing, fold, score_cues
from nr_cli.classify.weights import Weights
from nr_cli.types.facts import INTENTS, Classification, Complexity, Intent

LONGEST = 1200  # characters whose words are looked at
MATH = INTENTS.index("math")
SEVERAL = 0.9  # log2 of one more than one number, rounded down
STORY = 4.3  # log2 of some twenty words
COMPLEXITY = len(INTENTS)  # the lane after the intents'


class Features(NamedTuple):
    """What the model sees of a prompt: signals with cue scores, the pieces of what is asked."""

    signals: tuple[float, ...]
    pieces: Pieces
    asked: str
    hits: list[Hit]


class Scores(NamedTuple):
    """The model's say: shares of the intents, the complexity (0 to 1), with where it came from.

    `level` are the signals in standard deviations; `moved` is what each of them, then the words,
    moved the complexity by.
    """

    intents: list[float]
    complexity: float
    level: list[float]
    moved: list[float]


def read(text: str, edges: Mapping[str, float] | None = None) -> Classification:
    """Returns the reading of a prompt; never fails because of a text.

    `edges` are the upper edges (0 to 1) of the bands.

    Raises: WeightsError when the weights are missing or damaged.
    """
    weights = load()
    features = extract(text)
    scores = score(weights, features)
    best = max(range(COMPLEXITY), key=scores.intents.__getitem__)
    return Classification(
        Intent(INTENTS[best], round(scores.intents[best], 3)),
        Complexity(band_of(scores.complexity, edges), scores.complexity),
        explain(weights, features, scores, best),
    )


@cache
def load() -> Weights:
    """Returns the weights that came with this version.

    Raises: WeightsError.
    """
    return store.load()


def extract(text: str) -> Features:
    """Returns what the model sees of a prompt."""
    text = text.strip()
    task = read_task(text)
    folded = fold(task.ask)
    words = re.findall(WORD, folded)
    hits = find_cues(words, folded)
    stuffed = find_stuffing(hits, words)
    if 0 < len(stuffed) < len(words):
        rest = without_words(task.ask, stuffed)
        task = task._replace(ask=rest, prose=task.prose.replace(task.ask, rest))
        folded = fold(rest)
        words = re.findall(WORD, folded)
        hits = find_cues(words, folded)
    signals = measure(task, text, hits, PROOF)
    cues = score_cues(task, words, hits, text)
    # A cue's worth fades with the number of its like: ten of them say little more than three.
    faded = [cues.get(label, 0.0) / (1 + 0.3 * cues.get(label, 0.0)) for label in INTENTS]
    ask = asked(task, text)
    return Features((*signals.values(), *faded), cut(ask), ask, hits)


def without_words(text: str, places: frozenset[int]) -> str:
    """Returns the text without its words at these places."""
    kept, end = [], 0
    for at, found in enumerate(re.finditer(WORD, text)):
        if at in places:
            kept.append(text[end : found.start()])
            end = found.end()
    return "".join((*kept, text[end:])).strip()


def asked(task: Task, text: str) -> str:
    """Returns the words to look at: the instruction, where there is one."""
    return (task.ask if len(task.ask.strip()) > 3 else text)[:LONGEST]


def score(weights: Weights, features: Features) -> Scores:
    """Returns each lane's score with what moved the complexity."""
    level = weights.level(features.signals)
    lanes = [
        words + bias + sum(map(float.__mul__, row, level))
        for words, bias, row in zip(
            weights.sum_pieces(features.pieces), weights.bias, weights.dense, strict=True
        )
    ]
    shares = soften(lanes[:COMPLEXITY], weights.temperature)
    refined, moved = weights.trees.climb([*level, lanes[COMPLEXITY]])
    logit = weights.stretch * refined + weights.shift
    logit += sum(share * more for share, more in zip(shares, weights.prior, strict=True))
    exam = find_exam(weights, features.signals, shares)
    logit += exam * (
        weights.length * level[weights.signals.index("letters")] - weights.calm * logit
    )
    chance = round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 3)
    return Scores(shares, chance, level, moved)


def find_exam(weights: Weights, signals: Sequence[float], shares: Sequence[float]) -> float:
    """Returns 1 for a question as examinations ask it: one with options, a sum told in words."""
    given = dict(zip(weights.signals, signals, strict=False))
    told = given["numbers"] > SEVERAL and given["prose"] > STORY and not given["hard"]
    return max(given["choices"], float(told and shares[MATH] > 0.5))


def soften(scores: list[float], temperature: float) -> list[float]:
    """Returns scores as shares of 1."""
    top = max(scores)
    powers = [math.exp((each - top) / temperature) for each in scores]
    whole = sum(powers)
    return [power / whole for power in powers]
