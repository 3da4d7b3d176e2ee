"""Compares how sure a reading says it is with how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple


class Bin(NamedTuple):
    """The rows whose confidence lies between two edges; `accuracy` is None without rows."""

    low: float
    high: float
    rows: int
    confidence: float | None
    accuracy: float | None


class Calibration(NamedTuple):
    """The expected calibration error (0 to 1) with the table that it is taken from."""

    error: float
    bins: tuple[Bin, ...]


def calibrate(confidences: Sequence[float], correct: Sequence[bool], bins: int = 10) -> Calibration:
    """Returns the calibration over bins of equal width.

    Raises: ValueError for no rows, lists of different lengths, or confidences outside 0 to 1.
    """
    if not confidences or len(confidences) != len(correct):
        raise ValueError("two lists of one length, not empty")
    if not all(0 <= value <= 1 for value in confidences):
        raise ValueError("a confidence is 0 to 1")
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for value, right in zip(confidences, correct, strict=True):
        rows[min(bins - 1, int(value * bins))].append((value, right))
    table = tuple(
        _bin(number / bins, (number + 1) / bins, held) for number, held in enumerate(rows)
    )
    gaps = [abs((entry.confidence or 0) - (entry.accuracy or 0)) * entry.rows for entry in table]
    return Calibration(fsum(gaps) / len(confidences), table)


def _bin(low: float, high: float, held: list[tuple[float, bool]]) -> Bin:
    if not held:
        return Bin(low, high, 0, None, None)
    confidence = fsum(value for value, _ in held) / len(held)
    return Bin(low, high, len(held), confidence, sum(right for _, right in held) / len(held))
