"""A batch answers each row by itself, loses none, doubles none, whatever its rows or its end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.conftest import Faults, Nr, command

KEYS = ["id", "answer", "model", "route", "usage", "cost", "cache", "finish", "error"]


def rows_of(text: bytes) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def cat(nr: Nr, *arguments: str, stdin: bytes):
    """Runs a batch whose rows are answered by `cat`, each with its own prompt."""
    return nr("batch", "-m", "cat/x", *arguments, stdin=stdin)


def test_a_row_of_output_has_the_keys_of_the_contract(nr: Nr) -> None:
    done = cat(nr, stdin=lines({"id": "a", "prompt": "hello"}))
    assert done.exit == 0, done.err
    (row,) = rows_of(done.out)
    assert list(row) == KEYS
    assert (row["id"], row["answer"], row["finish"], row["error"]) == ("a", "hello", "stop", None)


GOOD = b'{"prompt": "fine"}\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{broken", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", 'no "prompt"'),
        (b'{"prompt": " "}', 'no "prompt"'),
        (b'{"prompt": 7}', '"prompt" is not a text'),
        (b'{"prompt": "x", "sytem": "y"}', 'did you mean "system"'),
        (b'{"prompt": "x", "id": [1]}', '"id"'),
        (b'{"prompt": "x", "params": 3}', '"params"'),
        (b'{"prompt": "x", "params": {"temperature": NaN}}', "NaN"),
        (b'{"prompt": "x", "cache": "of"}', "no such mode"),
        (b'{"prompt": "x\x00"}', "not JSON"),
        (b'{"prompt": "\\ud800"}', "surrogate"),
        (b'{"prompt": "\xff"}', "not UTF-8"),
        (b'{"prompt": "x", "attachments": "nowhere.png"}', '"attachments"'),
        (b'{"prompt": "x", "attachments": ["nowhere.png"]}', "nowhere.png"),
        (b'{"prompt": "x", "schema": {"type": 3}}', "schema"),
        (b"[" * 100_000, "not JSON"),
        (b'{"prompt": "x", "params": {"max_tokens": 1e999}}', "too large"),
        (b'{"prompt": "x", "params": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}", "too deep"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value[:30]),
)
def test_a_bad_row_is_an_error_of_its_line_alone(nr: Nr, line: bytes, says: str) -> None:
    done = cat(nr, "-q", stdin=GOOD + line + b"\n" + GOOD)
    assert done.exit == 3
    first, bad, last = rows_of(done.out)
    assert [first["answer"], bad["answer"], last["answer"]] == ["fine", None, "fine"]
    assert (bad["id"], last["id"]) == (2, 3)
    assert says in bad["error"]["message"]
    assert "2" in bad["error"]["message"].split(":")[1] or "-a" in bad["error"]["message"]


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        (b"\xef\xbb\xbf" + GOOD, {1: "fine"}),
        (b'{"prompt": "a"}\r\n\r\n{"prompt": "b"}\r\n', {1: "a", 3: "b"}),
        (b'\n\n{"prompt": "late"}', {3: "late"}),
        ('{"prompt": "a\u2028b"}\n'.encode(), {1: "a\u2028b"}),
        (json.dumps({"prompt": "word " * 400_000}).encode(), {1: "word " * 400_000}),
        (b"", {}),
    ],
    ids=["BOM", "CRLF", "blank", "U+2028", "2 MB", "nothing"],
)
def test_odd_but_good_input_is_answered(nr: Nr, given: bytes, answers: dict[int, str]) -> None:
    done = cat(nr, "-q", stdin=given)
    assert done.exit == 0, done.out[:500]
    found = {row["id"]: row["answer"] for row in rows_of(done.out)}
    assert {id: text.strip() for id, text in found.items()} == {
        id: text.strip() for id, text in answers.items()
    }


def test_an_id_twice_is_named_with_both_lines(nr: Nr) -> None:
    done = cat(nr, stdin=lines({"id": 2, "prompt": "a"}, {"prompt": "b"}))
    assert done.exit == 3
    assert rows_of(done.out)[1]["error"]["message"].endswith('2" is already that of line 1')


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_is_read_by_its_header(nr: Nr, home: Path, delimiter: str) -> None:
    cells = [["Prompt", "id", "label"], ['"two\nlines"', "x", "1"], ["plain", "", ""]]
    (home / "in.csv").write_text("\n".join(delimiter.join(row) for row in cells) + "\n")
    done = nr("batch", "in.csv", "-m", "cat/x", "-q")
    assert done.exit == 0, done.err
    assert [(row["id"], row["answer"]) for row in rows_of(done.out)] == [
        ("x", "two\nlines"), (4, "plain"),
    ]  # fmt: skip


def test_a_column_s_name_may_hold_a_line_end_and_an_odd_one_is_told(nr: Nr) -> None:
    table = b'"a\nnote",prompt\nx,one\n\n,"two\n'
    done = cat(nr, "--format", "csv", stdin=table)
    assert [(row["id"], row["answer"]) for row in rows_of(done.out)] == [(3, "one"), (5, "two\n")]
    assert "columns that mean nothing here: a" in done.err


def test_a_table_without_prompts_is_refused(nr: Nr) -> None:
    done = cat(nr, "--format", "csv", stdin=b"a,b\n1,2\n")
    assert (done.exit, done.out) == (65, b"")
    assert 'no column "prompt"' in done.err


def test_plain_lines_are_prompts(nr: Nr) -> None:
    done = cat(nr, "--format", "text", "-q", stdin=b"one\n\n{two}\n")
    assert [(row["id"], row["answer"]) for row in rows_of(done.out)] == [(1, "one"), (3, "{two}")]


@pytest.mark.parametrize("order", ["input", "completion"])
def test_the_order_is_the_one_asked_for(nr: Nr, order: str) -> None:
    rows = [{"prompt": "x", "model": f"fs/slow_first={0.8 if n == 0 else 0}"} for n in range(6)]
    done = nr("batch", "-q", "-j", "6", "--no-cache", "--order", order, stdin=lines(*rows))
    ids = [row["id"] for row in rows_of(done.out)]
    assert sorted(ids) == [1, 2, 3, 4, 5, 6]
    assert ids[0 if order == "input" else -1] == 1


def test_a_row_s_own_words_win_over_the_flags(nr: Nr, faults: Faults) -> None:
    row = {"prompt": "mine", "model": "fs/ok", "system": "short", "params": {"temperature": 0}}
    done = nr(
        "batch", "-q", "-m", "cat/x", "-s", "long", "--option", "temperature", "1",
        "--option", "top_p", "0.5", stdin=lines(row),
    )  # fmt: skip
    assert done.exit == 0, done.out
    sent = [row["json"] for row in faults.requests("ok") if "mine" in row["body"]][-1]
    assert (sent["temperature"], sent["top_p"]) == (0, 0.5)
    assert sent["messages"][0]["content"] == "short"


def test_a_second_run_is_served_from_the_cache(nr: Nr, home: Path) -> None:
    given = lines(*({"prompt": f"p{n}"} for n in range(40)))
    assert cat(nr, "-q", stdin=given).exit == 0
    again = cat(nr, stdin=given)
    assert {row["cache"]["status"] for row in rows_of(again.out)} == {"hit"}
    assert "40 from the cache" in again.err
    assert nr("log", "list", "--limit", "200").out.count(b"\n") == 80


def test_rows_that_failed_for_now_are_asked_again(nr: Nr, home: Path) -> None:
    rows = [{"prompt": "a", "model": "cat/x"}, {"prompt": "b", "model": "fs/429"},
            {"prompt": "c", "model": "fs/401"}, {"prompt": "d", "model": "cat/x"}]  # fmt: skip
    (home / "in.jsonl").write_bytes(lines(*rows))
    first = nr("batch", "in.jsonl", "-o", "out.jsonl")
    assert first.exit == 3
    assert "--resume" in first.err
    rows[1]["model"] = rows[2]["model"] = "cat/x"
    (home / "in.jsonl").write_bytes(lines(*rows))
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--resume").exit == 0
    found = rows_of((home / "out.jsonl").read_bytes())
    assert [row["id"] for row in found] == [1, 2, 3, 4]
    assert [row["answer"] for row in found] == ["a", "b", None, "d"]
    assert found[2]["error"]["code"] == "auth"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.62, 0.999])
def test_a_torn_output_is_made_whole(nr: Nr, home: Path, share: float) -> None:
    (home / "in.jsonl").write_bytes(lines(*({"id": f"r{n}", "prompt": f"p{n}"} for n in range(9))))
    whole = nr("batch", "in.jsonl", "-m", "cat/x", "-q", "--no-cache", "-o", "out.jsonl")
    assert whole.exit == 0
    text = (home / "out.jsonl").read_bytes()
    (home / "out.jsonl").write_bytes(text[: int(len(text) * share)])
    assert nr("batch", "in.jsonl", "-m", "cat/x", "-q", "-o", "out.jsonl", "--resume").exit == 0
    found = rows_of((home / "out.jsonl").read_bytes())
    assert [(row["id"], row["answer"]) for row in found] == [(f"r{n}", f"p{n}") for n in range(9)]
    assert sorted(path.name for path in home.glob("out*")) == ["out.jsonl"]


def test_rows_in_another_order_come_back_in_the_input_s(nr: Nr, home: Path) -> None:
    (home / "in.jsonl").write_bytes(lines(*({"id": n, "prompt": f"p{n}"} for n in range(5))))
    nr("batch", "in.jsonl", "-m", "cat/x", "-q", "-o", "out.jsonl")
    kept = (home / "out.jsonl").read_bytes().splitlines(keepends=True)
    (home / "out.jsonl").write_bytes(kept[4] + kept[1])
    assert nr("batch", "in.jsonl", "-m", "cat/x", "-q", "-o", "out.jsonl", "--resume").exit == 0
    assert [row["id"] for row in rows_of((home / "out.jsonl").read_bytes())] == [0, 1, 2, 3, 4]


def test_a_file_that_no_batch_wrote_is_left_alone(nr: Nr, home: Path) -> None:
    (home / "notes.txt").write_text("my notes, without an end of line")
    done = cat(nr, "-o", "notes.txt", "--resume", stdin=GOOD)
    assert done.exit == 65
    assert (home / "notes.txt").read_text() == "my notes, without an end of line"


@pytest.mark.parametrize(
    ("arguments", "exit"),
    [
        (["in.jsonl", "-o", "there.jsonl"], 2),
        (["in.jsonl", "-o", "in.jsonl", "--force"], 2),
        (["in.jsonl", "-o", "linked.jsonl", "--force"], 2),
        (["in.jsonl", "-o", ""], 2),
        (["in.jsonl", "--summary", "in.jsonl"], 2),
        (["in.jsonl", "-o", "x.jsonl", "--summary", "x.jsonl"], 2),
        (["in.jsonl", "-o", "x.jsonl", "--summary", "-"], 2),
        (["in.jsonl", "--resume"], 2),
        (["in.jsonl", "-o", "x.jsonl", "--resume", "--force"], 2),
        (["in.jsonl", "-j", "0"], 2),
        (["in.jsonl", "--order", "random"], 2),
        (["in.jsonl", "--format", "xml"], 2),
        (["in.jsonl", "-m", "cta"], 2),
        (["nowhere.jsonl"], 66),
        (["."], 66),
        (["in.jsonl", "-o", "nowhere/out.jsonl"], 74),
        (["in.jsonl", "--summary", "nowhere/s.md"], 74),
        (["in.jsonl", "--policy", "nowhere.yaml"], 78),
        (["in.jsonl", "-o", "there.jsonl", "--force"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_command_line_sends_nothing(
    nr: Nr, home: Path, arguments: list[str], exit: int
) -> None:
    (home / "in.jsonl").write_bytes(lines({"prompt": "x", "model": "cat/x"}))
    (home / "there.jsonl").write_text("precious")
    (home / "linked.jsonl").hardlink_to(home / "in.jsonl")
    given = (home / "in.jsonl").read_bytes()
    done = nr("batch", *arguments)
    assert done.exit == exit, done.err
    assert (home / "in.jsonl").read_bytes() == given
    if exit:
        assert done.out == b""
        assert (home / "there.jsonl").read_text() == "precious"


def test_the_summary_is_a_page_and_a_document(nr: Nr, home: Path) -> None:
    (home / "page.md").write_text("before\n")
    done = cat(nr, "--summary", "page.md", "-o", "out.jsonl", "--json", stdin=GOOD + b"bad\n")
    assert done.exit == 3
    assert done.document["answered"] == 1
    assert done.document["failures"] == {"bad_request": 1}
    page = (home / "page.md").read_text()
    assert page.startswith("before\n## nr batch")
    assert "| answered | 1 |" in page
    assert "1 of 2 rows answered" in done.err


def test_a_full_disk_leaves_whole_rows(nr: Nr, home: Path, environ, policy: Path) -> None:
    (home / "in.jsonl").write_bytes(lines(*({"prompt": f"p{n}"} for n in range(60))))
    small = ["bash", "-c", 'ulimit -f 8; exec "$@"', "-"]
    run = ["batch", "in.jsonl", "-m", "cat/x", "-n", "--no-cache", "-o", "out.jsonl"]
    done = subprocess.run(
        [*small, *command(run)],
        env={**environ, "NR_POLICY": str(policy)}, cwd=home, capture_output=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    assert b"--resume" in done.stderr
    assert (home / "out.jsonl").read_bytes().endswith(b"}\n")
    assert nr(*run, "--resume").exit == 0
    assert len(rows_of((home / "out.jsonl").read_bytes())) == 60


def start(home: Path, environ: dict[str, str], policy: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(["batch", "in.jsonl", "-o", "out.jsonl", *arguments]),
        env={**environ, "NR_POLICY": str(policy)}, cwd=home,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for_rows(home: Path, count: int) -> None:
    end = time.monotonic() + 10
    out = home / "out.jsonl"
    while not (out.exists() and out.read_bytes().count(b"\n") >= count):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "within"), [(signal.SIGINT, 3.0), (signal.SIGTERM, 1.5)], ids=["INT", "TERM"]
)
def test_a_signal_keeps_what_is_answered_and_says_how_to_go_on(
    nr: Nr, home: Path, environ, policy: Path, number: int, within: float
) -> None:
    rows = [{"id": n, "prompt": f"p{n}", "model": "cat/x"} for n in range(8)]
    rows[3]["model"] = "fs/hang"
    (home / "in.jsonl").write_bytes(lines(*rows))
    child = start(home, environ, policy, "-j", "2")
    wait_for_rows(home, 3)
    began = time.monotonic()
    child.send_signal(number)
    said = child.communicate(timeout=20)[1].decode()
    assert child.returncode == -number
    assert time.monotonic() - began < within
    assert "--resume" in said
    kept = nr("log", "list", "--json").document
    broken_off = [(row["prompt"], row["exit"]) for row in kept if row["status"] == "interrupted"]
    assert ("p3", 128 + number) in broken_off
    before = rows_of((home / "out.jsonl").read_bytes())
    assert 3 not in [row["id"] for row in before]
    rows[3]["model"] = "cat/x"
    (home / "in.jsonl").write_bytes(lines(*rows))
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--resume", "-q").exit == 0
    assert [row["id"] for row in rows_of((home / "out.jsonl").read_bytes())] == list(range(8))


def test_a_second_interrupt_ends_at_once(home: Path, environ, policy: Path) -> None:
    (home / "in.jsonl").write_bytes(
        lines({"prompt": "a", "model": "cat/x"}, {"prompt": "b", "model": "fs/hang"})
    )
    child = start(home, environ, policy, "-j", "2")
    wait_for_rows(home, 1)
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    assert b"ending" in child.stderr.readline()
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=20)
    assert child.returncode == -signal.SIGINT
    assert time.monotonic() - began < 1.2


def test_a_closed_stdout_ends_it_by_sigpipe(home: Path, environ, policy: Path) -> None:
    (home / "in.jsonl").write_bytes(lines(*({"prompt": f"p{n}"} for n in range(50))))
    reading, writing = os.pipe()
    child = subprocess.Popen(
        command(["batch", "in.jsonl", "-m", "cat/x", "-q"]),
        env={**environ, "NR_POLICY": str(policy)}, cwd=home, stdout=writing,
    )  # fmt: skip
    os.close(reading)
    os.close(writing)
    assert child.wait(timeout=20) == -signal.SIGPIPE


def test_a_terminal_gets_one_line_that_is_redrawn(home: Path, environ, policy: Path) -> None:
    rows = ({"prompt": f"p{n}", "model": "fs/slow_first=0.5"} for n in range(3))
    (home / "in.jsonl").write_bytes(lines(*rows))
    arguments = command(["batch", "in.jsonl", "-o", "out.jsonl", "-j", "1", "--no-cache"])
    env = {**environ, "NR_POLICY": str(policy), "TERM": "xterm"}
    child = pexpect.spawn(arguments[0], arguments[1:], env=env, cwd=str(home), timeout=15)
    child.expect(r"1/3 rows, 0 failed, 0 cached")
    child.expect(r"3 of 3 rows answered")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_cache_that_keeps_nothing_is_told_with_the_summary(nr: Nr, home: Path) -> None:
    (home / "in.jsonl").write_bytes(lines(*({"prompt": f"p{n}"} for n in range(3))))
    (home / "open").mkdir()
    (home / "open").chmod(0o777)
    env = {"NR_CACHE_DIR": str(home / "open")}
    done = nr("batch", "in.jsonl", "-m", "cat/x", env=env)
    assert done.exit == 0
    assert "not kept in the cache: 3 of the answers" in done.err
    assert "written by others" in done.err
    assert nr("batch", "in.jsonl", "-m", "cat/x", "-q", env=env).err == ""
    assert (
        "kept in the cache" not in nr("batch", "in.jsonl", "-m", "cat/x", "--no-cache", env=env).err
    )


def test_a_narrow_terminal_keeps_figures_before_the_bar(home: Path, environ, policy: Path) -> None:
    rows = ({"prompt": f"p{n}", "model": "fs/slow_first=0.3"} for n in range(3))
    (home / "in.jsonl").write_bytes(lines(*rows))
    arguments = command(["batch", "in.jsonl", "-o", "out.jsonl", "-j", "1", "--no-cache"])
    env = {**environ, "NR_POLICY": str(policy), "TERM": "xterm"}
    child = pexpect.spawn(
        arguments[0], arguments[1:], env=env, cwd=str(home), timeout=15, dimensions=(24, 40)
    )
    child.expect(r"3 of 3 rows answered")
    drawn = [part for part in child.before.decode().split("\r\x1b[K") if " failed" in part]
    child.close()
    assert drawn
    assert all(len(part) < 40 for part in drawn)
    assert all("0 failed, 0 cached" in part for part in drawn)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Path.unlink, "removed or replaced"),
        (lambda out: (out.parent / "other").replace(out), "removed or replaced"),
        (lambda out: out.write_bytes(b""), "changed by others"),
    ],
    ids=["removed", "replaced", "emptied"],
)
@pytest.mark.parametrize("order", ["input", "completion"])
def test_an_output_that_is_taken_away_ends_the_run(
    home: Path, environ, policy: Path, change: Callable[[Path], object], says: str, order: str
) -> None:
    rows = [{"prompt": f"p{n}"} for n in range(3)]
    slow = [{"prompt": f"s{n}", "model": "fs/slow_first=0.7"} for n in range(4)]
    (home / "in.jsonl").write_bytes(lines(*rows, *slow))
    (home / "other").write_bytes(b"another's\n")
    run = ["-m", "cat/x", "-j", "2", "--order", order, "--no-cache"]
    child = start(home, environ, policy, *run)
    wait_for_rows(home, 3)
    change(home / "out.jsonl")
    err = child.communicate(timeout=20)[1]
    assert child.returncode == 74, err
    assert says in err.decode()


@pytest.mark.slow
def test_no_row_is_lost_or_doubled_by_twelve_kills(
    nr: Nr, home: Path, environ, policy: Path
) -> None:
    wanted = [f"r{n}" for n in range(200)]
    rows = ({"id": id, "prompt": id, "model": "fs/slow_first=0.1"} for id in wanted)
    (home / "in.jsonl").write_bytes(lines(*rows))
    for _ in range(12):
        child = start(home, environ, policy, "-j", "8", "--resume", "-q")
        with child:
            time.sleep(random.uniform(0.3, 1.0))
            child.kill()
    assert nr("batch", "in.jsonl", "-o", "out.jsonl", "--resume", "-q").exit == 0
    found = rows_of((home / "out.jsonl").read_bytes())
    assert [row["id"] for row in found] == wanted
    assert all(row["error"] is None for row in found)
