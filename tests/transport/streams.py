"""What the tests of both drivers share: calls to the fault server, and waiting for its word."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from nr_cli.types.steps import HttpCall
from tests.conftest import Faults

FAILS: dict[str, str] = {
    "rst_before": "network",
    "fin_before": "network",
    "rst_headers": "network",
    "http09": "network",
    "cut=4": "network",
    "short_length": "network",
    "gzip_bad": "invalid_response",
    "gzip_bomb=80": "invalid_response",
    "encoding_unknown": "invalid_response",
}


def call(faults: Faults, behaviour: str, port: int | None = None) -> HttpCall:
    body = json.dumps({"model": behaviour, "stream": True}).encode()
    url = f"http://127.0.0.1:{port or faults.port}/v1/chat/completions"
    return HttpCall(url, (("content-type", "application/json"),), body)


def comes_true(claim: Callable[[], bool], within: float = 3.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.02)
    return claim()


def was_cancelled(faults: Faults, behaviour: str) -> bool:
    """Tells whether the server noticed that its reader went away; it writes that on its log."""
    return any(row["client_aborted"] for row in faults.requests(behaviour))
