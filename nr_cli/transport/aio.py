"""The asyncio driver: runs the very same flows, many side by side in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from typing import TYPE_CHECKING, TypeVar

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
    from nr_cli.transport.embedded import Embedded
    from nr_cli.transport.process import Process

T = TypeVar("T")


async def drive(flow: Generator[Step | Event, Reply, T], hands: AsyncHands) -> AsyncIterator[Event]:
    """Yields the flow's events, awaiting its steps between them."""
    reply: Reply = None
    try:
        while True:
            try:
                item = flow.send(reply)
            except StopIteration:
                return
            reply = None
            if isinstance(item, Open | Read | Sleep):
                reply = await hands.do(item)
            else:
                yield item
    finally:
        flow.close()
        await hands.finish()


class AsyncHands:
    """Carries out steps for real, one open stream at a time."""

    def __init__(
        self,
        environ: Mapping[str, str],
        child_environ: Mapping[str, str],
        embedded: Callable[[], Embedded],
    ) -> None:
        """Takes the environment for proxies, the one programs may see, the model launcher."""
        self._environ = environ
        self._child_environ = child_environ
        self._embedded = embedded
        self._launcher: Embedded | None = None
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
                await self.close()
                if isinstance(call, ProcessCall):
                    return self._start(call)
                return await self._send(call, connect, within)

    async def close(self) -> None:
        """Ends the open request."""
        if self._http is not None:
            await self._http.close()
        if self._process is not None:
            await asyncio.to_thread(self._process.close)
        self._http = self._process = None

    async def finish(self) -> None:
        """Ends everything, a model server of this process's own included."""
        await self.close()
        if self._launcher is not None:
            await asyncio.to_thread(self._launcher.close)

    def _launch(self) -> Embedded:
        if self._launcher is None:
            self._launcher = self._embedded()
        return self._launcher

    async def _read(self, within: float) -> Reply:
        if self._process is not None:
            return await asyncio.to_thread(self._process.read, within)
        assert self._http is not None, "a flow reads only what it opened"
        return await self._http.read(within)

    def _start(self, call: ProcessCall) -> Reply:
        from nr_cli.transport.process import Process

        self._process = Process(call, self._child_environ)
        return self._process.open()

    async def _send(self, call: HttpCall, connect: float, within: float) -> Reply:
        began = time.monotonic()
        socket = None
        if call.embedded is not None:
            from nr_cli.transport.embedded import NotReady

            try:
                endpoint = await asyncio.to_thread(
                    self._launch().ready, call.embedded or None, within
                )
            except NotReady as failure:
                return Broke(failure.kind, failure.detail)
            call, socket = with_token(call, endpoint.token), endpoint.socket
        spent = time.monotonic() - began
        prepared = prepared_in(spent, within)
        self._http = AsyncHttpStream(call, connect, self._environ, socket)
        return with_prepared(await self._http.read(within - spent + prepared), prepared)


class AsyncHttpStream:
    """One HTTP exchange read part by part, each part within its own time."""

    def __init__(
        self, call: HttpCall, connect: float, environ: Mapping[str, str], socket: str | None
    ) -> None:
        """Prepares the exchange; nothing is sent before the first read."""
        self._call = call
        self._parts = self._exchange(connect, environ, socket)

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
        """Closes the connection."""
        await self._parts.aclose()

    async def _exchange(
        self, connect: float, environ: Mapping[str, str], socket: str | None
    ) -> AsyncGenerator[Opened | Ended | bytes, None]:
        from nr_cli.transport.inflate import Inflater
        from nr_cli.transport.route import find_way

        way = find_way(self._call, environ)
        timeout = {"connect": connect, "read": None, "write": None, "pool": None}
        async with httpx.AsyncHTTPTransport(
            verify=way.verify, proxy=way.proxy, uds=socket, trust_env=False
        ) as transport:
            response = await transport.handle_async_request(request_of(self._call, timeout))
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield Opened(response.status_code, headers)
                inflater = Inflater(headers.get("content-encoding", ""))
                async for chunk in response.aiter_raw():
                    for piece in inflater.feed(chunk):
                        yield piece
                inflater.end()
                yield Ended()
            finally:
                await response.aclose()
