"""Turns the scores of a reading into how likely it is right."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

FLOOR = -1.0  # the score of a text that is near nothing
PULL = 0.3  # how strongly the figures below hold where few examples say otherwise
ROUNDS = 30
RELIABLE = 0.8  # the share of unseen examples that a reader gets right before it may dare more
ENOUGH = 200  # right ones that it takes to say so
DARING = 0.25  # what it then may come down to
GIVEN_UP = 0.01  # the share of right readings that may be given up to keep wrong ones out


class Certainty(NamedTuple):
    """A logistic curve over a reading's best score with its lead over the next one.

    The defaults are what twenty examples each of a handful of labels come to. Below `least` a
    reading is no reading, where nobody says otherwise.
    """

    best: float = 4.5
    lead: float = 2.5
    start: float = 1.5
    least: float = 0.35

    def of(self, best: float, lead: float) -> float:
        """Returns the probability (0 to 1) that a reading with these scores is right."""
        return _curve(self.best * best + self.lead * lead + self.start)


class Outcome(NamedTuple):
    """How one text fared that the reader had not seen: its scores, whether that was right."""

    best: float
    lead: float
    right: bool
    weight: float


def lead_of(best: float, others: Sequence[float]) -> float:
    """Returns by how much a score leads the next one; with no others, over the floor."""
    return best - max(others, default=FLOOR)


def fit(outcomes: Sequence[Outcome]) -> Certainty:
    """Returns the curve that fits the outcomes best: Newton's method, steps of at most one."""
    usual = Certainty()
    at = [usual.best, usual.lead, usual.start]
    for _ in range(ROUNDS):
        slope = [PULL * (value - prior) for value, prior in zip(at, usual[:3], strict=True)]
        bend = [[PULL if row == column else 0.0 for column in range(3)] for row in range(3)]
        for best, lead, right, weight in outcomes:
            guess = _curve(at[0] * best + at[1] * lead + at[2])
            error, steep = (guess - right) * weight, guess * (1 - guess) * weight
            place = (best, lead, 1.0)
            for row in range(3):
                slope[row] += error * place[row]
                for column in range(3):
                    bend[row][column] += steep * place[row] * place[column]
        step = _solve(bend, slope)
        short = 1 / max(1.0, *(abs(part) for part in step))
        at = [value - short * part for value, part in zip(at, step, strict=True)]
        if max(abs(part) for part in step) < 1e-6:
            break
    # A better score must never look less sure, whatever a few odd examples say.
    return Certainty(max(at[0], 0.5), max(at[1], 0.0), at[2])


def dare(certainty: Certainty, own: Sequence[Outcome]) -> Certainty:
    """Returns the curve with the `least` that fits a reader which fared like this on its examples.

    One that is right nearly always would lose more by silence than by a wrong word.
    """
    right = sorted(certainty.of(one.best, one.lead) for one in own if one.right)
    if len(right) < max(ENOUGH, RELIABLE * len(own)):
        return certainty
    wanted = right[int(GIVEN_UP * len(right))]
    return certainty._replace(least=min(certainty.least, max(DARING, wanted)))


def _curve(value: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, value))))


def _solve(matrix: list[list[float]], wanted: list[float]) -> list[float]:
    """Returns the solution of three linear equations, whose matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, wanted, strict=True)]
    for pivot in range(3):
        for below in range(pivot + 1, 3):
            factor = rows[below][pivot] / rows[pivot][pivot]
            rows[below] = [
                value - factor * above
                for value, above in zip(rows[below], rows[pivot], strict=True)
            ]
    found = [0.0, 0.0, 0.0]
    for row in (2, 1, 0):
        known = sum(rows[row][column] * found[column] for column in range(row + 1, 3))
        found[row] = (rows[row][3] - known) / rows[row][row]
    return found
