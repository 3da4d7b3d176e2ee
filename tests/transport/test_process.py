"""A program as a backend: fed, read, timed, ended with all that it started."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from nr_cli.errors import FailureKind
from nr_cli.transport.process import Process
from nr_cli.types.steps import Broke, Ended, Opened, ProcessCall

LARGE = b"0123456789abcdef" * 65_536  # 1 MiB: more than any pipe holds
ENVIRON = {"PATH": os.environ["PATH"]}


def collect(process: Process, within: float = 10) -> tuple[bytes, Ended | Broke]:
    out = b""
    while isinstance(part := process.read(within), bytes):
        assert part, "bytes are never empty"
        out += part
    assert isinstance(part, Ended | Broke)
    return out, part


def run(
    *argv: str, stdin: bytes = b"", within: float = 10, environ: dict[str, str] = ENVIRON
) -> tuple[bytes, Ended | Broke]:
    process = Process(ProcessCall(argv, stdin), environ)
    try:
        assert process.open() == Opened(200, {})
        return collect(process, within)
    finally:
        process.close()


def python(script: str, **options: object) -> tuple[bytes, Ended | Broke]:
    return run(sys.executable, "-I", "-c", script, **options)  # type: ignore[arg-type]


NOISE = "import sys; sys.stderr.write('x' * 1000000 + 'last'); print('out')"


@pytest.mark.parametrize(
    ("script", "stdin", "out", "exit"),
    [
        ("exec cat", LARGE, LARGE, 0),
        ("exec true", LARGE, b"", 0),
        ("exec <&-; echo no thanks", LARGE, b"no thanks\n", 0),
        ("echo early; cat >/dev/null; echo late", LARGE, b"early\nlate\n", 0),
        ("echo part; exit 7", b"", b"part\n", 7),
        ("echo shown; exec >&-; cat >/dev/null", LARGE, b"shown\n", 0),
        ("kill -9 $$", b"", b"", -9),
        ("(sleep 0.2; echo tail) & echo head", b"", b"head\ntail\n", 0),
    ],
    ids=[
        "echoes a megabyte", "ignores stdin", "closes stdin", "writes before it reads", "fails",
        "closes stdout first", "killed", "a child of it writes last",
    ],
)  # fmt: skip
def test_all_of_stdout_comes_then_how_the_program_ended(
    script: str, stdin: bytes, out: bytes, exit: int
) -> None:
    assert run("sh", "-c", script, stdin=stdin) == (out, Ended(exit, ""))


def test_only_the_end_of_a_flood_on_stderr_is_kept_while_stdout_still_comes() -> None:
    out, ended = python(NOISE)
    assert out == b"out\n"
    assert isinstance(ended, Ended)
    assert ended.stderr == "x" * 2044 + "last"


def test_stderr_that_is_not_utf8_is_still_shown() -> None:
    _, ended = run("sh", "-c", r"printf '\377!' >&2")
    assert ended == Ended(0, "\ufffd!")


@pytest.mark.parametrize("stdin", [b"", LARGE], ids=["no input", "unread input"])
def test_a_silent_program_is_ended_in_time_even_when_it_ignores_the_request(stdin: bytes) -> None:
    began = time.monotonic()
    out, ended = run("sh", "-c", "trap '' TERM; while :; do sleep 1; done", stdin=stdin, within=0.2)
    assert (out, ended) == (b"", Broke(FailureKind.TIMEOUT, "sh was silent for 0.2 s"))
    assert time.monotonic() - began < 1.5


def test_noise_on_stderr_does_not_extend_the_time_limit() -> None:
    began = time.monotonic()
    _, ended = run("sh", "-c", "while :; do echo x >&2; sleep 0.05; done", within=0.3)
    assert isinstance(ended, Broke)
    assert time.monotonic() - began < 1.5


def test_closing_ends_the_program_with_the_children_it_started(tmp_path: Path) -> None:
    process = Process(ProcessCall(("sh", "-c", "sleep 60 & echo $!; wait"), b""), ENVIRON)
    process.open()
    child = process.read(10)
    assert isinstance(child, bytes)
    process.close()
    process.close()
    deadline = time.monotonic() + 5
    while is_running(int(child)):
        assert time.monotonic() < deadline, "the program's child still runs"
    assert isinstance(process.read(1), Broke)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return os.path.isdir("/proc/self") is False
    except ProcessLookupError:
        return False


def test_a_process_left_behind_in_a_session_of_its_own_holds_nothing_up() -> None:
    script = "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(4)\n"
    began = time.monotonic()
    assert python(script, stdin=LARGE) == (b"", Ended(0, ""))
    assert time.monotonic() - began < 3


def test_another_thread_may_close_what_one_reads() -> None:
    process = Process(ProcessCall(("sleep", "60"), b""), ENVIRON)
    process.open()
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(process.read(30)))
    reader.start()
    process.close()
    reader.join(5)
    assert not reader.is_alive()
    assert isinstance(got[0], Ended | Broke)


def test_the_program_sees_the_given_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    script = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))"
    out, _ = python(script, environ={"ONLY": "this"})
    assert out == b"['ONLY']\n"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("missing", FailureKind.MODEL_NOT_FOUND, "no such program"),
        ("plain", FailureKind.UNSUPPORTED, "may not be run"),
        ("plain/inside", FailureKind.MODEL_NOT_FOUND, "no such program"),
        ("unreadable", FailureKind.BAD_REQUEST, "cannot be started"),
        ("with\0nul", FailureKind.BAD_REQUEST, "NUL"),
    ],
)
def test_a_program_that_cannot_start_is_named(
    tmp_path: Path, name: str, kind: FailureKind, words: str
) -> None:
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    (tmp_path / "unreadable").write_bytes(b"\x7fELF nothing")
    (tmp_path / "unreadable").chmod(0o755)
    process = Process(ProcessCall((str(tmp_path / name),), b"x"), ENVIRON)
    opened = process.open()
    process.close()
    assert isinstance(opened, Broke)
    assert (opened.kind, words in opened.detail) == (kind, True)


def test_nothing_stays_open_after_many_programs() -> None:
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        run("sh", "-c", "cat; echo e >&2", stdin=b"x")
        Process(ProcessCall(("/nowhere",), b""), ENVIRON).open()
    assert len(os.listdir("/dev/fd")) == before
