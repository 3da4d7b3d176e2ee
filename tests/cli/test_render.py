"""Markdown on a terminal: nothing of an answer is lost, nothing hidden in it takes effect."""

from __future__ import annotations

import re

import pytest

from nr_cli.cli.env import Outside
from nr_cli.cli.render import MarkdownSink


class Page(Outside):
    """A terminal that keeps what was drawn."""

    def __init__(self) -> None:
        super().__init__({"TERM": "xterm"})
        self.drawn = ""

    def write(self, payload: bytes) -> None:
        self.drawn += payload.decode()


def draw(text: str) -> str:
    page = Page()
    sink = MarkdownSink(page)
    sink.text(text)
    sink.end(True)
    return page.drawn


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Use the <title> tag", "<title>"),
        ("<div>\nhello\n</div>", "hello"),
        ("if a<b and c>d then Vec<String>", "a<b and c>d then Vec<String>"),
        ("# Head <T>", "Head <T>"),
        ('[a]: http://x "t"', "http://x"),
        ("<!-- a remark -->", "a remark"),
        (">" * 3000 + " deep", "deep"),
        ("![alt](http://e/p.png)", "http://e/p.png"),
        ("<think>\nhm\n</think>", "hm"),
        ("```\n```js inner\nx\n```", "js inner"),
        ("AT&amp;T &lt;b&gt; &copy; &eacute;", "AT&T <b> © é"),
        ("&bogus; &#65; `B&amp;C`", "&bogus; A"),
    ],
    ids=["tag", "block", "angles", "heading", "reference", "comment", "deep", "image", "think",
         "fence in fence", "entities", "no entities"],
)  # fmt: skip
def test_nothing_of_an_answer_is_lost(text: str, kept: str) -> None:
    assert kept in draw(text)


@pytest.mark.parametrize(
    "text",
    ["see <http://a.b/%1b]52;c;cHduZWQ=%1b%5c> x", "a &#x202e;b", "a &rlm;b", "a &#xe0041;b",
     "<http://a.b/%E2%80%AE>", "[t](http://a.b/%1b[31m)", "a &#27;[31m &#x1b;]52;c;x&#7; &#x9b;31m",
     "# &#27;[31m", "- [&#27;[31m](&#27;[31m '&#27;[31m')", "|a|\n|-|\n|&#27;[31m|",
     "``` &#27;]52;c;x\ncode\n```", "**&#8238;**", "<http://a.b/&#27;]52>", "&#155;31m"],
    ids=["clipboard", "bidi", "mark", "tag character", "bidi in an address", "colour", "numbers",
         "heading", "link", "table", "fence", "strong", "autolink", "c1"],
)  # fmt: skip
def test_no_hidden_character_comes_out_of_markdown(text: str) -> None:
    drawn = draw(text)
    assert not {"\x07", "\x9b", "\u202e", "\u200f", "\U000e0041"} & set(drawn)
    assert "\x1b]" not in drawn
    assert "\x1b[31m" not in drawn


def lines(text: str) -> list[str]:
    """The drawn lines without colours."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in draw(text).splitlines()]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("- a\n\n    more *it*\n\nend", ["• a", "more it", "end"]),
        ("1. a\n\n    more *it*\n\n2. b", ["1 a", "more it", "2 b"]),
        ("- a\n\n  ```\n  x = 1\n\n  y\n  ```\n\nend", ["• a", "x = 1", "y", "end"]),
        ("- ```\n  x\n  ```\n\nend *it*", ["•", "x", "end it"]),
        ("a\n\n    code *it*", ["a", "code *it*"]),
    ],
    ids=["paragraph", "numbered", "fence", "fence behind the marker", "code"],
)
def test_what_is_indented_after_a_list_belongs_to_it(text: str, drawn: list[str]) -> None:
    shown = [line.strip() for line in lines(text) if line.strip()]
    assert shown == drawn


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see <http://a.b/c> x", "http://a.b/c"),
        ("see <me@a.b> x", "me@a.b"),
        ("see [http://a.b/c](http://a.b/c) x", "http://a.b/c"),
    ],
    ids=["web", "mail", "written twice"],
)
def test_an_address_that_is_its_own_text_is_shown_once(text: str, address: str) -> None:
    assert " ".join(lines(text)).split() == ["see", address, "x"]
