"""`nr rate`: keeps what you think of an answer beside it in the log."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nr_cli.cli.pastlog import check, find_row, line_of, open_log
from nr_cli.cli.screen import neutralise
from nr_cli.errors import InputError, UsageError
from nr_cli.store.history import HistoryRow, Rating
from nr_cli.types.json import Json

app = typer.Typer(rich_markup_mode=None, add_completion=False)

LONGEST_NOTE = 4_000  # characters


@app.command(
    help="Judge the last answer, or one by its id; the log keeps it, nothing is sent.\n\n"
    'Example: nr rate bad --note "it left out the time zone"',
)
def rate(
    rating: Annotated[
        Rating | None, typer.Argument(help="Whether the answer served you.", show_default=False)
    ] = None,
    id: Annotated[
        str | None, typer.Option("--id", help="The ask's id, or its beginning; else the last.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="Why, in your own words.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget what was judged.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Keeps or forgets one rating; prints the ask that it belongs to."""
    refuse_contradictions(rating, note, clear)
    log = open_log()
    row = find_row(log, id, answered=True)
    if not row.answer:
        raise InputError(f"rate: {row.id} has no answer to judge", "see nr log list")
    kept = log.rate(row.id, rating, note)
    check(log)
    if not kept:  # another process has just removed it
        raise InputError(f"log: no single ask has the id {row.id}", "see nr log list")
    show(log.show(row.id) or row, as_json)


def refuse_contradictions(rating: Rating | None, note: str | None, clear: bool) -> None:
    """Refuses a rating that says nothing, or two things. Raises: UsageError."""
    if clear and (rating or note is not None):
        what = rating or "--note"
        raise UsageError(f"rate: {what} and --clear contradict", "give one of them")
    if rating is None and not clear:
        raise UsageError("rate: neither good nor bad", "write nr rate good, or nr rate bad")
    if note is not None and len(note) > LONGEST_NOTE:
        raise UsageError(f"rate: --note is longer than {LONGEST_NOTE:,} characters", "shorten it")


def show(row: HistoryRow, as_json: bool) -> None:
    """Prints what is kept now of the rating, with the ask it belongs to."""
    if not as_json:
        typer.echo(neutralise(line_of(row)).encode("utf-8", "replace"))
        return
    document: dict[str, Json] = {
        "version": 1,
        "id": row.id,
        "rating": row.rating,
        "note": row.rating_note,
        "rated": row.rated,
        "model": row.model,
        "prompt": row.prompt,
    }
    typer.echo(json.dumps(document, allow_nan=False))
