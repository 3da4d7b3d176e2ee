"""Starts aimock, a server that speaks the vendors' own protocols, for tests against real bytes."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

AIMOCK = "@copilotkit/aimock@1.43.0"
OLDEST_NODE = (20, 15)
FIXTURES = Path(__file__).parent / "fixtures"


class Aimock(NamedTuple):
    """A running aimock. Each protocol has its path below `url`: /v1, /v1beta, /api."""

    url: str

    def journal(self, path: str = "") -> list[dict]:
        """Returns the requests it received on paths that begin so, oldest first."""
        with urllib.request.urlopen(f"{self.url}/__aimock/journal?limit=1000") as answer:
            entries = json.load(answer)
        entries = entries["entries"] if isinstance(entries, dict) else entries
        found = [entry for entry in entries if entry["path"].startswith(path)]
        return sorted(found, key=lambda entry: entry["timestamp"])


def node_lacks() -> str:
    """Returns why aimock cannot run here, or nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        return "aimock needs node with npm, which are not installed"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.strip().removeprefix("v").split(".")[:2])
    return "" if version >= OLDEST_NODE else f"aimock needs node 20.15 or later, this is {said}"


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """Installs aimock in a folder of its own, serves tests/real/fixtures on a free port."""
    lacking = node_lacks()
    if lacking:
        pytest.skip(lacking)
    folder = tmp_path_factory.mktemp("aimock")
    installed = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AIMOCK],
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        pytest.skip(f"npm could not install {AIMOCK}: {installed.stderr.strip()[-300:]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log.txt").open("w+", encoding="utf-8")
    with log, subprocess.Popen(
        ["node", str(folder / "node_modules" / ".bin" / "llmock"), "-p", str(port),
         "-h", "127.0.0.1", "-f", str(FIXTURES), "--metrics", "--validate-on-load"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    ) as server:  # fmt: skip
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/health", server, Path(log.name))
            yield Aimock(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once the address answers; fails with the server's own words when it never does."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # between two looks, not instead of one
    pytest.fail(f"aimock never became ready: {log.read_text(encoding='utf-8')[-2000:]}")
