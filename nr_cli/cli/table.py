"""Lays rows out in columns: aligned text in a pipe, a table of rich on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nr_cli.cli.screen import neutralise

if TYPE_CHECKING:
    from nr_cli.cli.env import Outside


def align(rows: Sequence[Sequence[str]]) -> str:
    """Returns rows as lines, each column as wide as its widest cell, two spaces between."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def show_table(
    outside: Outside, heads: Sequence[str], rows: Sequence[Sequence[str]], folds: str
) -> None:
    """Writes a table: drawn on a terminal that can, else aligned text under its heads.

    Where a terminal is narrow, the column `folds` takes more lines.
    """
    from nr_cli.cli.plain import encode

    safe = [[neutralise(cell).replace("\n", " ") for cell in row] for row in rows]
    if outside.out_is_terminal and not outside.plain:
        outside.write(encode(draw(heads, safe, folds)))
    else:
        outside.write(encode(align([heads, *safe]) + "\n"))


def draw(heads: Sequence[str], rows: Sequence[Sequence[str]], folds: str) -> str:
    """Returns a table as rich draws it, as wide as the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nr_cli.cli.render import terminal_width

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    used = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    for number in used:
        table.add_column(heads[number], overflow="fold", no_wrap=heads[number] != folds)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in used))
    console = Console(force_terminal=True, width=terminal_width(), emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()
