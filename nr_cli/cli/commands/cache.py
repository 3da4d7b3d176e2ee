"""The commands that show what the answer cache holds, then empty it."""

from __future__ import annotations

import json
import os
import time
from typing import Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.arguments import AskingCommand
from nr_cli.cli.screen import neutralise
from nr_cli.errors import ConfigError, ExitCode, InputError, OutputError
from nr_cli.store.cache import Cache, Stats
from nr_cli.store.paths import find_paths

app = typer.Typer(
    help="Show and empty the cache of answers.\n\nExample: nr cache stats",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


SHOWN = 5  # lines with flaws that are named


@app.command("stats")
def show_stats(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show how many answers are kept, how old they are, how much space they take.

    Example: nr cache stats --json
    """
    stats = _open_cache().stats()
    if as_json:
        typer.echo(json.dumps(stats._asdict(), allow_nan=False))
        return
    typer.echo(_describe(stats, time.time()))


@app.command("prune")
def prune(
    days: Annotated[
        float,
        typer.Option(
            help="Keep answers of this many days.", metavar="DAYS", parser=flags.read_days
        ),
    ] = 7.0,
) -> None:
    """Remove answers that have expired, with what was set aside as damaged.

    Example: nr cache prune --days 1
    """
    cache = _open_cache()
    _tell_removed(cache, cache.prune(days * 86_400))


@app.command("clear")
def clear() -> None:
    """Remove all answers.

    Example: nr cache clear
    """
    cache = _open_cache()
    _tell_removed(cache, cache.clear())


@app.command("why", cls=AskingCommand)
def explain_entry(
    prompt: flags.Words = None,
    model: flags.Model = None,
    route: flags.Route = None,
    system: flags.System = None,
    file: flags.Files = None,
    option: flags.Options = None,
    tag: flags.Tags = None,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    no_stdin: flags.NoStdin = False,
    as_json: flags.AsJson = False,
) -> None:
    """Say whether this ask is in the cache, or which fields the nearest answer differs in.

    Example: nr cache why -o temperature 0 "What is the capital of Japan?"
    """
    from nr_cli.cli.intake import read_prompt
    from nr_cli.cli.nearest import describe_nearest, find_nearest
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.request import make_ask

    outside, router = outside_with_router(policy, no_project)
    words = read_prompt(
        prompt or (), file or (), outside.say, outside.environ, no_stdin=no_stdin, system=system
    )
    ask = make_ask(words, model=model, route=route, options=option, tags=tag)
    nearest = find_nearest(router, ask)
    typer.echo(json.dumps(nearest._asdict()) if as_json else describe_nearest(nearest))
    if nearest.status != "hit":
        raise typer.Exit(ExitCode.NO)


@app.command("path")
def show_path() -> None:
    """Print the file that holds the answers, whether it exists or not.

    Example: du -h "$(nr cache path)"
    """
    path = _open_cache().path
    if path is None:
        raise ConfigError("cache: there is no directory for it", "set HOME or NR_CACHE_DIR")
    typer.echo(os.fsencode(path))


@app.command("export")
def export(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Where to; - (else) is stdout.")
    ] = "-",
    model: Annotated[
        str | None, typer.Option("--model", help="Answers of this model alone, by its own name.")
    ] = None,
) -> None:
    """Write the answers to a file that nr cache import takes in elsewhere, without any key.

    Example: nr cache export answers.jsonl
    """
    from nr_cli.cli.env import Outside
    from nr_cli.store.cassette import dump_lines

    outside = Outside(os.environ)
    cache = _open_cache()
    lines, left_out = dump_lines(
        cache, lambda labels: model is None or labels.get("model.wire") == json.dumps(model)
    )
    if file == "-":
        outside.write(b"".join(lines))
    else:
        from nr_cli.cli.plain import write_file

        write_file(file, b"".join(lines).decode(), complete=True)
    if left_out:
        outside.say(f"nr: {left_out} answers of an older nr cannot travel: ask them again")
    outside.say(f"nr: {len(lines) - 1} answers written")


@app.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="What nr cache export wrote; -.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Take in the answers of a file: --cache only then answers from them, with any key or none.

    Example: nr cache import answers.jsonl
    """
    from nr_cli.cli.env import Outside
    from nr_cli.store.cassette import LONGEST, load_lines

    outside = Outside(os.environ)
    cache = _open_cache()
    try:
        with open(0 if file == "-" else file, "rb", closefd=file != "-") as stream:
            loaded = load_lines(cache, iter(lambda: stream.readline(LONGEST + 1), b""))
    except OSError as error:
        raise InputError(f"cache: {file}: {os.strerror(error.errno or 0)}") from None
    finally:
        cache.close()
    if as_json:
        outside.write(json.dumps({"taken": loaded.taken, "flaws": loaded.flaws}).encode() + b"\n")
    for number, flaw in loaded.flaws[:SHOWN]:
        outside.say(f"nr: {file}: line {number} {flaw}")
    outside.say(f"nr: {loaded.taken} answers taken in, {len(loaded.flaws)} lines left out")
    if loaded.flaws:
        raise typer.Exit(ExitCode.BAD_DATA)


def _open_cache() -> Cache:
    return Cache(find_paths(os.environ).cache)


def _tell_removed(cache: Cache, count: int | None) -> None:
    if count is None and cache.is_busy:
        typer.echo("nr: cache: another process is writing it (try again)", err=True)
        raise typer.Exit(ExitCode.TRY_LATER)
    if count is None:
        why = neutralise(cache.trouble or "for no reason that is known")
        raise OutputError(f"cache: it cannot be written: {why}", "nr cache path names it")
    typer.echo(f"removed {count} {'answer' if count == 1 else 'answers'}")


def _describe(stats: Stats, now: float) -> str:
    lines = [
        ("path", neutralise(os.fsencode(stats.path or "none").decode("utf-8", "replace"))),
        ("answers", str(stats.entries)),
        ("size", f"{stats.bytes / 1e6:.1f} MB of {stats.max_bytes / 1e6:.0f} MB"),
    ]
    if stats.oldest is not None and stats.newest is not None:
        lines.append(("oldest", f"{_age(now - stats.oldest)} ago"))
        lines.append(("newest", f"{_age(now - stats.newest)} ago"))
    if stats.trouble is not None:
        lines.append(("trouble", f"keeps nothing: {neutralise(stats.trouble)}"))
    return "\n".join(f"{name:<8} {value}" for name, value in lines)


def _age(seconds: float) -> str:
    """Returns a duration in its largest whole unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
