"""`nr batch`: every row answered once, in order, whatever the others do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Nr, command

KEYS = ["id", "answer", "model", "route", "usage", "cost", "cache", "finish", "error"]
Rows = list[dict[str, object]]


def read(text: bytes) -> Rows:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def plain(policy: Path) -> None:
    """A default that answers what it was asked, beside one that asks to be tried later."""
    later = "  later: {kind: command, command: [sh, -c, 'exit 75'], local: true}\ndefault:"
    text = policy.read_text().replace("fs/ok", "cat/x").replace("default:", later)
    policy.write_text(text)


@pytest.mark.usefixtures("plain")
def test_rows_come_back_in_order_with_their_ids(nr: Nr) -> None:
    rows = b'{"id": "b", "prompt": "one"}\n\n{"prompt": "two", "system": "s"}\r\n'
    done = nr("batch", "-", "-o", "-", "-q", stdin=b"\xef\xbb\xbf" + rows)
    out = read(done.out)
    assert done.exit == 0
    assert [list(row) for row in out] == [KEYS, KEYS]
    assert [(row["id"], row["answer"]) for row in out] == [("b", "one"), (3, "s\n\ntwo")]


BAD = {
    "not json": (b"{", "bad_request"),
    "not an object": (b"[1]", "bad_request"),
    "no prompt": (b'{"id": 1}', "bad_request"),
    "a blank prompt": (b'{"prompt": "  "}', "bad_request"),
    "no such model": (b'{"prompt": "x", "model": "nowhere"}', "usage"),
    "no such file": (b'{"prompt": "x", "attachments": ["gone.png"]}', "no_input"),
    "never its schema": (b'{"prompt": "x", "schema": "n int"}', "invalid_response"),
    "later": (b'{"prompt": "x", "model": "later/x"}', "overloaded"),
}


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", BAD)
def test_a_row_that_fails_is_a_row_error_and_the_rest_is_answered(nr: Nr, name: str) -> None:
    row, code = BAD[name]
    done = nr("batch", "-", "-q", stdin=b'{"prompt": "a"}\n' + row + b'\n{"prompt": "c"}\n')
    first, bad, last = read(done.out)
    assert done.exit == 3
    assert (first["answer"], bad["answer"], last["answer"]) == ("a", None, "c")
    assert isinstance(bad["error"], dict)
    assert bad["error"]["code"] == code


@pytest.mark.usefixtures("plain")
def test_each_row_may_have_its_own_model_schema_cache(nr: Nr, policy: Path) -> None:
    policy.write_text(policy.read_text() + "models: {mine: {id: cat/y}}\n")
    rows = b'{"prompt": "{\\"n\\": 1}", "schema": {"type": "object"}, "model": "mine"}\n' * 1
    rows += b'{"prompt": "hi", "cache": "off"}\n'
    out = read(nr("batch", "-", "-q", stdin=rows).out)
    assert out[0]["model"] == "mine"
    assert out[1]["cache"] == {"status": "off", "age_s": None, "key": out[1]["cache"]["key"]}  # type: ignore[index] # a document


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("name", "text", "flags"),
    [
        ("in.csv", 'id,prompt\n7,"one, two"\n', []),
        ("in.txt", "one, two\n\n", []),
        ("lines", "one, two\n", ["--format", "text"]),
    ],
    ids=["csv", "text by its name", "text by the flag"],
)
def test_tables_and_lines_are_rows_too(
    nr: Nr, home: Path, name: str, text: str, flags: list[str]
) -> None:
    (home / name).write_text(text)
    (row,) = read(nr("batch", name, "-q", *flags).out)
    assert row["answer"] == "one, two"


@pytest.mark.usefixtures("plain")
def test_an_output_that_is_there_is_neither_lost_nor_mixed(nr: Nr, home: Path) -> None:
    (home / "in.jsonl").write_text('{"prompt": "a"}\n')
    (home / "out.jsonl").write_text("mine\n")
    assert nr("batch", "in.jsonl", "-o", "out.jsonl").exit == 2
    assert (home / "out.jsonl").read_text() == "mine\n"
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--force").exit == 0
    assert len(read((home / "out.jsonl").read_bytes())) == 1


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("cut", [0, 1, 40, 200], ids=lambda cut: f"{cut} bytes torn off")
def test_going_on_asks_what_is_missing_and_keeps_the_rest(nr: Nr, home: Path, cut: int) -> None:
    """A process that was killed leaves a torn line, which is asked again, once."""
    (home / "in.jsonl").write_text("".join(f'{{"prompt": "p{n}"}}\n' for n in range(6)))
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--no-cache").exit == 0
    whole = (home / "out.jsonl").read_bytes()
    (home / "out.jsonl").write_bytes(whole[: len(whole) - cut])
    done = nr("batch", "in.jsonl", "-o", "out.jsonl", "--no-cache", "--resume")
    rows = read((home / "out.jsonl").read_bytes())
    assert done.exit == 0
    assert [(row["id"], row["answer"]) for row in rows] == [(n + 1, f"p{n}") for n in range(6)]


@pytest.mark.usefixtures("plain")
def test_going_on_tries_again_what_was_to_be_tried_later(nr: Nr, home: Path) -> None:
    (home / "in.jsonl").write_text('{"prompt": "a", "model": "later/x"}\n{"prompt": "b"}\n')
    assert nr("batch", "in.jsonl", "-o", "out.jsonl").exit == 3
    (home / "in.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--resume").exit == 0
    assert [row["answer"] for row in read((home / "out.jsonl").read_bytes())] == ["a", "b"]


@pytest.mark.usefixtures("plain")
def test_the_summary_is_markdown_for_people(nr: Nr, home: Path) -> None:
    rows = b'{"prompt": "a"}\n{"prompt": "b", "model": "later/x"}\n'
    done = nr("batch", "-", "-q", "--summary", "sum.md", stdin=rows)
    assert done.exit == 3
    table = (home / "sum.md").read_text()
    assert "| answered | 1 |" in table
    assert "| overloaded | 1 |" in table


def test_an_interrupt_keeps_what_was_answered_and_says_how_to_go_on(
    environ: dict[str, str], policy: Path, home: Path
) -> None:
    slow = "  slow: {kind: command, command: [sh, -c, 'sleep 0.1; cat'], local: true}\ndefault:"
    policy.write_text(policy.read_text().replace("default:", slow))
    (home / "in.jsonl").write_text("".join(f'{{"prompt": "p{n}"}}\n' for n in range(500)))
    with subprocess.Popen(
        command(["batch", "in.jsonl", "-o", "out.jsonl", "-m", "slow/x", "-j", "2"]),
        env={**environ, "NR_POLICY": str(policy)}, cwd=home, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        out = home / "out.jsonl"
        while not (out.exists() and out.stat().st_size):
            assert running.poll() is None
            os.sched_yield()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert running.returncode == -signal.SIGINT
    assert b"--resume" in err
    ids = [row["id"] for row in read(out.read_bytes())]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) < 500
