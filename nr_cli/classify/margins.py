"""Learns to tell labels apart from examples of each.

One linear reader a label, against all other texts: squared hinge loss, solved in the dual one
example at a time (Hsieh et al. 2008, "A dual coordinate descent method for large-scale linear
SVM"). A text is what `pieces` makes of it, weighted by rarity among the examples (tf-idf), words
and parts of words each of length one. There is no bias to learn: a text that shares nothing with
any example scores the floor for every label, so that rare labels lose nothing and strange texts
belong nowhere.

What the solver keeps of an example, its weight in the solution, tells as well how that example
would have been read had it not been there. From such scores `certainty` learns how far a reading is
to be trusted; the texts of other labels, read without their own, stand for what is none of these.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import log, sqrt
from operator import itemgetter
from typing import NamedTuple, TypeAlias
from zlib import crc32

from nr_cli.classify.certainty import FLOOR, Certainty, Outcome, dare, fit, lead_of
from nr_cli.classify.pieces import cut

COST = 1.0  # how much a text on the wrong side counts against large weights
ROUNDS = 5
WHOLE_ROUNDS = (0, 1, 3)  # of these, the ones that look at every text, not at the unsettled alone
STEP = 0.03  # smaller steps are not taken: they cost most of the time, hardly move the margin
STRANGE = 0.6  # what a piece that no example has counts, beside the rarest that one has
MANY = 2_000  # texts from which what stands in one text alone is left out
PROBED = 1_500  # texts whose unseen scores are looked at
FOREIGN = 0.15  # the share of texts of no label that a reader is tuned for
EVERYDAY = 12.0  # what the everyday prompts together count beside that, in examples

NONE = ""  # the label of texts that are like examples but mean none of the labels
Take: TypeAlias = Callable[[Sequence[float]], tuple[float, ...]]
Tick: TypeAlias = Callable[[int, int], None]


class Sample(NamedTuple):
    """A text with its label, `NONE` for a negative example; None is a text of no label at all."""

    text: str
    label: str | None


class Learnt(NamedTuple):
    """A reader: checksums of pieces in rising order, the rarity of each, weights by label."""

    labels: tuple[str, ...]
    keys: tuple[int, ...]
    rarity: tuple[float, ...]
    unseen: float
    weights: tuple[array[float], ...]
    certainty: Certainty


class _Row(NamedTuple):
    """A text as the solver sees it: places of its pieces, the scale of each kind."""

    take_words: Take
    words: tuple[int, ...]
    word_scale: float
    take_parts: Take
    parts: tuple[int, ...]
    part_scale: float
    square: float
    held_scales: tuple[float, float]
    lengths: tuple[float, float]

    def held(self, weights: Sequence[float], dual: float) -> float:
        """Returns the score that weights would give the text had it not been among the examples.

        `dual` is its own share in the weights, with its sign.
        """
        words = sum(self.take_words(weights)) - dual * self.word_scale * self.lengths[0]
        parts = sum(self.take_parts(weights)) - dual * self.part_scale * self.lengths[1]
        return words * self.held_scales[0] + parts * self.held_scales[1] + FLOOR


def learn(samples: Iterable[Sample], tick: Tick | None = None) -> Learnt:
    """Returns the reader of these samples; their order makes no difference.

    `tick(done, total)` is told how many labels are learnt.
    """
    ordered = sorted(
        set(samples), key=lambda one: (crc32(one.text.encode("utf-8", "replace")), str(one))
    )
    labels = tuple(sorted({one.label for one in ordered if one.label is not None}))
    cuts = [cut(one.text) for one in ordered]
    counts = Counter(piece for kinds in cuts for kind in kinds for piece in kind)
    least = 2 if len(ordered) > MANY else 1
    keys = tuple(sorted(piece for piece, count in counts.items() if count >= least))
    rarity = [1 + log((1 + len(ordered)) / (1 + counts[key])) for key in keys]
    unseen = STRANGE * (1 + log(1 + len(ordered)))
    # Place 0 is nothing's: it fills up the texts that have fewer than two pieces of a kind.
    places = {key: at for at, key in enumerate(keys, 1)}
    squares = [0.0, *(value * value for value in rarity)]
    single = {at for key, at in places.items() if counts[key] == 1}
    rows = [_row(kinds, places, squares, unseen, single) for kinds in cuts]
    probes = _probes(ordered)
    weights: list[array[float]] = []
    unseen_scores: list[list[float]] = []
    for done, label in enumerate(labels):
        if tick is not None:
            tick(done, len(labels))
        signs = [1 if one.label == label else -1 for one in ordered]
        solved, duals = _solve(rows, signs, squares)
        weights.append(array("f", solved[1:]))
        unseen_scores.append(
            [rows[at].held(solved, signs[at] * duals.get(at, 0.0)) for at in probes]
        )
    if tick is not None:
        tick(len(labels), len(labels))
    certainty = _certainty([ordered[at].label for at in probes], labels, unseen_scores)
    return Learnt(labels, keys, tuple(rarity), unseen, tuple(weights), certainty)


def _row(
    kinds: Sequence[tuple[int, ...]],
    places: Mapping[int, int],
    squares: Sequence[float],
    unseen: float,
    single: Collection[int],
) -> _Row:
    """Returns a text for the solver; `single` are the places of pieces that it alone may have."""
    found: list[tuple[Take, tuple[int, ...], float]] = []
    held: list[float] = []
    lengths: list[float] = []
    for kind in kinds:
        at = tuple(places[piece] for piece in kind if piece in places)
        strange = (len(kind) - len(at)) * unseen * unseen
        length = sum(squares[place] for place in at)
        own = [place for place in at if place in single]
        rest = length - sum(squares[place] for place in own) + len(own) * unseen * unseen
        take: Take = itemgetter(*at, *(0,) * (2 - len(at)))
        found.append((take, at, _scale(length + strange)))
        held.append(_scale(rest + strange))
        lengths.append(length)
    square = sum(length * scale * scale for length, (*_, scale) in zip(lengths, found, strict=True))
    return _Row(*found[0], *found[1], square, (held[0], held[1]), (lengths[0], lengths[1]))


def _scale(square: float) -> float:
    """Returns what brings a vector of this squared length to length one."""
    return 1 / (sqrt(square) or 1.0)


def _solve(
    rows: Sequence[_Row], signs: Sequence[int], squares: Sequence[float]
) -> tuple[list[float], dict[int, float]]:
    """Returns a label's weights by place, with each text's weight in the solution.

    The weights hold the rarity of their piece already, so that a score is a plain sum.
    """
    weights = [0.0] * len(squares)
    duals: dict[int, float] = {}
    slack = 0.5 / COST
    unsettled: Sequence[int] = ()
    for number in range(ROUNDS):
        looked_at = range(len(rows)) if number in WHOLE_ROUNDS else unsettled
        unsettled = []
        for at in looked_at:
            row, sign = rows[at], signs[at]
            take_words, words, word_scale, take_parts, parts, part_scale, square, *_ = row
            score = sum(take_words(weights)) * word_scale + sum(take_parts(weights)) * part_scale
            short = sign * (score + FLOOR) - 1
            dual = duals.get(at, 0.0)
            if dual == 0.0 and short >= 0:
                continue
            unsettled.append(at)
            moved = max(0.0, dual - (short + dual * slack) / (square + slack))
            if abs(moved - dual) < STEP:
                continue
            duals[at] = moved
            for kind, scale in ((words, word_scale), (parts, part_scale)):
                step = (moved - dual) * sign * scale
                for place in kind:
                    weights[place] += step * squares[place]
    return weights, duals


def _probes(samples: Sequence[Sample]) -> list[int]:
    """Returns the places of the texts to try the reader on: some of the labelled, all others."""
    labelled = [at for at, one in enumerate(samples) if one.label is not None]
    every = max(1, -(-len(labelled) // PROBED))
    return labelled[::every] + [at for at, one in enumerate(samples) if one.label is None]


def _certainty(
    truths: Sequence[str | None], labels: Sequence[str], scores: Sequence[Sequence[float]]
) -> Certainty:
    """Returns how far to trust readings, from how each probe would be read had it not been seen.

    Everyday prompts, and examples were their own label not there, are what must not be read.
    """
    named = sum(1 for truth in truths if truth) or 1
    strangers = sum(1 for truth in truths if truth is None) or 1
    own: list[Outcome] = []
    others: list[Outcome] = []
    for at, truth in enumerate(truths):
        column = {label: held[at] for label, held in zip(labels, scores, strict=True)}
        if truth is None:
            others += _judge(column, None, (FOREIGN * named / 2 + EVERYDAY) / strangers)
        elif truth == NONE:
            others += _judge(column, None, 1.0)
        else:
            own += _judge(column, truth, 1.0)
            if len(column) > 2:
                del column[truth]
                others += _judge(column, None, FOREIGN / 2)
    return dare(fit([*own, *others]), own)


def _judge(column: Mapping[str, float], truth: str | None, weight: float) -> list[Outcome]:
    named = {label: score for label, score in column.items() if label != NONE}
    if not named:
        return []
    top = max(named, key=named.__getitem__)
    others = [score for label, score in column.items() if label != top]
    return [Outcome(named[top], lead_of(named[top], others), top == truth, weight)]
