"""Keeps the embedded model's weights for these tests, runs llama.cpp's own server on them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.port = int(sys.argv[2])
params.n_ctx, params.verbosity, params.ui = 2048, -1, False
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place for the weights, so that they are fetched once for all of these tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def llama(data: Path) -> Iterator[str]:
    """Runs llama.cpp's server with the embedded model; returns its address without a version."""
    from nr_cli.store.weights import fetch

    weights = fetch(str(data), lambda what, done, total: None, offline=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, weights, str(port)], stdin=subprocess.PIPE
    ) as server:
        try:
            wait_until_loaded(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def wait_until_loaded(url: str, server: subprocess.Popen[bytes]) -> None:
    """Returns once the server says that its model is loaded."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)  # between two looks, not instead of one
    pytest.fail("llama.cpp's server never became ready")
