"""The asyncio driver's stream keeps the very rules of the blocking one, side by side."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nr_cli.errors import FailureKind
from nr_cli.transport.aio import AsyncHands, Connections
from nr_cli.types.steps import Broke, Ended, HttpCall, Open, Opened, Read, Reply, Sleep
from tests.conftest import Faults
from tests.transport.streams import FAILS, call, comes_true, was_cancelled


@asynccontextmanager
async def hands() -> AsyncIterator[AsyncHands]:
    def no_model() -> object:
        raise AssertionError("no test here asks the embedded model")

    connections = Connections({}, {}, no_model)  # type: ignore[arg-type] # never called
    doing = AsyncHands(connections)
    yield doing
    await doing.finish()
    await connections.close()


async def exchange(faults: Faults, behaviour: str) -> tuple[Reply, bytes, Reply]:
    """The head, the bytes, the end of one exchange."""
    body = bytearray()
    async with hands() as doing:
        last = head = await doing.do(Open(call(faults, behaviour), 2, 5))
        while isinstance(head, Opened):
            last = await doing.do(Read(5))
            if not isinstance(last, bytes):
                break
            body += last
    return head, bytes(body), last


def test_an_exchange_is_a_head_then_bytes_then_an_end(faults: Faults) -> None:
    head, body, last = asyncio.run(exchange(faults, "ok"))
    assert isinstance(head, Opened)
    assert head.headers["content-type"] == "text/event-stream"
    assert body.endswith(b"data: [DONE]\n\n")
    assert last == Ended()


@pytest.mark.parametrize(("behaviour", "kind"), FAILS.items())
def test_whatever_breaks_comes_back_as_a_value_of_its_kind(
    faults: Faults, behaviour: str, kind: str
) -> None:
    last = asyncio.run(exchange(faults, behaviour))[2]
    assert isinstance(last, Broke)
    assert last.kind == FailureKind(kind)


def test_a_port_where_nobody_listens_is_a_network_failure() -> None:
    async def ask(url: str) -> Reply:
        async with hands() as doing:
            return await doing.do(Open(HttpCall(url, (), b""), 2, 5))

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reply = asyncio.run(ask(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))
    assert isinstance(reply, Broke)
    assert reply.kind == FailureKind.NETWORK


@pytest.mark.parametrize("behaviour", ["hang", "header_drip"])
def test_no_head_in_time_is_a_timeout(faults: Faults, behaviour: str) -> None:
    async def ask() -> Reply:
        async with hands() as doing:
            return await doing.do(Open(call(faults, behaviour), 2, 0.3))

    began = time.monotonic()
    reply = asyncio.run(ask())
    assert isinstance(reply, Broke)
    assert reply.kind == FailureKind.TIMEOUT
    assert time.monotonic() - began < 1


def test_closing_half_way_stops_the_server(faults: Faults) -> None:
    async def ask() -> None:
        async with hands() as doing:
            assert isinstance(await doing.do(Open(call(faults, "endless=22"), 2, 5)), Opened)
            assert isinstance(await doing.do(Read(5)), bytes)

    asyncio.run(ask())
    assert comes_true(lambda: was_cancelled(faults, "endless=22"))


def test_many_asks_wait_side_by_side(faults: Faults) -> None:
    async def ask_all() -> list[tuple[Reply, bytes, Reply]]:
        return await asyncio.gather(*(exchange(faults, "slow_first=0.5") for _ in range(10)))

    began = time.monotonic()
    ends = asyncio.run(ask_all())
    assert [last for _, _, last in ends] == [Ended()] * 10
    assert time.monotonic() - began < 2.5


def test_a_sleep_lets_others_work() -> None:
    async def sleep_twice() -> None:
        async with hands() as one, hands() as other:
            await asyncio.gather(one.do(Sleep(0.2)), other.do(Sleep(0.2)))

    began = time.monotonic()
    asyncio.run(sleep_twice())
    assert time.monotonic() - began < 0.35
