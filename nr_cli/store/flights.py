"""Tells equal asks of many processes apart from the one that is on its way to the backend.

Each key has one of 4,096 lock files, which holds the key that is on its way and how the last one
ended. The kernel gives a lock back when its holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from nr_cli.store.paths import ensure_private

FOLDER = "flight"
SETTLE = 0.005  # seconds between taking a lock and having said for which key, at most


class Hold:
    """Leave to ask; while it lasts, equal asks wait. Without a lock nobody waits."""

    def __init__(self, key: str, descriptor: int | None = None, has_news: bool = False) -> None:
        """Takes the lock's descriptor; `has_news` says that the answer may be kept by now."""
        self.has_news = has_news
        self._key = key
        self._descriptor = descriptor

    def release(self, kept: bool) -> None:
        """Ends it, and says whether the answer is in the cache now."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _write(descriptor, self._key, "kept" if kept else "void")
            os.close(descriptor)


class Flights:
    """The locks below a cache directory; without one nobody ever waits."""

    def __init__(self, cache_dir: str | None) -> None:
        """Takes the directory; nothing is made before somebody asks."""
        self._folder = cache_dir and os.path.join(cache_dir, FOLDER)

    def join(self, key: str, since: float) -> Hold | None:
        """Returns leave to ask, None while an equal ask is on its way.

        Whoever waited since before an equal ask ended without an answer to keep need not line up
        again: nobody's answer will serve the others.
        """
        descriptor = self._open(key)
        if descriptor is None:
            return Hold(key)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            busy = _concerns(descriptor, key)
            os.close(descriptor)
            return None if busy else Hold(key)
        whose, ended, when = _read(descriptor)
        if whose == key and ended == "void" and when >= since:
            os.close(descriptor)
            return Hold(key)
        _write(descriptor, key, "busy")
        return Hold(key, descriptor, whose == key)

    def _open(self, key: str) -> int | None:
        if self._folder is None or not ensure_private(self._folder):
            return None
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(OSError):  # a full or read-only disk: everybody asks for himself
            return os.open(os.path.join(self._folder, f"{key[:3]}.lock"), flags, 0o600)
        return None


def _concerns(descriptor: int, key: str) -> bool:
    """Tells whether the holder of a lock is on its way for this key."""
    if _read(descriptor)[0] == key:
        return True
    time.sleep(SETTLE)
    return _read(descriptor)[0] == key


def _read(descriptor: int) -> tuple[str, str, float]:
    try:
        whose, ended, when = os.pread(descriptor, 128, 0).decode().split()[:3]
        return whose, ended, float(when)
    except (OSError, ValueError):
        return "", "", 0.0


def _write(descriptor: int, key: str, state: str) -> None:
    with suppress(OSError):  # on a full disk others cannot tell, and ask for themselves
        os.pwrite(descriptor, f"{key} {state:<4} {time.time():017.6f}\n".encode(), 0)
