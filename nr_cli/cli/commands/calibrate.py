"""`nr calibrate`: fits the reading of difficulty to your own prompts, offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.flags import flag
from nr_cli.errors import ConfigError, ExitCode, InputError, UsageError

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.calibrating import Labelled
    from nr_cli.cli.env import Outside

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    help="Fit the reading of difficulty to labelled prompts, or to your rated answers in the log;"
    " nothing is sent anywhere.\n\n"
    "Example: nr calibrate labelled.jsonl --out calibration.json"
)
def calibrate(
    data: Annotated[
        str | None,
        typer.Argument(metavar="DATA", help="JSON Lines, as for nr eval; without it, the log."),
    ] = None,
    out: Annotated[str | None, flag("--out", help="Write the fit there.", metavar="FILE")] = None,
    share: Annotated[
        float | None, flag("--share", help="Prompts to read as hard or above (0 to 1).")
    ] = None,
    quality: Annotated[
        float | None,
        flag("--quality", help="As few of them as keep this part of the strong model's gain."),
    ] = None,
    weak: Annotated[str | None, flag("--weak", help="The small model of the outcomes.")] = None,
    strong: Annotated[str | None, flag("--strong", help="The large model of them.")] = None,
    force: Annotated[
        bool, flag("--force", help="Write it although chance would do as well.")
    ] = False,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """Shows what a fit is worth on held-out folds; writes it if that is more than noise."""
    from nr_cli.classify.refit import pack
    from nr_cli.cli.calibrating import Wish, explain
    from nr_cli.cli.calibrating import calibrate as fit_to
    from nr_cli.cli.document import dump
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.plain import encode, replaceable, with_newline, write_file
    from nr_cli.cli.progress import ProgressLine

    for name, value in (("--share", share), ("--quality", quality)):
        if value is not None and not 0 < value < 1:
            raise UsageError(f"{name} {value:g}: not between 0 and 1", "0.3 is three in ten")
    if share is not None and quality is not None:
        raise UsageError("--share and --quality contradict", "give one of them")
    if out is not None:
        replaceable(out, "--out")  # said before the work rather than after
        refuse_to_lose(out)
    outside, router = outside_with_router(policy, no_project)
    rows = list(read_log() if data is None else read_rows(data, outside, weak, strong))
    refuse_too_few(rows, data)
    edge = min(0.99, max(0.01, edge_of(router)))
    line = ProgressLine(outside)
    fit, outcome = fit_to(
        rows,
        read_score,
        Wish(share, quality, edge),
        lambda done, total: line.show("calibrating", done, total),
    )
    written = out if out is not None and (outcome.is_real or force) else None
    if written is not None:
        write_file(written, pack(fit, outcome.told()).decode(), complete=True, flag="--out")
    document = {"version": 1, **outcome.told(), "written": written}
    outside.write(dump(document) if as_json else encode(with_newline(explain(outcome, written))))
    if not outcome.is_real and not force:
        raise typer.Exit(int(ExitCode.NO))


def refuse_to_lose(path: str) -> None:
    """Refuses to write over a file that is no calibration. Raises: UsageError."""
    from nr_cli.classify.refit import CalibrationError, unpack

    try:
        with open(path, "rb") as file:
            content = file.read()
        if content:
            unpack(content)
    except FileNotFoundError:
        return
    except CalibrationError as error:
        if not isinstance(error.__cause__, Exception):
            return  # one of another version, or a damaged one: that is what is made anew
        raise UsageError(f"--out {path}: it is another file", "name a new one") from None
    except OSError:
        return  # what cannot be read is told when it is written


def edge_of(router: Router) -> float:
    """Returns the score above which a prompt is hard; a policy may name a file yet to be made."""
    from nr_cli.types.facts import BAND_EDGES

    try:
        return router.policy.bands["medium"]
    except ConfigError as error:
        if {finding.code for finding in error.findings} != {"NR136"}:
            raise
        return BAND_EDGES["medium"]


def read_rows(
    data: str, outside: Outside, weak: str | None, strong: str | None
) -> Iterator[Labelled]:
    """Yields the usable rows of a file, names the others on stderr. Raises: InputError."""
    from zlib import error as Damaged  # noqa: N812  # a class that its library writes small

    from nr_cli.cli.calibrating import label_by
    from nr_cli.cli.evalrows import open_data, read_labelled
    from nr_cli.cli.evaluating import find_pair
    from nr_cli.cli.rows import BadRow, read_lines

    labelled = []
    with open_data(data) as file:
        try:
            for number, line in read_lines(file):
                try:
                    labelled.append(read_labelled(line))
                except BadRow as error:
                    outside.say(f"nr: {data}:{number}: {error.reason}")
        except (OSError, EOFError, Damaged) as error:
            raise InputError(f"{data}: {error}", "check the file", ExitCode.BAD_DATA) from None
    pair = find_pair([expected.outcomes for _, expected in labelled], weak, strong)
    named = {name for _, expected in labelled for name in expected.outcomes}
    for option, name in (("--weak", weak), ("--strong", strong)):
        if name is not None and name not in named:
            raise UsageError(f"{option} {name}: no row has an outcome of it")
    for prompt, expected in labelled:
        row = None if expected.contaminated else label_by(prompt, expected, pair)
        if row is not None:
            yield row


def read_log() -> Iterator[Labelled]:
    """Yields the asks in the log that somebody rated. Raises: Unreadable."""
    from nr_cli.cli.calibrating import Labelled
    from nr_cli.cli.pastlog import check, open_log

    log = open_log()
    rated = log.rated()
    check(log)
    for prompt, rating in rated:
        yield Labelled(prompt, float(rating == "good"), 1.0)


def refuse_too_few(rows: list[Labelled], data: str | None) -> None:
    """Refuses what nothing can be told from. Raises: InputError."""
    from nr_cli.cli.calibrating import LEAST, LEAST_OF_A_KIND

    worth, different = sum(row.is_worth_it for row in rows), len({row.text for row in rows})
    hint = "see docs/calibrating.md" if data else "nr rate bad, nr rate good; or name a file"
    where = data or "the log"
    if len(rows) < LEAST:
        words = f"{where}: {len(rows)} labelled prompts, {LEAST} are the least"
        raise InputError(words, hint, ExitCode.BAD_DATA)
    if different < LEAST:
        words = f"{where}: {different} different prompts, {LEAST} are the least"
        raise InputError(words, hint, ExitCode.BAD_DATA)
    if min(worth, len(rows) - worth) < LEAST_OF_A_KIND:
        words = f"{where}: a strong model is worth it for {worth} of {len(rows)} prompts"
        raise InputError(f"{words}: too few of one kind", hint, ExitCode.BAD_DATA)


def read_score(text: str) -> float:
    """Returns the reader's own score of a prompt, as it was before any calibration."""
    from nr_cli.classify.reading import read

    return read(text).complexity.score
