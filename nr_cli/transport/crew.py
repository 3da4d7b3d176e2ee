"""A crew of workers: carries out many flows side by side until they, or our patience, end.

The rows come from a thread, since reading them may block; a worker takes the next one when it is
done with its last. The first interrupt lets what runs come to its end for a moment, a second one or
any other signal ends it at once. Whatever ends the crew, each piece of work it took is told either
`end` or `interrupt`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Protocol

from nr_cli.errors import NrError
from nr_cli.transport.aio import AsyncHands, drive
from nr_cli.types.events import Event
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from nr_cli.transport.aio import Connections

DRAIN = 1.5  # seconds that running flows have after an interrupt
GLANCE = 0.1  # seconds between two looks at how things are
PAUSE = 0.01  # seconds between two tries to go on while results pile up
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds after which a thread that writes lets the loop go on; Python's own 5 ms, waited for many
# times a row, took a tenth of the rate.
HANDOVER = 0.0005
SPARE = 4  # threads beside one for each worker


class Work(Protocol):
    """One flow with whoever listens to it."""

    @property
    def blocks(self) -> bool:
        """Whether `prepare` may wait for a disk or the network."""
        ...

    def prepare(self) -> None:
        """Reads what the flow needs. Raises: NrError."""
        ...

    def flow(self) -> Generator[Step | Event, Reply, object]:
        """Returns the flow. Raises: NrError."""
        ...

    def hear(self, event: Event) -> None:
        """Takes one event."""
        ...

    def end(self, error: NrError | None) -> None:
        """Takes how the flow ended."""
        ...

    def interrupt(self, number: int) -> None:
        """Is told that the flow was broken off, by this signal or, with 0, for want of a reader."""
        ...


class Feed:
    """Takes work from an iterator that may block, which a thread runs a few items ahead."""

    def __init__(self, items: Iterator[Work], ahead: int) -> None:
        """Starts the thread, inside a running loop."""
        self._loop = asyncio.get_running_loop()
        self._items = items
        self._room = threading.Semaphore(ahead)
        self._queue: deque[Work] = deque()
        self._come = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        threading.Thread(target=self._carry, daemon=True).start()

    async def take(self) -> Work | None:
        """Returns the next work, None when there is no more. Raises: what the iterator raised."""
        while not self._queue and not self._ended:
            self._come.clear()
            await self._come.wait()
        if self._queue:
            self._room.release()
            return self._queue.popleft()
        if self._error is not None:
            raise self._error
        return None

    def end(self) -> None:
        """Gives out no more."""
        self._ended = True
        self._queue.clear()
        self._come.set()

    def _carry(self) -> None:
        error: Exception | None = None
        try:
            for item in self._items:
                self._room.acquire()
                if self._ended:
                    return
                self._call(self._put, item)
        except Exception as raised:  # whoever takes the next item raises it
            error = raised
        self._call(self._finish, error)

    def _call(self, act: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for more
            self._loop.call_soon_threadsafe(act, value)

    def _put(self, item: Work) -> None:
        if not self._ended:
            self._queue.append(item)
            self._come.set()

    def _finish(self, error: Exception | None) -> None:
        self._error, self._ended = error, True
        self._come.set()


class Crew:
    """A number of workers with what they share."""

    def __init__(
        self,
        size: int,
        connections: Connections,
        *,
        is_full: Callable[[], bool],
        glance: Callable[[], bool],
    ) -> None:
        """Takes `is_full`, which holds up new work; `glance`, asked often, which may end all."""
        self._size = size
        self._connections = connections
        self._is_full = is_full
        self._glance = glance
        self._signal = 0
        self._stop = asyncio.Event()
        self._abort = asyncio.Event()

    def run(self, works: Iterator[Work], warn: Callable[[], None]) -> int:
        """Carries out all work; returns the signal that ended it early, or 0.

        `warn` is called when an interrupt begins the wait for what runs.

        Raises: what the iterator raises.
        """
        sys.setswitchinterval(HANDOVER)
        # No asyncio.run: it would wait for threads, one of which may read a silent stdin.
        loop = asyncio.new_event_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._size + SPARE))
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._hear_signal, number, warn)
        try:
            loop.run_until_complete(self._run(works))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
        return self._signal

    def _hear_signal(self, number: int, warn: Callable[[], None]) -> None:
        if number != signal.SIGINT or self._signal:
            self._abort.set()
        elif not self._stop.is_set():
            warn()
        self._signal = self._signal or number
        self._stop.set()

    async def _run(self, works: Iterator[Work]) -> None:
        feed = Feed(works, self._size)
        workers = [asyncio.create_task(self._labour(feed)) for _ in range(self._size)]
        watch = asyncio.create_task(self._watch())
        stop = asyncio.create_task(self._stop.wait())
        labour = asyncio.create_task(asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION))
        try:
            await asyncio.wait({labour, stop}, return_when=asyncio.FIRST_COMPLETED)
            feed.end()
            if self._signal:
                abort = asyncio.create_task(self._abort.wait())
                await asyncio.wait({labour, abort}, timeout=DRAIN, return_when="FIRST_COMPLETED")
                abort.cancel()
        finally:
            for task in (*workers, watch, stop, labour):
                task.cancel()
            ends = await asyncio.gather(*workers, return_exceptions=True)
            await self._connections.close()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _watch(self) -> None:
        while not self._glance():
            await asyncio.sleep(GLANCE)
        self._abort.set()
        self._stop.set()

    async def _labour(self, feed: Feed) -> None:
        while (work := await feed.take()) is not None:
            await self._carry_out(work)
            # answers from the cache never wait for anything: signals still get their turn
            await asyncio.sleep(0)
            while self._is_full():
                await asyncio.sleep(PAUSE)

    async def _carry_out(self, work: Work) -> None:
        try:
            if work.blocks:
                await asyncio.to_thread(work.prepare)
            async with aclosing(drive(work.flow(), AsyncHands(self._connections))) as events:
                async for event in events:
                    work.hear(event)
        except NrError as error:
            work.end(error)
        except asyncio.CancelledError:
            work.interrupt(self._signal)
            raise
        except Exception as bug:
            # one row that meets a bug must not take the others along: its result names it
            work.end(NrError(f"a bug in nr: {type(bug).__name__}", "report it with this row"))
        else:
            work.end(None)
