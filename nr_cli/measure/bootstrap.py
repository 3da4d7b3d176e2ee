"""Says how far a figure may be off, by drawing the rows again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple


class Interval(NamedTuple):
    """The bounds between which 95 of 100 resampled figures lie."""

    low: float
    high: float


def resample(
    count: int, measure: Callable[[Sequence[int]], float | None], draws: int = 200, seed: int = 0
) -> Interval | None:
    """Returns the interval of a figure; None where no draw has one.

    `measure` takes how many times each of `count` rows was drawn; the seed makes it repeatable.
    """
    random, figures = Random(seed), []
    for _ in range(draws):
        times = [0] * count
        for row in random.choices(range(count), k=count):
            times[row] += 1
        figure = measure(times)
        if figure is not None:
            figures.append(figure)
    if not figures:
        return None
    figures.sort()
    last = len(figures) - 1
    return Interval(figures[round(0.025 * last)], figures[round(0.975 * last)])
