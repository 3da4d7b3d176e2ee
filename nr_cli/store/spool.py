"""Keeps rows beside a database that others are writing, until somebody finds it free.

A row is one line, appended in one write. Whoever uses the database next takes the file away, puts
its rows in, and removes it; rows have ids, so that one which is taken twice counts once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from nr_cli.store import damage

Value: TypeAlias = "str | int | float | bytes | None"
MOST = 64 * 1024 * 1024  # bytes of rows that wait


def append(path: str, rows: Sequence[Sequence[Value]]) -> bool:
    """Sets rows down for a database; tells whether that could be done."""
    payload = b"".join(json.dumps(list(row), default=str).encode() + b"\n" for row in rows)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    for _ in range(3):
        try:
            descriptor = os.open(_place(path), flags, 0o600)
            try:
                if os.fstat(descriptor).st_size + len(payload) > MOST:
                    return False
                if os.write(descriptor, payload) == len(payload) and _is_there(descriptor, path):
                    return True
            finally:
                os.close(descriptor)
        except OSError:
            return False
    return False  # it was taken away each time; the rows may be in, or not


def waits(path: str) -> bool:
    """Tells whether rows wait for a database."""
    return os.path.exists(_place(path)) or os.path.exists(_taken(path))


def take(path: str) -> tuple[list[list[Value]], int] | None:
    """Returns the rows that wait with a lock to be given to `done`; None where others take them."""
    held = damage.lock(path + ".spool.lock", 0.0)
    if held is None:
        return None
    rows: list[list[Value]] = []
    try:
        if not os.path.exists(_taken(path)):
            os.rename(_place(path), _taken(path))
        with open(_taken(path), "rb") as file:
            lines = file.read(MOST + 1).split(b"\n")
    except OSError:
        lines = []
    for line in lines:
        with suppress(ValueError, RecursionError):  # a torn line was told to nobody as kept
            row = json.loads(line)
            if isinstance(row, list):
                rows.append(row)
    return rows, held


def done(path: str, held: int, kept: bool) -> None:
    """Removes the rows that were taken, if they are kept now, and gives the lock back."""
    if kept:
        with suppress(OSError):
            os.unlink(_taken(path))
    os.close(held)


def _place(path: str) -> str:
    return path + ".spool"


def _taken(path: str) -> str:
    return path + ".spool.taken"


def _is_there(descriptor: int, path: str) -> bool:
    """Tells whether an open file is still the one that rows are added to."""
    try:
        seen, there = os.fstat(descriptor), os.stat(_place(path))
    except OSError:
        return False
    return (seen.st_dev, seen.st_ino) == (there.st_dev, there.st_ino)
