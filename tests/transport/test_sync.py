"""The blocking driver's stream: its parts, its time limits, what closing does to the server."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator

import pytest

from nr_cli.errors import ConfigError, FailureKind
from nr_cli.transport.script import ScriptedHands
from nr_cli.transport.sync import HttpStream, NetworkHands, drive
from nr_cli.types.events import Event, Text
from nr_cli.types.steps import Broke, Ended, HttpCall, Open, Opened, Read, Reply, Sleep, Step
from tests.conftest import Faults
from tests.transport.streams import FAILS, call, comes_true, was_cancelled


def hands(environ: dict[str, str] | None = None) -> NetworkHands:
    def no_model() -> object:
        raise AssertionError("no test here asks the embedded model")

    return NetworkHands(environ or {}, {}, no_model)  # type: ignore[arg-type] # never called


def exchange(faults: Faults, behaviour: str) -> tuple[Reply, bytes, Reply]:
    """The head, the bytes, the end of one exchange."""
    doing = hands()
    head = doing.do(Open(call(faults, behaviour), 2, 5))
    body = bytearray()
    last = head
    while isinstance(head, Opened):
        last = doing.do(Read(5))
        if not isinstance(last, bytes):
            break
        assert last, "a read never gives nothing"
        body += last
    doing.finish()
    return head, bytes(body), last


def test_an_exchange_is_a_head_then_bytes_then_an_end(faults: Faults) -> None:
    head, body, last = exchange(faults, "ok")
    assert isinstance(head, Opened)
    assert head.status == 200
    assert head.headers["content-type"] == "text/event-stream"
    assert body.endswith(b"data: [DONE]\n\n")
    assert last == Ended()


@pytest.mark.parametrize(("behaviour", "kind"), FAILS.items())
def test_whatever_breaks_comes_back_as_a_value_of_its_kind(
    faults: Faults, behaviour: str, kind: str
) -> None:
    last = exchange(faults, behaviour)[2]
    assert isinstance(last, Broke)
    assert last.kind == FailureKind(kind)
    assert last.detail


@pytest.mark.parametrize("behaviour", ["404", "500", "429=9", "redirect_307=other"])
def test_a_status_is_a_head_like_any_other(faults: Faults, behaviour: str) -> None:
    head, _, last = exchange(faults, behaviour)
    assert isinstance(head, Opened)
    assert head.status >= 300
    assert last == Ended()


def test_a_port_where_nobody_listens_is_a_network_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        reply = hands().do(Open(HttpCall(url, (), b""), 2, 5))
    assert isinstance(reply, Broke)
    assert reply.kind == FailureKind.NETWORK
    assert f"127.0.0.1:{port}" in reply.detail


@pytest.mark.parametrize("behaviour", ["hang", "header_drip"])
def test_no_head_in_time_is_a_timeout_and_the_server_is_let_go(
    faults: Faults, behaviour: str
) -> None:
    began = time.monotonic()
    doing = hands()
    reply = doing.do(Open(call(faults, behaviour), 2, 0.3))
    assert isinstance(reply, Broke)
    assert reply.kind == FailureKind.TIMEOUT
    assert time.monotonic() - began < 0.8
    doing.finish()


def test_closing_half_way_stops_the_server(faults: Faults) -> None:
    doing = hands()
    assert isinstance(doing.do(Open(call(faults, "endless=21"), 2, 5)), Opened)
    assert isinstance(doing.do(Read(5)), bytes)
    doing.finish()
    assert comes_true(lambda: was_cancelled(faults, "endless=21"))


def test_a_stream_nobody_reads_is_not_read_ahead_without_end(faults: Faults) -> None:
    stream = HttpStream(call(faults, "huge=64"), 2, {}, None)
    assert isinstance(stream.read(5), Opened)
    assert isinstance(stream.read(5), bytes)
    stream.close()
    assert comes_true(lambda: was_cancelled(faults, "huge=64"))
    sent = faults.requests("huge=64")[-1]["bytes_out"]
    assert sent < 32 << 20, "the server was held back by the reader"


def test_a_proxy_of_no_use_is_raised_where_the_request_is_made() -> None:
    with pytest.raises(ConfigError):
        hands({"ALL_PROXY": "socks5://p:1"}).do(
            Open(HttpCall("https://model.example/v1", (), b""), 1, 1)
        )


def test_no_cookie_outlives_its_exchange(faults: Faults) -> None:
    doing = hands()
    for _ in range(2):
        doing.do(Open(call(faults, "set_cookie"), 2, 5))
        while isinstance(doing.do(Read(5)), bytes):
            pass
    doing.finish()
    assert all("cookie" not in row["headers"] for row in faults.requests("set_cookie"))


Flow = Generator["Step | Event", "Reply", str]


def test_a_flow_is_given_the_reply_of_each_step_and_nothing_for_an_event() -> None:
    def flow() -> Flow:
        first = yield Read(1)
        heard = yield Text("x")
        slept = yield Sleep(0)
        second = yield Read(1)
        return f"{first!r} {heard!r} {slept!r} {second!r}"

    def told() -> Generator[Event, None, str]:
        return (yield from drive(flow(), ScriptedHands([b"1", b"2"])))

    telling = told()
    assert next(telling) == Text("x")
    with pytest.raises(StopIteration) as stop:
        next(telling)
    assert stop.value.value == "b'1' None None b'2'"


def test_whoever_stops_listening_ends_the_flow_and_what_is_open() -> None:
    ended: list[str] = []

    class Hands(ScriptedHands):
        def finish(self) -> None:
            ended.append("hands")

    def flow() -> Flow:
        try:
            yield Text("x")
            yield Text("y")
        finally:
            ended.append("flow")
        return ""

    telling = drive(flow(), Hands([]))
    next(telling)
    telling.close()
    assert ended == ["flow", "hands"]
