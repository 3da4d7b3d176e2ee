"""Carries out writes in a thread of its own, so that nobody waits for a disk or a pipe."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_AT_ONCE = 256  # items of one call: a signal never waits for a longer one


class Backlog(Generic[T]):
    """Items on their way to `act`, which takes them in order, several at once when it is behind.

    `trouble` is what `act` raised; from then on nothing is taken any more.
    """

    def __init__(
        self,
        act: Callable[[Sequence[T]], None],
        *,
        end: Callable[[], None] | None = None,
        weigh: Callable[[T], int] | None = None,
        most: int = 1024,
        linger: float = 0.0,
    ) -> None:
        """Takes what to do, what ends it in the same thread, when it counts as full.

        `linger` is how many seconds it waits for company before it acts.
        """
        self.trouble: BaseException | None = None
        self._act = act
        self._end = end or (lambda: None)
        self._weigh = weigh or (lambda item: 1)
        self._most = most
        self._linger = linger
        self._items: deque[T] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_full(self) -> bool:
        """Tells whether whoever adds should wait; a backlog in trouble never is."""
        return self._weight >= self._most and self.trouble is None

    def add(self, item: T) -> None:
        """Adds an item; it is never refused, so that nothing is lost."""
        with self._changed:
            self._items.append(item)
            self._weight += self._weigh(item)
            self._changed.notify()

    def close(self, within: float | None = None) -> bool:
        """Waits until all is done, for so many seconds at most; tells whether it is."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join(within)
        return not self._thread.is_alive() and self.trouble is None

    def _run(self) -> None:
        try:
            while items := self._take():
                self._act(items)
                with self._changed:
                    self._weight -= sum(map(self._weigh, items))
            self._end()
        except BaseException as trouble:  # the thread that closes or watches raises it
            self.trouble = trouble

    def _take(self) -> list[T]:
        """Returns the next items; none when it is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closing.is_set())
        if self._linger and len(self._items) < MOST_AT_ONCE:
            self._closing.wait(self._linger)
        with self._changed:
            count = min(len(self._items), MOST_AT_ONCE)
            return [self._items.popleft() for _ in range(count)]
