"""Draws the figures of past asks as SVG.

Lengths along a chart are in percent of its width, heights with letters in pixels: so a chart fills
any window while its words keep their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

from nr_cli.cli.columns import clip, head_of, width_of
from nr_cli.cli.figures import money, percentile, plural, time_words
from nr_cli.cli.screen import neutralise
from nr_cli.cli.spans import Span, length_words
from nr_cli.store.tally import Group

HEIGHT, FOOT = 160, 24  # of the bars over time, of the dates under them
ROW, THICK, LABEL = 44, 9, 26  # a row across, its bars, the letters of its name
SHOWN = 12  # rows of a chart; the tables have them all
LEAST = 1e-12  # dollars that a scale can show
STEPS = (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10)


class Piece(NamedTuple):
    """One part of a bar: how long it is, what colour it has by its class, what it says."""

    value: float
    kind: str
    words: str


class Row(NamedTuple):
    """One name with its words at the right, bars one below the other."""

    name: str
    words: str
    bars: tuple[Piece, ...]


def asks_chart(spans: Sequence[Span], length: int) -> str:
    """Returns the asks over time: answered by a model, by the cache, failed."""
    columns = [
        [
            Piece(span.asks - span.hits - span.failed, "answered", f"{span.name}: answered"),
            Piece(span.hits, "cached", f"{span.name}: from the cache"),
            Piece(span.failed, "failed", f"{span.name}: failed"),
        ]
        for span in spans
    ]
    counted = [
        [piece._replace(words=f"{piece.words} {piece.value:,.0f}") for piece in column]
        for column in columns
    ]
    title = f"Asks {length_words(length)}"
    about = f"{_period(spans)}. The most are {max(span.asks for span in spans):,}."
    return _over_time("asks", title, about, spans, counted, lambda value: f"{value:,.0f}")


def cost_chart(spans: Sequence[Span], length: int) -> str:
    """Returns the cost over time; what is not known is told where the pointer rests."""
    columns = [
        [Piece(span.cost, "cost", f"{span.name}: {money(span.cost)}{_unknown(span)}")]
        for span in spans
    ]
    title = f"Cost {length_words(length)}"
    about = f"{_period(spans)}. The most is {money(max(span.cost for span in spans))}."
    return _over_time("cost", title, about, spans, columns, money)


def latency_chart(models: Sequence[Group]) -> str:
    """Returns the median latency with the 95th percentile of each model that was asked."""
    rows = []
    for group in models:
        middle, high = (percentile(group.figures, percent) for percent in (50, 95))
        if middle is not None and high is not None:
            words = f"p50 {time_words(middle)}, p95 {time_words(high)}"
            half = Piece(middle, "answered", f"{group.name}: p50 {time_words(middle)}")
            most = Piece(high, "high", f"{group.name}: p95 {time_words(high)}")
            rows.append(Row(group.name, words, (half, most)))
    about = f"{plural(len(rows), 'model')}, the most asked first."
    return _across("latency", "Latency by model", about, rows)


def share_chart(axis: str, groups: Sequence[Group]) -> str:
    """Returns the share of all asks that each route, model or intent has."""
    whole = sum(group.figures.asks for group in groups)
    rows = []
    for group in groups:
        asks = group.figures.asks
        words = f"{asks:,} ({asks / whole:.1%})"
        rows.append(Row(group.name, words, (Piece(asks, "answered", f"{group.name}: {words}"),)))
    about = f"{len(rows)} in all, largest first."
    return _across(f"share-{axis}", f"Asks by {axis}", about, rows, whole)


def _period(spans: Sequence[Span]) -> str:
    return f"From {spans[0].first} to {spans[-1].last}"


def _unknown(span: Span) -> str:
    return f", unknown for {plural(span.unpriced, 'ask')}" if span.unpriced else ""


def _frame(name: str, title: str, about: str, height: int, parts: Iterator[str]) -> str:
    """Returns a chart with what a screen reader says of it."""
    return (
        f'<svg id="{name}" class="chart" role="img" width="100%" height="{height}"'
        f' aria-labelledby="{name}-title {name}-about">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-about">{escape(about)}</desc>{"".join(parts)}</svg>'
    )


def _over_time(
    name: str,
    title: str,
    about: str,
    spans: Sequence[Span],
    columns: Sequence[Sequence[Piece]],
    words: Callable[[float], str],
) -> str:
    """Returns a column of stacked pieces for each span, above a line of dates."""
    highest = max(sum(piece.value for piece in column) for column in columns)
    most = _round_up(highest, whole=name == "asks")

    def parts() -> Iterator[str]:
        for share in (0, 0.5, 1):
            y = HEIGHT * (1 - share)
            yield f'<line class="grid" x1="0" x2="100%" y1="{y:g}" y2="{y:g}"/>'
            yield f'<text class="scale" x="-8" y="{y + 4:g}">{escape(words(most * share))}</text>'
        for number, column in enumerate(columns):
            yield from _column(number, len(columns), column, most)
        yield from _dates(spans)

    return _frame(name, title, about, HEIGHT + FOOT, parts())


def _column(number: int, count: int, pieces: Sequence[Piece], most: float) -> Iterator[str]:
    slot = 100 / count
    wide = slot * (0.8 if count < 60 else 1)
    if count < 8:
        wide = min(wide, 10.0)
    left = slot * number + (slot - wide) / 2
    base = float(HEIGHT)
    for piece in pieces:
        high = HEIGHT * piece.value / most
        base -= high
        if piece.value > 0:
            yield (
                f'<rect class="{piece.kind}" x="{left:.3f}%" width="{wide:.3f}%" y="{base:.2f}"'
                f' height="{max(high, 0.5):.2f}"><title>{escape(piece.words)}</title></rect>'
            )


def _dates(spans: Sequence[Span]) -> Iterator[str]:
    if len(spans) == 1:
        places = [("middle", 50.0, spans[0].first)]
    else:
        places = [("start", 0.0, spans[0].first), ("end", 100.0, spans[-1].first)]
        if len(spans) % 2 and len(spans) > 4:
            places.append(("middle", 50.0, spans[len(spans) // 2].first))
    for anchor, x, words in places:
        yield (
            f'<text class="date" x="{x:g}%" y="{HEIGHT + 18}" text-anchor="{anchor}">{words}</text>'
        )


def _across(
    name: str, title: str, about: str, rows: Sequence[Row], whole: float | None = None
) -> str:
    """Returns a row for each name: its words, below them its bars, as shares of a whole if any."""
    shown = rows[:SHOWN]
    most = whole or max((piece.value for row in shown for piece in row.bars), default=0) or 1

    def parts() -> Iterator[str]:
        for number, row in enumerate(shown):
            top = number * ROW
            label = escape(_shorten(row.name))
            yield f'<text class="name" x="0" y="{top + 14}">{label}</text>'
            yield f'<text class="words" x="100%" y="{top + 14}">{escape(row.words)}</text>'
            for place, piece in enumerate(row.bars):
                y = top + 20 + place * (THICK + 1)
                if whole is not None:
                    yield f'<rect class="track" x="0" y="{y}" height="{THICK}" width="100%"/>'
                yield (
                    f'<rect class="{piece.kind}" x="0" y="{y}" height="{THICK}"'
                    f' width="{max(piece.value / most * 100, 0.3):.3f}%">'
                    f"<title>{escape(neutralise(piece.words))}</title></rect>"
                )

    return _frame(name, title, about, len(shown) * ROW, parts())


def _round_up(value: float, whole: bool) -> float:
    """Returns the next short number; where only whole ones make sense, its half is one too."""
    if value <= 0:
        return 1.0
    size = 10.0 ** floor(log10(max(value, LEAST)))
    tops = (float(f"{size * step:.2g}") for step in STEPS if size * step >= value * 0.999999)
    return next(top for top in tops if not whole or top % 2 == 0)


def _shorten(name: str) -> str:
    """Returns a name that fits over its bar: long ones differ at their ends as often as not."""
    name = " ".join(neutralise(name).split())
    if width_of(name) <= LABEL:
        return name
    return clip(name, LABEL // 2) + head_of(name[::-1], LABEL // 2)[::-1]
