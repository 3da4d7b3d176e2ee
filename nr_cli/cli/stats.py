"""Reports on past asks: a summary with plots, then a table for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nr_cli.cli.columns import clip, width_of
from nr_cli.cli.env import Outside
from nr_cli.cli.figures import COLUMNS, HEADS, Column, money, summary
from nr_cli.cli.plots import bar, sparkline
from nr_cli.cli.screen import neutralise
from nr_cli.cli.spans import cut_days, length_words
from nr_cli.cli.table import align, draw
from nr_cli.store.tally import AXES, Axis, Figures, Group, Tally

SHORT = 5  # groups of an axis that the whole report shows
DAYS = 7
BESIDE = 26  # columns beside a plot: its label, the largest value
BAR, BARS_RANK = 8, 4
WIDEST = 6  # characters of a span in a plot
NAME = 12  # columns that names have before any but the first figures


class Place(NamedTuple):
    """What can be shown where the report goes: `columns` is None for a pipe."""

    columns: int | None
    blocks: bool
    boxes: bool

    @property
    def gap(self) -> int:
        """Returns the columns between two of a table."""
        return 3 if self.boxes else 2


def find_place(outside: Outside) -> Place:
    """Returns what stdout can show; a locale without UTF-8 gets ASCII plots, no boxes."""
    import locale

    from nr_cli.cli.render import terminal_width

    if not outside.out_is_terminal:
        return Place(None, False, False)
    # the locale's own word, which Python's UTF-8 mode passes over
    unicode = locale.getencoding().lower().replace("-", "") == "utf8"
    return Place(terminal_width(), unicode, unicode and not outside.plain)


def report(tally: Tally, axis: Axis | None, place: Place) -> str:
    """Returns the whole report, or the table of one axis alone."""
    if not tally.whole.asks:
        return "no asks\n"
    if axis is not None:
        table = _table(axis, tally.groups[axis], place)
        return table + _note(table, place)
    parts = [_summary(tally, place)]
    for one in AXES:
        groups = tally.groups[one]
        shown = groups[-DAYS:] if one == "day" else groups[:SHORT]
        more = len(groups) - len(shown)
        rest = f"{more:,} more: nr log stats --by {one}\n" if more else ""
        parts.append(_table(one, shown, place) + rest)
    whole = "\n".join(part.rstrip("\n") + "\n" for part in parts)
    return whole + _note(whole, place)


def _note(shown: str, place: Place) -> str:
    """Returns what a mark in a table means, for a person who sees one."""
    return "\n+? and more that is unknown\n" if place.columns and "+?" in shown else ""


def _summary(tally: Tally, place: Place) -> str:
    rows = [(label, neutralise(words)) for label, words in summary(tally.whole)]
    if place.columns is not None:
        rows += _plots(tally.groups["day"], place.columns - BESIDE, place.blocks)
    if place.columns is None:
        return align(rows)
    return "\n".join(line for row in rows for line in _wrap(*row, place.columns))


def _plots(days: Sequence[Group], room: int, blocks: bool) -> list[tuple[str, str]]:
    """Returns the asks, the failures, the cost of each span of days as lines of bars."""
    length, spans = cut_days(days, room)
    if room < 8 or len(spans) < 2:
        return []
    spans = spans[-room:]
    wide = min(room // len(spans), WIDEST)
    lines = [("", "")]
    for name, values, words in (
        ("asks", [span.asks for span in spans], lambda most: f"{most:,}"),
        ("failed", [span.failed for span in spans], lambda most: f"{most:,}"),
        ("cost", [span.cost for span in spans], money),
    ):
        if any(values):
            lines.append((name, f"{sparkline(values, wide, blocks)}  most {words(max(values))}"))
    word = length_words(length)
    return [*lines, ("", f"{word}, {spans[0].first} to {spans[-1].last}")]


def _wrap(label: str, words: str, columns: int) -> list[str]:
    """Returns a line with its label, further lines where it is wider than the terminal."""
    lines, line = [], f"{label:<8} "
    start = line
    for word in words.split(" ") if width_of(words) > columns - 10 else [words]:
        if line != start and width_of(line) + 1 + width_of(word) > columns:
            lines.append(line)
            line = start = " " * 9
        line += word if line == start else f" {word}"
    return [one.rstrip() for one in [*lines, line]]


def _table(axis: Axis, groups: Sequence[Group], place: Place) -> str:
    """Returns the table of an axis, with as many figures as there is room for."""
    names = [neutralise(group.name).replace("\n", " ") for group in groups]
    figures = [group.figures for group in groups]
    columns, room = _fit(figures, max(map(width_of, [HEADS[axis], *names])), place)
    if room is not None and not place.boxes:
        names = [clip(name, room, "..") for name in names]
    heads = [HEADS[axis], *(column.head for column in columns)]
    rows = [
        [name, *(column.words(figure) for column in columns)]
        for name, figure in zip(names, figures, strict=True)
    ]
    right = {number for number, head in enumerate(heads) if number and head}
    if place.boxes:
        drawn = draw(heads, rows, folds=HEADS[axis], right=right)
        return "".join(line for line in drawn.splitlines(keepends=True) if line.strip())
    return align([heads, *rows], right) + "\n"


def _fit(
    figures: Sequence[Figures], widest: int, place: Place
) -> tuple[Sequence[Column], int | None]:
    """Returns the columns that fit beside the names, with the room that these then have.

    In a pipe all fit, without bars.
    """
    if place.columns is None:
        return COLUMNS, None
    most = max(figure.asks for figure in figures)
    bars = Column("", BARS_RANK, lambda figure: bar(figure.asks, most, BAR, place.blocks))
    columns = [COLUMNS[0], bars, *COLUMNS[1:]]
    room = place.columns - 2 * place.boxes
    least = min(widest, NAME)
    chosen = []
    for column in sorted(columns, key=lambda column: column.rank):
        cells = [column.head, *(column.words(figure) for figure in figures)]
        taken = max(map(len, cells)) + place.gap
        if room - taken < least:
            break
        room -= taken
        chosen.append(column)
    return [column for column in columns if column in chosen], room
