"""Runs the installed `nr` as its users do, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

KEY = "sk-canary-5f0c1d2e3b4a59687786"


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
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


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
"""
    )
    return path


Nr = Callable[..., Done]


@pytest.fixture
def nr(environ: dict[str, str], policy: Path, home: Path) -> Nr:
    """Runs `nr`; the canary key may appear in nothing that it prints."""

    def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Done:
        done = subprocess.run(
            command(arguments),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env={**environ, "NR_POLICY": str(policy), **(env or {})},
            cwd=home,
            timeout=30,
        )
        assert KEY.encode() not in done.stdout + done.stderr
        assert b"Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    return run


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "nr_cli", *arguments]
