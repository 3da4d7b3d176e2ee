"""Finds the fenced code blocks of an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

LINE = r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+"  # what a form feed or U+2028 stands in is one line
MARKER = r"(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$)"
OPENING = r"(`{3,})[^`]*$|(~{3,})"
TAB = 4  # columns
CODE = 4  # columns of indent that make a line code, so that it is no fence
DEEPEST = 100  # lists in lists, more than anybody writes


def code_block(text: str, last: bool) -> str:
    """Returns the first or last fenced block without its fence, or the whole text without one.

    Fences as CommonMark 0.31 has them: three or more backticks or tildes, up to three columns in
    from the text around, which in a list begins after the item's marker. The code loses as much
    indent as its fence has. A block without an end ends with the text.
    """
    found = ""
    is_found = False
    for block in find_blocks(text):
        found, is_found = block, True
        if not last:
            break
    return found if is_found else text


def find_blocks(text: str) -> Iterator[str]:
    """Yields the code of each fenced block, byte for byte but for the indent of its fence.

    Code that stands further left than its list item is still code up to the closing fence: many
    models write it so.
    """
    items: list[int] = []  # the column at which the text of each open list item begins
    fence, left, block = "", 0, list[str]()
    for match in re.finditer(LINE, text):
        line = match[0]
        bare = line.rstrip("\r\n")
        column, rest = measure(bare)
        if fence:
            if ends_block(column, rest, fence, items):
                yield "".join(block)
                fence, block = "", []
            else:
                block.append(shift(line, left))
        elif rest:
            left, fence = open_line(items, column, rest)
    if fence:
        yield "".join(block)


def open_line(items: list[int], column: int, rest: str) -> tuple[int, str]:
    """Returns the column with the fence that a line opens, if one; notes the list items it begins.

    The items that it no longer belongs to are dropped.
    """
    while True:
        while items and column < items[-1]:
            items.pop()
        if column - (items[-1] if items else 0) >= CODE:
            return 0, ""
        marker = re.match(MARKER, rest)
        if marker is None or len(items) == DEEPEST:
            opening = re.match(OPENING, rest)
            return column, (opening[1] or opening[2]) if opening else ""
        gap, rest = measure(rest[marker.end() :], column + marker.end())
        after = column + marker.end()
        # five columns or more are one, with indented code behind it
        column = gap if rest and gap - after <= CODE else after + 1
        items.append(column)
        if not rest or gap != column:
            return 0, ""


def ends_block(column: int, rest: str, fence: str, items: list[int]) -> bool:
    """Tells whether a line ends a block: nothing but the fence's mark, at least as often."""
    rest = rest.rstrip(" \t")
    is_mark = len(rest) >= len(fence) and not rest.strip(fence[0])
    return is_mark and column < CODE + (items[-1] if items else 0)


def measure(line: str, column: int = 0) -> tuple[int, str]:
    """Returns the column at which a line's text begins, with that text."""
    rest = line.lstrip(" \t")
    for character in line[: len(line) - len(rest)]:
        column += 1 if character == " " else TAB - column % TAB
    return column, rest


def shift(line: str, left: int) -> str:
    """Returns a line with up to so many columns of indent less."""
    column = 0
    for place, character in enumerate(line):
        if column >= left or character not in " \t":
            return " " * max(column - left, 0) + line[place:]
        column += 1 if character == " " else TAB - column % TAB
    return ""
