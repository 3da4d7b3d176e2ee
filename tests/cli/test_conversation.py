"""`-c` and `--cid`: an ask goes on where an earlier one ended."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Faults, Nr


def sent(faults: Faults, words: str) -> list[dict[str, str]]:
    """The messages of the request whose last turn holds these words."""
    rows = [(row["json"] or {}).get("messages") for row in faults.requests("ok")]
    return next(turns for turns in rows if turns and words in str(turns[-1]))


def test_an_ask_goes_on_with_the_last_conversation(nr: Nr, faults: Faults) -> None:
    nr("ask", "-s", "Be brief.", "talk one")
    nr("ask", "-c", "talk two")
    nr("ask", "-c", "talk three")
    turns = sent(faults, "talk three")
    assert [turn["role"] for turn in turns] == ["system", *["user", "assistant"] * 2, "user"]
    assert [turn["content"] for turn in turns[1::2]] == ["talk one", "talk two", "talk three"]
    assert turns[0]["content"] == "Be brief."


def test_a_conversation_is_named_by_the_ask_that_began_it(nr: Nr, faults: Faults) -> None:
    nr("ask", "named one")
    first = nr("log", "list", "--json").document[0]["id"]
    nr("ask", "elsewhere")
    nr("ask", "--cid", first, "named two")
    nr("ask", "--cid", first[:20], "named three")
    turns = sent(faults, "named three")
    assert [turn["content"] for turn in turns[::2]] == ["named one", "named two", "named three"]


def test_another_turn_before_it_is_another_answer(nr: Nr) -> None:
    """The cache sees the whole conversation, never the last words alone."""
    assert nr("ask", "-m", "cat/x", "one").exit == 0
    assert nr("ask", "-m", "cat/x", "--json", "same").document["cache"]["status"] == "miss"
    again = nr("ask", "-m", "cat/x", "-c", "--json", "same").document
    assert again["cache"]["status"] == "miss"
    assert again["answer"] == "same\n\nsame\n\nsame"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["-c"], 66), (["--cid", "01ABC"], 66), (["--cid", ""], 66), (["-c", "--cid", "01ABC"], 2)],
    ids=["none yet", "unknown", "empty", "both"],
)
def test_without_such_a_conversation_nothing_is_sent(
    nr: Nr, arguments: list[str], code: int
) -> None:
    done = nr("ask", "-m", "cat/x", *arguments, "hi")
    assert (done.exit, done.out) == (code, b"")


def test_a_failed_ask_is_no_turn(nr: Nr) -> None:
    nr("ask", "-m", "cat/x", "good")
    assert nr("ask", "-c", "-m", "fs/500", "bad").exit == 69
    assert nr("ask", "-c", "-m", "cat/x", "next").out == b"good\n\ngood\n\nnext\n"


def test_a_turn_that_held_a_secret_is_left_out_and_said(nr: Nr) -> None:
    nr("ask", "-m", "cat/x", "open")
    nr("ask", "-m", "cat/x", "-c", "-q", "my key is AKIA" + "ABCDEFGHIJKLMNOP")
    done = nr("ask", "-m", "cat/x", "-c", "on")
    assert "left out" in done.err
    assert b"AKIA" not in done.out


def test_a_log_of_the_version_before_is_read_on(nr: Nr, home: Path) -> None:
    nr("ask", "-m", "cat/x", "kept")
    path = home / ".local/state/nr/history.db"
    with sqlite3.connect(path) as con:
        con.execute("DROP INDEX asks_conversation")
        for column in ("conversation", "rating", "rating_note", "rated"):
            con.execute(f"ALTER TABLE asks DROP COLUMN {column}")
        con.execute("PRAGMA user_version = 1")
    con.close()
    assert nr("log", "list", "--json").document[0]["prompt"] == "kept"
    assert nr("ask", "-m", "cat/x", "-c", "x").exit == 66, "an old ask began no conversation"
    nr("ask", "-m", "cat/x", "new")
    assert nr("ask", "-m", "cat/x", "-c", "x").out == b"new\n\nnew\n\nx\n"


def test_files_of_earlier_turns_are_named_rather_than_lost_in_silence(
    nr: Nr, home: Path, policy: Path
) -> None:
    policy.write_text(policy.read_text() + "models: {eye: {id: fs/ok, caps: [vision]}}\n")
    for name in ("a.png", "b.png"):
        (home / name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    assert nr("ask", "-m", "eye", "-a", "a.png", "-a", "b.png", "see").err == ""
    assert nr("ask", "-m", "eye", "on", "-c").err == (
        "nr: earlier attachments are not sent again: a.png, b.png (add them with -a)\n"
    )
    assert "again: a.png (add" in nr("ask", "-m", "eye", "-c", "-a", "b.png", "more").err
    assert nr("ask", "-q", "-m", "eye", "-c", "quiet").err == ""
    kept = nr("log", "list", "--json").document[-1]["decision"]["attachments"]
    assert [file.keys() for file in kept] == [{"name", "sha256"}] * 2
