"""`nr rate`: the log keeps what was thought of an answer, and of which one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import KEY, Nr


@pytest.fixture
def asked(nr: Nr) -> list[str]:
    """The ids of two asks, oldest first."""
    nr("ask", "-m", "cat/x", "first")
    nr("ask", "-m", "cat/x", "second")
    return sorted(row["id"] for row in nr("log", "list", "--json").document)


def ratings(nr: Nr) -> dict[str, str | None]:
    return {row["prompt"]: row["rating"] for row in nr("log", "list", "--json").document}


def test_the_last_answer_is_judged_by_default(nr: Nr, asked: list[str]) -> None:
    done = nr("rate", "bad", "--note", "it only\nechoes")
    assert (done.exit, done.err) == (0, "")
    assert asked[1].encode() in done.out
    assert b"second" in done.out
    assert ratings(nr) == {"first": None, "second": "bad"}
    row = nr("log", "show", asked[1], "--json").document
    assert (row["rating"], row["rating_note"]) == ("bad", "it only\nechoes")
    assert row["rated"] > row["time"]


def test_any_answer_is_judged_by_its_id(nr: Nr, asked: list[str]) -> None:
    document = nr("rate", "good", "--id", asked[0].lower(), "--json").document
    assert (document["id"], document["rating"], document["note"]) == (asked[0], "good", None)
    assert ratings(nr) == {"first": "good", "second": None}


def test_a_later_rating_stands_in_place_of_the_earlier_one(nr: Nr, asked: list[str]) -> None:
    nr("rate", "good", "--note", "brief")
    nr("rate", "bad")
    row = nr("log", "show", "--json").document
    assert (row["rating"], row["rating_note"]) == ("bad", None)
    nr("rate", "--clear")
    row = nr("log", "show", "--json").document
    assert (row["rating"], row["rating_note"], row["rated"]) == (None, None, None)


def test_the_list_marks_what_was_judged(nr: Nr, asked: list[str]) -> None:
    plain = nr("log", "list").out.decode().splitlines()
    nr("rate", "good")
    nr("rate", "bad", "--id", asked[0])
    marked = nr("log", "list").out.decode().splitlines()
    assert [line.replace("ok         +", "ok          ") for line in marked[:1]] == plain[:1]
    assert [line.replace("ok         -", "ok          ") for line in marked[1:]] == plain[1:]


def test_statistics_count_ratings_by_model(nr: Nr, asked: list[str]) -> None:
    nr("ask", "-m", "fs/ok", "third")
    nr("rate", "good")
    for id in asked:
        nr("rate", "bad", "--id", id)
    by = nr("log", "stats", "--json").document
    assert by["total"]["ratings"] == {"good": 1, "bad": 2}
    counts = {group["model"]: group["ratings"] for group in by["by"]["model"]}
    assert counts == {"fs/ok": {"good": 1, "bad": 0}, "cat/x": {"good": 0, "bad": 2}}
    shown = nr("log", "stats").out.decode()
    assert "rated    1 good, 2 bad" in shown
    assert "+0 -2" in nr("log", "stats", "--by", "model").out.decode()


def test_what_was_not_kept_is_not_there_to_be_judged(nr: Nr) -> None:
    nr("ask", "-n", "-m", "cat/x", "unkept")
    done = nr("rate", "good")
    assert (done.exit, done.out) == (66, b"")
    assert done.err.splitlines()[0] == "nr: log: there is no last answer"
    assert "ask something first" in done.err


def test_a_failed_ask_has_no_answer_to_judge(nr: Nr, asked: list[str]) -> None:
    nr("ask", "-m", "fs/500", "third")
    assert b"second" in nr("rate", "good").out
    failed = nr("log", "show", "--json").document
    assert failed["prompt"] == "third"
    assert nr("rate", "good", "--id", failed["id"]).exit == 66


def test_a_batch_leaves_the_last_answer_of_a_person_the_last(nr: Nr, asked: list[str]) -> None:
    row = json.dumps({"prompt": "of a batch"}).encode()
    assert nr("batch", "-", "-o", "-", "-m", "cat/x", stdin=row).exit == 0
    assert b"second" in nr("rate", "good").out


@pytest.mark.parametrize(
    ("arguments", "exit"),
    [((), 2), (("great",), 2), (("good", "--clear"), 2), (("--clear", "--note", "x"), 2),
     (("good", "--id", "7777"), 66), (("good", "--id", ""), 66),
     (("bad", "--note", "x" * 4001), 2)],
    ids=["nothing", "unknown word", "both", "a note on nothing", "unknown id", "no id", "a novel"],
)  # fmt: skip
def test_a_rating_that_cannot_be_kept_is_refused(
    nr: Nr, asked: list[str], arguments: tuple[str, ...], exit: int
) -> None:
    done = nr("rate", *arguments)
    assert (done.exit, done.out) == (exit, b"")
    assert set(ratings(nr).values()) == {None}


def test_a_note_keeps_no_secret(nr: Nr, asked: list[str], home: Path) -> None:
    nr("rate", "bad", "--note", "it showed AKIA" + "ABCDEFGHIJKLMNOP to all")
    assert "AKIA" not in json.dumps(nr("log", "show", "--json").document)
    assert KEY.encode() not in (home / ".local/state/nr/history.db").read_bytes()


def test_a_log_without_ratings_takes_them_and_keeps_its_rows(
    nr: Nr, asked: list[str], home: Path
) -> None:
    with sqlite3.connect(home / ".local/state/nr/history.db") as con:
        for column in ("rating", "rating_note", "rated"):
            con.execute(f"ALTER TABLE asks DROP COLUMN {column}")
        con.execute("PRAGMA user_version = 2")
    con.close()
    assert nr("rate", "good").exit == 0
    assert ratings(nr) == {"first": None, "second": "good"}
    assert nr("log", "show", asked[0]).out == b"first"
