"""Shows an answer as Markdown on a terminal, one finished block at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nr_cli.cli.blocks import ends_block, measure, open_line
from nr_cli.cli.env import Outside
from nr_cli.cli.plain import encode, with_newline
from nr_cli.cli.screen import Neutraliser, neutralise

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import Console
    from rich.markdown import Markdown


class MarkdownSink:
    """Collects lines until a block is whole, then draws it.

    A blank line ends a block, except inside a fence, so code is drawn in one piece; inside a list
    it does so only if the next line is no part of an item.
    """

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._neutral = Neutraliser()
        self._held = ""
        self._block: list[str] = []
        self._fence = ""
        self._items: list[int] = []  # the columns at which the open list items' texts begin
        self._after_blank = False
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
        column, rest = measure(line)
        if self._fence:
            if ends_block(column, rest, self._fence, self._items):
                self._fence = ""
        elif rest:
            if self._after_blank and not (self._items and column >= self._items[0]):
                self._draw()
            _, self._fence = open_line(self._items, column, rest)
        self._block.append(line)
        self._after_blank = not rest and not self._fence
        if self._after_blank and not self._items:
            self._draw()

    def _draw(self) -> None:
        block = "\n".join(self._block).strip("\n")
        self._block = []
        self._items.clear()
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

    Left to itself the parser drops HTML with references, and turns an address's percent codes into
    the very characters that were made visible before. Entities do so as well, so that its tokens
    are made harmless once more.
    """
    from markdown_it import MarkdownIt
    from rich.markdown import Markdown

    markdown = Markdown("", hyperlinks=False)
    parser = MarkdownIt(options_update={"maxNesting": 100}).enable(["strikethrough", "table"])
    parser.disable(["html_block", "html_inline", "reference", "image"])
    parser.normalizeLinkText = str  # type: ignore[method-assign,assignment] # the parser's hook
    markdown.markup = block
    markdown.parsed = parser.parse(block)
    tame(markdown.parsed)
    return markdown


def tame(tokens: list[Token]) -> None:
    """Makes all that tokens hold harmless, and links that are their own text plain text."""
    for token in tokens:
        token.content, token.info = neutralise(token.content), neutralise(token.info)
        token.attrs = {
            name: neutralise(value) if isinstance(value, str) else value
            for name, value in token.attrs.items()
        }
        if token.children:
            token.children = list(unlink(token.children))
            tame(token.children)


def unlink(parts: list[Token]) -> Iterator[Token]:
    """Yields the parts of a text without links whose text is their address.

    Rich writes the address behind the text, so that it would stand there twice.
    """
    open_links: list[bool] = []  # whether each is passed by
    for place, part in enumerate(parts):
        if part.type == "link_open":
            inside = parts[place + 1 : place + 3]
            told = [piece.content or piece.type for piece in inside]
            open_links.append(
                part.markup == "autolink" or told == [part.attrs.get("href"), "link_close"]
            )
        if part.type not in ("link_open", "link_close") or not open_links[-1]:
            yield part
        if part.type == "link_close":
            open_links.pop()


def lacks(drawn: str, block: str) -> bool:
    """Tells whether a drawing has fewer letters or digits than its source, so that text is lost."""
    shown = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    marks = r"^ *(`{3,}|~{3,}).*$|^ *\d+[.)]|&#?\w{1,32};"
    source = re.sub(r"\[([^\]\s]+)\]\(\1\)", r"\1", block)  # a link that is its own text
    source = re.sub(marks, "", source, flags=re.MULTILINE)
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
