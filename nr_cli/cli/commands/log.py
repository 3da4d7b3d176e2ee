"""The commands that read the log of past asks."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Annotated

import typer

from nr_cli.cli.env import Outside
from nr_cli.cli.figures import format_time
from nr_cli.cli.pastlog import check, find_file, find_row, line_of, open_log
from nr_cli.cli.screen import neutralise
from nr_cli.errors import ConfigError, UsageError
from nr_cli.store.discreet import MAX_INT
from nr_cli.store.history import Filters, History, HistoryRow
from nr_cli.store.tally import AXES, Axis, Tally, read_tally
from nr_cli.types.json import Json

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

app = typer.Typer(
    help="Read the log of past asks.\n\nExample: nr log search certificate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", min=1, max=MAX_INT, help="Show this many at most.")
]
OfRoute = Annotated[str | None, typer.Option("--route", help="Only asks that took this route.")]
OfModel = Annotated[
    str | None, typer.Option("--model", "-m", help="Only asks this model answered: alias or id.")
]
Since = Annotated[
    str | None, typer.Option("--since", help="Only later asks: 2026-03-01, or 3h, 2d ago.")
]
Until = Annotated[str | None, typer.Option("--until", help="Only earlier asks, written alike.")]


@app.command("list")
def show_list(
    limit: Limit = 20,
    route: OfRoute = None,
    model: OfModel = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """List past asks, newest first.

    Example: nr log list --route code --since 2d
    """
    log = open_log()
    begin, end = _parse_bounds(since, until)
    rows = log.list(limit, route, model, begin, end)
    _show_rows(log, rows, as_json)


@app.command("search")
def search(
    text: Annotated[list[str], typer.Argument(help="Words that prompt and answer contain.")],
    limit: Limit = 20,
    route: OfRoute = None,
    model: OfModel = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Find past asks by the words in prompt and answer, newest first.

    Example: nr log search self-signed certificate --since 4w
    """
    log = open_log()
    begin, end = _parse_bounds(since, until)
    rows = log.search(" ".join(text), limit, route, model, begin, end)
    _show_rows(log, rows, as_json)


@app.command("show")
def show(
    id: Annotated[
        str | None, typer.Argument(help="The ask's id, or its beginning; else the last ask.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one ask: in a terminal the whole story, in a pipe the answer alone, byte for byte.

    Example: nr log show 01JQ7 | wc -w
    """
    log = open_log()
    row = find_row(log, id)
    if as_json:
        typer.echo(json.dumps(_record(row), allow_nan=False))
    elif sys.stdout.isatty():
        typer.echo(neutralise(_describe(row)).encode("utf-8", "replace"))
    else:
        typer.echo(row.answer.encode("utf-8", "replace"), nl=False)
    if row.answer_digest and not as_json:
        note = f"log: only the beginning of this answer was kept (sha256 {row.answer_digest})"
        typer.echo(note, err=True)


@app.command("stats")
def show_stats(
    by: Annotated[Axis | None, typer.Option(help="The table of one axis alone, whole.")] = None,
    route: OfRoute = None,
    model: OfModel = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a page with charts instead."),
    ] = None,
) -> None:
    """Count past asks: tokens, cost, savings of the cache, latency, failures.

    Example: nr log stats --since 4w --by model
    """
    if html is not None and (as_json or by is not None):
        other = "--json" if as_json else "--by"
        raise UsageError(f"--html and {other}: only one of them", "the page has every axis")
    log = open_log()
    filters = Filters(route, model, *_parse_bounds(since, until))
    tally = read_tally(log, filters)
    check(log)
    outside = Outside(os.environ)
    if html is not None:
        _write_page(html, tally, filters)
    elif as_json:
        from nr_cli.cli.accounts import tally_document
        from nr_cli.cli.document import dump

        outside.write(dump(tally_document(tally, (by,) if by else AXES, filters)))
    else:
        from nr_cli.cli.stats import find_place, report

        outside.write(report(tally, by, find_place(outside)).encode("utf-8", "replace"))


@app.command("path")
def show_path() -> None:
    """Print the file that holds the log, whether it exists or not.

    Example: sqlite3 "$(nr log path)" .schema
    """
    path = find_file()
    if path is None:
        raise ConfigError("log: there is no directory for it", "set HOME or NR_STATE_DIR")
    typer.echo(os.fsencode(path))


def parse_time(text: str, now: float) -> float:
    """Returns the moment an ISO date or an age such as `2d` means; raises UsageError.

    A date without a zone is local time.
    """
    from datetime import datetime

    number, unit = text[:-1], text[-1:]
    if unit in UNITS and number.isascii() and number.isdigit() and len(number) < 9:
        return now - int(number) * UNITS[unit]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        message = f"{neutralise(text)}: not a time"
        raise UsageError(message, "write 2026-03-01, 2026-03-01T09:30 or 3h, 2d, 4w") from None


def _parse_bounds(since: str | None, until: str | None) -> tuple[float | None, float | None]:
    now = time.time()
    return (
        parse_time(since, now) if since is not None else None,
        parse_time(until, now) if until is not None else None,
    )


def _write_page(path: str, tally: Tally, filters: Filters) -> None:
    from nr_cli.cli.page import page
    from nr_cli.cli.plain import replaceable, write_file

    replaceable(path, "--html")
    write_file(path, page(tally, filters, time.time()), True, "--html", 0o600)


def _show_rows(log: History, rows: tuple[HistoryRow, ...], as_json: bool) -> None:
    check(log)
    if as_json:
        typer.echo(json.dumps([_record(row) for row in rows], allow_nan=False))
        return
    for row in rows:
        typer.echo(neutralise(line_of(row)).encode("utf-8", "replace"))


def _describe(row: HistoryRow) -> str:
    cost = "unknown" if row.cost is None else f"${row.cost:.6f}"
    lines = [
        ("id", row.id),
        ("time", format_time(row.time, "%Y-%m-%d %H:%M:%S %z")),
        ("status", f"{row.status} (exit {row.exit})"),
        ("route", row.route or "-"),
        ("model", f"{row.model or '-'} ({row.model_id or '-'})"),
        ("tokens", f"{_count(row.input_tokens)} in, {_count(row.output_tokens)} out"),
        ("cost", cost),
        ("cache", row.cache),
    ]
    if row.rating:
        note = f": {row.rating_note}" if row.rating_note else ""
        lines.append(("rating", row.rating + note))
    if row.error:
        lines.append(("error", row.error))
    head = "\n".join(f"{name:<8} {value}" for name, value in lines)
    return f"{head}\n\nprompt\n{row.prompt}\n\nanswer\n{row.answer}"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _record(row: HistoryRow) -> dict[str, Json]:
    record: dict[str, Json] = dict(row._asdict())
    try:
        record["decision"] = json.loads(row.decision)
    except ValueError:
        record["decision"] = None  # a row written without one
    return record
