"""The log is counted without guessing: what is not known is told apart."""

import contextlib
import json
import math
import sqlite3
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.store.history import Filters, History, HistoryRow, new_id
from nr_cli.store.tally import (
    NO_DAY,
    NO_MODEL,
    NO_ROUTE,
    NOT_READ,
    Failure,
    nearest_rank,
    read_tally,
)

ROW = HistoryRow(
    id="", time=1.7e9, prompt="Why?", system=None, answer="Because.", route="facts",
    model="small", model_id="p/small-1", provider="p", status="ok", exit=0, error=None,
    input_tokens=5, output_tokens=4, cost=0.25, cache="miss", ms=400.0,
    decision=json.dumps({"intent": {"value": "chat"}}),
)  # fmt: skip
HIT = {"cache": "hit", "cost": 0.0, "ms": 2.0, "time": 1.7e9 + 9}


@pytest.fixture
def log(tmp_path):
    return History(str(tmp_path / "nr" / "history.db"))


def add(log, **changes):
    row = ROW._replace(**changes)
    assert log.add(row._replace(id=new_id(row.time))), log.trouble


def count(log, **filters):
    tally = read_tally(log, Filters(**filters))
    assert log.trouble is None
    return tally


def test_what_has_no_known_cost_is_counted_apart(log):
    add(log)
    add(log, cost=None, input_tokens=None, output_tokens=None)
    whole = count(log).whole
    assert (whole.cost, whole.unpriced) == (0.25, 1)
    assert (whole.input_tokens, whole.output_tokens, whole.uncounted) == (5, 4, 1)


def test_a_hit_saves_what_its_answer_cost_even_before_the_time_asked_for(log):
    add(log)
    add(log, **HIT)
    whole = count(log, since=1.7e9 + 1).whole
    assert (whole.asks, whole.hits, whole.saved_cost, whole.saved_ms) == (1, 1, 0.25, 398.0)
    assert (whole.unvalued, whole.untimed, whole.latencies) == (0, 0, ())


@pytest.mark.parametrize(
    "change",
    [{"answer": "Else."}, {"system": "Be brief."}, {"model_id": "p/2"}, {"time": 1.8e9},
     {"cost": None}],
    ids=["answer", "system", "model", "later", "no price"],
)  # fmt: skip
def test_a_hit_of_no_known_price_saves_an_unknown_sum(log, change):
    add(log, **change)
    add(log, **HIT)
    whole = count(log).whole
    assert (whole.hits, whole.saved_cost, whole.unvalued) == (1, 0.0, 1)


def test_groups_name_what_is_missing(log):
    add(log)
    add(log, route=None, model=None, model_id=None, decision='{"intent": null}')
    add(log, route=None, model=None, model_id=None, decision="no JSON")
    groups = count(log).groups
    assert [(group.name, group.figures.asks) for group in groups["route"]] == [
        (NO_ROUTE, 2), ("facts", 1),
    ]  # fmt: skip
    assert [group.name for group in groups["model"]] == [NO_MODEL, "small"]
    assert [group.name for group in groups["intent"]] == [NOT_READ, "chat"]


def test_failures_are_counted_by_status_with_exit(log):
    add(log, status="error", exit=75, ms=0.0)
    add(log, status="error", exit=75, ms=0.0)
    add(log, status="truncated", exit=3)
    whole = count(log).whole
    assert whole.failures == (Failure("error", 75, 2), Failure("truncated", 3, 1))
    assert (whole.failed, whole.latencies) == (3, (400.0,))


def test_what_is_no_number_is_not_known(log, tmp_path):
    add(log)
    with contextlib.closing(sqlite3.connect(tmp_path / "nr" / "history.db")) as con:
        con.execute(
            "UPDATE asks SET time = 9e999, cost = 'dear', ms = x'00', input_tokens = -1,"
            " exit = 'x', status = NULL"
        )
        con.commit()
    tally = count(log)
    assert (tally.whole.cost, tally.whole.unpriced, tally.whole.uncounted) == (0.0, 1, 1)
    assert (tally.whole.latencies, tally.whole.failures) == ((), (Failure("?", 0, 1),))
    assert [group.name for group in tally.groups["day"]] == [NO_DAY]


def test_a_log_that_is_not_there_counts_nothing(log):
    assert count(log).whole.asks == 0


def test_a_damaged_log_is_told(tmp_path):
    path = tmp_path / "history.db"
    path.write_bytes(b"x" * 4096)
    log = History(str(path))
    assert read_tally(log, Filters()).whole.asks == 0
    assert log.trouble


@given(st.lists(st.floats(0, 1e9), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_value_at_the_nearest_rank(values, percent):
    ordered = sorted(values)
    found = nearest_rank(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_the_50th_percentile_is_the_lower_median(values):
    assert math.isclose(nearest_rank(sorted(values), 50), statistics.median_low(values))
