"""Fits the reader in two stages: lanes over words with signals, then trees over the signals.

The trees learn from what the lanes say of rows they have not seen, as they will have to; what is
said of unseen rows decides the temperature, too, and the stretch of the complexity.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from fit import Fit, fit
from rows import Row
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingRegressor

from nr_cli.classify.trained import SEVERAL, STORY
from nr_cli.classify.trees import ASKED, DEPTH, PLACES, Trees
from nr_cli.types.facts import INTENTS

FOLDS = 5
SEED = 7
FAILING = np.array([0.05, 0.25, 0.47, 0.73, 0.93])  # the share of small models, band by band
LOGIT = np.log(FAILING / (1 - FAILING))
WRAPPED = 0.3  # what a wrapped copy counts
PUBLIC = 24.0  # what all prompts of a third-party source count together
INTENT_RIDGE = (1.3e-4, 6e-3)
BAND_RIDGE = (3e-5, 3e-3)
INTENT_ROUNDS, BAND_ROUNDS = 200, 60
TREES, PACE, LEAST, PART, SHARE = 150, 0.08, 30, 0.6, 0.4
# What a stronger model gains depends on the kind of work; in a corpus that has as many hard
# greetings as hard programs that is lost. The signs are those of LLMRouter's training prompts (code
# .27, mathematics .23, logic .08, questions of fact .02, sentences nothing), the sizes a judgement.
PRIOR = {
    "code": 1.1, "math": 1.1, "reasoning": 0.8, "data": 0.9, "agentic": 0.9, "extract": 0.2,
    "factual": -0.8, "translate": -0.3, "summarize": -0.5, "rewrite": -0.6, "writing": -0.8,
    "brainstorm": -1.0, "chat": -1.2,
}  # fmt: skip
# Within each of those sets nothing but length told who fails, and that little.
CALM, LENGTH = 0.9, 2.0
# Hard prompts that stay low cost answers, easy ones that go high cost money: leaning down a little
# brings the two rates closer together.
LEAN = -0.4


class Inputs(NamedTuple):
    """Features of rows: hashed ones, signals in standard deviations, with how to level others."""

    pieces: csr_matrix
    dense: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    names: tuple[str, ...]


class Reader(NamedTuple):
    """A fitted reader: the lanes (13 intents, then the complexity), the trees."""

    lanes: Fit
    trees: GradientBoostingRegressor


class Marks(NamedTuple):
    """What was said of rows not seen: intents' scores (rows x 13), the complexity's."""

    intents: np.ndarray
    complexity: np.ndarray


def assign_folds(rows: Sequence[Row]) -> np.ndarray:
    """Returns each row's fold, one for a whole source; -1 for rows that are never held out."""
    sources = sorted({row.source for row in rows if row.own})
    fold = {source: number % FOLDS for number, source in enumerate(sources)}
    return np.array([fold[row.source] if row.own else -1 for row in rows])


def cross(inputs: Inputs, rows: Sequence[Row], folds: np.ndarray, own: int) -> Marks:
    """Returns what is said of the first `own` rows by readers that saw no row of their source."""
    intents, complexity = np.zeros((own, len(INTENTS))), np.zeros(own)
    for number in range(FOLDS):
        reader = train(inputs, rows, np.where(folds == number, FOLDS, folds))
        asked = np.flatnonzero(folds[:own] == number)
        lanes = reader.lanes.score(inputs.pieces[asked], inputs.dense[asked])
        intents[asked] = lanes[:, :-1]
        complexity[asked] = reader.trees.predict(np.c_[inputs.dense[asked], lanes[:, -1]])
    return Marks(intents, complexity)


def train(inputs: Inputs, rows: Sequence[Row], folds: np.ndarray) -> Reader:
    """Returns the reader of the rows whose fold is less than `FOLDS`."""
    used = np.flatnonzero(folds < FOLDS)
    mine = np.array([at for at in used if rows[at].own])
    weight = weigh(rows, used)
    share = FAILING[[row.band for row in rows]].astype(np.float32)[:, None]
    unseen = np.zeros(len(rows))
    for number in sorted(set(folds[mine])):
        asked = mine[folds[mine] == number]
        part = fit_bands(inputs, mine[folds[mine] != number], share, weight)
        unseen[asked] = part.score(inputs.pieces[asked], inputs.dense[asked])[:, 0]
    trees = GradientBoostingRegressor(
        n_estimators=TREES,
        learning_rate=PACE,
        max_depth=DEPTH,
        min_samples_leaf=LEAST,
        subsample=PART,
        max_features=SHARE,
        random_state=SEED,
    )
    wanted = LOGIT[[rows[at].band for at in mine]]
    trees.fit(np.c_[inputs.dense[mine], unseen[mine]], wanted, sample_weight=weight[mine])
    bands = fit_bands(inputs, mine, share, weight)
    labels = np.eye(len(INTENTS), dtype=np.float32)[[rows[at].intent for at in used]]
    intents = fit(
        inputs.pieces[used], inputs.dense[used], labels, weight[used], INTENT_RIDGE, INTENT_ROUNDS
    )
    return Reader(
        Fit(
            np.c_[intents.grams, bands.grams],
            np.c_[intents.dense, bands.dense],
            np.r_[intents.bias, bands.bias],
        ),
        trees,
    )


def fit_bands(inputs: Inputs, at: np.ndarray, share: np.ndarray, weight: np.ndarray) -> Fit:
    """Returns the lane of the complexity, fitted to the rows at these places."""
    return fit(inputs.pieces[at], inputs.dense[at], share[at], weight[at], BAND_RIDGE, BAND_ROUNDS)


def weigh(rows: Sequence[Row], used: np.ndarray) -> np.ndarray:
    """Returns what each row counts."""
    many = Counter(rows[at].source for at in used if not rows[at].own)
    return np.array(
        [
            (WRAPPED if row.wrapped else 1.0)
            if row.own
            else min(0.3, PUBLIC / max(1, many[row.source]))
            for row in rows
        ],
        np.float32,
    )


def settle(inputs: Inputs, rows: Sequence[Row], seen: Marks) -> dict[str, float]:
    """Returns the temperature with the stretch of the complexity, both by rows not seen."""
    truth = np.array([row.intent for row in rows])
    heats = np.arange(0.1, 4.0, 0.02)
    costs = [nll(seen.intents / heat, truth) for heat in heats]
    temperature = round(float(heats[int(np.argmin(costs))]), 2)
    wanted = LOGIT[[row.band for row in rows]]
    # Scores of rows not seen huddle in the middle; they are spread as the bands are.
    stretch = float(wanted.std() / seen.complexity.std())
    shift = LEAN + float(wanted.mean() - (stretch * seen.complexity).mean())
    return {"temperature": temperature, "stretch": round(stretch, 4), "shift": round(shift, 4)}


def judge(inputs: Inputs, seen: Marks, header: dict[str, float]) -> np.ndarray:
    """Returns the complexity, 0 to 1, of rows not seen, as the reader computes it."""
    scores = seen.intents / header["temperature"]
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    level = header["stretch"] * seen.complexity + header["shift"]
    level += shares @ np.array([PRIOR[label] for label in INTENTS])
    raw = inputs.dense[: len(scores)] * inputs.spread + inputs.mean
    numbers, words, hard = (
        raw[:, inputs.names.index(name)] for name in ("numbers", "prose", "hard")
    )
    told = (numbers > SEVERAL) & (words > STORY) & (hard < 0.01)
    sums = told & (shares[:, INTENTS.index("math")] > 0.5)
    exam = np.maximum(raw[:, inputs.names.index("choices")], sums)
    level += exam * (
        LENGTH * inputs.dense[: len(scores), inputs.names.index("size")] - CALM * level
    )
    return np.asarray(1 / (1 + np.exp(-level)))


def nll(scores: np.ndarray, truth: np.ndarray) -> float:
    """Returns the mean negative log-likelihood of the truth."""
    scores = scores - scores.max(1, keepdims=True)
    shares = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    return float(-shares[np.arange(len(truth)), truth].mean())


def write_trees(trees: GradientBoostingRegressor) -> Trees:
    """Returns the trees as heaps; below a leaf that comes early both places hold its value."""
    base = float(trees.init_.constant_[0, 0]) / len(trees.estimators_)
    inputs, thresholds, values = bytearray(), array("f"), array("f")
    for estimator in trees.estimators_[:, 0]:
        tree = estimator.tree_
        asks, limits = [0] * ASKED, [float("inf")] * ASKED
        worth, nodes = [0.0] * PLACES, [0] * PLACES
        for place in range(PLACES):
            node = nodes[place]
            worth[place] = base + trees.learning_rate * float(tree.value[node, 0, 0])
            if place < ASKED:
                split = tree.children_left[node] >= 0
                if split:
                    asks[place], limits[place] = (
                        int(tree.feature[node]),
                        float(tree.threshold[node]),
                    )
                nodes[2 * place + 1] = tree.children_left[node] if split else node
                nodes[2 * place + 2] = tree.children_right[node] if split else node
        inputs += bytes(asks)
        thresholds.extend(limits)
        values.extend(worth)
    return Trees(bytes(inputs), thresholds, values)
