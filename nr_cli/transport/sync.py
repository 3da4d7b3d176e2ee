"""The blocking driver: runs a flow step by step, one request at a time.

A thread talks to the network; this side only ever waits on a queue with a time limit. That is
what makes every limit hold (httpx bounds single reads, not name look-ups, drips or totals), and
what lets a signal end the wait at once.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from nr_cli.errors import FailureKind, NrError
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
    import httpx

    from nr_cli.transport.embedded import Embedded
    from nr_cli.transport.process import Process

T = TypeVar("T")
Part: TypeAlias = "Opened | Ended | Broke | bytes | NrError"

AHEAD = 16  # chunks read before the reader of the answer has taken them


class Hands(Protocol):
    """What carries out steps: the network, or a script of replies."""

    def do(self, step: Step) -> Reply:
        """Carries out one step."""
        ...

    def finish(self) -> None:
        """Ends whatever is still open."""
        ...


def drive(flow: Generator[Step | Event, Reply, T], hands: Hands) -> Generator[Event, None, T]:
    """Yields the flow's events, carrying out its steps between them; returns its result."""
    reply: Reply = None
    try:
        while True:
            try:
                item = flow.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            reply = None
            if isinstance(item, Open | Read | Sleep):
                reply = hands.do(item)
            else:
                yield item
    finally:
        flow.close()
        hands.finish()


class NetworkHands:
    """Carries out steps for real."""

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
        self._stream: HttpStream | Process | None = None

    def do(self, step: Step) -> Reply:
        """Carries out one step; whatever fails comes back as Broke."""
        match step:
            case Sleep(seconds):
                time.sleep(seconds)
                return None
            case Read(within):
                assert self._stream is not None, "a flow reads only what it opened"
                return self._stream.read(within)
            case Open(call, connect, within):
                self.close()
                if isinstance(call, ProcessCall):
                    return self._start(call)
                return self._send(call, connect, within)

    def close(self) -> None:
        """Ends the open request, so that the server stops generating."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def finish(self) -> None:
        """Ends everything, a model server of this process's own included."""
        self.close()
        if self._launcher is not None:
            self._launcher.close()

    def _launch(self) -> Embedded:
        if self._launcher is None:
            self._launcher = self._embedded()
        return self._launcher

    def _start(self, call: ProcessCall) -> Reply:
        from nr_cli.transport.process import Process

        self._stream = process = Process(call, self._child_environ)
        return process.open()

    def _send(self, call: HttpCall, connect: float, within: float) -> Reply:
        began = time.monotonic()
        socket = None
        if call.embedded is not None:
            from nr_cli.transport.embedded import NotReady

            try:
                endpoint = self._launch().ready(call.embedded or None, within)
            except NotReady as failure:
                return Broke(failure.kind, failure.detail)
            call, socket = with_token(call, endpoint.token), endpoint.socket
        spent = time.monotonic() - began
        prepared = prepared_in(spent, within)
        self._stream = HttpStream(call, connect, self._environ, socket)
        return with_prepared(self._stream.read(within - spent + prepared), prepared)


def prepared_in(spent: float, within: float) -> float:
    """Returns the seconds of a wait for the embedded model that count against no limit.

    Loading is bounded by `within`: what took longer was the one-time fetch of the model.
    """
    return spent if spent > within else 0.0


def with_prepared(reply: Reply, prepared: float) -> Reply:
    """Returns the reply; the head of a response says what its preparation took."""
    return reply._replace(prepared=prepared) if isinstance(reply, Opened) else reply


def with_token(call: HttpCall, token: str) -> HttpCall:
    """Returns the call with the embedded server's token."""
    return call._replace(headers=(*call.headers, ("authorization", f"Bearer {token}")))


class HttpStream:
    """One HTTP exchange, carried by a thread of its own."""

    def __init__(
        self, call: HttpCall, connect: float, environ: Mapping[str, str], socket: str | None
    ) -> None:
        """Starts the exchange; `socket` is a unix socket's path for a server of nr's own."""
        self._call = call
        self._connect = connect
        self._environ = environ
        self._socket = socket
        self._parts: queue.Queue[Part] = queue.Queue(AHEAD)
        self._abandoned = threading.Event()
        self._response: httpx.Response | None = None
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def read(self, within: float) -> Reply:
        """Returns the next part: Opened first, then bytes, then Ended or Broke."""
        try:
            part = self._parts.get(timeout=max(within, 0.001))
        except queue.Empty:
            from nr_cli.transport.faults import host_of

            self.close()
            where = "the embedded model" if self._socket else host_of(self._call.url)
            return Broke(FailureKind.TIMEOUT, f"nothing more came from {where} in time")
        if isinstance(part, NrError):
            raise part
        return part

    def close(self) -> None:
        """Cuts the connection at once, whatever the thread is waiting for."""
        self._abandoned.set()
        response = self._response
        stream = response.extensions.get("network_stream") if response is not None else None
        socket = stream.get_extra_info("socket") if stream is not None else None
        if socket is not None:
            import socket as sockets

            with suppress(OSError):  # closed already is all that is wanted
                socket.shutdown(sockets.SHUT_RDWR)

    def _carry(self) -> None:
        """Runs in the thread: every way out puts one last part."""
        try:
            for part in self._exchange():
                self._put(part)
        except NrError as error:
            self._put(error)
        except Exception as error:
            self._put(self._named(error))

    def _named(self, error: Exception) -> Part:
        from nr_cli.transport.faults import broke_by
        from nr_cli.transport.inflate import Undecodable

        if isinstance(error, Undecodable):
            return Broke(FailureKind.INVALID_RESPONSE, str(error))
        try:
            return broke_by(error, self._call.url)
        except Exception as unknown:
            return NrError(f"the network thread failed: {type(unknown).__name__}")

    def _put(self, part: Part) -> None:
        while not self._abandoned.is_set():
            try:
                return self._parts.put(part, timeout=0.1)
            except queue.Full:
                continue
        return None

    def _exchange(self) -> Iterator[Part]:
        import httpx

        from nr_cli.transport.inflate import Inflater
        from nr_cli.transport.route import find_way

        way = find_way(self._call, self._environ)
        timeout = {"connect": self._connect, "read": None, "write": None, "pool": None}
        with httpx.HTTPTransport(
            verify=way.verify, proxy=way.proxy, uds=self._socket, trust_env=False
        ) as transport:
            response = transport.handle_request(request_of(self._call, timeout))
            self._response = response
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                yield Opened(response.status_code, headers)
                inflater = Inflater(headers.get("content-encoding", ""))
                for chunk in response.iter_raw():
                    if self._abandoned.is_set():
                        return
                    yield from inflater.feed(chunk)
                inflater.end()
                yield Ended()
            finally:
                response.close()


def request_of(call: HttpCall, timeout: Mapping[str, float | None]) -> httpx.Request:
    """Returns the call as httpx wants it."""
    import httpx

    return httpx.Request(
        "POST",
        call.url,
        headers=list(call.headers),
        content=call.body,
        extensions={"timeout": dict(timeout)},
    )
