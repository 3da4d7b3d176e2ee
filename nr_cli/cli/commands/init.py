"""The command that writes a first policy for what it finds on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.env import Outside, is_terminal
from nr_cli.errors import ConfigError, OutputError, UsageError

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.firstpolicy import Preference
    from nr_cli.policy.builtin import Choice
    from nr_cli.transport.neighbours import Neighbour

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def init(
    output: Annotated[
        str | None, typer.Option("--output", metavar="FILE", help="Write this file instead.")
    ] = None,
    as_json: flags.AsJson = False,
) -> None:
    """Find keys with servers on this machine; write a policy for them, never over another.

    Example: nr init
    """
    from nr_cli.cli.firstpolicy import make_plan, write_policy
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.transport.neighbours import find_neighbours

    outside, router = outside_with_router(None, True)
    path = _find_place(router, output)
    if os.path.lexists(path):
        raise _taken(path)
    found = router.found()
    neighbours = find_neighbours(outside.environ)
    _tell(outside, found, neighbours)
    preference, easy_stays = _ask(outside, bool(found), neighbours)
    plan = make_plan(found, neighbours, preference, easy_stays)
    _create(path, write_policy(plan, router.catalog, time.strftime("%Y-%m-%d")), output is None)
    if as_json:
        from nr_cli.cli.document import dump

        servers = [dict(one._asdict()) for one in neighbours]
        keyed = sorted({choice.id.partition("/")[0] for choice in found})
        outside.write(dump({"file": path, "keys": [*keyed], "servers": [*servers]}))
        return
    outside.write(os.fsencode(path) + b"\n")
    named = "" if output is None else f" --policy {output}"
    outside.say(f'next: nr route{named} "Prove that 2 is prime", nr ask{named} "Hello", nr doctor')


def _find_place(router: Router, output: str | None) -> str:
    from nr_cli.settings import NAME

    if output is not None:
        return os.path.abspath(output)
    if router.paths.config is None:
        raise ConfigError("init: there is no place for a policy", "set HOME, or name --output")
    return os.path.join(router.paths.config, NAME)


def _taken(path: str) -> UsageError:
    return UsageError(f"{path}: is there already, so it stays", "edit it, or name another --output")


def _tell(outside: Outside, found: Sequence[Choice], neighbours: Sequence[Neighbour]) -> None:
    """Says on stderr what was found."""
    keyed = sorted({choice.id.partition("/")[0] for choice in found})
    outside.say(f"keys for: {', '.join(keyed) or 'nobody (nr keys set openai keeps one)'}")
    for one in neighbours:
        outside.say(f"on this machine: {one.name} at {one.base_url}, {len(one.models)} models")
    if not neighbours:
        outside.say("on this machine: no server answers")


def _ask(
    outside: Outside, has_keys: bool, neighbours: Sequence[Neighbour]
) -> tuple[Preference, bool]:
    """Returns what the person at the terminal prefers; elsewhere the middle way, unasked."""
    if not (has_keys and is_terminal(0) and outside.err_is_terminal):
        return "between", True
    said = _read("Ordinary prompts: the cheap model, the best, or one between? [cheap/best/Enter] ")
    preference: Preference = (
        "cheap" if said.startswith("c") else "best" if said.startswith("be") else "between"
    )
    if not neighbours:
        return preference, True
    said = _read(f"Easy prompts: to {neighbours[0].name} on this machine? [Enter/no] ")
    return preference, not said.startswith("n")


def _read(question: str) -> str:
    """Returns a line from the terminal, empty at its end."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() if sys.stdin is not None else ""


def _create(path: str, text: str, own: bool) -> None:
    """Writes a new file for its owner alone. Raises: UsageError, ConfigError, OutputError."""
    from nr_cli.store.paths import ensure_private, find_fault

    folder = os.path.dirname(path)
    if own and not ensure_private(folder):
        raise ConfigError(f"{folder}: {find_fault(folder) or 'cannot be used'}", "or name --output")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise OutputError(f"{path}: {os.strerror(error.errno or 0)}") from None
