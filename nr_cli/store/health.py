"""Tells whether a database of nr's is whole, without changing it."""

from __future__ import annotations

import os
import sqlite3
from typing import NamedTuple

from nr_cli.store import damage

WAIT_S = 1.0


class Health(NamedTuple):
    """A file's size in bytes with its journals, and what is wrong with it, if anything is."""

    size: int
    flaw: str | None


def examine(path: str) -> Health | None:
    """Returns how a database is, None where there is none yet."""
    if not os.path.lexists(path):
        return None
    parts = [path + part for part in damage.PARTS if os.path.exists(path + part)]
    size = sum(os.path.getsize(part) for part in parts)
    if not damage.is_plain(path):
        return Health(size, "is not a regular file")
    try:
        con = sqlite3.connect(damage.uri(path, "mode=ro"), uri=True, timeout=WAIT_S)
        try:
            said = str(con.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            con.close()
    except sqlite3.Error as error:
        return Health(size, str(error))
    return Health(size, None if said == "ok" else said)
