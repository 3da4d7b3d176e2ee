"""Opens the trained weights, scores hashed features by them.

The file: `MAGIC`, the size of the header (4 bytes, little-endian), the header as JSON, zeros up to
`START`, then the table: 2**bits rows of one byte a lane, 128 standing for nought, then the trees.
Lanes are the 13 intents in the order of `INTENTS`, then the complexity, which the trees refine.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from nr_cli.classify.trees import Trees, unpack

if TYPE_CHECKING:
    from nr_cli.classify.pieces import Pieces

MAGIC = b"nr-reader-2\n"
START = 16384  # bytes kept for the header
ZERO = 128  # the byte of a weight of 0
REACH = 3.0  # standard deviations beyond which a signal says nothing more
PLACE = os.path.join(os.path.dirname(__file__), "reader.bin")
MEND = "install nr again: pip install --force-reinstall --no-deps nr-cli"


class WeightsError(Exception):
    """The weights are not there or not what was written."""


class Weights(NamedTuple):
    """A linear model: `table` for hashed features, `dense` for signals, one number a lane.

    `trees` refine the last lane by the signals with that lane's score beside them. `scale` is the
    worth of one step of a byte, `mean` with `spread` bring signals to one size, `temperature` cools
    the intents' confidence, `stretch` with `shift` bring the complexity to the share of small
    models that fail, `prior` is what each kind of work adds to that. Of a question as examinations
    ask it words tell little: `calm` is the share of their say it loses, `length` what one more
    standard deviation of its words adds instead. `mark` tells these weights from others.
    """

    table: memoryview
    bits: int
    scale: tuple[float, ...]
    signals: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    temperature: float
    stretch: float
    shift: float
    prior: tuple[float, ...]
    calm: float
    length: float
    trees: Trees
    mark: str = ""

    def place(self, key: int) -> int:
        """Returns where a feature's row begins in the table."""
        return (key & ((1 << self.bits) - 1)) * len(self.scale)

    def sum_pieces(self, pieces: Pieces) -> list[float]:
        """Returns each lane's sum over the words, by the root of their number, with the parts'."""
        sums = [0.0] * len(self.scale)
        for keys in pieces:
            for lane, each in enumerate(self._sum_block(keys)):
                sums[lane] += each
        return sums

    def _sum_block(self, keys: Iterable[int]) -> list[float]:
        table, wide, mask = self.table, len(self.scale), (1 << self.bits) - 1
        places = {(key & mask) * wide for key in keys}
        rows = b"".join([table[at : at + wide] for at in places])
        nought = ZERO * len(places)
        share = max(1, len(places)) ** -0.5
        return [
            (sum(rows[lane::wide]) - nought) * scale * share
            for lane, scale in enumerate(self.scale)
        ]

    def level(self, signals: Sequence[float]) -> list[float]:
        """Returns the signals in standard deviations, within `REACH`."""
        return [
            max(-REACH, min(REACH, (value - mean) / spread))
            for value, mean, spread in zip(signals, self.mean, self.spread, strict=True)
        ]


def load(path: str = PLACE) -> Weights:
    """Returns the weights in a file, whose pages are shared with every other reader of it.

    Raises: WeightsError when the file is missing, damaged, or of another version.
    """
    name = os.path.basename(path)
    try:
        # not blocking: a FIFO in its place is refused below instead of waited for
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{name} cannot be read") from error
    if mapped[: len(MAGIC)] != MAGIC or len(mapped) < START:
        raise WeightsError(f"{name} is no file of weights")
    begin = len(MAGIC) + 4
    size = int.from_bytes(mapped[len(MAGIC) : begin], "little")
    try:
        header = json.loads(mapped[begin : begin + size])
        # A view shares the pages of the file: nothing is copied until a row is read.
        body = memoryview(mapped)[START:]
        check = header.pop("check")
        if check != crc32(body) or header.pop("seal") != seal(header):
            raise ValueError("checksum")
        end = len(header["scale"]) << int(header["bits"])
        return Weights(
            table=body[:end],
            bits=int(header["bits"]),
            scale=tuple(header["scale"]),
            signals=tuple(header["signals"]),
            mean=tuple(header["mean"]),
            spread=tuple(header["spread"]),
            dense=tuple(tuple(row) for row in header["dense"]),
            bias=tuple(header["bias"]),
            temperature=header["temperature"],
            stretch=header["stretch"],
            shift=header["shift"],
            prior=tuple(header["prior"]),
            calm=header["calm"],
            length=header["length"],
            trees=unpack(bytes(body[end:])),
            mark=f"{check:08x}-{seal(header):08x}",
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{name} is damaged") from error


def seal(header: object) -> int:
    """Returns the checksum of a header without its checksums."""
    return crc32(json.dumps(header, sort_keys=True).encode())


def pack(header: dict[str, object], body: bytes) -> bytes:
    """Returns the bytes of a file of weights; `body` is the table with the trees."""
    whole = {**header, "seal": seal(header), "check": crc32(body)}
    text = json.dumps(whole, sort_keys=True).encode()
    start = MAGIC + len(text).to_bytes(4, "little") + text
    if len(start) > START:
        raise WeightsError("the header is too long")
    return start.ljust(START, b"\0") + body
