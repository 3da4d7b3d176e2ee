"""`nr eval`: measures the reading of prompts against labelled rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.flags import flag
from nr_cli.errors import ExitCode, InputError, NoCredential, Refused, UsageError

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.env import Outside
    from nr_cli.cli.evalrows import Expected
    from nr_cli.cli.evaluating import Reading
    from nr_cli.types.json import Json

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    help="Measure the reading of prompts, offline, on labelled rows.\n\n"
    "Example: nr eval labelled.jsonl"
)
def evaluate(
    data: Annotated[str, typer.Argument(metavar="DATA", help="JSON Lines, .gz too; - is stdin.")],
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    weak: Annotated[str | None, flag("--weak", help="The small model of the outcomes.")] = None,
    strong: Annotated[str | None, flag("--strong", help="The large model of them.")] = None,
    min_accuracy: Annotated[
        float | None, flag("--min-accuracy", help="Exit 1 if the intent's is below (0 to 1).")
    ] = None,
    min_apgr: Annotated[
        float | None, flag("--min-apgr", help="Exit 1 if APGR is below (0 to 1).")
    ] = None,
    plot: Annotated[
        str | None, flag("--plot", help="Draw the cost-quality curve.", metavar="FILE")
    ] = None,
    as_json: flags.AsJson = False,
) -> None:
    """Prints the figures; ends with 1 where one is below what is asked of it."""
    from nr_cli.cli.document import dump
    from nr_cli.cli.evalplot import check_plot, write_plot
    from nr_cli.cli.evaltext import words_of
    from nr_cli.cli.evaluating import figures_of, find_pair, groups_of, latency_of
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.plain import encode

    if plot is not None:
        check_plot(plot)
    outside, router = outside_with_router(policy, no_project)
    bad: list[int] = []
    rows = list(read_rows(data, outside, router, bad))
    if not rows:
        raise InputError(f"{data}: no row can be used", "see docs/eval.md", ExitCode.BAD_DATA)
    named = {name for row in rows for name in row.expected.outcomes}
    for option, name in (("--weak", weak), ("--strong", strong)):
        if name is not None and name not in named:
            raise UsageError(f"{option} {name}: no row has an outcome of it")
    pair = find_pair([row.expected.outcomes for row in rows], weak, strong)
    whole = figures_of(rows, pair, 0)
    document: dict[str, Json] = {
        "version": 1, "bad_rows": len(bad), "overall": whole,
        "by_source": groups_of(rows, lambda row: row.expected.source, pair),
        "by_language": groups_of(rows, lambda row: row.expected.language, pair),
        "latency_ms": latency_of(rows),
    }  # fmt: skip
    if plot is not None:
        write_plot(plot, whole)
    drawn = outside.out_is_terminal
    outside.write(dump(document) if as_json else encode(words_of(document, drawn)))
    if is_below(outside, whole, min_accuracy, min_apgr):
        raise typer.Exit(int(ExitCode.NO))


def read_rows(data: str, outside: Outside, router: Router, bad: list[int]) -> Iterator[Reading]:
    """Yields the readings of usable rows; names the others on stderr. Raises: InputError."""
    from zlib import error as Damaged  # noqa: N812  # a class that its library writes small

    from nr_cli.cli.evalrows import open_data, read_labelled
    from nr_cli.cli.rows import BadRow, read_lines

    with open_data(data) as file:
        try:
            for number, line in read_lines(file):
                try:
                    prompt, expected = read_labelled(line)
                except BadRow as error:
                    bad.append(number)
                    hint = f" ({error.hint})" if error.hint else ""
                    outside.say(f"nr: {data}:{number}: {error.reason}{hint}")
                else:
                    yield read_one(router, prompt, expected)
        except (OSError, EOFError, Damaged) as error:
            raise InputError(f"{data}: {error}", "check the file", ExitCode.BAD_DATA) from None


def read_one(router: Router, prompt: str, expected: Expected) -> Reading:
    """Returns what nr reads of a prompt, where it would send it if its row expects that."""
    from nr_cli.cli.evaluating import Reading
    from nr_cli.types.prompt import Ask, Prompt

    ask = Ask(Prompt(prompt, None, "batch"))
    began = time.perf_counter()
    found = router.reader(ask).classification()
    ms = (time.perf_counter() - began) * 1000
    route, model = "", ""
    if expected.route is not None or expected.model is not None:
        try:
            decision = router.decide(ask, reading=True)
            route = decision.route or ""
            model = decision.chain[0].name if decision.chain else ""
        except (Refused, NoCredential):
            pass  # a prompt that goes nowhere goes where no row expects it: the accuracy shows it
    return Reading(expected, found, route, model, len(prompt), ms)


def is_below(
    outside: Outside, whole: dict[str, Json], min_accuracy: float | None, min_apgr: float | None
) -> bool:
    """Tells whether a figure is below its bound or cannot be told, and says so on stderr."""
    from nr_cli.cli.evaltext import dig

    failed = False
    for name, bound, path in (
        ("accuracy", min_accuracy, ("intent", "accuracy")),
        ("APGR", min_apgr, ("outcomes", "routers", "nr", "apgr")),
    ):
        found = dig(whole, *path)
        if bound is None or (isinstance(found, float | int) and found >= bound):
            continue
        told = f"{found:.3f}" if isinstance(found, float | int) else "unknown for these rows"
        outside.say(f"nr: {name} is {told}, below {bound:g}")
        failed = True
    return failed
