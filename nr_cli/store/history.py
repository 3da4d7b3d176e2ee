"""The log of past asks, which can be searched."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from nr_cli.store import damage, spool
from nr_cli.store.discreet import columns_of, without_secrets, without_surrogates
from nr_cli.store.paths import create_private, ensure_private, find_fault

T = TypeVar("T")
Value: TypeAlias = "str | int | float | bytes | None"
Status: TypeAlias = Literal["ok", "truncated", "error", "interrupted", "filtered"]
Rating: TypeAlias = Literal["good", "bad"]

VERSION = 3
WAIT_S = 0.25
PAUSE_S = 0.003
MAX_INDEXED = 262_144
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class HistoryRow(NamedTuple):
    """One ask as it is kept; `time` in seconds since the epoch, `cost` in US dollars.

    `decision` is JSON text. With `prompt_hashed` prompt and system are kept as digests only.
    `answer_digest` is filled in by the log when the answer was too long to be kept whole.
    `conversation` is the id of the ask that began it, None for an ask that nobody goes on with.
    `rating` is a `Rating` where somebody judged the answer, `rated` when that was.
    """

    id: str
    time: float
    prompt: str
    system: str | None
    answer: str
    route: str | None
    model: str | None
    model_id: str | None
    provider: str | None
    status: Status
    exit: int
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    cache: str
    ms: float
    decision: str
    cwd: str | None = None
    prompt_hashed: bool = False
    answer_digest: str | None = None
    conversation: str | None = None
    rating: str | None = None
    rating_note: str | None = None
    rated: float | None = None


COLUMNS = ", ".join(HistoryRow._fields)
SCHEMA = (
    "CREATE TABLE asks (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time REAL NOT NULL,"
    " prompt TEXT, system TEXT, answer TEXT, route TEXT, model TEXT, model_id TEXT,"
    " provider TEXT, status TEXT, exit INTEGER, error TEXT, input_tokens INTEGER,"
    " output_tokens INTEGER, cost REAL, cache TEXT, ms REAL, decision TEXT, cwd TEXT,"
    " prompt_hashed INTEGER, answer_digest TEXT, conversation TEXT, rating TEXT,"
    " rating_note TEXT, rated REAL)",
    "CREATE INDEX asks_time ON asks (time)",
    "CREATE INDEX asks_conversation ON asks (conversation)",
)
# What makes a log of each earlier version one of the next.
UPGRADES: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE asks ADD COLUMN conversation TEXT",
        "CREATE INDEX asks_conversation ON asks (conversation)",
    ),
    2: (
        "ALTER TABLE asks ADD COLUMN rating TEXT",
        "ALTER TABLE asks ADD COLUMN rating_note TEXT",
        "ALTER TABLE asks ADD COLUMN rated REAL",
    ),
}
INDEX = "CREATE VIRTUAL TABLE words USING fts5(prompt, answer, content='')"
INSERT = f"INSERT INTO asks ({COLUMNS}) VALUES ({', '.join('?' * len(HistoryRow._fields))})"
NEWEST_FIRST = "ORDER BY time DESC, number DESC LIMIT ?"


def history_path(state_dir: str | None) -> str | None:
    """Returns where the log lies below the state directory, None where there is none."""
    return state_dir and os.path.join(state_dir, "history.db")


class Filters(NamedTuple):
    """Which asks are wanted; times in seconds since the epoch, both ends included."""

    route: str | None = None
    model: str | None = None
    since: float | None = None
    until: float | None = None

    def sql(self) -> tuple[str, list[Value]]:
        """Returns the condition with its values; a model is meant by its alias or its id."""
        tests: list[tuple[str, Sequence[Value]]] = []
        if self.route is not None:
            tests.append(("route = ?", [without_surrogates(self.route)]))
        if self.model is not None:
            tests.append(("(model = ? OR model_id = ?)", [without_surrogates(self.model)] * 2))
        if self.since is not None:
            tests.append(("time >= ?", [self.since]))
        if self.until is not None:
            tests.append(("time <= ?", [self.until]))
        return (
            " AND ".join(["1", *(test for test, _ in tests)]),
            [value for _, values in tests for value in values],
        )


class History:
    """The log in one SQLite file; None for a file that cannot be had.

    `trouble` says why the last call did nothing, for whoever wants to tell the user; `loss` that a
    damaged log was set aside, so that what it held is no longer found.
    """

    def __init__(self, path: str | None) -> None:
        self.trouble: str | None = None
        self.loss: str | None = None
        self._path = path
        self._is_busy = False
        self._is_draining = False

    def add(self, row: HistoryRow, secrets: Sequence[str] = ()) -> bool:
        """Keeps a row, waiting 250 ms at most; returns False if that cannot be done.

        No secret is kept, neither these nor what has a key's shape: a prompt that holds one is
        kept as a digest, elsewhere three stars stand in its place.
        """
        values = columns_of(without_secrets(row, secrets))
        kept = bool(self._attempt(lambda con: _insert(con, values), write=True))
        return kept or self._set_down([values])

    def add_all(self, rows: Sequence[HistoryRow], secrets: Sequence[str] = ()) -> int | None:
        """Keeps the rows whose id is not there yet, all or none; returns how many, None if none.

        No secret is kept, as with `add`.
        """
        values = [columns_of(without_secrets(row, secrets)) for row in rows]
        kept = self._attempt(lambda con: _insert_new(con, values), write=True)
        return len(rows) if kept is None and self._set_down(values) else kept

    def list(
        self,
        limit: int,
        route: str | None = None,
        model: str | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> tuple[HistoryRow, ...]:
        """Returns the newest rows that fit, newest first."""
        where, values = Filters(route, model, since, until).sql()
        sql = f"SELECT {COLUMNS} FROM asks WHERE {where} {NEWEST_FIRST}"
        return self._attempt(lambda con: _rows(con, sql, [*values, limit])) or ()

    def show(self, id: str) -> HistoryRow | None:
        """Returns the row with this id, or the only one whose id begins so."""
        sql = f"SELECT {COLUMNS} FROM asks WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"
        start = without_surrogates(id).upper()
        rows = self._attempt(lambda con: _rows(con, sql, [start, start + "~"])) or ()
        exact = [row for row in rows if row.id == start]
        return exact[0] if exact else rows[0] if id and len(rows) == 1 else None

    def last(self, answered: bool = False) -> HistoryRow | None:
        """Returns the newest ask of a person, with `answered` the newest that has an answer.

        Rows of a batch are no person's: they have no conversation.
        """
        sql = (
            f"SELECT {COLUMNS} FROM asks WHERE conversation IS NOT NULL"
            f" AND (answer <> '' OR NOT ?) {NEWEST_FIRST}"
        )
        rows = self._attempt(lambda con: _rows(con, sql, [answered, 1])) or ()
        return rows[0] if rows else None

    def rate(
        self, id: str, rating: Rating | None, note: str | None = None, secrets: Sequence[str] = ()
    ) -> bool:
        """Keeps what somebody thinks of an answer, in place of what was kept; None forgets it.

        A secret in the note is not kept. Returns False where that cannot be done.
        """
        from nr_cli.features.shapes import hide

        sql = "UPDATE asks SET rating = ?, rating_note = ?, rated = ? WHERE id = ?"
        told = note and without_surrogates(hide(note, secrets))
        values = [rating, told, time.time() if rating else None, id]
        return bool(self._attempt(lambda con: con.execute(sql, values).rowcount, write=True))

    def rated(self) -> tuple[tuple[str, str], ...]:
        """Returns each rated ask's prompt with its rating, oldest first; digests are no prompts."""
        query = (
            "SELECT prompt, rating FROM asks WHERE rating IS NOT NULL AND NOT prompt_hashed"
            " ORDER BY time, number"
        )
        found = self.read(lambda opened: opened.execute(query).fetchall())
        return tuple((str(prompt), str(rating)) for prompt, rating in found or ())

    def conversation(self, id: str) -> tuple[HistoryRow, ...]:
        """Returns the asks of the conversation with this id, oldest first.

        The beginning of an id will do where it is the only one; so will an ask of it.
        """
        start = without_surrogates(id).upper()
        sql = (
            f"SELECT {COLUMNS} FROM asks WHERE conversation = (SELECT conversation FROM asks"
            " WHERE id >= ? AND id < ? AND conversation IS NOT NULL GROUP BY conversation"
            " ORDER BY (id = ?) DESC LIMIT 1) ORDER BY time, number"
        )
        values = [start, start + "~", start]
        return self._attempt(lambda con: _rows(con, sql, values)) or () if start else ()

    def leave(self, id: str) -> bool:
        """Takes an ask out of its conversation, which goes on without it; it stays in the log.

        Returns False where that cannot be done.
        """
        sql = "UPDATE asks SET conversation = NULL WHERE id = ?"
        return bool(self._attempt(lambda con: con.execute(sql, [id]).rowcount, write=True))

    def last_conversation(self) -> str | None:
        """Returns the id of the conversation that was spoken in last."""
        sql = f"SELECT {COLUMNS} FROM asks WHERE conversation IS NOT NULL {NEWEST_FIRST}"
        rows = self._attempt(lambda con: _rows(con, sql, [1])) or ()
        return rows[0].conversation if rows else None

    def search(
        self,
        query: str,
        limit: int,
        route: str | None = None,
        model: str | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> tuple[HistoryRow, ...]:
        """Returns the newest rows with all words of `query` in prompt and answer.

        If no row has them as whole words, those that contain the query as a piece of text.
        """
        filters = Filters(route, model, since, until)
        return (
            self._attempt(lambda con: _search(con, without_surrogates(query), limit, filters)) or ()
        )

    def read(self, act: Callable[[sqlite3.Connection], T]) -> T | None:
        """Returns what `act` reads from the log; None where there is none, or with `trouble`."""
        return self._attempt(act)

    def _attempt(self, act: Callable[[sqlite3.Connection], T], write: bool = False) -> T | None:
        """Acts on the open log; trouble of any kind is noted, then None is returned."""
        path = self._path
        self.trouble, self._is_busy = self._blame(write), False
        if not path or self.trouble or not (write or os.path.lexists(path)):
            return None
        if not self._is_draining and spool.waits(path):
            self._drain(path)
        give_up = time.monotonic() + WAIT_S
        for _ in range(2):  # the second time on a new file
            seen = damage.identify(path)
            try:
                with damage.named():
                    done = _act_within(path, act, write, give_up)
            except sqlite3.Error as error:
                self.trouble = str(error)
                self._is_busy = damage.code_of(error) in damage.BUSY
                if not damage.is_ruined(error) or not self._set_aside(path, seen):
                    return None
                self.trouble = f"the log was damaged ({error}), it is set aside in bad-*/"
                self.loss = f"{self.trouble} of {os.path.dirname(path)}"
                if not write:
                    return None
            except OSError as error:
                self.trouble = error.strerror or str(error)
                return None
            except (ValueError, OverflowError) as error:
                self.trouble = str(error)  # what no database can hold: told like any trouble
                return None
            else:
                self.trouble = None
                return done
        return None

    def _set_down(self, rows: Sequence[Sequence[Value]]) -> bool:
        """Keeps rows beside a log that others are writing; the next one to use it puts them in."""
        if not (self._is_busy and self._path and spool.append(self._path, rows)):
            return False
        self.trouble = None
        return True

    def _drain(self, path: str) -> None:
        """Puts the rows in that wait beside the log, if it is free now."""
        self._is_draining = True
        try:
            taken = spool.take(path)
            if taken is not None:
                found, held = taken
                rows = [row for row in found if len(row) == len(HistoryRow._fields)]
                kept = self._attempt(lambda con: _insert_new(con, rows), write=True)
                spool.done(path, held, kept is not None)
        finally:
            self._is_draining = False

    def _blame(self, write: bool) -> str | None:
        """Returns why there can be no log, after making its directory when it is to be written."""
        if not self._path:
            return "there is no directory for it (set HOME or NR_STATE_DIR)"
        folder = os.path.dirname(self._path)
        if not write and not os.path.lexists(folder):
            return None
        if write:
            ensure_private(folder)
        fault = find_fault(folder)
        return f"{folder} {fault}" if fault else None

    def _set_aside(self, path: str, seen: damage.Identity) -> bool:
        held = damage.lock(path + ".lock", WAIT_S)
        if held is None:
            return False
        try:
            return damage.set_aside(path, seen, keep=10)
        finally:
            os.close(held)


def new_id(moment: float, source: str | None = None) -> str:
    """Returns an id of 26 characters that sorts by this time in seconds since the epoch.

    What comes from a named source has the same id each time.
    """
    tail = os.urandom(10) if source is None else hashlib.sha256(source.encode()).digest()[:10]
    number = (int(moment * 1000) & (2**48 - 1)) << 80 | int.from_bytes(tail, "big")
    return "".join(DIGITS[number >> shift & 31] for shift in range(125, -1, -5))


def _act_within(
    path: str, act: Callable[[sqlite3.Connection], T], write: bool, give_up: float
) -> T:
    """Acts, again and again while the log is locked; raises sqlite3.Error, OSError."""
    while True:
        try:
            con = _open(path, write)
            try:
                return act(con)
            finally:
                con.close()
        except sqlite3.OperationalError as error:
            if damage.code_of(error) not in damage.BUSY or time.monotonic() > give_up:
                raise
        time.sleep(PAUSE_S)


def _open(path: str, write: bool) -> sqlite3.Connection:
    """Opens the log, making it if it is to be written; raises sqlite3.Error, OSError."""
    if write and not os.path.lexists(path):
        with contextlib.suppress(FileExistsError):  # another process was first
            create_private(path)
    if not damage.is_plain(path):
        raise sqlite3.DatabaseError("not a regular file")
    address = damage.uri(path, "mode=rw" if write else "mode=ro")
    con = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
    try:
        con.text_factory = lambda raw: raw.decode("utf-8", "replace")
        con.execute("PRAGMA synchronous = 1")
        con.execute("PRAGMA trusted_schema = 0")
        version = con.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise OSError("made by a later version of nr")
        if version < VERSION and write:
            _make_schema(con)
        elif 0 < version < VERSION:
            con.close()
            _open(path, write=True).close()
            return _open(path, write)
        elif version < VERSION and _has_tables(con):
            raise sqlite3.DatabaseError("not a log of nr")
    except BaseException:
        con.close()
        raise
    return con


def _make_schema(con: sqlite3.Connection) -> None:
    """Makes the tables in one exclusive transaction, unless another process just has."""
    con.execute("PRAGMA journal_mode = WAL").fetchone()
    con.execute("BEGIN EXCLUSIVE")
    try:
        version = con.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            if _has_tables(con):
                raise sqlite3.DatabaseError("not a log of nr")
            for statement in SCHEMA:
                con.execute(statement)
            _make_index(con)
        for earlier in range(version or VERSION, VERSION):
            for statement in UPGRADES[earlier]:
                con.execute(statement)
        con.execute(f"PRAGMA user_version = {VERSION}")
        con.execute("COMMIT")
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise


def _make_index(con: sqlite3.Connection) -> None:
    try:
        con.execute(INDEX)
    except sqlite3.OperationalError as error:
        if "no such module" not in str(error):
            raise
        # This SQLite has no full-text search: `search` reads the rows themselves.


def _has_tables(con: sqlite3.Connection) -> bool:
    return bool(con.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])


def _insert(con: sqlite3.Connection, values: Sequence[Value]) -> bool:
    return _insert_new(con, [values]) == 1


def _insert_new(con: sqlite3.Connection, rows: Sequence[Sequence[Value]]) -> int:
    """Inserts the rows whose id is not there yet in one transaction; returns how many."""
    con.execute("BEGIN IMMEDIATE")
    try:
        indexed, count = _has_index(con), 0
        for values in rows:
            row = HistoryRow._make(values)
            if con.execute("SELECT 1 FROM asks WHERE id = ?", [row.id]).fetchone() is None:
                number = con.execute(INSERT, values).lastrowid
                if indexed:
                    words = (number, row.prompt[:MAX_INDEXED], row.answer[:MAX_INDEXED])
                    con.execute("INSERT INTO words (rowid, prompt, answer) VALUES (?, ?, ?)", words)
                count += 1
        con.execute("COMMIT")
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise
    return count


def _has_index(con: sqlite3.Connection) -> bool:
    """Tells whether there is an index of words, which this SQLite can use."""
    try:
        con.execute("SELECT rowid FROM words LIMIT 0")
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):
            raise
        return False
    return True


def _search(
    con: sqlite3.Connection, query: str, limit: int, filters: Filters
) -> tuple[HistoryRow, ...]:
    where, values = filters.sql()
    words = query.replace("\0", " ").split()
    if words and _has_index(con):
        wanted = " ".join('"' + word.replace('"', '""') + '"' for word in words)
        sql = (
            f"SELECT {COLUMNS} FROM asks WHERE {where} AND number IN"
            f" (SELECT rowid FROM words WHERE words MATCH ?) {NEWEST_FIRST}"
        )
        if found := _rows(con, sql, [*values, wanted, limit]):
            return found
    piece = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    test = "(prompt LIKE ? ESCAPE '\\' OR answer LIKE ? ESCAPE '\\')"
    sql = f"SELECT {COLUMNS} FROM asks WHERE {where} AND {test} {NEWEST_FIRST}"
    return _rows(con, sql, [*values, f"%{piece}%", f"%{piece}%", limit])


def _rows(con: sqlite3.Connection, sql: str, values: Sequence[Value]) -> tuple[HistoryRow, ...]:
    """Returns rows whose values have their types, whoever wrote them: SQLite holds to none."""
    kinds: list[object] = [*HistoryRow.__annotations__.values()]
    # a kind stands there as it is written, wrapped on most Pythons
    mends = [_mend_of(str(getattr(kind, "__forward_arg__", kind))) for kind in kinds]
    return tuple(
        HistoryRow._make(mend(value) for mend, value in zip(mends, values, strict=True))
        for values in con.execute(sql, values)
    )


def _mend_of(kind: str) -> Callable[[Value], Value]:
    """Returns what makes any value one of a column's type, as the row's class names it."""
    mends: dict[str, Callable[[Value], Value]] = {
        "str | None": _text,
        "int": lambda value: int(_number(value) or 0),
        "int | None": _number,
        "float": lambda value: float(_number(value) or 0.0),
        "float | None": _number,
        "bool": bool,
    }
    return mends.get(kind, lambda value: _text(value) or "")


def _text(value: Value) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str) else str(value)


def _number(value: Value) -> int | float | None:
    """Returns a number that JSON can express, None for anything else."""
    return value if isinstance(value, int | float) and abs(value) < math.inf else None
