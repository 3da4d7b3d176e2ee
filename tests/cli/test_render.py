"""Markdown on a terminal: nothing of an answer is lost, nothing hidden in it takes effect."""

from __future__ import annotations

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
    ],
    ids=["tag", "block", "angles", "heading", "reference", "comment", "deep", "image", "think",
         "fence in fence"],
)  # fmt: skip
def test_nothing_of_an_answer_is_lost(text: str, kept: str) -> None:
    assert kept in draw(text)


@pytest.mark.parametrize(
    "text",
    ["see <http://a.b/%1b]52;c;cHduZWQ=%1b%5c> x", "a &#x202e;b", "a &rlm;b", "a &#xe0041;b",
     "<http://a.b/%E2%80%AE>", "[t](http://a.b/%1b[31m)"],
    ids=["clipboard", "bidi", "mark", "tag character", "bidi in an address", "colour"],
)  # fmt: skip
def test_no_hidden_character_comes_out_of_markdown(text: str) -> None:
    drawn = draw(text)
    assert not {"\x07", "\u202e", "\u200f", "\U000e0041"} & set(drawn)
    assert "\x1b]" not in drawn
    assert "\x1b[31m" not in drawn
