"""Lays rows out in columns: aligned text in a pipe, a table of rich on a terminal."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Literal

from nr_cli.cli.columns import pad, width_of
from nr_cli.cli.screen import neutralise

if TYPE_CHECKING:
    from nr_cli.cli.env import Outside


def align(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """Returns rows as lines, each column as wide as its widest cell, two spaces between.

    The columns with these numbers are set right.
    """
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            pad(cell, width, number in right)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


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


def draw(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    folds: str,
    right: Container[int] = (),
) -> str:
    """Returns a table as rich draws it, as wide as the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from nr_cli.cli.render import terminal_width

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    used = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    for number in used:
        side: Literal["left", "right"] = "right" if number in right else "left"
        fixed = heads[number] != folds
        table.add_column(heads[number], overflow="fold", no_wrap=fixed, justify=side)
    for row in rows:
        table.add_row(*(Text(row[number]) for number in used))
    console = Console(force_terminal=True, width=terminal_width(), emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()
