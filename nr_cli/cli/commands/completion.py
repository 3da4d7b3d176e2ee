"""The command that prints or installs a shell's completion."""

from __future__ import annotations

import os
from typing import Annotated, get_args

import typer

from nr_cli.cli.completing import Shell
from nr_cli.cli.env import Outside
from nr_cli.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="The shell.")],
    install: Annotated[
        bool, typer.Option("--install", help="Put it where the shell looks for it.")
    ] = False,
) -> None:
    """Print what completes nr's commands with flags in a shell.

    Example: nr completion bash --install
    """
    from nr_cli.cli import completing

    outside = Outside(os.environ)
    known: Shell | None = next((name for name in get_args(Shell) if name == shell), None)
    if known is None:
        from nr_cli.policy.suggest import did_you_mean, quote

        hint = did_you_mean(shell, completing.SHELLS) or " (bash, zsh or fish)"
        raise UsageError(f"unknown shell {quote(shell)}{hint}", "see nr completion --help")
    if not install:
        outside.write(completing.script_of(known).encode())
        return
    place, written = completing.install(known, outside.environ)
    outside.say(f"completion for {known}: {place.path}{'' if written else ' is there already'}")
    if written and place.advice:
        outside.say(f"  {place.advice}")
