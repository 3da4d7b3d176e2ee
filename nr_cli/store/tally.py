"""Counts the log of past asks by day, route, model, intent."""

from __future__ import annotations

import math
import sqlite3
import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.store.history import Filters, History

Axis: TypeAlias = Literal["day", "route", "model", "intent"]
AXES: tuple[Axis, ...] = ("day", "route", "model", "intent")
NO_DAY, NO_ROUTE, NO_MODEL, NOT_READ = "(no date)", "(no route)", "(no model)", "(not read)"
MISSING = (NO_DAY, NO_ROUTE, NO_MODEL, NOT_READ)
QUARTER = 900  # seconds: zones change their offset, days their date, at such moments only

# SQLite holds to no type: what is no number of the kind meant is not known.
NUMBER = "CASE WHEN {0} BETWEEN 0 AND {1} THEN {0} END"
MOST, LAST = "1e300", "2.5e11"  # sums stay finite; years have four digits
COUNT = NUMBER.format("{0}", str(2**62))
# Where a record is no JSON text, nobody read an intent that could still be told.
INTENT = "CASE WHEN json_valid(decision) THEN json_extract(decision, '$.intent.value') END"
# What an answer was given to: a hit gives again what was paid for under the same.
ASKED = "prompt, system, answer, model_id"
READ = (
    f"SELECT {NUMBER.format('time', LAST)}, route, coalesce(model, model_id), {{intent}}, status,"
    f" CAST(exit AS INTEGER), {COUNT.format('input_tokens')}, {COUNT.format('output_tokens')},"
    f" {NUMBER.format('cost', MOST)}, cache, {NUMBER.format('ms', MOST)},"
    " rating, iif(cache = 'hit', prompt, NULL), system, iif(cache = 'hit', answer, NULL), model_id"
    " FROM asks WHERE {where}"
)
PAID = (
    f"SELECT {NUMBER.format('time', LAST)}, {NUMBER.format('cost', MOST)},"
    f" {NUMBER.format('ms', MOST)}, {ASKED} FROM asks WHERE cache <> 'hit' AND status = 'ok'"
)
Value: TypeAlias = "str | int | float | bytes | None"
Key: TypeAlias = "tuple[str, Value, Value, Value]"
Row: TypeAlias = (
    "tuple[float | None, Value, Value, Value, Value, int, int | None, int | None, float | None,"
    " Value, float | None, Value, Value, Value, Value, Value]"
)
Bill: TypeAlias = "tuple[float, float | None, float | None]"
Paid: TypeAlias = "tuple[float | None, float | None, float | None, Value, Value, Value, Value]"


class Failure(NamedTuple):
    """How many asks ended in one status with one exit code."""

    status: str
    exit: int
    asks: int


class Figures(NamedTuple):
    """What a number of asks comes to; costs in US dollars, times in milliseconds.

    Tokens, cost, latencies are of asks that went to a backend. What is not known is counted apart:
    `uncounted` asks without tokens, `unpriced` without cost, `unvalued` hits whose answer has no
    known price, `untimed` hits whose answer has no known time. `latencies` are sorted. `good`,
    `bad` are answers that somebody judged so.
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
    good: int = 0
    bad: int = 0

    @property
    def asked(self) -> int:
        """Returns how many asks went to a backend."""
        return self.asks - self.hits

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
        self.good = self.bad = 0
        self.saved_ms = 0.0
        self.costs: list[float] = []
        self.savings: list[float] = []
        self.latencies: list[float] = []
        self.failures: dict[tuple[str, int], int] = {}

    def add(self, row: Row) -> None:
        """Adds one ask; what a hit saved comes later."""
        _, _, _, _, status, exit, tokens_in, tokens_out, cost, cache, ms, rating, *_ = row
        self.asks += 1
        self.good += rating == b"good"
        self.bad += rating == b"bad"
        if status != b"ok":
            failure = (_text(status) or "?", exit)
            self.failures[failure] = self.failures.get(failure, 0) + 1
        if cache == b"hit":
            self.hits += 1
            return
        if tokens_in is None or tokens_out is None:
            self.uncounted += 1
        self.input_tokens += tokens_in or 0
        self.output_tokens += tokens_out or 0
        if cost is None:
            self.unpriced += 1
        else:
            self.costs.append(cost)
        if ms:  # an ask that never got an answer has no time
            self.latencies.append(ms)

    def save(self, ms: float, cost: float | None, before: float | None) -> None:
        """Adds what a hit saved: what its answer cost before, the time that this took."""
        if cost is None:
            self.unvalued += 1
        else:
            self.savings.append(cost)
        if before:
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
        self.good += other.good
        self.bad += other.bad
        self.saved_ms += other.saved_ms
        self.costs += other.costs
        self.savings += other.savings
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
            saved_cost=math.fsum(self.savings),
            unvalued=self.unvalued,
            saved_ms=self.saved_ms,
            untimed=self.untimed,
            latencies=tuple(sorted(self.latencies)),
            failures=tuple(Failure(*key, count) for key, count in ranked),
            good=self.good,
            bad=self.bad,
        )


# A hit: what was asked as a hash, where it counts, when it was, how long it took.
Hit: TypeAlias = tuple[int, _Sum, float, float]


def read_tally(log: History, filters: Filters) -> Tally:
    """Returns the figures of the asks that fit; of none where `log.trouble` says why."""
    found = log.read(lambda con: _read(con, filters))
    return found if found is not None else _total({})


def nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    """Returns the smallest value that so many percent do not exceed; None of no values."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _read(con: sqlite3.Connection, filters: Filters) -> Tally:
    """Reads both questions in one snapshot, so that the figures agree."""
    where, values = filters.sql()
    intent = INTENT if _knows_json(con) else "NULL"
    con.text_factory = bytes  # few texts differ: those are decoded once each
    con.execute("BEGIN")
    cells: dict[Key, _Sum] = {}
    hits = _count(con.execute(READ.format(intent=intent, where=where), values), cells)
    if hits:
        _value(con.execute(PAID), hits)
    return _total(cells)


def _knows_json(con: sqlite3.Connection) -> bool:
    try:
        con.execute("SELECT json_extract('{}', '$.a')")
    except sqlite3.OperationalError as error:
        if "no such function" not in str(error):
            raise
        return False  # every intent then shows as not read
    return True


def _count(rows: Iterable[Row], cells: dict[Key, _Sum]) -> list[Hit]:
    """Adds the rows up by all axes together; returns the hits.

    Texts are told apart by 64 bits of hash: a million rows share one by chance once in 40 million
    logs, which would lend a hit another answer's price.
    """
    hits: list[Hit] = []
    days = _Days()
    for row in rows:
        moment = row[0]
        day = NO_DAY if moment is None else days[moment // QUARTER]
        key = (day, row[1], row[2], row[3])
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = _Sum()
        cell.add(row)
        if row[9] == b"hit":
            hits.append((hash(row[12:]), cell, row[0] or 0.0, row[10] or 0.0))
    return hits


def _value(rows: Iterable[Paid], hits: Sequence[Hit]) -> None:
    """Adds to each hit's sum what its answer cost the last time that it was paid before."""
    wanted = {hit[0] for hit in hits}
    bills: dict[int, list[Bill]] = {}
    for row in rows:
        key = hash(row[3:])
        if key in wanted:
            bills.setdefault(key, []).append((row[0] or 0.0, row[1], row[2]))
    for paid in bills.values():
        paid.sort(key=itemgetter(0))
    for key, sum, moment, ms in hits:
        paid = bills.get(key, [])
        number = bisect_right(paid, moment, key=itemgetter(0)) if paid else 0
        if number:
            sum.save(ms, paid[number - 1][1], paid[number - 1][2])
        else:
            sum.save(ms, None, None)


def _total(cells: dict[Key, _Sum]) -> Tally:
    """Adds the cells up along each axis."""
    whole = _Sum()
    along: dict[Axis, dict[str, _Sum]] = {axis: {} for axis in AXES}
    for key, cell in cells.items():
        whole.merge(cell)
        for axis, value, missing in zip(AXES, key, MISSING, strict=True):
            along[axis].setdefault(_text(value) or missing, _Sum()).merge(cell)
    return Tally(whole.figures(), {axis: _rank(axis, sums) for axis, sums in along.items()})


def _text(value: Value) -> str:
    """Returns what a column holds as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _rank(axis: Axis, sums: dict[str, _Sum]) -> tuple[Group, ...]:
    groups = [Group(name, total.figures()) for name, total in sums.items()]
    if axis == "day":
        return tuple(sorted(groups, key=lambda group: group.name))
    return tuple(sorted(groups, key=lambda group: (-group.figures.asks, group.name)))


class _Days(dict[float, str]):
    """The local date of each quarter hour since the epoch, worked out once."""

    def __missing__(self, quarter: float) -> str:
        local = time.localtime(quarter * QUARTER)
        day = self[quarter] = time.strftime("%Y-%m-%d", local)
        return day
