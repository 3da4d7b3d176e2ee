"""The asyncio driver: runs the very same flows, many side by side in one process.

What they share is `Connections`: an open connection serves one ask after another, TLS settings are
read once, one launcher looks after the embedded model.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx

from nr_cli.errors import FailureKind
from nr_cli.transport.sync import prepared_in, request_of, with_prepared, with_token
from nr_cli.types.events import Event
from nr_cli.types.steps import (
    Broke,
    Ended,
    HttpCall,
    Open,
    Opened,
    ProcessCall,
    Read,
    Reply,
    Sleep,
    Step,
)

if TYPE_CHECKING:
    from nr_cli.transport.embedded import Embedded, Endpoint
    from nr_cli.transport.process import Process
    from nr_cli.transport.route import Way

T = TypeVar("T")

REST = 0.25  # seconds that an answered request has to end its response, off anybody's way
# Seconds that a connection may wait to be used again. A request fails that meets the server's own
# close of an idle connection; the common servers wait from 2 (gunicorn) or 5 (uvicorn, Node) on.
REUSE = 1.5
LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=REUSE)


async def drive(
    flow: Generator[Step | Event, Reply, T], hands: AsyncHands
) -> AsyncGenerator[Event, None]:
    """Yields the flow's events, awaiting its steps between them."""
    reply: Reply = None
    try:
        while True:
            try:
                item = flow.send(reply)
            except StopIteration:
                hands.rest()
                return
            reply = None
            if isinstance(item, Open | Read | Sleep):
                reply = await hands.do(item)
            else:
                yield item
    finally:
        flow.close()
        await hands.finish()


class Origin(NamedTuple):
    """What decides whether two calls may share a connection."""

    scheme: str
    netloc: str
    proxy: str | None
    ca_file: str | None
    socket: str | None


def origin_of(call: HttpCall, socket: str | None) -> Origin:
    """Returns the origin of a call. Raises: InvalidURL for what is no address."""
    try:
        parts = urlsplit(call.url)
    except ValueError:
        raise httpx.InvalidURL("not an address") from None
    return Origin(parts.scheme, parts.netloc, call.proxy, call.ca_file, socket)


class Connections:
    """The open connections of a process with the launcher of its embedded model."""

    def __init__(
        self,
        environ: Mapping[str, str],
        child_environ: Mapping[str, str],
        embedded: Callable[[], Embedded],
    ) -> None:
        """Takes the environment for proxies, the one programs may see, the model launcher."""
        self.child_environ = child_environ
        self._environ = environ
        self._embedded = embedded
        self._launcher: Embedded | None = None
        self._launching = asyncio.Lock()
        self._ways: dict[Origin, Way] = {}
        self._idle: dict[Origin, list[httpx.AsyncHTTPTransport]] = {}
        self._all: list[httpx.AsyncHTTPTransport] = []
        self._resting: set[asyncio.Task[None]] = set()

    def lend(self, origin: Origin, call: HttpCall) -> httpx.AsyncHTTPTransport:
        """Returns a connection to a call's origin, one that was open before if there is one.

        Each is a transport of its own: httpx's pool looks at all of its connections several times
        a request, which with many costs more than the request. In the moment of sending it asks
        the socket whether the server has closed it, then opens another.

        Raises: ConfigError (proxy, CA file).
        """
        idle = self._idle.setdefault(origin, [])
        if idle:
            return idle.pop()
        if origin not in self._ways:
            from nr_cli.transport.route import find_way

            self._ways[origin] = find_way(call, self._environ)
        way = self._ways[origin]
        transport = httpx.AsyncHTTPTransport(
            verify=way.verify,
            proxy=way.proxy,
            uds=origin.socket,
            trust_env=False,
            limits=LIMITS,
        )
        self._all.append(transport)
        return transport

    def take_back(self, origin: Origin, transport: httpx.AsyncHTTPTransport) -> None:
        """Takes a connection whose response is closed; the next call to its origin gets it."""
        self._idle[origin].append(transport)

    async def endpoint(self, model: str | None, within: float) -> Endpoint:
        """Returns where the embedded model answers, started once for all. Raises: NotReady."""
        async with self._launching:
            if self._launcher is None:
                self._launcher = self._embedded()
            return await asyncio.to_thread(self._launcher.ready, model, within)

    def let_rest(self, stream: AsyncHttpStream) -> None:
        """Reads what little an answered response still has, so that its connection lives on."""
        task = asyncio.ensure_future(stream.rest(REST))
        self._resting.add(task)
        task.add_done_callback(self._resting.discard)

    async def close(self) -> None:
        """Ends everything, a model server of this process's own included."""
        for task in self._resting:
            task.cancel()
        await asyncio.gather(*self._resting, return_exceptions=True)
        for transport in self._all:
            await transport.aclose()
        if self._launcher is not None:
            await asyncio.to_thread(self._launcher.close)


class AsyncHands:
    """Carries out steps for real, one open stream at a time."""

    def __init__(self, connections: Connections) -> None:
        """Takes what it shares with others."""
        self._shared = connections
        self._http: AsyncHttpStream | None = None
        self._process: Process | None = None

    async def do(self, step: Step) -> Reply:
        """Carries out one step; whatever fails comes back as Broke."""
        match step:
            case Sleep(seconds):
                await asyncio.sleep(seconds)
                return None
            case Read(within):
                return await self._read(within)
            case Open(call, connect, within):
                await self.finish()
                if isinstance(call, ProcessCall):
                    return await self._start(call)
                return await self._send(call, connect, within)

    def rest(self) -> None:
        """Leaves the end of the response to others, once its answer was read."""
        stream, self._http = self._http, None
        if stream is not None:
            self._shared.let_rest(stream)

    async def finish(self) -> None:
        """Ends the open request."""
        if self._http is not None:
            await self._http.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.close)
        self._http = self._process = None

    async def _read(self, within: float) -> Reply:
        if self._process is not None:
            return await asyncio.to_thread(self._process.read, within)
        assert self._http is not None, "a flow reads only what it opened"
        return await self._http.read(within)

    async def _start(self, call: ProcessCall) -> Reply:
        from nr_cli.transport.process import Process

        self._process = process = Process(call, self._shared.child_environ)
        return await asyncio.to_thread(process.open)

    async def _send(self, call: HttpCall, connect: float, within: float) -> Reply:
        began = time.monotonic()
        socket = None
        if call.embedded is not None:
            from nr_cli.transport.embedded import NotReady

            try:
                endpoint = await self._shared.endpoint(call.embedded or None, within)
            except NotReady as failure:
                return Broke(failure.kind, failure.detail)
            call, socket = with_token(call, endpoint.token), endpoint.socket
        spent = time.monotonic() - began
        prepared = prepared_in(spent, within)
        self._http = AsyncHttpStream(call, connect, self._shared, socket)
        return with_prepared(await self._http.read(within - spent + prepared), prepared)


class AsyncHttpStream:
    """One HTTP exchange read part by part, each part within its own time."""

    def __init__(
        self, call: HttpCall, connect: float, shared: Connections, socket: str | None
    ) -> None:
        """Prepares the exchange; nothing is sent before the first read."""
        self._call = call
        self._shared = shared
        self._socket = socket
        self._timeout = {"connect": connect, "read": None, "write": None, "pool": None}
        self._parts = self._exchange()

    async def read(self, within: float) -> Reply:
        """Returns the next part: Opened first, then bytes, then Ended or Broke."""
        from nr_cli.transport.faults import broke_by, host_of
        from nr_cli.transport.inflate import Undecodable

        try:
            async with asyncio.timeout(within):
                return await anext(self._parts)
        except TimeoutError:
            where = host_of(self._call.url)
            return Broke(FailureKind.TIMEOUT, f"nothing more came from {where} in time")
        except Undecodable as error:
            return Broke(FailureKind.INVALID_RESPONSE, str(error))
        except (OSError, UnicodeError, httpx.HTTPError, httpx.InvalidURL) as error:
            return broke_by(error, self._call.url)

    async def close(self) -> None:
        """Closes the response; its connection lives on only if it was read to its end."""
        await self._parts.aclose()

    async def rest(self, within: float) -> None:
        """Reads on to the end for so many seconds at most, then closes."""
        try:
            with suppress(TimeoutError, OSError, ValueError, httpx.HTTPError):  # it was answered
                async with asyncio.timeout(within):
                    async for _ in self._parts:
                        pass
        finally:
            await self.close()

    async def _exchange(self) -> AsyncGenerator[Opened | Ended | bytes, None]:
        origin = origin_of(self._call, self._socket)
        transport = self._shared.lend(origin, self._call)
        try:
            # sent once: what breaks is the chain's to try again
            response = await transport.handle_async_request(request_of(self._call, self._timeout))
            try:
                async for part in parts_of(response):
                    yield part
            finally:
                await response.aclose()
        finally:
            self._shared.take_back(origin, transport)


async def parts_of(response: httpx.Response) -> AsyncGenerator[Opened | Ended | bytes, None]:
    """Yields the head of a response, its decoded bytes, its end."""
    from nr_cli.transport.inflate import Inflater

    headers = {name.lower(): value for name, value in response.headers.items()}
    yield Opened(response.status_code, headers)
    inflater = Inflater(headers.get("content-encoding", ""))
    async for chunk in response.aiter_raw():
        for piece in inflater.feed(chunk):
            yield piece
    inflater.end()
    yield Ended()
