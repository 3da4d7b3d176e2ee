"""Reads the log that the `llm` tool keeps in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from nr_cli.store import damage
from nr_cli.types.turn import Turn

# Up to 0.2x or so a row of `responses` is a whole ask; 0.36 keeps turns over a tree of messages.
RESPONSES = (
    "SELECT id, datetime_utc, prompt, system, response, model, input_tokens, output_tokens,"
    " duration_ms FROM responses"
)
TURNS = (
    "SELECT id, datetime_utc, parent_message_hash, tip_message_hash, model, input_tokens,"
    " output_tokens, duration_ms FROM turns"
)
TEXT = "SELECT text FROM parts WHERE message_hash = ? AND type = 'text' ORDER BY position"
UP = "SELECT parent_hash, role FROM messages WHERE hash = ?"
DEEPEST = 10_000


def read_llm_log(path: str) -> list[Turn]:
    """Returns the asks in a log of `llm`, whichever version wrote it. Raises: OSError."""
    try:
        con = sqlite3.connect(damage.uri(path, "mode=ro"), uri=True)
        try:
            tables = {row[0] for row in con.execute("SELECT name FROM sqlite_master")}
            turns = list(_read_turns(con)) if "turns" in tables else []
            seen = {turn.id for turn in turns}
            if "responses" in tables:
                turns += [turn for turn in _read_responses(con) if turn.id not in seen]
        finally:
            con.close()
    except sqlite3.Error as error:
        raise OSError(f"cannot be read ({error})") from None
    return turns


def _read_responses(con: sqlite3.Connection) -> Iterator[Turn]:
    for row in con.execute(RESPONSES):
        id, moment, prompt, system, answer, model, *figures = row
        yield Turn(
            str(id), _seconds(moment), prompt or "", system, answer or "", model, *_whole(figures)
        )


def _read_turns(con: sqlite3.Connection) -> Iterator[Turn]:
    for row in con.execute(TURNS).fetchall():
        id, moment, asked, answered, model, *figures = row
        system = None
        for hash, role in _ancestors(con, asked):
            if role == "system":
                system = _text(con, hash)
        yield Turn(
            str(id), _seconds(moment), _text(con, asked), system, _text(con, answered), model,
            *_whole(figures),
        )  # fmt: skip


def _ancestors(con: sqlite3.Connection, hash: str | None) -> Iterator[tuple[str, str]]:
    """Yields a message with its role, then what came before it, as far as the first."""
    for _ in range(DEEPEST):
        row = con.execute(UP, [hash]).fetchone()
        if row is None or hash is None:
            return
        yield hash, row[1]
        hash = row[0]


def _text(con: sqlite3.Connection, hash: str | None) -> str:
    return "\n\n".join(str(row[0]) for row in con.execute(TEXT, [hash]) if row[0])


def _whole(figures: list[object]) -> list[int | None]:
    return [figure if isinstance(figure, int) else None for figure in figures]


def _seconds(moment: object) -> float:
    """Returns the seconds of an ISO time in UTC, 0 for what is none."""
    from datetime import UTC, datetime

    try:
        read = datetime.fromisoformat(str(moment))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
