"""Counts how well predicted labels agree with the expected ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class LabelScore(NamedTuple):
    """How one label fared; `support` is how many rows expect it, the rest are shares 0 to 1."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class Agreement(NamedTuple):
    """How labels agree in all; `confusion` counts `rows` by (expected, predicted)."""

    rows: int
    accuracy: float
    macro_f1: float
    labels: tuple[LabelScore, ...]
    confusion: dict[tuple[str, str], int]


def compare(expected: Sequence[str], predicted: Sequence[str]) -> Agreement:
    """Returns how two lists of labels, row by row, agree.

    Macro-F1 is the mean over the labels that are expected of any row.
    Raises: ValueError for no rows, or lists of different lengths.
    """
    if not expected or len(expected) != len(predicted):
        raise ValueError("two lists of one length, not empty")
    confusion = Counter(zip(expected, predicted, strict=True))
    wanted, given = Counter(expected), Counter(predicted)
    scores = tuple(
        _score(label, confusion[label, label], wanted[label], given[label])
        for label in sorted(wanted.keys() | given.keys())
    )
    supported = [score.f1 for score in scores if score.support]
    hits = sum(confusion[label, label] for label in wanted)
    return Agreement(
        len(expected), hits / len(expected), sum(supported) / len(supported), scores,
        {pair: count for pair, count in sorted(confusion.items()) if count},
    )  # fmt: skip


def _score(label: str, hits: int, wanted: int, given: int) -> LabelScore:
    precision, recall = hits / given if given else 0.0, hits / wanted if wanted else 0.0
    return LabelScore(label, precision, recall, 2 * hits / (wanted + given), wanted)
