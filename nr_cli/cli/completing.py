"""Knows each shell's completion script, with where a user's shell looks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from nr_cli.cli.main import COMPLETING
from nr_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from nr_cli.cli.configured import Configured

Shell: TypeAlias = Literal["bash", "zsh", "fish"]
SHELLS: tuple[Shell, ...] = get_args(Shell)
MARK = "# Completion of nr, written by nr completion"


class Place(NamedTuple):
    """Where a shell's script belongs, with what else the shell may need."""

    path: str
    advice: str


def script_of(shell: Shell) -> str:
    """Returns what makes a shell ask nr how a line may go on, as Typer writes it."""
    # the module is public, its names are not marked so
    from typer.completion import get_completion_script  # type: ignore[attr-defined] # as said

    script = get_completion_script(prog_name="nr", complete_var=COMPLETING, shell=shell).strip()
    head = f"{MARK} {shell}"
    if shell == "zsh":  # its first line must stay the first: it tells zsh what the file is
        first, _, rest = script.partition("\n")
        return f"{first}\n{head}\n{rest}\n"
    return f"{head}\n{script}\n"


def place_of(shell: Shell, environ: Mapping[str, str]) -> Place | None:
    """Returns where a user's own completions lie, None for a user without a home."""
    home = environ.get("HOME", "")
    if not os.path.isabs(home):
        return None
    if shell == "bash":
        data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
        path = os.path.join(data, "bash-completion", "completions", "nr")
        return Place(path, f"without the bash-completion package, add to ~/.bashrc: . {path}")
    if shell == "zsh":
        path = os.path.join(home, ".zfunc", "_nr")
        return Place(path, "~/.zshrc needs: fpath+=~/.zfunc; autoload -Uz compinit && compinit")
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return Place(os.path.join(config, "fish", "completions", "nr.fish"), "")


def is_installed(shell: Shell, environ: Mapping[str, str]) -> bool:
    """Tells whether a shell's place holds a script of ours."""
    place = place_of(shell, environ)
    return place is not None and MARK in (read(place.path) or "")


def install(shell: Shell, environ: Mapping[str, str]) -> tuple[Place, bool]:
    """Puts the script in its place; returns that, with whether anything had to be written.

    Raises: ConfigError without a place, UsageError for a file that somebody else wrote.
    """
    place = place_of(shell, environ)
    if place is None:
        raise ConfigError("completion: there is no home to install it in", "set HOME")
    script, there = script_of(shell), read(place.path)
    if there == script:
        return place, False
    if there is not None and MARK not in there:
        raise UsageError(f"{place.path}: not written by nr, so it stays", "move it away first")
    scratch = f"{place.path}.{os.getpid()}.tmp"
    try:
        os.makedirs(os.path.dirname(place.path), exist_ok=True)
        with open(scratch, "x", encoding="utf-8") as file:
            file.write(script)
        os.replace(scratch, place.path)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise ConfigError(f"{place.path}: {words}", f"nr completion {shell} prints it") from None
    return place, True


def read(path: str) -> str | None:
    """Returns a file's text, None where there is none to read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None  # what cannot be read is seen when it is to be written


def models_that_begin(incomplete: str) -> list[str]:
    """Returns the models, pools, routes of the policy, then known models of providers at hand."""
    from nr_cli.cli.configured import Configured
    from nr_cli.cli.outside import outside_with_router

    _, router = outside_with_router(None, False, quiet=True)
    return [name for name in names_of_models(Configured(router)) if name.startswith(incomplete)]


def names_of_models(known: Configured) -> list[str]:
    """Returns whatever -m may name: of the policy first, then of the providers at hand."""
    names = known.policy.names()
    found = [*known.models, *names["pools"], *names["routes"]]
    for provider in known.in_use:
        found += [f"{provider.name}/{wire}" for wire in known.router.catalog.models(provider.name)]
    return [*dict.fromkeys(found)]


def providers_that_begin(incomplete: str) -> list[str]:
    """Returns the providers of the policy, then the known vendors."""
    from nr_cli.cli.configured import Configured
    from nr_cli.cli.outside import outside_with_router

    _, router = outside_with_router(None, False, quiet=True)
    return [name for name in Configured(router).providers if name.startswith(incomplete)]


def prepare() -> None:
    """Teaches the command line to answer the scripts."""
    from typer.completion import completion_init  # type: ignore[attr-defined] # as above

    completion_init()
