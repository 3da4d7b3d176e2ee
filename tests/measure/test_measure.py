"""Laws of the figures that `nr eval` reports."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.measure.bootstrap import resample
from nr_cli.measure.calibration import calibrate
from nr_cli.measure.curve import apgr, cpt, quality_at, rank, trace
from nr_cli.measure.labels import compare

UNIT = st.integers(0, 8).map(lambda eighths: eighths / 8)
ROWS = st.lists(st.tuples(UNIT, UNIT, UNIT), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


def figure(rows: list[tuple[float, float, float]]) -> float | None:
    scores, weak, strong = zip(*rows, strict=True)
    return apgr(trace(rank(scores), weak, strong))


@given(ROWS)
def test_no_score_beats_the_oracle(rows: list[tuple[float, float, float]]) -> None:
    oracle = [(strong - weak, weak, strong) for _, weak, strong in rows]
    own, best = figure(rows), figure(oracle)
    assert (own is None) == (best is None)
    assert own is None or best is None or own <= best + 1e-9


@given(ROWS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list, random: Random) -> None:
    mixed = [*rows]
    random.shuffle(mixed)
    assert figure(rows) == pytest.approx(figure(mixed))


@given(ROWS)
def test_a_score_that_says_nothing_recovers_half(rows: list) -> None:
    value = figure([(0.5, weak, strong) for _, weak, strong in rows])
    assert value is None or value == pytest.approx(0.5)


def test_random_scores_recover_about_half() -> None:
    random = Random(1)
    rows = [(random.random(), 0.2, random.random()) for _ in range(5000)]
    assert figure(rows) == pytest.approx(0.5, abs=0.03)


def test_a_curve_worked_out_by_hand() -> None:
    curve = trace(rank([4, 3, 2, 1]), [0, 0, 1, 1], [1, 1, 1, 1])
    assert curve.shares == (0, 0.25, 0.5, 0.75, 1)
    assert curve.qualities == (0.5, 0.75, 1, 1, 1)
    assert (apgr(curve), cpt(curve, 0.5), cpt(curve, 0.8)) == (0.75, 0.25, pytest.approx(0.4))
    assert quality_at(curve, 0.125) == 0.625


def test_weights_count_a_row_as_often_as_it_stands() -> None:
    thrice = trace(rank([2, 2, 2, 1]), [0, 0, 0, 1], [1, 1, 1, 1])
    assert trace(rank([2, 1]), [0, 1], [1, 1], [3, 1]) == thrice


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    curve = trace(rank([1, 2]), [1, 0], [0, 1])
    assert (apgr(curve), cpt(curve, 0.5)) == (None, None)


@given(PAIRS)
def test_perfect_labels_score_one(pairs: list[tuple[str, str]]) -> None:
    labels = [one for one, _ in pairs]
    found = compare(labels, labels)
    assert (found.accuracy, found.macro_f1) == (1, 1)


@given(PAIRS, st.randoms())
def test_labels_may_come_in_any_order(pairs: list[tuple[str, str]], random: Random) -> None:
    mixed = [*pairs]
    random.shuffle(mixed)
    assert compare(*zip(*pairs, strict=True)) == compare(*zip(*mixed, strict=True))


def test_labels_worked_out_by_hand() -> None:
    found = compare(["a", "a", "b", "b"], ["a", "b", "b", "c"])
    assert [(s.label, s.precision, s.recall, s.support) for s in found.labels] == [
        ("a", 1, 0.5, 2), ("b", 0.5, 0.5, 2), ("c", 0, 0, 0),
    ]  # fmt: skip
    assert found.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_calibration_is_the_gap_between_sure_and_right() -> None:
    found = calibrate([0.75, 0.75, 1.0, 1.0], [True, False, True, True])
    assert found.error == pytest.approx(0.125)
    assert [entry.rows for entry in found.bins] == [0] * 7 + [2, 0, 2]


def test_an_interval_is_the_same_for_the_same_seed() -> None:
    def mean(times) -> float:
        return sum(row * time for row, time in enumerate(times)) / sum(times)

    one = resample(50, mean, seed=3)
    assert one == resample(50, mean, seed=3)
    assert one is not None
    assert one.low < 24.5 < one.high
