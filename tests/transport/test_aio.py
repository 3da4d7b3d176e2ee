"""The asyncio driver's stream keeps the very rules of the blocking one, side by side."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

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


ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def closing_server(takes_another: bool) -> Iterator[tuple[str, list[int], threading.Event]]:
    """A server that closes each connection after one answer: at once, or on the next request.

    Gives its address, the requests on each connection so far, what tells that it closed one.
    """
    served: list[int] = []
    closed = threading.Event()

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            with peer:
                peer.settimeout(5)
                served.append(1)
                peer.recv(65536)
                peer.sendall(ANSWER)
                if takes_another and peer.recv(65536):
                    served[-1] += 1
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", served, closed
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


async def ask_twice(url: str, ready: threading.Event | None) -> tuple[Reply, Reply]:
    """The heads of two exchanges over what may be one connection, the second when `ready`."""
    async with hands() as doing:
        first = await doing.do(Open(HttpCall(url, (), b""), 2, 5))
        while not isinstance(await doing.do(Read(5)), Ended | Broke):
            pass
        await doing.finish()
        if ready is not None:
            assert await asyncio.to_thread(ready.wait, 5)
        return first, await doing.do(Open(HttpCall(url, (), b""), 2, 5))


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    with closing_server(takes_another=False) as (url, served, closed):
        first, second = asyncio.run(ask_twice(url, closed))
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert served == [1, 1]


def test_a_request_is_sent_once_even_where_a_kept_connection_breaks() -> None:
    with closing_server(takes_another=True) as (url, served, _):
        first, second = asyncio.run(ask_twice(url, None))
    assert isinstance(first, Opened)
    assert isinstance(second, Broke)
    assert second.kind == FailureKind.NETWORK
    assert served == [2]
