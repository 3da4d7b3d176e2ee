"""Keeps a learnt reader as bytes that are read from as they stand.

The layout: a mark, the checksum of the rest, a line of JSON, the checksums of pieces in rising
order, their rarities, then for each piece its weights by label, 16 bits each. The weights of a
piece are one row, and rows are added as whole numbers whose digits are the weights: a sum over
150 labels costs what a sum over one does.
"""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_left
from itertools import chain
from math import sqrt
from typing import TYPE_CHECKING
from zlib import crc32

from nr_cli.classify.certainty import FLOOR, Certainty

if TYPE_CHECKING:
    from nr_cli.classify.margins import Learnt
    from nr_cli.classify.pieces import Pieces

MARK = b"nrex0001"
ZERO = 1 << 15  # what stands for a weight of nothing, so that no digit is ever below zero
MOST = 32_000  # the largest digit beside it
ALIGNED = 8


def pack(learnt: Learnt) -> bytes:
    """Returns the bytes of a reader."""
    largest = max((abs(weight) for row in learnt.weights for weight in row), default=0.0)
    step = largest / MOST or 1.0
    digits = [[ZERO + round(weight / step) for weight in row] for row in learnt.weights]
    head = json.dumps(
        {
            "labels": learnt.labels, "rows": len(learnt.keys), "unseen": learnt.unseen,
            "step": step, "certainty": learnt.certainty,
        }
    ).encode()  # fmt: skip
    head += b" " * (-(len(head) + 1) % ALIGNED) + b"\n"
    body = head + b"".join(
        _little(values)
        for values in (
            array("I", learnt.keys),
            array("f", learnt.rarity),
            array("H", chain.from_iterable(zip(*digits, strict=True))),
        )
    )
    return MARK + crc32(body).to_bytes(4, "little") + body


class Packed:
    """A reader over its bytes. Raises: ValueError for bytes that are damaged or of another form."""

    def __init__(self, content: bytes) -> None:
        start = len(MARK) + 4
        whole = crc32(memoryview(content)[start:]).to_bytes(4, "little")
        if content[:start] != MARK + whole:
            raise ValueError("not a reader of labels")
        end = content.index(b"\n", start) + 1
        head = json.loads(content[start:end])
        rows = head["rows"]
        self.labels = tuple(head["labels"])
        self.certainty = Certainty(*head["certainty"])
        self._unseen: float = head["unseen"]
        self._step: float = head["step"]
        self._keys = _read("I", content[end : end + 4 * rows])
        self._rarity = _read("f", content[end + 4 * rows : end + 8 * rows])
        self._rows = memoryview(content)[end + 8 * rows :]
        self._width = 2 * len(self.labels)
        pairs = (len(self.labels) + 1) // 2
        self._sum_bytes = 4 * pairs
        self._mask = int.from_bytes(b"\xff\xff\0\0" * pairs, "little")

    def scores(self, pieces: Pieces) -> list[float]:
        """Returns the score of each label for a text."""
        totals = [FLOOR] * len(self.labels)
        for kind in pieces:
            sums, scale = self._sum(kind)
            totals = [total + scale * digit for total, digit in zip(totals, sums, strict=True)]
        return totals

    def rarity(self, piece: int) -> float:
        """Returns how rare a piece is among the examples."""
        at = bisect_left(self._keys, piece)
        known = at < len(self._keys) and self._keys[at] == piece
        return self._rarity[at] if known else self._unseen

    def _sum(self, kind: tuple[int, ...]) -> tuple[list[int], float]:
        """Returns each label's sum of digits over the pieces, with what one digit is worth."""
        keys, width, mask = self._keys, self._width, self._mask
        even = odd = count = 0
        square = 0.0
        for piece in kind:
            at = bisect_left(keys, piece)
            if at == len(keys) or keys[at] != piece:
                continue
            row = int.from_bytes(self._rows[at * width : at * width + width], "little")
            even += row & mask
            odd += row >> 16 & mask
            count += 1
            square += self._rarity[at] ** 2
        square += (len(kind) - count) * self._unseen**2
        sums = [0] * (self._sum_bytes // 2)
        sums[::2] = _read("I", even.to_bytes(self._sum_bytes, "little"))
        sums[1::2] = _read("I", odd.to_bytes(self._sum_bytes, "little"))
        zero = count * ZERO
        return [digit - zero for digit in sums[: width // 2]], self._step / (sqrt(square) or 1.0)


def _read(kind: str, content: bytes) -> array[int]:
    values: array[int] = array(kind)
    values.frombytes(content)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def _little(values: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()
