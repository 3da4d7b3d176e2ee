"""Answers that travel: exported here, served there, without a key or a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import KEY, Nr

TEXT = b"The quick brown fox jumps over the lazy dog.\n"


@pytest.fixture
def elsewhere(home: Path) -> dict[str, str]:
    """The environment of another machine, which has no key."""
    other = home / "other"
    other.mkdir()
    return {"HOME": str(other), "FS_KEY": ""}


@pytest.fixture
def cassette(nr: Nr, home: Path) -> Path:
    for prompt in ("one", "two", "three"):
        assert nr("ask", prompt).out == TEXT
    path = home / "answers.jsonl"
    assert nr("cache", "export", str(path)).exit == 0
    return path


def test_what_was_answered_here_is_served_there_without_a_key(
    nr: Nr, cassette: Path, elsewhere: dict[str, str]
) -> None:
    assert nr("ask", "--cache", "only", "two", env=elsewhere).exit == 81
    done = nr("cache", "import", str(cassette), env=elsewhere)
    assert (done.exit, done.err) == (0, "nr: 3 answers taken in, 0 lines left out\n")
    served = nr("ask", "--cache", "only", "--json", "two", env=elsewhere)
    assert served.document["answer"].encode() + b"\n" == TEXT
    assert served.document["cache"]["status"] == "hit"
    assert nr("cache", "why", "two", env=elsewhere).exit == 0
    assert nr("ask", "--cache", "only", "four", env=elsewhere).exit == 81


def test_with_a_key_of_one_s_own_it_is_served_as_well(
    nr: Nr, cassette: Path, elsewhere: dict[str, str]
) -> None:
    mine = {**elsewhere, "FS_KEY": "sk-another-0123456789abcdef"}
    nr("cache", "import", str(cassette), env=mine)
    assert nr("ask", "--json", "two", env=mine).document["cache"]["status"] == "hit"


def test_equal_answers_are_equal_bytes(nr: Nr, cassette: Path, elsewhere: dict[str, str]) -> None:
    nr("cache", "import", str(cassette), env=elsewhere)
    assert nr("cache", "export", env=elsewhere).out == cassette.read_bytes()


def test_nothing_private_travels(cassette: Path) -> None:
    whole = cassette.read_text()
    assert KEY not in whole
    assert "credential" not in whole
    assert '"one"' not in whole


def test_one_model_alone_may_travel(nr: Nr, cassette: Path) -> None:
    nr("ask", "-m", "fs/unicode", "hi")
    lines = nr("cache", "export", "--model", "unicode").out.splitlines()
    assert len(lines) == 2


DAMAGE = {
    "edited": (lambda rows: [rows[0], rows[1].replace("quick", "slow"), *rows[2:]], 2, 65),
    "cut": (lambda rows: [*rows[:-1], rows[-1][:-40]], 2, 65),
    "not json": (lambda rows: [rows[0], "{", *rows[1:]], 3, 65),
    "another key": (
        lambda rows: [rows[0], rows[1].replace('"key":"', '"key":"00'), *rows[2:]],
        2,
        65,
    ),
    "no head": (lambda rows: rows[1:], 0, 65),
    "a later version": (lambda rows: ['{"nr_cassette": 99}', *rows[1:]], 0, 65),
    "empty": (lambda rows: [], 0, 65),
    "blank lines": (lambda rows: [rows[0], "", *rows[1:], ""], 3, 0),
    "deep": (lambda rows: [*rows, "[" * 100_000], 3, 65),
}


@pytest.mark.parametrize(("damage", "taken", "exit"), DAMAGE.values(), ids=DAMAGE)
def test_a_bad_line_is_named_and_the_others_count(
    nr: Nr, cassette: Path, elsewhere: dict[str, str], damage, taken: int, exit: int
) -> None:
    rows = cassette.read_text().splitlines()
    cassette.write_text("".join(f"{row}\n" for row in damage(rows)))
    done = nr("cache", "import", str(cassette), "--json", env=elsewhere)
    assert (done.exit, json.loads(done.out)["taken"]) == (exit, taken)
    assert (": line " in done.err) == (exit != 0)


def test_a_missing_file_is_said(nr: Nr) -> None:
    assert nr("cache", "import", "nowhere.jsonl").exit == 66
