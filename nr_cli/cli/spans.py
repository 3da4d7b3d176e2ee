"""Cuts the days of a log into spans of one length, without a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nr_cli.store.tally import NO_DAY, Figures, Group

LENGTHS = (1, 7, 30, 365)  # days


class Span(NamedTuple):
    """What some days in a row come to; `first` and `last` are ISO dates."""

    first: str
    last: str
    asks: int = 0
    hits: int = 0
    failed: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, figures: Figures) -> Span:
        """Returns the span with one more day's figures."""
        return self._replace(
            asks=self.asks + figures.asks,
            hits=self.hits + figures.hits,
            failed=self.failed + figures.failed,
            cost=self.cost + figures.cost,
            unpriced=self.unpriced + figures.unpriced,
        )

    @property
    def name(self) -> str:
        """Returns the day, or the first with the last."""
        return self.first if self.first == self.last else f"{self.first} to {self.last}"


def cut_days(days: Sequence[Group], most: int) -> tuple[int, list[Span]]:
    """Returns the days a span has, then the spans in order: of days, weeks, months or years.

    They are the shortest of which no more than `most` are needed. A day without asks counts too.
    """
    from datetime import date, timedelta

    known = {date.fromisoformat(day.name): day.figures for day in days if day.name != NO_DAY}
    if not known:
        return 1, []
    first, last = min(known), max(known)
    whole = (last - first).days + 1
    length = next((length for length in LENGTHS if -(-whole // length) <= most), LENGTHS[-1])
    spans = []
    for start in range(0, whole, length):
        end = min(start + length, whole) - 1
        dates = (first + timedelta(start), first + timedelta(end))
        spans.append(Span(dates[0].isoformat(), dates[1].isoformat()))
    for day, figures in known.items():
        place = (day - first).days // length
        spans[place] = spans[place].add(figures)
    return length, spans


def length_words(length: int) -> str:
    """Returns how often a span comes, as a chart of them is called."""
    return {1: "a day", 7: "a week"}.get(length, f"every {length} days")
