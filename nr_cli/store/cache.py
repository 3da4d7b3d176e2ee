"""Answers kept on disk: any trouble is a miss, never an error."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.store import damage
from nr_cli.store.paths import ensure_private, find_fault

if TYPE_CHECKING:
    from nr_cli.store.disk import AnswerStore

DB_NAME = "cache.db"
LOCK_NAME = "cache.lock"
MAGIC = b"NRC1"
HEAD = len(MAGIC) + 32 + 8
MAX_BODY = 4 * 1024 * 1024
MAX_LABELS = 256 * 1024
MAX_VALUE = MAX_BODY + MAX_LABELS + 65_536
READ_WAIT_S = 0.05
WRITE_WAIT_S = 0.25
COMMAND_WAIT_S = 2.0
FUTURE_S = 60.0
NOWHERE = "there is no directory for it (set HOME or NR_CACHE_DIR)"
INLINE = "mode = 1 AND filename IS NULL AND typeof(value) = 'blob' AND length(value) <= ?"
SELECT_ONE = f"SELECT value FROM Cache WHERE key = ? AND raw = 1 AND {INLINE} LIMIT 1"
SELECT_RECENT = (
    f"SELECT key, value FROM Cache WHERE raw = 1 AND typeof(key) = 'text' AND {INLINE}"
    " ORDER BY store_time DESC LIMIT ?"
)
SELECT_STATS = "SELECT COUNT(*), MIN(store_time), MAX(store_time) FROM Cache"


class Entry(NamedTuple):
    """A kept answer: `stored` is when, in seconds since the epoch."""

    body: bytes
    stored: float
    labels: Mapping[str, str]


class Stats(NamedTuple):
    """What the cache holds; sizes in bytes on disk, times in seconds since the epoch.

    `trouble` says why it can keep nothing, None where it can.
    """

    path: str | None
    entries: int
    bytes: int
    max_bytes: int
    oldest: float | None
    newest: float | None
    trouble: str | None = None


class Cache:
    """The answers kept in one directory; None for a directory that cannot be had.

    `trouble` says why the last write was not kept, for whoever wants to tell the user; `is_busy`
    that another process kept it from being written, so that a later try may do.
    """

    def __init__(
        self,
        directory: str | None,
        max_bytes: int = 512_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.trouble: str | None = None
        self.is_busy = False
        self._directory = directory
        self._max_bytes = max_bytes
        self._clock = clock
        self._store: AnswerStore | None = None
        self._gave_up = False
        self._is_full = False
        self._held: sqlite3.Connection | None = None
        self._held_identity: damage.Identity | None = None

    @property
    def path(self) -> str | None:
        """Returns the database's path, whether it exists or not."""
        return os.path.join(self._directory, DB_NAME) if self._directory else None

    def get(self, key: str, ttl: float) -> Entry | None:
        """Returns the entry of this key if it is whole and at most `ttl` seconds old."""
        for (value,) in self._select(SELECT_ONE, (key, MAX_VALUE)):
            entry = open_envelope(key, value)
            if entry and -FUTURE_S <= self._clock() - entry.stored <= ttl:
                return entry
        return None

    def hold(self) -> None:
        """Keeps the database open for reading, for whoever reads often; only for this thread."""
        path = self.path
        if path and self._held is None and self._select(SELECT_STATS, ()):
            try:
                self._held_identity = damage.identify(path)
                self._held = _connect(path, "mode=ro")
            except sqlite3.Error:
                return  # each read opens it then

    def release(self) -> None:
        """Closes what `hold` opened."""
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def put(self, key: str, body: bytes, labels: Mapping[str, str]) -> bool:
        """Keeps an answer; returns False, with `trouble` set, if that cannot be done soon."""
        stored = self._clock()
        named = json.dumps(dict(labels)).encode()
        if len(body) > MAX_BODY or len(named) > MAX_LABELS:
            self.trouble = "the answer is too large to be kept"
            return False
        value = seal(key, body, named, stored)
        kept = self._write(lambda store: store.keep(key, value, stored), WRITE_WAIT_S)
        if not kept and not self.trouble:
            self.trouble = "another process is writing, or the cache is too small"
        return bool(kept)

    def prune(self, ttl: float) -> int | None:
        """Removes what is older than `ttl` seconds or from the future, with all damaged files.

        Returns the number of entries removed, None if the cache cannot be written now.
        """
        now = self._clock()
        where = "store_time IS NULL OR store_time < ? OR store_time > ?"
        return self._sweep(where, (now - ttl, now + FUTURE_S))

    def clear(self) -> int | None:
        """Removes every entry, with all damaged files; returns how many, None if it cannot."""
        entries = self.stats().entries
        gone = self._sweep("1", ())
        if gone is None and self._is_full and self._unlink():
            return entries
        return gone

    def stats(self) -> Stats:
        """Returns what the cache holds; an unreadable one holds nothing."""
        rows = self._select(SELECT_STATS, ())
        entries, oldest, newest = rows[0] if rows else (0, None, None)
        size = sum(_size(self.path + part) for part in damage.PARTS) if self.path else 0
        trouble = self.find_trouble() or self._find_later()
        return Stats(self.path, entries, size, self._max_bytes, oldest, newest, trouble)

    def find_trouble(self) -> str | None:
        """Returns why nothing can be kept here, found without writing anything."""
        directory, path = self._directory, self.path
        if not directory or not path:
            return NOWHERE
        if not os.path.lexists(directory):
            return None  # it is made with the first answer
        if fault := find_fault(directory):
            return f"{directory} {fault}"
        if not os.access(directory, os.W_OK | os.X_OK):
            return f"{directory} cannot be written"
        if os.path.lexists(path) and not damage.is_plain(path):
            return f"{path} is not a regular file"
        return None

    def _find_later(self) -> str | None:
        from nr_cli.store.disk import VERSION

        rows = self._select("PRAGMA user_version", ())
        is_later = bool(rows) and rows[0][0] > VERSION
        return f"{self.path} was made by a later version of nr" if is_later else None

    def recent(self, limit: int) -> Iterator[tuple[str, float, Mapping[str, str]]]:
        """Yields key, time and labels of the entries stored last, newest first."""
        for key, value in self._select(SELECT_RECENT, (MAX_VALUE, limit)):
            if entry := open_envelope(key, value):
                yield key, entry.stored, entry.labels

    def close(self) -> None:
        """Closes the database if a write has opened it."""
        if self._store is not None:
            store, self._store = self._store, None
            try:
                store.close()
            except sqlite3.Error:
                return  # closing moves the last pages; what is lost is a later miss

    def _select(self, sql: str, values: tuple[str | int, ...]) -> list[tuple]:  # type: ignore[type-arg] # columns differ by statement
        """Returns the rows without writing anything; none whatever goes wrong."""
        path = self.path
        if self._held is not None and damage.identify(path or "") == self._held_identity:
            try:
                return self._held.execute(sql, values).fetchall()
            except (sqlite3.Error, ValueError, OverflowError):
                self.release()  # whatever it is, it is looked at below
        if not path or not self._directory or find_fault(self._directory):
            return []
        if not damage.is_plain(path):
            return []
        # On a full or read-only disk SQLite cannot make its index of the log; there the file
        # alone is read, which may be behind, but never wrong: the envelope is checked.
        for query in ("mode=ro", "mode=ro&immutable=1"):
            try:
                con = _connect(path, query)
                try:
                    return con.execute(sql, values).fetchall()
                finally:
                    con.close()
            except sqlite3.Error as error:
                if damage.is_ruined(error) or damage.code_of(error) in damage.BUSY:
                    return []  # a miss; the write that follows it repairs
            except (ValueError, OverflowError):
                return []  # a path or key that no database can hold
        return []

    def _write(self, act: Callable[[AnswerStore], int | None], wait: float) -> int | None:
        """Carries out one write, making or replacing the database first if need be."""
        self.is_busy = False
        if not self._directory:
            self.trouble = NOWHERE
        if not self._directory or self._gave_up:
            return None
        for _ in range(2):  # the second time on a new database
            try:
                with damage.named():
                    done = act(self._open(self._directory, wait))
            except sqlite3.Error as error:
                store = self._store  # never `if store`: its truth is a query for its length
                seen = damage.identify(self.path or "") if store is None else store.identity
                self.close()
                self.trouble = str(error)
                if not damage.is_ruined(error) or not self._set_aside(seen):
                    self.is_busy = damage.code_of(error) in damage.BUSY
                    self._gave_up = not self.is_busy
                    self._is_full = damage.code_of(error) == damage.FULL
                    return None
            except (OSError, ValueError) as error:
                self.close()
                self.trouble = str(error)
                self.is_busy = isinstance(error, BlockingIOError)
                return None
            else:
                self.trouble = None
                self.is_busy = done is None
                return done
        return None

    def _open(self, directory: str, wait: float) -> AnswerStore:
        """Returns the open database; raises OSError, sqlite3.Error."""
        from nr_cli.store.disk import AnswerStore, make

        path = os.path.join(directory, DB_NAME)
        if self._store is not None and damage.identify(path) == self._store.identity:
            return self._store
        self.close()
        if not ensure_private(directory):
            raise OSError(f"{directory}: {find_fault(directory) or 'cannot be written'}")
        if not os.path.lexists(path):
            held = self._lock()
            try:
                if not os.path.lexists(path):
                    make(directory)
            finally:
                os.close(held)
        self._store = AnswerStore(directory, self._max_bytes, wait)
        return self._store

    def _lock(self) -> int:
        held = damage.lock(os.path.join(self._directory or "", LOCK_NAME), WRITE_WAIT_S)
        if held is None and os.access(os.path.join(self._directory or "", LOCK_NAME), os.W_OK):
            raise BlockingIOError("another process is making or mending the cache")
        if held is None:
            raise OSError("the cache cannot be locked")
        return held

    def _set_aside(self, seen: damage.Identity) -> bool:
        try:
            held = self._lock()
        except OSError:
            return False  # left where it is: this process does without the cache
        try:
            return damage.set_aside(self.path or "", seen, keep=1)
        finally:
            os.close(held)

    def _unlink(self) -> bool:
        """Removes the database whole: on a full disk there is no room even to delete rows."""
        if self.find_trouble():
            return False  # in a directory that is not to be trusted nothing is removed either
        try:
            held = self._lock()
        except OSError:
            return False  # the command says that it could not
        try:
            for part in damage.PARTS:
                if os.path.lexists((self.path or "") + part):
                    os.unlink((self.path or "") + part)
        except OSError:
            return False
        finally:
            os.close(held)
        damage.remove_bad(self.path or "")
        return True

    def _sweep(self, condition: str, values: tuple[float, ...]) -> int | None:
        if not self._directory or not os.path.lexists(self.path or ""):
            return 0
        self.close()
        gone = self._write(lambda store: store.drop(condition, values), COMMAND_WAIT_S)
        if gone is not None:
            damage.remove_bad(self.path or "")
        return gone


def seal(key: str, body: bytes, labels: bytes, stored: float) -> bytes:
    """Returns the bytes that are kept: a checksum over key, time and content comes first."""
    payload = zlib.compress(len(labels).to_bytes(4, "big") + labels + body, 1)
    dated = int(stored * 1000).to_bytes(8, "big", signed=True) + payload
    return MAGIC + _digest(key, dated) + dated


def open_envelope(key: str, value: bytes) -> Entry | None:
    """Returns what `seal` put in; None for anything else, be it one bit."""
    dated = value[HEAD - 8 :]
    if value[: len(MAGIC)] != MAGIC or value[len(MAGIC) : HEAD - 8] != _digest(key, dated):
        return None
    try:
        inflater = zlib.decompressobj()
        payload = inflater.decompress(dated[8:], MAX_BODY + MAX_LABELS + 4)
        if not inflater.eof:
            return None
        start = 4 + int.from_bytes(payload[:4], "big")
        labels = json.loads(payload[4:start])
    except (zlib.error, ValueError, RecursionError):
        return None  # written by something else that knows the checksum: a miss
    stored = int.from_bytes(dated[:8], "big", signed=True) / 1000
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in labels.values()):
        return None
    return Entry(payload[start:], stored, labels)


def _digest(key: str, dated: bytes) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace") + b"\0" + dated).digest()


def _connect(path: str, query: str) -> sqlite3.Connection:
    return sqlite3.connect(damage.uri(path, query), uri=True, timeout=READ_WAIT_S)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
