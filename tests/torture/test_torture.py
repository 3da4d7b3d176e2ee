"""Every system call of one ask that may fail is made to fail: an answer, or a clean error, no lie.

The method is that of curl's torture tests: a first run under strace counts the calls that concern
nr's own files, its streams, its connection; then each is failed in turn. The suite takes a few by
chance (by date, or NR_TORTURE_SEED); NR_TORTURE=all takes every one.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import KEY, Done, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
SOME = 24
ERRORS = {
    "openat": ("EACCES", "EIO"), "write": ("ENOSPC", "EIO"), "pwrite64": ("ENOSPC",),
    "fsync": ("EIO",), "fdatasync": ("EIO",), "rename": ("EIO",), "unlink": ("EACCES",),
    "mkdir": ("EACCES",), "flock": ("EAGAIN", "ENOLCK"), "connect": ("ECONNREFUSED",),
    "sendto": ("EPIPE",), "recvfrom": ("ECONNRESET",), "read": ("EIO",), "newfstatat": ("EACCES",),
    "pread64": ("EIO",), "ftruncate": ("EIO",), "fchmod": ("EPERM",),
}  # fmt: skip
# What an ask may come to when something below it fails; 70 is a bug, 1 a traceback.
HONEST = {0, 3, 65, 66, 69, 74, 75, 76, 77, 78, 80}
LINE = re.compile(r"^(\d+) +(\w+)\((.*)")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]


class Call(NamedTuple):
    """One call to be failed: the so manyth of its name in its thread."""

    name: str
    number: int
    shown: str


class Run:
    """Runs one ask under strace in a home of its own."""

    def __init__(self, environ: dict[str, str], policy: Path, scratch: Path) -> None:
        """Takes the environment, the policy, where to work."""
        self.environ = {**environ, "NR_POLICY": str(policy), "PYTHONDONTWRITEBYTECODE": "1"}
        self.scratch = scratch
        self.count = 0

    def home(self) -> Path:
        """Returns a new home, already used once, so that all files are there."""
        self.count += 1
        home = self.scratch / f"home{self.count}"
        home.mkdir()
        self.ask(home, "warm")
        return home

    def ask(self, home: Path, prompt: str, *tracing: str) -> Done:
        """Asks; `tracing` are strace's own arguments."""
        words = ["strace", "-f", "-qq", *tracing] if tracing else []
        done = subprocess.run(
            [*words, *command(["ask", "--timeout", "6", prompt])],
            env={**self.environ, "HOME": str(home)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


@pytest.fixture
def run(environ: dict[str, str], policy: Path, tmp_path: Path) -> Run:
    return Run(environ, policy, tmp_path)


def find_calls(run: Run) -> list[Call]:
    """Returns the calls of one ask that concern it, rather than Python's own start."""
    home, log = run.home(), run.scratch / "calls"
    names = ",".join(ERRORS)
    done = run.ask(home, "count", "-y", "-e", f"trace={names}", "-o", str(log))
    assert done.out == TEXT
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        thread, name, rest = match.groups()
        seen[thread, name] += 1
        own = str(home) in rest or "socket:" in rest.lower() or "127.0.0.1" in rest
        spoken = name == "write" and rest.startswith(("1<", "2<"))
        if own or spoken:
            found.append(Call(name, seen[thread, name], rest[:120]))
    return list(dict.fromkeys(found))


def test_whatever_fails_below_an_ask_there_is_an_answer_or_a_clean_error(run: Run) -> None:
    calls = [(call, error) for call in find_calls(run) for error in ERRORS[call.name]]
    assert len(calls) > 40
    if os.environ.get("NR_TORTURE") != "all":
        seed = os.environ.get("NR_TORTURE_SEED") or time.strftime("%Y%m%d")
        print(f"seed {seed}: {SOME} of {len(calls)} faults")
        calls = random.Random(seed).sample(calls, SOME)
    ends: Counter[int] = Counter()
    wrong = []
    for number, (call, error) in enumerate(calls):
        home = run.home()
        fault = f"{call.name}:error={error}:when={call.number}"
        out = run.scratch / "trace"
        done = run.ask(home, f"ask {number}", "-e", f"trace={call.name}", "-e", f"inject={fault}",
                       "-o", str(out))  # fmt: skip
        if is_elsewhere(out, home, call):
            continue
        ends[done.exit] += 1
        flaw = flaw_of(done, call)
        after = run.ask(home, f"after {number}")
        if after.exit or after.out != TEXT:
            flaw = flaw or f"the next ask ended with {after.exit}: {after.err[:200]}"
        if flaw:
            wrong.append(f"{fault} {call.shown}: {flaw}")
        shutil.rmtree(home, ignore_errors=True)
    print(f"{len(calls)} faults: {dict(sorted(ends.items()))}")
    assert not wrong, "\n".join(wrong)


def is_elsewhere(trace: Path, home: Path, call: Call) -> bool:
    """Tells whether the fault has hit Python's own start instead, since the count has shifted."""
    hit = [line for line in trace.read_text(errors="replace").splitlines() if "INJECTED" in line]
    by_path = call.name in ("openat", "newfstatat")
    return by_path and not any(str(home) in line for line in hit)


def flaw_of(done: Done, call: Call) -> str:
    """Returns what is wrong with how an ask ended, an empty text if nothing is."""
    if "Traceback" in done.err or KEY in done.err:
        return f"it says {done.err[-300:]}"
    if done.exit not in HONEST:
        return f"it ended with {done.exit}: {done.err[-300:]}"
    if done.exit == 0 and done.out != TEXT:
        return f"it claims to be whole, and wrote {done.out!r}"
    if done.exit not in (0, 3, 74) and done.out:
        return f"it ended with {done.exit}, and wrote {done.out!r}"
    return ""
