"""Shows an answer as Markdown on a terminal, one finished block at a time."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from nr_cli.cli.env import Outside
from nr_cli.cli.plain import encode, with_newline
from nr_cli.cli.screen import Neutraliser

if TYPE_CHECKING:
    from rich.console import Console
    from rich.markdown import Markdown


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
        fence = re.match(r" *(`{3,}|~{3,})", line)
        if fence and not self._fence:
            self._fence = fence[1]
        elif fence and set(line.strip()) == {self._fence[0]} and fence[1].startswith(self._fence):
            self._fence = ""  # a fence with a word after it opens one, so it ends none
        self._block.append(line)
        if not line.strip() and not self._fence:
            self._draw()

    def _draw(self) -> None:
        block = "\n".join(self._block).strip("\n")
        self._block = []
        if not block.strip():
            return
        console = self._console()
        with console.capture() as capture:
            console.print(parse(block))
        drawn = capture.get()
        if lacks(drawn, block):
            drawn = with_newline(block)  # what cannot be drawn whole is shown as it was written
        gap = b"\n" if self._drawn else b""
        self._drawn = True
        self._outside.write(gap + encode(drawn.lstrip("\n")))

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


def parse(block: str) -> Markdown:
    """Returns a block that draws all of its text, harmless as it came.

    Left to itself the parser drops HTML with references, and turns entities or an address's percent
    codes into the very characters that were made visible before.
    """
    from markdown_it import MarkdownIt
    from rich.markdown import Markdown

    markdown = Markdown("", hyperlinks=False)
    parser = MarkdownIt(options_update={"maxNesting": 100}).enable(["strikethrough", "table"])
    parser.disable(["html_block", "html_inline", "entity", "reference", "image"])
    parser.normalizeLinkText = str  # type: ignore[method-assign,assignment] # the parser's hook
    markdown.markup = block
    markdown.parsed = parser.parse(block)
    return markdown


def lacks(drawn: str, block: str) -> bool:
    """Tells whether a drawing has fewer letters or digits than its source, so that text is lost."""
    shown = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    source = re.sub(r"^ {0,3}(`{3,}|~{3,}).*$|^ *\d+[.)]", "", block, flags=re.MULTILINE)
    return count_words(shown) < count_words(source)


def count_words(text: str) -> int:
    """Returns how many letters or digits a text has."""
    return sum(map(str.isalnum, text))


def terminal_width() -> int:
    """Returns the terminal's columns, 80 where it does not say, never less than 20."""
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return max(columns or 80, 20)
