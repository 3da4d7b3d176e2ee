"""What the features do at their edges: look-alikes of secrets, huge texts, mixed languages."""

from __future__ import annotations

from time import perf_counter

import pytest

from nr_cli.features.language import detect
from nr_cli.features.shapes import find, holds_secret
from nr_cli.features.size import count_lines
from nr_cli.features.tokens import estimate

FILLER = "one more plain line of text\n" * 40_000
KEY = "sk-" + "proj-4f" * 6


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n", 1), ("\n\n", 2)],
)
def test_lines_are_counted_with_an_unfinished_last_one(text: str, lines: int) -> None:
    assert count_lines(text) == lines


@pytest.mark.parametrize("secret", [KEY, "-----BEGIN " + "PRIVATE KEY-----"])
def test_a_secret_is_found_wherever_it_stands(secret: str) -> None:
    assert holds_secret(f"{FILLER}{secret}\n{FILLER}")
    assert find(f"{FILLER}{secret}\n{FILLER}") & {"api_key", "private_key"}


def test_an_address_is_found_in_the_middle_of_a_long_text() -> None:
    assert "pii" in find(f"{FILLER}ann@example.org\n{FILLER}")


@pytest.mark.parametrize(
    "text",
    [
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "the task-management-system-of-2024-is-fine",
        "sk-learn and ghp_ are prefixes",
        "at 2031-01-15 12:30:11 version 1.2.3.4 served 10,000,000 rows",
        "4111 1111 1111 1112",
        "order 0000 0000 0000 0000",
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456",
        "decorate with @dataclass",
        "We like tea, cake, and jam,\nthen rest, walk, and read,\nor sit, talk, and sing.",
    ],
)
def test_a_look_alike_is_no_secret_table_or_person(text: str) -> None:
    assert find(text) == frozenset()


@pytest.mark.parametrize(
    "text",
    ["+49 30 1234567", "+1 (555) 123-4567", "(555) 123-4567", "ssn 123-45-6789",
     "5500-0000-0000-0004", "GB82 WEST 1234 5698 7654 32"],
)  # fmt: skip
def test_numbers_of_people_are_personal(text: str) -> None:
    assert "pii" in find(text)


@pytest.mark.parametrize("text", ["a,b,c\n1,2,3\n4,5,6", "a\tb\tc\n1\t2\t3\n4\t5\t6"])
def test_three_lines_with_the_same_cells_are_a_table(text: str) -> None:
    assert "table" in find(text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("pt", "Explique a teoria da relatividade em termos simples, por favor"),
        ("nl", "Schrijf een gedicht over de zee voor mijn moeder"),
        ("tr", "Bana deniz için kısa bir şiir yaz"),
        ("sv", "Vad är skillnaden och varför är det så?"),
        ("vi", "Hãy viết một bài thơ về biển"),
        ("id", "Tolong buat puisi tentang laut untuk saya"),
        ("zh", "解释一下 TCP handshake 的工作过程和原理"),
        ("ja", "Pythonの関数を書いてください"),
        ("fa", "چگونه می‌توانم برنامه‌نویسی یاد بگیرم"),
        (None, ""),
        (None, "\ud800"),
        (None, "x = 1"),
    ],
)
def test_mixed_or_short_texts_are_named_or_left_open(code: str | None, text: str) -> None:
    assert detect(text) == code


HUGE = {
    "newlines": "\n" * 1_000_000,
    "spaces": " " * 1_000_000,
    "digits": "1" * 1_000_000,
    "spaced digits": "1 " * 500_000,
    "at signs": "a@b-b." * 170_000,
    "key prefixes": "sk-" * 330_000,
    "token prefixes": "eyJ" * 330_000,
    "bars": "|--" * 330_000,
    "accounts": "AA11 AAAA " * 100_000,
    "braces": "{" * 1_000_000,
    "surrogates": "\ud800" * 1_000_000,
    "han": "中文字" * 330_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_a_million_characters_take_no_longer_than_linear_work(name: str) -> None:
    began = perf_counter()
    find(HUGE[name])
    detect(HUGE[name])
    assert estimate(HUGE[name]) > 0
    # An order of magnitude above what it takes, far below what quadratic work would take.
    assert perf_counter() - began < 1.0
