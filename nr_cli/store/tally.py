"""Counts the log of past asks by day, route, model, intent."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.store.history import Filters, History

Axis: TypeAlias = Literal["day", "route", "model", "intent"]
AXES: tuple[Axis, ...] = ("day", "route", "model", "intent")
NO_ROUTE, NO_MODEL, NOT_READ = "(no route)", "(no model)", "(not read)"
QUARTER = 900  # seconds: zones change their offset, days their date, at such moments only

# Where a record is no JSON text, nobody read an intent that could still be told.
INTENT = "CASE WHEN json_valid(decision) THEN json_extract(decision, '$.intent.value') END"
READ = (
    "SELECT number, time, route, coalesce(model, model_id), {intent}, status, exit, input_tokens,"
    " output_tokens, cost, cache, ms FROM asks WHERE {where}"
)
# The same answer to the same prompt by the same model, the last time that it was paid before.
# A bare column beside max() is of the row that has the maximum.
PAID = (
    "WITH hits AS (SELECT number, time, prompt, system, answer, model_id FROM asks"
    " WHERE cache = 'hit' AND {where}),"
    " paid AS MATERIALIZED (SELECT number, time, prompt, system, answer, model_id, cost, ms"
    " FROM asks WHERE cache <> 'hit' AND status = 'ok'"
    " AND prompt IN (SELECT prompt FROM hits))"
    " SELECT hits.number, paid.cost, paid.ms, max(paid.time) FROM hits JOIN paid"
    " ON paid.prompt = hits.prompt AND paid.answer = hits.answer AND paid.system IS hits.system"
    " AND paid.model_id IS hits.model_id AND paid.time <= hits.time GROUP BY hits.number"
)
Row: TypeAlias = (
    "tuple[int, float, str | None, str | None, str | None, str, int, int | None, int | None,"
    " float | None, str, float]"
)


class Failure(NamedTuple):
    """How many asks ended in one status with one exit code."""

    status: str
    exit: int
    asks: int


class Figures(NamedTuple):
    """What a number of asks comes to; costs in US dollars, times in milliseconds.

    Tokens, cost, latencies are of asks that went to a backend. What is not known is counted apart:
    `uncounted` asks without tokens, `unpriced` without cost, `unvalued` hits whose answer has no
    known price, `untimed` hits whose answer has no known time. `latencies` are sorted.
    """

    asks: int
    input_tokens: int
    output_tokens: int
    uncounted: int
    cost: float
    unpriced: int
    hits: int
    saved_cost: float
    unvalued: int
    saved_ms: float
    untimed: int
    latencies: tuple[float, ...]
    failures: tuple[Failure, ...]

    @property
    def failed(self) -> int:
        """Returns how many asks failed."""
        return sum(failure.asks for failure in self.failures)


class Group(NamedTuple):
    """The figures of the asks that share a day, route, model or intent."""

    name: str
    figures: Figures


class Tally(NamedTuple):
    """The figures of all asks, then by each axis; days in order, the others largest first."""

    whole: Figures
    groups: dict[Axis, tuple[Group, ...]]


class _Sum:
    """Adds up asks."""

    def __init__(self) -> None:
        self.asks = self.input_tokens = self.output_tokens = self.uncounted = 0
        self.unpriced = self.hits = self.unvalued = self.untimed = 0
        self.saved_cost = self.saved_ms = 0.0
        self.costs: list[float] = []
        self.latencies: list[float] = []
        self.failures: dict[tuple[str, int], int] = {}

    def add(self, row: Row, paid: dict[int, tuple[float | None, float]]) -> None:
        """Adds one ask."""
        number, _, _, _, _, status, exit, tokens_in, tokens_out, cost, cache, ms = row
        self.asks += 1
        if status != "ok":
            self.failures[status, exit] = self.failures.get((status, exit), 0) + 1
        if cache == "hit":
            self._add_hit(ms, *paid.get(number, (None, 0.0)))
            return
        if tokens_in is None or tokens_out is None:
            self.uncounted += 1
        self.input_tokens += tokens_in or 0
        self.output_tokens += tokens_out or 0
        if cost is None:
            self.unpriced += 1
        else:
            self.costs.append(cost)
        if ms and ms > 0:  # an ask that never got an answer has no time
            self.latencies.append(ms)

    def _add_hit(self, ms: float, cost: float | None, before: float) -> None:
        self.hits += 1
        if cost is None:
            self.unvalued += 1
        else:
            self.saved_cost += cost
        if before > 0:
            self.saved_ms += max(0.0, before - ms)
        else:
            self.untimed += 1

    def merge(self, other: _Sum) -> None:
        """Adds all that another sum holds."""
        self.asks += other.asks
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.uncounted += other.uncounted
        self.unpriced += other.unpriced
        self.hits += other.hits
        self.unvalued += other.unvalued
        self.untimed += other.untimed
        self.saved_cost += other.saved_cost
        self.saved_ms += other.saved_ms
        self.costs += other.costs
        self.latencies += other.latencies
        for key, count in other.failures.items():
            self.failures[key] = self.failures.get(key, 0) + count

    def figures(self) -> Figures:
        """Returns what was added."""
        ranked = sorted(self.failures.items(), key=lambda pair: (-pair[1], pair[0]))
        return Figures(
            asks=self.asks,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            uncounted=self.uncounted,
            cost=math.fsum(self.costs),
            unpriced=self.unpriced,
            hits=self.hits,
            saved_cost=self.saved_cost,
            unvalued=self.unvalued,
            saved_ms=self.saved_ms,
            untimed=self.untimed,
            latencies=tuple(sorted(self.latencies)),
            failures=tuple(Failure(*key, count) for key, count in ranked),
        )


def read_tally(log: History, filters: Filters) -> Tally:
    """Returns the figures of the asks that fit; of none where `log.trouble` says why."""
    found = log.read(lambda con: _read(con, filters))
    return found if found is not None else _total([], {})


def nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    """Returns the smallest value that so many percent do not exceed; None of no values."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _read(con: sqlite3.Connection, filters: Filters) -> Tally:
    """Reads both questions in one snapshot, so that the figures agree."""
    where, values = filters.sql()
    intent = INTENT if _knows_json(con) else "NULL"
    con.execute("BEGIN")
    rows: Iterable[Row] = con.execute(READ.format(intent=intent, where=where), values)
    rows = list(rows)
    paid = {}
    if any(row[10] == "hit" for row in rows):
        found = con.execute(PAID.format(where=where), values)
        paid = {number: (cost, ms or 0.0) for number, cost, ms, _ in found}
    return _total(rows, paid)


def _knows_json(con: sqlite3.Connection) -> bool:
    try:
        con.execute("SELECT json_extract('{}', '$.a')")
    except sqlite3.OperationalError as error:
        if "no such function" not in str(error):
            raise
        return False  # every intent then shows as not read
    return True


def _total(rows: Iterable[Row], paid: dict[int, tuple[float | None, float]]) -> Tally:
    """Adds up the rows once, by all axes together, then along each."""
    cells: dict[tuple[str, str, str, str], _Sum] = {}
    day_of = _days()
    for row in rows:
        key = (day_of(row[1]), row[2] or NO_ROUTE, row[3] or NO_MODEL, str(row[4] or NOT_READ))
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = _Sum()
        cell.add(row, paid)
    whole = _Sum()
    along: dict[Axis, dict[str, _Sum]] = {axis: {} for axis in AXES}
    for key, cell in cells.items():
        whole.merge(cell)
        for axis, name in zip(AXES, key, strict=True):
            along[axis].setdefault(name, _Sum()).merge(cell)
    return Tally(whole.figures(), {axis: _rank(axis, sums) for axis, sums in along.items()})


def _rank(axis: Axis, sums: dict[str, _Sum]) -> tuple[Group, ...]:
    groups = [Group(name, total.figures()) for name, total in sums.items()]
    if axis == "day":
        return tuple(sorted(groups, key=lambda group: group.name))
    return tuple(sorted(groups, key=lambda group: (-group.figures.asks, group.name)))


def _days() -> Callable[[float], str]:
    """Returns what tells the local date of a moment, which is worked out once a quarter hour."""
    known: dict[int, str] = {}

    def day_of(moment: float) -> str:
        quarter = int(moment // QUARTER)
        if quarter not in known:
            known[quarter] = time.strftime("%Y-%m-%d", time.localtime(quarter * QUARTER))
        return known[quarter]

    return day_of
