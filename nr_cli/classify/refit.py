"""Fits the complexity again to how somebody's own prompts came out.

Ridge regression over the pieces of a prompt, its signals, the reader's own score, solved in the
dual one prompt at a time (Hsieh et al. 2008, "A dual coordinate descent method for large-scale
linear SVM", with squared loss). Few prompts are enough because the reader's score is one of the
inputs: where they say nothing it keeps its word.
"""

from __future__ import annotations

import base64
import json
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from random import Random
from typing import NamedTuple
from zlib import crc32

from nr_cli.classify import reading, trained

FORM = "nr-calibration-1"
BITS = 14  # 2**14 places of hashed pieces, a byte each
RIDGES = (4.0, 16.0, 64.0)  # tried on a part of the prompts; the least is for many prompts
ROUNDS = 12
DENSE = 0.25  # what a signal weighs beside the pieces, whose block has length one
REACH = 3.0
ZERO = 128
Take = Callable[[Sequence[float]], tuple[float, ...]]


class CalibrationError(Exception):
    """A file of calibration is damaged or of another form."""


class Sample(NamedTuple):
    """A prompt with the reader's own score (0 to 1) and what was to be said of it.

    `wanted` is any number that grows with the worth of a stronger model: what it gains, how likely
    the small one fails.
    """

    text: str
    base: float
    wanted: float


class Inputs(NamedTuple):
    """A prompt as the solver sees it: places of its pieces by kind, signals, the reader's logit."""

    kinds: tuple[tuple[Take, tuple[int, ...], float], ...]
    dense: tuple[float, ...]
    square: float


class Fitted(NamedTuple):
    """A refitted complexity: `table` by place, `dense` by signal, how to bring both to a score."""

    table: Sequence[float]
    dense: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    bias: float
    stretch: float = 1.0
    shift: float = 0.0

    def say(self, inputs: Inputs) -> float:
        """Returns what is expected of a prompt, in the unit of `wanted`."""
        pieces = sum(sum(take(self.table)) * scale for take, _, scale in inputs.kinds)
        return self.bias + pieces + sum(map(float.__mul__, self.dense, inputs.dense))

    def score(self, text: str, base: float) -> float:
        """Returns the complexity, 0 to 1."""
        raw = signals_of(text, base)
        level = self.stretch * self.say(see(text, raw, self.mean, self.spread)) + self.shift
        return round(1 / (1 + math.exp(-max(-30.0, min(30.0, level)))), 3)


def signals_of(text: str, base: float) -> tuple[float, ...]:
    """Returns the signals of a prompt with the reader's logit."""
    held = min(0.999, max(0.001, base))
    return (*trained.extract(text).signals, math.log(held / (1 - held)))


def see(text: str, raw: Sequence[float], mean: Sequence[float], spread: Sequence[float]) -> Inputs:
    """Returns what the solver sees of a prompt."""
    features = trained.extract(text)
    kinds, square = [], 0.0
    for keys in features.pieces:
        places = sorted({key & ((1 << BITS) - 1) for key in keys})
        scale = len(places) ** -0.5 if places else 0.0
        square += 1.0 if places else 0.0
        # two places at least, or `itemgetter` gives no tuple: the last one is nobody's
        take: Take = itemgetter(*places, *(1 << BITS,) * max(0, 2 - len(places)))
        kinds.append((take, tuple(places), scale))
    dense = tuple(
        DENSE * max(-REACH, min(REACH, (value - middle) / width))
        for value, middle, width in zip(raw, mean, spread, strict=True)
    )
    return Inputs(tuple(kinds), dense, square + sum(each * each for each in dense))


def learn(samples: Sequence[Sample]) -> Fitted:
    """Returns the fit to these prompts; the ridge is chosen on a fifth of them."""
    raws = [signals_of(one.text, one.base) for one in samples]
    mean = tuple(sum(column) / len(column) for column in zip(*raws, strict=True))
    spread = tuple(
        math.sqrt(sum((value - middle) ** 2 for value in column) / len(column)) + 1e-3
        for column, middle in zip(zip(*raws, strict=True), mean, strict=True)
    )
    seen = [see(one.text, raw, mean, spread) for one, raw in zip(samples, raws, strict=True)]
    wanted = [one.wanted for one in samples]
    order = list(range(len(samples)))
    Random(7).shuffle(order)
    cut = len(order) // 5
    asked, used = order[:cut], order[cut:]
    best = min(RIDGES, key=lambda ridge: _error(seen, wanted, used, asked, ridge))
    table, dense, bias = _solve(seen, wanted, order, best)
    return Fitted(table, dense, mean, spread, bias)


def _error(
    seen: Sequence[Inputs],
    wanted: Sequence[float],
    used: Sequence[int],
    asked: Sequence[int],
    ridge: float,
) -> float:
    table, dense, bias = _solve(seen, wanted, used, ridge)
    fit = Fitted(table, dense, (), (), bias)
    return sum((fit.say(seen[at]) - wanted[at]) ** 2 for at in asked)


def _solve(
    seen: Sequence[Inputs], wanted: Sequence[float], used: Sequence[int], ridge: float
) -> tuple[list[float], tuple[float, ...], float]:
    """Returns the weights by place, by signal, the mean of what is wanted."""
    bias = sum(wanted[at] for at in used) / max(1, len(used))
    table = [0.0] * ((1 << BITS) + 1)
    dense = [0.0] * len(seen[0].dense)
    duals = dict.fromkeys(used, 0.0)
    for _ in range(ROUNDS):
        for at in used:
            kinds, signals, square = seen[at]
            said = sum(sum(take(table)) * scale for take, _, scale in kinds)
            said += sum(map(float.__mul__, dense, signals))
            step = (wanted[at] - bias - said - duals[at] * ridge) / (square + ridge)
            duals[at] += step
            for _, places, scale in kinds:
                move = step * scale
                for place in places:
                    table[place] += move
            dense = [weight + step * value for weight, value in zip(dense, signals, strict=True)]
    return table, tuple(dense), bias


def place(fit: Fitted, said: Sequence[float], share: float, edge: float) -> Fitted:
    """Returns the fit whose score passes the edge (0 to 1) for this share of what was said."""
    ordered = sorted(said)
    at = min(len(ordered) - 1, max(1, round((1 - share) * len(ordered))))
    # half-way: where prompts fall into two kinds, those like the lesser of one kind stay with it
    between = (ordered[at - 1] + ordered[at]) / 2
    middle = sum(ordered) / len(ordered)
    width = math.sqrt(sum((each - middle) ** 2 for each in ordered) / len(ordered)) or 1.0
    stretch = 1.5 / width
    return fit._replace(stretch=stretch, shift=math.log(edge / (1 - edge)) - stretch * between)


def pack(fit: Fitted, told: Mapping[str, object]) -> bytes:
    """Returns the bytes of a file of calibration; `told` is what a reader of it should know."""
    step = max(map(abs, fit.table)) / 127 or 1.0
    mark = reading.find_mark()
    table = bytes(ZERO + round(weight / step) for weight in fit.table[:-1])
    body: dict[str, object] = {
        "form": FORM, **told, "reader": mark, "bits": BITS, "step": step, "bias": fit.bias,
        "stretch": fit.stretch, "shift": fit.shift, "dense": fit.dense, "mean": fit.mean,
        "spread": fit.spread, "table": base64.b64encode(table).decode(),
    }  # fmt: skip
    check = crc32(json.dumps(body, sort_keys=True).encode())
    return (json.dumps({**body, "check": check}, indent=1) + "\n").encode()


def unpack(content: bytes) -> Fitted:
    """Returns the fit in a file of calibration. Raises: CalibrationError."""
    try:
        body = json.loads(content)
        check = body.pop("check")
        if body["form"] != FORM or body["bits"] != BITS:
            raise CalibrationError("was written by another version of nr: calibrate again")
        if check != crc32(json.dumps(body, sort_keys=True).encode()):
            raise CalibrationError("was changed by hand or is damaged: calibrate again")
        if body["reader"] != reading.find_mark():
            raise CalibrationError("was made with another reader of prompts: calibrate again")
        step = float(body["step"])
        table = [(each - ZERO) * step for each in base64.b64decode(body["table"])]
        inputs = len(signals_of("", 0.5))
        dense, mean, spread = (tuple(map(float, body[key])) for key in ("dense", "mean", "spread"))
        if len(table) != 1 << BITS or {len(dense), len(mean), len(spread)} != {inputs}:
            raise CalibrationError("was written by another version of nr: calibrate again")
        numbers = tuple(float(body[key]) for key in ("bias", "stretch", "shift"))
        if not all(map(math.isfinite, (*numbers, *dense, *mean, step))) or min(spread) <= 0:
            raise CalibrationError("holds what is no number: calibrate again")
        return Fitted(array("f", [*table, 0.0]), dense, mean, spread, *numbers)
    except (
        ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError,
    ) as error:  # fmt: skip
        raise CalibrationError("is no file of calibration") from error
