"""The cache of answers for many asks at once: what is put is there at once, on disk soon."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nr_cli.store.backlog import Backlog
from nr_cli.store.cache import Cache, Entry

MOST = 16 * 1024 * 1024  # bytes of answers that wait for the disk


class Put(NamedTuple):
    """An entry on its way to the disk."""

    key: str
    entry: Entry


class BehindCache:
    """A cache whose writes happen in a thread of their own; reads see them before they do.

    `unkept` counts the answers that the disk did not take, `trouble` says why the last one.
    """

    def __init__(self, cache: Cache) -> None:
        """Takes the cache; from now on this thread only reads it."""
        self.unkept = 0
        self.trouble: str | None = None
        self._cache = cache
        self._waiting: dict[str, Entry] = {}
        self._backlog = Backlog(
            self._keep, end=cache.close, weigh=lambda put: len(put.entry.body), most=MOST
        )

    @property
    def is_full(self) -> bool:
        """Tells whether the disk is behind."""
        return self._backlog.is_full

    def get(self, key: str, ttl: float) -> Entry | None:
        """Returns the entry unless it is older than `ttl` seconds."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._cache.hold()
        return waiting or self._cache.get(key, ttl)

    def put(self, key: str, body: bytes, labels: Mapping[str, str]) -> bool:
        """Keeps an answer; whether the disk takes it shows later, as a miss at worst."""
        entry = self._waiting[key] = Entry(body, time.time(), labels)
        self._backlog.add(Put(key, entry))
        return True

    def close(self, within: float | None = None) -> None:
        """Waits until all is on disk, for so many seconds at most; what is lost is a miss."""
        self._backlog.close(within)

    def _keep(self, puts: Sequence[Put]) -> None:
        for key, entry in puts:
            if not self._cache.put(key, entry.body, entry.labels):
                self.unkept += 1  # said at the end; no answer waits for the cache
                self.trouble = self._cache.trouble
            if self._waiting.get(key) is entry:
                del self._waiting[key]
