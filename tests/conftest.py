"""Runs the installed `nr` as its users do, in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

KEY = "sk-canary-5f0c1d2e3b4a59687786"
LARGE = 20_000_000  # bytes of weights, which hold no key


class Done(NamedTuple):
    """How one run of `nr` ended."""

    exit: int
    out: bytes
    err: str

    @property
    def document(self) -> dict:
        return json.loads(self.out)


class Faults(NamedTuple):
    """A running fault server with where it logs."""

    port: int
    log: Path

    def requests(self, behaviour: str) -> list[dict]:
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [row for row in rows if behaviour in (row["behaviour"], row["path"])]


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "log.jsonl").touch()  # the server makes it with its first request
    script = Path(__file__).parent / "faults" / "server.py"
    with subprocess.Popen(
        [sys.executable, str(script), "--port", "0", "--second-port", "0",
         "--log", str(folder / "log.jsonl"), "--max-seconds", "900"],
        stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        yield Faults(ready["port"], folder / "log.jsonl")
        server.terminate()


@pytest.fixture
def asked(faults: Faults) -> Callable[[], list[dict]]:
    """The requests that began since the test did; earlier ones may be told late."""
    began = time.time()

    def since() -> list[dict]:
        whole = faults.log.read_text().splitlines(keepends=True)
        rows = [json.loads(line) for line in whole if line.endswith("\n")]
        return [row for row in rows if row["t"] >= began]

    return since


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of its own; afterwards the canary key is in nothing that `nr` has kept there."""
    folder = tmp_path / "home"
    folder.mkdir()
    yield folder
    for kept in (".cache", ".local/state", ".local/share"):
        for place, _, names in os.walk(folder / kept):
            for path in (Path(place, name) for name in names):
                if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGE:
                    assert KEY.encode() not in path.read_bytes(), f"the key is in {path}"


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return {**kept, "HOME": str(home), "FS_KEY": KEY}


@pytest.fixture
def policy(home: Path, faults: Faults) -> Path:
    path = home / "policy.yaml"
    path.write_text(
        f"""version: 1
providers:
  fs: {{kind: openai, base_url: "http://127.0.0.1:{faults.port}/v1", api_key_env: FS_KEY}}
  cat: {{kind: command, command: [cat], local: true}}
default: {{use: fs/ok}}
retry: {{backoff: {{max: 1ms}}}}
"""
    )
    return path


Nr = Callable[..., Done]


@pytest.fixture(scope="session")
def door() -> Iterator[str]:
    """Where copies of a process with `nr` imported are to be had."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "prefork.py"), path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=kept,
            cwd=Path(__file__).parent.parent,
        ) as server:  # fmt: skip
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            yield path
            server.terminate()


def run_anew(
    arguments: Sequence[str], stdin: bytes | None, env: dict[str, str], cwd: Path
) -> tuple[int, bytes, bytes]:
    """Runs `nr` from a fresh interpreter; returns its exit status, stdout, stderr."""
    done = subprocess.run(
        command(arguments),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=env,
        cwd=cwd,
        timeout=30,
    )
    return done.returncode, done.stdout, done.stderr


def run_copy(door: str, arguments: Sequence[str], stdin: bytes | None, env: dict[str, str],
             cwd: Path) -> tuple[int, bytes, bytes]:  # fmt: skip
    """Runs `nr` in a copy; returns its exit status, stdout, stderr."""
    order = {"argv": ["nr", *arguments], "env": env, "cwd": str(cwd)}
    body = json.dumps(order).encode()
    ends = [os.pipe() for _ in range(3)]
    given = os.open(os.devnull, os.O_RDONLY) if stdin is None else os.dup(ends[0][0])
    found = [b"", b""]

    def write() -> None:
        with suppress(BrokenPipeError), open(ends[0][1], "wb") as file:
            file.write(stdin or b"")

    def read(place: int) -> None:
        with open(ends[place + 1][0], "rb") as file:
            found[place] = file.read()

    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(door)
        socket.send_fds(peer, [struct.pack("!I", len(body))], [given, ends[1][1], ends[2][1]])
        peer.sendall(body)
        (child,) = struct.unpack("!i", peer.recv(4))
        for fd in (given, ends[0][0], ends[1][1], ends[2][1]):
            os.close(fd)
        jobs = [threading.Thread(target=write)]
        jobs += [threading.Thread(target=read, args=(place,)) for place in (0, 1)]
        for job in jobs:
            job.start()
        try:
            (status,) = struct.unpack("!i", peer.recv(4))
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            for job in jobs:
                job.join(30)
    return status, *found  # type: ignore[return-value] # two of them


@pytest.fixture
def nr(environ: dict[str, str], policy: Path, home: Path, door: str) -> Nr:
    """Runs `nr`; the canary key may appear in nothing that it prints."""

    def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Done:
        whole = {**environ, "NR_POLICY": str(policy), **(env or {})}
        if any(name.startswith(("PYTHON", "LC_", "LANG")) for name in env or {}):
            exit, out, err = run_anew(arguments, stdin, whole, home)  # the interpreter reads these
        else:
            exit, out, err = run_copy(door, arguments, stdin, whole, home)
        assert KEY.encode() not in out + err
        assert b"Traceback" not in err
        return Done(exit, out, err.decode("utf-8", "replace"))

    return run


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "nr_cli", *arguments]
