"""`nr batch`: answers the rows of a file, many at once, into a file of answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from nr_cli.cli import flags
from nr_cli.cli.arguments import AskingCommand
from nr_cli.cli.flags import flag
from nr_cli.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from nr_cli.cli.batching import Batch
    from nr_cli.cli.env import Outside
    from nr_cli.cli.outlet import Outlet
    from nr_cli.cli.rows import Rows

MOST_JOBS = 512
ORDERS = ("input", "completion")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    cls=AskingCommand,
    help="Answer the rows of a file: JSON lines, CSV or plain lines in, JSON lines out.\n\n"
    "Example: nr batch questions.jsonl -o answers.jsonl -j 16 --resume",
)
def batch(
    source: Annotated[str, typer.Argument(metavar="[IN]", show_default=False)] = "-",
    output: Annotated[
        str, flag("--output", "-o", help="Where the answers go (default: stdout).", metavar="OUT")
    ] = "-",
    jobs: Annotated[int, flag("--jobs", "-j", help="How many rows run at once (default 8).")] = 8,
    resume: Annotated[
        bool, flag("--resume", help="Go on with OUT: keep its answers, ask the rest.")
    ] = False,
    force: Annotated[bool, flag("--force", help="Replace OUT.")] = False,
    order: Annotated[str, flag("--order", help="input | completion (default input).")] = "input",
    form: Annotated[
        str | None, flag("--format", help="jsonl | csv | text (default: by the ending of IN).")
    ] = None,
    summary: Annotated[
        str | None, flag("--summary", help="Add a summary to this Markdown file.", metavar="FILE")
    ] = None,
    model: flags.Model = None,
    route: flags.Route = None,
    system: flags.System = None,
    option: Annotated[
        list[str] | None,
        flag("--option", help="A parameter: --option temperature 0.2.", metavar="K V"),
    ] = None,
    schema: flags.Schema = None,
    tag: flags.Tags = None,
    cache: flags.Cache = None,
    no_cache: flags.NoCache = False,
    offline: flags.Offline = False,
    no_fallback: flags.NoFallback = False,
    timeout: Annotated[
        float | None,
        flag(
            "--timeout",
            help="Seconds for each row.",
            metavar="SECONDS",
            parser=flags.read_seconds,
        ),
    ] = None,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    no_log: Annotated[bool, flag("--no-log", "-n", help="Keep no history of the rows.")] = False,
    quiet: Annotated[bool, flag("--quiet", "-q", help="No progress, no summary.")] = False,
    as_json: Annotated[
        bool, flag("--json", help="Print the summary as one JSON document on stdout.")
    ] = False,
) -> None:
    """Answers every row, then ends with 3 if some failed."""
    from nr_cli.cli.batching import Batch, Plan, refuse_unknown_pin
    from nr_cli.cli.intake import decode_system
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.request import make_ask, open_schema
    from nr_cli.cli.rows import Rows, guess_format
    from nr_cli.types.prompt import Prompt

    refuse_flags(source, output, jobs, order, resume, force, as_json)
    refuse_same_file(source, output, summary)
    outside, router = outside_with_router(policy, no_project, quiet)
    ask = make_ask(
        Prompt("", decode_system(system, outside.say), "batch"),
        model=model,
        route=route,
        options=option,
        tags=tag,
        cache=cache,
        no_cache=no_cache,
        offline=offline,
        no_fallback=no_fallback,
        timeout=timeout,
        schema=open_schema(schema, None, None),
    )._replace(buffered=True, stream=False)
    form = guess_format(source, form)
    refuse_unknown_pin(router, ask)
    place = "stdin" if source == "-" else source
    file = open_source(source)
    path = None if output == "-" else output
    rows = Rows(file, place, form, ask)
    page = open_page(summary)
    outlet = open_outlet(outside, path, resume, force)
    plan = Plan(place, path, jobs, order == "input", not no_log, quiet, offline)
    run = Batch(outside, router, outlet, plan)
    again = resumption(source, path) if path else ""
    try:
        status = run.run(rows, counting(run, rows, source), again)
    finally:
        write_page(run, page, place)
    if as_json:
        from nr_cli.cli.document import dump

        outside.write(dump(run.tally.document()))
    run.end_by_signal()
    raise typer.Exit(int(status))


def refuse_flags(
    source: str, output: str, jobs: int, order: str, resume: bool, force: bool, as_json: bool
) -> None:
    """Refuses flags that make no sense, or none together. Raises: UsageError, OutputError."""
    if not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"-j {jobs}: not a number from 1 to {MOST_JOBS}")
    if order not in ORDERS:
        raise UsageError(f"--order {order}: no such order", "one of " + ", ".join(ORDERS))
    if resume and force:
        raise UsageError("--resume keeps the output, --force replaces it", "give one of them")
    if output == "-":
        for name, given in (("--resume", resume), ("--json", as_json)):
            if given:
                raise UsageError(f"{name}: not with answers on stdout", "name a file with -o")
        from nr_cli.cli.env import is_open

        if not is_open(1):
            raise OutputError("stdout is closed", "nothing was sent")


def refuse_same_file(source: str, output: str, summary: str | None) -> None:
    """Refuses one file for two ends, whatever its names. Raises: UsageError."""
    for name, path in (("-o", output), ("--summary", summary)):
        if path == "" or (path == "-" and name == "--summary"):
            raise UsageError(f"{name}: {path or 'an empty name'} is no file", "name a file")
    ends = (("-o", output, "input", source), ("--summary", summary, "input", source),
            ("--summary", summary, "output", output))  # fmt: skip
    for name, path, end, other in ends:
        if path and other not in ("-", "") and path != "-" and is_same(path, other):
            thing = "output" if name == "-o" else "summary"
            raise UsageError(f"{name}: the {thing} is the {end}", "name another file")


def is_same(one: str, other: str) -> bool:
    """Tells whether two names are of one file, be it by a link."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them is not there
        return os.path.realpath(one) == os.path.realpath(other)


def open_source(source: str) -> BinaryIO:
    """Returns the open input. Raises: InputError, UsageError for a terminal."""
    if source == "-":
        from nr_cli.cli.rows import open_stdin

        return open_stdin("nr batch IN.jsonl -o OUT.jsonl")
    try:
        return open(source, "rb")
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise InputError(f"{source}: {why}", "check the path") from None
    except ValueError:
        raise InputError("a path cannot hold a NUL character", "check the path") from None


def open_outlet(outside: Outside, path: str | None, resume: bool, force: bool) -> Outlet:
    """Returns where the answers go. Raises: UsageError, InputError, OutputError."""
    from nr_cli.cli.outlet import FileOutlet, StdoutOutlet

    return FileOutlet(path, resume, force) if path else StdoutOutlet(outside)


def open_page(path: str | None) -> BinaryIO | None:
    """Returns the file of the summary, opened before anything is sent. Raises: OutputError."""
    if path is None:
        return None
    try:
        return open(path, "ab")
    except (OSError, ValueError) as error:
        why = os.strerror(getattr(error, "errno", 0) or 0)
        raise OutputError(f"--summary {path}: {why}", "name a file") from None


def write_page(run: Batch, page: BinaryIO | None, place: str) -> None:
    """Adds the summary to its file. Raises: OutputError."""
    if page is None:
        return
    from nr_cli.cli.digest import summary_page

    try:
        with page:
            page.write(summary_page(run.tally, place).encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f"--summary: {os.strerror(error.errno or 0)}") from None


def counting(run: Batch, rows: Rows, source: str) -> Callable[[], None]:
    """Returns what counts the rows of a file for the progress; a pipe cannot be counted."""

    def count() -> None:
        from nr_cli.cli.rows import count_rows

        if source != "-" and not run.plan.quiet and os.path.isfile(source):
            run.tally.rows = count_rows(source)

    return count


def resumption(source: str, path: str | None) -> str:
    """Returns how to go on with the rows that have no answer yet."""
    import shlex

    return f"to go on: nr batch {shlex.quote(source)} -o {shlex.quote(path or '-')} --resume"
