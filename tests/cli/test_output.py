"""Where an answer goes: stdout, a file, a document, events; and what stays off stdout."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pexpect
import pytest

from tests.conftest import Faults, Nr, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
BLOCKS = "a\n```py\nfirst\n```\nb\n```sh\nlast\n```\n"


@pytest.mark.parametrize(("flag", "out"), [("-x", b"first\n"), ("--xl", b"last\n")])
def test_a_fenced_block_is_printed_alone(nr: Nr, flag: str, out: bytes) -> None:
    assert nr("ask", "-m", "cat/x", flag, BLOCKS).out == out


@pytest.mark.slow
@pytest.mark.parametrize("text", ["a", "a\n", "a\n\n", "  a  \n \n", "\ta\r\n", "a\r"])
def test_one_newline_is_added_where_none_is_and_none_is_taken(nr: Nr, text: str) -> None:
    done = nr("ask", "-m", "cat/x", "--no-stdin", "--no-cache", text)
    assert done.out.decode() == (text if text.endswith("\n") else text + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["-u"], ["-v"], ["--explain"], ["-uv", "--explain"]])
def test_what_is_told_of_an_answer_never_stands_on_stdout(nr: Nr, flags: list[str]) -> None:
    done = nr("ask", *flags, "hi")
    assert done.out == TEXT
    assert done.err


def test_quiet_means_quiet_but_for_errors(nr: Nr) -> None:
    assert nr("ask", "-q", "-m", "cat/x", stdin=b"\xff").err == ""
    assert nr("ask", "-q", "-m", "fs/500", "hi").err != ""
    assert nr("ask", "-q", "-v", "-m", "cat/x", "hi").err == ""
    for behaviour, reason in (("cut=4", "stream_broken"), ("length", "token limit")):
        done = nr("ask", "-q", "-m", f"fs/{behaviour}", "hi")
        assert (done.exit, len(done.err.splitlines())) == (3, 2)
        assert reason in done.err


def test_a_dry_run_sends_nothing_and_shows_the_decision(nr: Nr, faults: Faults) -> None:
    before = len(faults.log.read_text().splitlines())
    done = nr("ask", "--dry-run", "--json", "hi")
    assert done.exit == 0
    assert done.document["model"] == "fs/ok"
    assert nr("ask", "--dry-run", "hi").exit == 0
    assert len(faults.log.read_text().splitlines()) == before


@pytest.mark.parametrize("behaviour", ["cut=4", "500", "content_filter"])
def test_the_old_file_stands_until_an_answer_is_whole(nr: Nr, home: Path, behaviour: str) -> None:
    target = home / "out.md"
    target.write_text("old")
    done = nr("ask", "-m", f"fs/{behaviour}", "-O", "out.md", "hi")
    assert done.exit != 0
    assert done.out == b""
    assert target.read_text() == "old"
    assert (home / "out.md.partial").exists() == (behaviour != "500")
    assert [path.name for path in home.glob("*.tmp")] == []


def test_a_partial_answer_goes_along_no_link(nr: Nr, home: Path) -> None:
    (home / "victim").write_text("mine")
    (home / "out.md.partial").symlink_to("victim")
    assert nr("ask", "-m", "fs/cut=4", "-O", "out.md", "hi").exit == 3
    assert (home / "victim").read_text() == "mine"
    assert (home / "out.md.partial").read_text() == "The quick brown \n"


def seen_by(faults: Faults, behaviour: str) -> int:
    """How often the server was asked, unfinished answers included."""
    with urllib.request.urlopen(f"http://127.0.0.1:{faults.port}/_stats") as response:
        return int(json.load(response)["by_behaviour"].get(behaviour, 0))


HALTING = """version: 1
providers:
  sh: {kind: command, local: true,
       command: [sh, -c, "printf '```sh\\nhalf of it'; sleep 0.3; touch came; exec sleep 30"]}
default: {use: sh/x}
"""


def interrupted(environ: dict[str, str], home: Path, number: int, *flags: str) -> tuple[bytes, int]:
    """Ends an ask of which half has come; returns its stdout with its exit."""
    (home / "halting.yaml").write_text(HALTING)
    ask = subprocess.Popen(
        command(["ask", "--policy", "halting.yaml", *flags, "hi"]),
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=home,
    )  # fmt: skip
    deadline = time.monotonic() + 10
    while not (home / "came").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    ask.send_signal(number)
    out, _ = ask.communicate(timeout=5)
    return out, ask.returncode


@pytest.mark.parametrize(
    ("number", "flags"),
    [
        (signal.SIGINT, ["-O", "out.md"]),
        (signal.SIGTERM, ["--json"]),
        (signal.SIGHUP, ["-x"]),
        (signal.SIGTERM, ["--no-stream"]),
    ],
    ids=["file", "document", "block", "whole"],
)
def test_what_was_held_back_when_a_signal_came_is_not_lost(
    nr: Nr, environ: dict[str, str], home: Path, number: int, flags: list[str]
) -> None:
    half = "```sh\nhalf of it"
    (home / "out.md").write_text("old")
    out, exit = interrupted(environ, home, number, *flags)
    assert exit == -number
    kept = nr("log", "list", "--json").document[0]
    assert (kept["status"], kept["exit"], kept["answer"]) == ("interrupted", 128 + number, half)
    assert (home / "out.md").read_text() == "old"
    if "-O" in flags:
        assert (home / "out.md.partial").read_text() == half + "\n"
    if "--json" in flags:
        document = json.loads(out)
        assert (document["answer"], document["finish"]) == (half, None)
        assert document["error"]["exit"] == 128 + number
    else:
        assert out == b"", "half a block is no answer for a program"


def test_a_reader_who_left_before_a_whole_answer_takes_nothing_from_the_log(
    nr: Nr, environ: dict[str, str], policy: Path
) -> None:
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "wb") as nobody:
        done = subprocess.run(
            command(["ask", "-x", "-m", "cat/x", "paid"]), stdout=nobody,
            env={**environ, "NR_POLICY": str(policy)}, stdin=subprocess.DEVNULL, timeout=30,
        )  # fmt: skip
    assert done.returncode == -signal.SIGPIPE
    assert nr("log", "list", "--json").document[0]["answer"] == "paid"


def test_an_interrupt_leaves_the_old_file_alone(
    environ: dict[str, str], policy: Path, home: Path, faults: Faults
) -> None:
    target = home / "out.md"
    target.write_text("old")
    before = seen_by(faults, "slow_drip")
    ask = subprocess.Popen(
        command(["ask", "-m", "fs/slow_drip=0.31", "-O", "out.md", "hi"]),
        env={**environ, "NR_POLICY": str(policy)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=home,
    )
    while seen_by(faults, "slow_drip") == before and ask.poll() is None:
        time.sleep(0.02)
    ask.send_signal(signal.SIGINT)
    assert ask.communicate(timeout=5) == (b"", None)
    assert ask.returncode == -signal.SIGINT
    assert target.read_text() == "old"


@pytest.mark.parametrize("target", ["missing/out.md", "."])
def test_a_file_that_cannot_be_written_is_the_users_to_mend(nr: Nr, target: str) -> None:
    done = nr("ask", "-O", target, "hi")
    assert (done.exit, done.out) == (74, b"")
    assert "-O" in done.err


def test_a_file_that_is_no_regular_file_is_never_replaced(
    nr: Nr, home: Path, faults: Faults
) -> None:
    """Only names in the test's own folder: where nr fails this, it destroys what it is given."""
    os.mknod(home / "socket", stat.S_IFSOCK | 0o600)
    os.mkfifo(home / "fifo")
    (home / "link").symlink_to("fifo")
    before = seen_by(faults, "ok")
    for name in ("socket", "fifo", "link"):
        kind = stat.S_IFMT((home / name).lstat().st_mode)
        done = nr("ask", "--no-cache", "-O", name, "hi")
        assert (done.exit, done.out) == (74, b"")
        assert stat.S_IFMT((home / name).lstat().st_mode) == kind
    assert seen_by(faults, "ok") == before, "it is said before anything is sent"


def test_a_link_to_a_file_stays_a_link(nr: Nr, home: Path) -> None:
    (home / "real.md").write_text("old")
    (home / "link.md").symlink_to("real.md")
    assert nr("ask", "-O", "link.md", "hi").exit == 0
    assert (home / "link.md").is_symlink()
    assert (home / "real.md").read_text().startswith("The quick")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "exit", "code"),
    [
        (["ask", "-m", "fs/401", "hi"], 77, "auth"),
        (["ask", "-m", "fs/content_filter", "hi"], 82, "content_filter"),
        (["ask", "--cache", "only", "never"], 81, "cache_miss"),
        (["ask", "-f", "missing", "hi"], 66, "no_input"),
        (["ask", "--policy", "missing.yaml", "hi"], 78, "policy"),
        (["ask", "--bogus", "hi"], 2, "usage"),
        (["bogus"], 2, "usage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_json_is_one_document_whatever_fails(
    nr: Nr, arguments: list[str], exit: int, code: str
) -> None:
    done = nr("--json", *arguments) if arguments == ["bogus"] else nr(*arguments, "--json")
    assert done.exit == exit
    assert done.out.count(b"\n") == 1
    assert done.document["version"] == 1
    assert (done.document["error"]["code"], done.document["error"]["exit"]) == (code, exit)


def test_a_variable_sets_a_flag_for_failures_too(nr: Nr) -> None:
    assert nr("ask", "hi", env={"NR_JSON": "1"}).document["error"] is None
    assert nr("ask", "-m", "nobody", "hi", env={"NR_JSON": "1"}).document["error"]["exit"] == 2
    assert nr("ask", "hi", env={"NR_MODEL": "cat/x"}).out == b"hi\n"


def test_an_answer_cut_in_json_is_told_with_what_there_is(nr: Nr) -> None:
    document = nr("ask", "-m", "fs/cut=4", "--json", "hi").document
    assert document["answer"] == "The quick brown "
    assert document["finish"] is None
    assert document["error"]["code"] == "stream_broken"
    document = nr("ask", "-m", "fs/length", "--json", "hi").document
    assert document["finish"] == "length"
    assert document["error"]["exit"] == 3


def test_jsonl_keeps_thoughts_apart_and_is_ascii(nr: Nr) -> None:
    done = nr("ask", "-m", "fs/reasoning", "--jsonl", "hi")
    assert done.out.isascii()
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["text"] for row in rows if row["event"] == "reasoning"] == ["SECRET THOUGHTS"]
    text = "".join(row["text"] for row in rows if row["event"] == "text")
    assert text == TEXT.decode().strip()


def test_a_price_makes_a_cost_known(nr: Nr, faults: Faults, home: Path) -> None:
    (home / "p.yaml").write_text(
        f'version: 1\nproviders:\n  fs: {{kind: openai, base_url: "http://127.0.0.1:{faults.port}/v1"}}\n'
        "models:\n  m: {id: fs/ok, price: {in: 1000, out: 2000}}\ndefault: {use: m}\n"
    )
    document = nr("ask", "--policy", "p.yaml", "--no-cache", "--json", "hi").document
    assert document["cost"] == {"usd": 0.025, "known": True}
    assert (document["model"], document["model_id"]) == ("m", "fs/ok")


def test_input_past_every_window_is_refused_before_anything_is_sent(
    nr: Nr, faults: Faults, home: Path
) -> None:
    (home / "p.yaml").write_text(
        f'version: 1\nproviders:\n  fs: {{kind: openai, base_url: "http://127.0.0.1:{faults.port}/v1"}}\n'
        "models:\n  m: {id: fs/ok=window, context: 100}\ndefault: {use: m}\n"
    )
    done = nr("ask", "--policy", "p.yaml", "word " * 900)
    assert (done.exit, done.out) == (80, b"")
    assert "100" in done.err
    assert faults.requests("ok=window") == []


def test_no_log_means_no_history(nr: Nr) -> None:
    nr("ask", "-n", "unlogged words")
    nr("ask", "logged words")
    listed = nr("log", "list", "--json").out
    assert b"unlogged" not in listed
    assert b"logged words" in listed


@pytest.mark.slow
@pytest.mark.parametrize("name", [[], ["ask"], ["route"], ["policy"], ["cache"], ["log"]])
def test_every_command_has_help_and_refuses_what_it_does_not_know(nr: Nr, name: list[str]) -> None:
    helped = nr(*name, "--help", env={"NR_POLICY": "/nowhere.yaml"})
    assert helped.exit == 0
    assert helped.out
    refused = nr(*name, "--no-such-flag")
    assert (refused.exit, refused.out) == (2, b"")
    assert len(refused.err.splitlines()) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252:strict"])
def test_no_locale_breaks_an_answer(nr: Nr, encoding: str) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = nr("ask", "-m", "fs/unicode", "hi", env={**env, "PYTHONIOENCODING": encoding})
    assert (done.exit, done.err) == (0, "")
    assert "日本語 🎉" in done.out.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd",
    [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"COLUMNS": "1"}, {"TERM": ""}],
    ids=["dumb", "no colour", "one column", "no terminal type"],
)
def test_an_odd_terminal_breaks_nothing(
    environ: dict[str, str], policy: Path, odd: dict[str, str]
) -> None:
    program, *rest = command(["ask", "-m", "cat/x", "**bold** word"])
    env = {**environ, "NR_POLICY": str(policy), "TERM": "xterm", "LANG": "C.UTF-8"}
    child = pexpect.spawn(program, rest, env={**env, **odd}, timeout=15)
    shown = child.read().decode()
    child.close()
    assert child.exitstatus == 0
    if "COLUMNS" in odd:
        assert "\x1b[1mb" in shown, "drawn, one character a line"
    else:
        assert "\x1b" not in shown
        assert "bold" in shown


@pytest.mark.parametrize(
    "flags",
    [["--json", "--jsonl"], ["--json", "-O", "f"], ["--jsonl", "-O", "f"], ["--json", "-x"],
     ["--cache", "only", "--no-cache"]],
    ids=" ".join,
)  # fmt: skip
def test_of_two_flags_that_contradict_none_is_passed_by(
    nr: Nr, home: Path, flags: list[str]
) -> None:
    assert nr("ask", "-m", "cat/x", *flags, "hi").exit == 2
    assert not (home / "f").exists()


def test_a_private_file_stays_private_and_a_missing_folder_costs_nothing(
    nr: Nr, home: Path
) -> None:
    (home / "mine").touch(0o600)
    assert nr("ask", "-m", "cat/x", "hi", "-O", "mine").exit == 0
    assert (home / "mine").stat().st_mode & 0o777 == 0o600
    assert nr("ask", "-m", "cat/x", "hi", "-O", "gone/mine").exit == 74
    assert len(nr("log", "list", "--json").document) == 1, "nothing was asked"


def test_thinking_is_shown_in_lines_of_its_own(nr: Nr, faults: Faults) -> None:
    done = nr("ask", "-v", "-m", "fs/reasoning", "hi")
    assert done.exit == 0
    assert "SECRET THOUGHTS" in done.err.splitlines()
