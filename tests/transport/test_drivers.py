"""Both drivers run one flow to the same events; proxies, encodings, programs keep their rules."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
import time
from pathlib import Path

import pytest

from nr_cli.app import Router
from nr_cli.errors import ConfigError
from nr_cli.transport.aio import AsyncHands, Connections
from nr_cli.transport.aio import drive as drive_async
from nr_cli.transport.embedded import Embedded
from nr_cli.transport.inflate import Inflater, Undecodable
from nr_cli.transport.process import Process
from nr_cli.transport.route import is_loopback, proxy_of, trust
from nr_cli.transport.sync import drive
from nr_cli.types.events import Decided, Event, Served
from nr_cli.types.prompt import Ask, Prompt
from nr_cli.types.steps import Broke, Ended, Opened, ProcessCall
from tests.conftest import KEY


def story(events: list[Event]) -> list[str]:
    """The events without what differs from run to run: times, and what follows from them."""
    return [
        type(event).__name__ if isinstance(event, Decided | Served) else repr(event)
        for event in events
    ]


@pytest.mark.parametrize(
    "behaviour", ["ok", "unicode", "cut=4", "length", "tool_calls", "content_filter", "cat"]
)
def test_both_drivers_tell_the_same_story(policy: Path, home: Path, behaviour: str) -> None:
    environ = {
        "HOME": str(home), "NR_POLICY": str(policy), "FS_KEY": KEY, "PATH": os.environ["PATH"],
    }  # fmt: skip
    model = "cat/x" if behaviour == "cat" else f"fs/{behaviour}"
    ask = Ask(Prompt("hi"), model=model, cache="off")
    router = Router(environ, {})
    blocking = list(drive(router.answer(ask), router.hands()))

    async def collect() -> list[Event]:
        connections = Connections(environ, environ, no_model)  # type: ignore[arg-type] # never called
        try:
            flow = drive_async(router.answer(ask), AsyncHands(connections))
            return [event async for event in flow]
        finally:
            await connections.close()

    assert story(asyncio.run(collect())) == story(blocking)


@pytest.mark.parametrize(
    ("scheme", "host", "environ", "proxy"),
    [
        ("https", "api.example.org", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("http", "127.0.0.1", {"http_proxy": "http://p:1", "ALL_PROXY": "http://p:1"}, None),
        ("http", "localhost", {"http_proxy": "http://p:1"}, None),
        ("https", "a.example.org", {"all_proxy": "http://p:1", "NO_PROXY": ".example.org"}, None),
        ("https", "notexample.org", {"all_proxy": "http://p:1", "NO_PROXY": "example.org"},
         "http://p:1"),
        ("https", "x.org", {"https_proxy": "http://p:1", "NO_PROXY": "*"}, None),
        ("https", "x.org", {"https_proxy": "http://p:1", "NO_PROXY": "[::1]bad,"}, "http://p:1"),
    ],
)  # fmt: skip
def test_a_proxy_is_for_others_never_for_this_machine(
    scheme: str, host: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert proxy_of(scheme, host, environ) == proxy


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.8.9.1", True), ("::1", True), ("localhost", True), ("localhost.evil.example", False),
     ("127.evil.example", False), ("10.0.0.1", False)],
)  # fmt: skip
def test_only_this_machine_is_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) == here


def test_a_ca_file_that_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/ca\.pem"):
        trust("/nowhere/ca.pem", {})


def test_gzip_is_undone_in_any_chunking_and_a_cut_is_noticed() -> None:
    packed = gzip.compress(b"some text" * 1000)
    inflater = Inflater("gzip")
    pieces = [piece for at in range(len(packed)) for piece in inflater.feed(packed[at : at + 1])]
    inflater.end()
    assert b"".join(pieces) == b"some text" * 1000
    cut = Inflater("gzip")
    list(cut.feed(packed[:-5]))
    with pytest.raises(Undecodable):
        cut.end()


def no_model() -> Embedded:
    raise AssertionError("no test here asks the embedded model")


def run_program(*argv: str, stdin: bytes = b"", within: float = 5) -> tuple[bytes, object]:
    process = Process(ProcessCall(argv, stdin), {"PATH": "/usr/bin:/bin"})
    opened = process.open()
    if not isinstance(opened, Opened):
        return b"", opened
    out = b""
    while isinstance(part := process.read(within), bytes):
        out += part
    process.close()
    return out, part


@pytest.mark.parametrize(
    ("argv", "stdin", "out", "end"),
    [
        (("cat",), b"x" * 500_000, b"x" * 500_000, Ended(0, "")),
        (("true",), b"x" * 500_000, b"", Ended(0, "")),
        (("sh", "-c", "echo no >&2; exit 3"), b"", b"", Ended(3, "no\n")),
        (("/nowhere/program",), b"", b"", "Broke"),
        ((sys.executable, "-c", "print(1)", "a\x00b"), b"", b"", "Broke"),
        (("sh", "-c", "sleep 30 & sleep 30"), b"", b"", "Broke"),
    ],
    ids=["cat", "ignores stdin", "fails", "missing", "nul", "silent"],
)
def test_a_program_ends_as_it_ends_and_leaves_nobody_behind(
    argv: tuple[str, ...], stdin: bytes, out: bytes, end: object
) -> None:
    began = time.monotonic()
    written, ended = run_program(*argv, stdin=stdin, within=1)
    assert written == out
    assert isinstance(ended, Broke) if end == "Broke" else ended == end
    assert time.monotonic() - began < 4
