"""The one way into diskcache: inline bytes under hex keys."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading

# This module is itself imported only when an answer is written.
import diskcache  # noqa: TID253

from nr_cli.store import damage
from nr_cli.store.paths import create_private

VERSION = 1
SETTINGS: dict[str, int | str] = {
    "eviction_policy": "least-recently-stored",
    "sqlite_auto_vacuum": 2,  # incremental: full would copy pages at every eviction
    "sqlite_mmap_size": 0,  # a file cut short under a memory map ends the process
}
PRAGMAS = (
    "PRAGMA synchronous = 1",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = 0",
    "PRAGMA wal_autocheckpoint = 128",  # pages; with the size of one value this bounds the WAL
    "PRAGMA journal_size_limit = 1048576",
)
RESERVE = 524_288  # bytes left for the index pages, so that the limit holds
BATCH = 500


class Refusal(ValueError):
    """A value, key or file that nr never lets diskcache handle."""


class SafeDisk(diskcache.Disk):  # type: ignore[misc] # diskcache ships no types
    """Stores bytes inside the database: no pickle either way, no file beside it."""

    def put(self, key: object) -> tuple[str, bool]:
        """Returns the key's columns; raises Refusal unless it is 64 hex digits."""
        if isinstance(key, str) and is_key(key):
            return key, True
        raise Refusal("a key is 64 hex digits")

    def get(self, key: object, raw: object) -> str:
        """Returns the key of a row; raises Refusal for a pickled one."""
        if raw and isinstance(key, str):
            return key
        raise Refusal("a row with a foreign key")

    def store(
        self, value: object, read: bool, key: object = None
    ) -> tuple[int, int, None, memoryview]:
        """Returns the value's columns; raises Refusal unless it is bytes."""
        if read or not isinstance(value, bytes):
            raise Refusal("a value is bytes")
        return 0, diskcache.core.MODE_RAW, None, memoryview(value)

    def fetch(self, mode: object, filename: object, value: object, read: bool) -> bytes:
        """Returns an inline value; raises Refusal for any other."""
        if mode == diskcache.core.MODE_RAW and filename is None and isinstance(value, bytes):
            return value
        raise Refusal("a row with a foreign value")

    def filename(self, key: object = None, value: object = None) -> tuple[str, str]:
        """Raises Refusal: no value lies in a file."""
        raise Refusal("no value lies in a file")

    def remove(self, file_path: object) -> None:
        """Does nothing: a file that a row names was never ours."""


class AnswerStore(diskcache.Cache):  # type: ignore[misc] # diskcache ships no types
    """A cache database that is already made, opened without a single write.

    The parent's constructor writes forty times, and may wait for a minute; it only ever runs
    on a new database in a private place (`make`).
    """

    def __init__(self, directory: str, max_bytes: int, wait: float) -> None:
        self._directory = directory
        self._timeout = wait
        self._local = threading.local()
        self._txn_id = None
        self._disk = SafeDisk(directory)
        self.eviction_policy = SETTINGS["eviction_policy"]
        self.stamp = 0.0
        self.path = os.path.join(directory, diskcache.core.DBNAME)
        self.limit = max_bytes - min(RESERVE, max_bytes // 8)
        self.identity = damage.identify(self.path)
        self._check_made()

    def _check_made(self) -> None:
        if not damage.is_plain(self.path):
            raise sqlite3.DatabaseError("not a regular file")
        version = self._con.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise OSError("made by a later version of nr")
        if version != VERSION:
            raise sqlite3.DatabaseError("not a cache of nr")

    @property
    def _con(self) -> sqlite3.Connection:
        """Opens this thread's connection on first use; the parent asks for it by this name."""
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.con = None  # SQLite forbids the use of a connection across a fork
            self._local.pid = os.getpid()
        con: sqlite3.Connection | None = getattr(self._local, "con", None)
        if con is None:
            address = damage.uri(self.path, "mode=rw")
            con = sqlite3.connect(address, uri=True, timeout=self._timeout, isolation_level=None)
            self._local.con = con
            for pragma in PRAGMAS:
                con.execute(pragma)
        return con

    @property
    def _sql_retry(self) -> object:
        """Waits as long as any other statement, not for the parent's minute."""
        return self._con.execute

    def _row_insert(self, key: str, raw: bool, now: float, columns: tuple[object, ...]) -> None:
        super()._row_insert(key, raw, self.stamp, columns)

    def _row_update(self, rowid: int, now: float, columns: tuple[object, ...]) -> None:
        super()._row_update(rowid, self.stamp, columns)

    def _cull(self, now: float, sql: object, cleanup: object, limit: int | None = None) -> None:
        """Does nothing: `keep` makes room before it writes, so that the file never outgrows."""

    def keep(self, key: str, value: bytes, stored: float) -> bool:
        """Stores a value at this time; False if another process writes all the while."""
        self.stamp = stored
        try:
            with self.transact():
                if not self._make_room(len(value)):
                    return False
                return bool(self.set(key, value))
        except diskcache.Timeout:
            return False

    def drop(self, condition: str = "1", values: tuple[float, ...] = ()) -> int | None:
        """Deletes the rows where `condition` holds, gives their space back; None if busy."""
        chosen = f"SELECT rowid FROM Cache WHERE {condition} LIMIT {BATCH}"
        total, gone = 0, BATCH
        while gone == BATCH:  # in batches, so that the log stays short while others get a turn
            try:
                with self.transact():
                    sql = f"DELETE FROM Cache WHERE rowid IN ({chosen})"
                    gone = self._con.execute(sql, values).rowcount
            except diskcache.Timeout:
                return None
            total += gone
        with contextlib.suppress(sqlite3.OperationalError):  # then the space waits for a next time
            # As a script, since execute() stops after the first page.
            self._con.executescript("PRAGMA incremental_vacuum")
            self._con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return total

    def _make_room(self, size: int) -> bool:
        """Deletes the values stored longest ago until one of `size` bytes fits."""
        need = size + size // 64 + 8192
        if need > self.limit // 2:
            return False
        excess = self._used() + need - self.limit
        while excess > 0:
            select = "SELECT rowid, length(value) FROM Cache ORDER BY store_time LIMIT 64"
            rows = self._con.execute(select).fetchall()
            if not rows:
                return False
            for rowid, length in rows:
                if excess <= 0:
                    break
                self._con.execute("DELETE FROM Cache WHERE rowid = ?", (rowid,))
                excess -= length or 0
            excess = self._used() + need - self.limit
        return True

    def _used(self) -> int:
        con = self._con
        pages: int = con.execute("PRAGMA page_count").fetchone()[0]
        free: int = con.execute("PRAGMA freelist_count").fetchone()[0]
        size: int = con.execute("PRAGMA page_size").fetchone()[0]
        return (pages - free) * size


def is_key(text: str) -> bool:
    """Tells whether this is a key: 64 lower case hex digits."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def make(directory: str) -> None:
    """Makes an empty cache database; the caller holds the lock. Raises OSError, sqlite3.Error.

    It is built in a directory of its own, where no other process can lock it, then moved to its
    place in one step.
    """
    path = os.path.join(directory, diskcache.core.DBNAME)
    yard = os.path.join(directory, "new")
    draft = os.path.join(yard, diskcache.core.DBNAME)
    shutil.rmtree(yard, ignore_errors=True)  # a process that was killed here left it
    os.mkdir(yard, 0o700)
    try:
        create_private(draft)
        diskcache.Cache(yard, timeout=0, disk=SafeDisk, **SETTINGS).close()
        con = sqlite3.connect(draft)
        con.execute(f"PRAGMA user_version = {VERSION}")
        con.close()
        for part in damage.PARTS[1:]:  # a log left by another database would be read into this
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + part)
        os.rename(draft, path)
    finally:
        shutil.rmtree(yard, ignore_errors=True)
