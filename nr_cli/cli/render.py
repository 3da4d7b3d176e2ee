"""Shows an answer as Markdown on a terminal, one finished block at a time."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nr_cli.cli.env import Outside
from nr_cli.cli.plain import encode
from nr_cli.cli.screen import Neutraliser

if TYPE_CHECKING:
    from rich.console import Console


class MarkdownSink:
    """Collects lines until a block is whole, then draws it.

    A blank line ends a block, except inside a fence, so code is drawn in one piece.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._neutral = Neutraliser()
        self._held = ""
        self._block: list[str] = []
        self._fence = ""
        self._drawn = False

    def text(self, piece: str) -> None:
        """Takes the next piece; draws every block that it completes."""
        self._held += self._neutral.feed(piece)
        *lines, self._held = self._held.split("\n")
        for line in lines:
            self._take(line)

    def end(self, complete: bool) -> None:
        """Draws what is left."""
        self._take(self._held + self._neutral.end())
        self._draw()

    def _take(self, line: str) -> None:
        fence = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence and not self._fence:
            self._fence = fence[1]
        elif fence and self._fence and line.strip().startswith(self._fence):
            self._fence = ""
        self._block.append(line)
        if not line.strip() and not self._fence:
            self._draw()

    def _draw(self) -> None:
        block = "\n".join(self._block).strip("\n")
        self._block = []
        if not block.strip():
            return
        from rich.markdown import Markdown

        console = self._console()
        with console.capture() as capture:
            console.print(Markdown(block, hyperlinks=False))
        gap = b"\n" if self._drawn else b""
        self._drawn = True
        self._outside.write(gap + encode(capture.get()))

    def _console(self) -> Console:
        """Returns a console as wide as the terminal is now."""
        from rich.console import Console

        return Console(
            force_terminal=True,
            width=terminal_width(),
            no_color=self._outside.plain,
            emoji=False,
            markup=False,
            highlight=False,
        )


def terminal_width() -> int:
    """Returns the terminal's columns, 80 where it does not say, never less than 20."""
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return max(columns or 80, 20)
