"""Measures what quality a score buys for which share of calls to the strong model.

Definitions of RouteLLM (Ong et al., 2024): the performance gap recovered is the quality above the
weak model's as a share of the gap; APGR is its mean over all shares of strong calls; CPT(q) is
the smallest share of strong calls that recovers q of the gap. A threshold stands at every
distinct score; rows of one score move together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Curve(NamedTuple):
    """Points of quality by share of strong calls, both ends included; `shares` rise from 0 to 1."""

    shares: tuple[float, ...]
    qualities: tuple[float, ...]


class Ranking(NamedTuple):
    """Rows by falling score; `ends` tells of each whether its score differs from the next."""

    order: tuple[int, ...]
    ends: tuple[bool, ...]


def rank(scores: Sequence[float]) -> Ranking:
    """Returns the rows in the order in which they would go to the strong model."""
    order = tuple(sorted(range(len(scores)), key=lambda row: -scores[row]))
    last = len(order) - 1
    ends = tuple(
        place == last or scores[row] != scores[order[place + 1]] for place, row in enumerate(order)
    )
    return Ranking(order, ends)


def trace(
    ranking: Ranking,
    weak: Sequence[float],
    strong: Sequence[float],
    weights: Sequence[int] | None = None,
) -> Curve:
    """Returns the curve of a ranking; `weights` says how many times each row counts (default 1).

    Raises: ValueError for no rows, or lists of different lengths.
    """
    count = len(ranking.order)
    if not count or len(weak) != count or len(strong) != count:
        raise ValueError("lists of one length, not empty")
    times = weights or [1] * count
    whole = sum(times)
    start = sum(value * time for value, time in zip(weak, times, strict=True)) / whole
    shares, qualities, moved, gained = [0.0], [start], 0, 0.0
    for row, is_end in zip(ranking.order, ranking.ends, strict=True):
        moved += times[row]
        gained += times[row] * (strong[row] - weak[row])
        if is_end:
            shares.append(moved / whole)
            qualities.append(start + gained / whole)
    return Curve(tuple(shares), tuple(qualities))


def apgr(curve: Curve) -> float | None:
    """Returns the average performance gap recovered; None where the strong model is not better."""
    low, high = curve.qualities[0], curve.qualities[-1]
    if high - low < 1e-12:
        return None
    points = list(zip(curve.shares, curve.qualities, strict=True))
    area = sum(
        (right - left) * (one + other) / 2 for (left, one), (right, other) in pairwise(points)
    )
    return (area - low) / (high - low)


def cpt(curve: Curve, wanted: float) -> float | None:
    """Returns the smallest share of strong calls that recovers so much (0 to 1) of the gap.

    None where the strong model is not better.
    """
    low, high = curve.qualities[0], curve.qualities[-1]
    if high - low < 1e-12:
        return None
    target = low + wanted * (high - low)
    for place, quality in enumerate(curve.qualities):
        if quality >= target:
            if place == 0:
                return 0.0
            left, before = curve.shares[place - 1], curve.qualities[place - 1]
            return left + (target - before) / (quality - before) * (curve.shares[place] - left)
    return 1.0  # the last point stands a rounding below the target


def quality_at(curve: Curve, share: float) -> float:
    """Returns the quality at a share of strong calls, between points by a straight line."""
    place = bisect_right(curve.shares, share)
    if place == len(curve.shares):
        return curve.qualities[-1]
    left, right = curve.shares[place - 1], curve.shares[place]
    one, other = curve.qualities[place - 1], curve.qualities[place]
    return one + (other - one) * (share - left) / (right - left)
