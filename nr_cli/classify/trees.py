"""Adds up boosted trees of three questions each, telling which input moved the sum how far.

Gradient boosting (Friedman 2001, "Greedy Function Approximation: A Gradient Boosting Machine").
A tree is a heap: place 0 asks first, place n goes on at 2n + 1 (no more than the threshold) or at
2n + 2. The share of an input is what the tree's mean changed by wherever it was asked for (Saabas
2014, "Interpreting random forests").
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

DEPTH = 3
ASKED = 2**DEPTH - 1  # questions of a tree
PLACES = 2 ** (DEPTH + 1) - 1  # questions with leaves
SIZE = ASKED + 4 * ASKED + 4 * PLACES  # bytes of a tree


class Trees(NamedTuple):
    """`inputs` and `thresholds` of each question, `values` of each place, tree after tree."""

    inputs: bytes
    thresholds: array[float]
    values: array[float]

    def climb(self, inputs: Sequence[float]) -> tuple[float, list[float]]:
        """Returns the sum of the leaves reached, with what each input moved it by."""
        asks, thresholds, values = self.inputs, self.thresholds, self.values
        moved = [0.0] * len(inputs)
        total = 0.0
        root = 0
        for base in range(0, len(asks), ASKED):
            here, value = 0, values[root]
            while here < ASKED:
                asked = asks[base + here]
                here += here + (2 if inputs[asked] > thresholds[base + here] else 1)
                after = values[root + here]
                moved[asked] += after - value
                value = after
            total += value
            root += PLACES
        return total, moved


def unpack(data: bytes) -> Trees:
    """Returns the trees in `SIZE` bytes each: all inputs, all thresholds, all values.

    Raises: ValueError when the bytes are no whole number of trees.
    """
    count, rest = divmod(len(data), SIZE)
    if rest:
        raise ValueError("trees are cut short")
    asked = count * ASKED
    thresholds, values = array("f"), array("f")
    thresholds.frombytes(data[asked : 5 * asked])
    values.frombytes(data[5 * asked :])
    _in_file_order(thresholds, values)
    return Trees(data[:asked], thresholds, values)


def pack(trees: Trees) -> bytes:
    """Returns the bytes that `unpack` reads."""
    thresholds, values = array("f", trees.thresholds), array("f", trees.values)
    _in_file_order(thresholds, values)
    return trees.inputs + thresholds.tobytes() + values.tobytes()


def _in_file_order(*numbers: array[float]) -> None:
    """Turns the bytes of numbers round where the machine is not little-endian, as the file is."""
    import sys

    if sys.byteorder == "big":
        for each in numbers:
            each.byteswap()
