"""What to do when a database is ruined rather than busy."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

Identity: TypeAlias = "tuple[int, int] | None"

# SQLite's primary codes. The others (busy, full, read-only, no permission) say nothing against
# the file: it is left where it is.
BUSY = frozenset({5, 6})
FULL = 13
RUINED = frozenset({1, 11, 19, 20, 24, 26})
PARTS = ("", "-wal", "-shm", "-journal")
PAUSE_S = 0.004


def code_of(error: sqlite3.Error) -> int:
    """Returns SQLite's primary result code, 0 if the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF


def is_ruined(error: sqlite3.Error) -> bool:
    """Tells whether this error means that the file will never work again."""
    if code := code_of(error):
        return code in RUINED
    return type(error) is sqlite3.DatabaseError


@contextmanager
def named() -> Iterator[None]:
    """Gives a ruined schema the error that it deserves.

    SQLite quotes the schema in its message, which sqlite3 cannot decode: that failure of its own is
    no sqlite3.Error.
    """
    try:
        yield
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError("its schema is garbled") from None


def identify(path: str) -> Identity:
    """Returns what tells this file from a later one of its name; None if there is none."""
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino)


def is_plain(path: str) -> bool:
    """Tells whether a regular file, not a link, stands there."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def uri(path: str, query: str) -> str:
    """Returns the URI by which SQLite opens this absolute path."""
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{escaped}?{query}"


def lock(path: str, seconds: float) -> int | None:
    """Returns a descriptor that holds the lock until closed; None if it cannot be had in time."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        return None
    give_up = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                os.close(descriptor)
                return None
            time.sleep(PAUSE_S)
        except OSError:
            os.close(descriptor)
            return None
        else:
            return descriptor


def set_aside(path: str, seen: Identity, keep: int) -> bool:
    """Moves a ruined database with its parts into bad-*/ beside it; the caller holds a lock.

    Does nothing if the file is no longer the one `seen`, since then another process has done
    it. Of the older ones all but `keep - 1` go. Returns whether the place is free for a new one.
    """
    if seen is not None and identify(path) != seen:
        return True
    folder, name = os.path.split(path)
    try:
        target = os.path.join(folder, f"bad-{name}-{time.time_ns():020d}")
        os.mkdir(target, 0o700)
        for part in PARTS:
            if os.path.lexists(path + part):
                os.rename(path + part, os.path.join(target, name + part))
    except OSError:
        return False
    remove_bad(path, keep)
    return True


def remove_bad(path: str, keep: int = 0) -> None:
    """Removes what was set aside of this database, but the newest `keep`."""
    import shutil  # seldom needed, slow to import

    folder, name = os.path.split(path)
    try:
        found = sorted(bad for bad in os.listdir(folder) if bad.startswith(f"bad-{name}-"))
    except OSError:
        return  # what cannot be listed cannot be removed, which costs space alone
    for bad in found[: max(len(found) - keep, 0)]:
        place = os.path.join(folder, bad)
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place, ignore_errors=True)
