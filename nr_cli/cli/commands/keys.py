"""The commands that keep keys, then tell where each comes from."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.configured import Configured, tell_broken
from nr_cli.cli.env import Outside, is_terminal
from nr_cli.errors import ConfigError, NoCredential, UsageError

LONGEST = 16_384  # bytes that are read of a key

app = typer.Typer(
    help="Keep keys; tell where each comes from.\n\nExample: nr keys which openai",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER",
        help="A provider, such as openai.",
        autocompletion=flags.name_providers,
    ),
]


@app.command("set")
def set_key(
    provider: Name, policy: flags.PolicyFile = None, no_project: flags.NoProject = False
) -> None:
    """Keep a key, read from stdin or asked for without echo.

    Example: nr keys set openai < key.txt
    """
    from nr_cli.store.keyfile import keep_key
    from nr_cli.store.keys import key_flaw, may_have_kept

    outside, known = _look(policy, no_project)
    target = known.provider(provider)
    if not may_have_kept(target):
        raise UsageError(f"{provider} needs no key", "none is kept for it")
    key = _read_key(provider)
    if not key:
        raise UsageError("keys set: the key is empty", "nothing was kept")
    flaw = key_flaw(key)
    if flaw:
        raise ConfigError(f"keys set: {flaw[0]}", flaw[1])
    path = keep_key(outside.environ, target, key)
    outside.say(f"the key for {provider} is kept in {path}")
    wins = known.key(target).source
    if wins != os.path.basename(path):
        outside.say(f"{wins} is set as well: it goes before")


@app.command("get")
def get(
    provider: Name,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the key itself.")] = False,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
) -> None:
    """Tell of the key that would be sent; print it with --reveal.

    Example: nr keys get openai --reveal | wc -c
    """
    outside, known = _look(policy, no_project)
    found = known.key(known.provider(provider))
    if found.key is None:
        problem = found.problem or "needs no key"
        raise NoCredential(f"{provider}: {problem}", f"keep one: nr keys set {provider}")
    if reveal:
        outside.write(found.key.encode() + b"\n")
    else:
        length = len(found.key)
        _print(outside, f"{found.source}, {length} characters (--reveal prints it)")


@app.command("list")
def show_list(
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """List the providers, with where the key of each comes from.

    Example: nr keys list --json
    """
    from nr_cli.cli.configured import key_words
    from nr_cli.cli.document import dump
    from nr_cli.cli.table import align

    outside, known = _look(policy, no_project)
    found = [(provider, known.credential(provider)) for provider in known.providers.values()]
    found = [(one, key) for one, key in found if key.key is not None or key.problem]
    if as_json:
        outside.write(
            dump(
                [
                    {"provider": one.name, "source": key.source if key.key else None,
                     "problem": key.problem}
                    for one, key in found
                ]
            )
        )  # fmt: skip
        return
    _print(outside, align([(one.name, key_words(key)) for one, key in found]))


@app.command("which")
def which(
    provider: Name, policy: flags.PolicyFile = None, no_project: flags.NoProject = False
) -> None:
    """Print the source that a provider's key comes from: a variable, or keys.json.

    Example: nr keys which openai
    """
    outside, known = _look(policy, no_project)
    found = known.key(known.provider(provider))
    if found.key is None and found.problem:
        raise NoCredential(f"{provider}: {found.problem}", f"keep one: nr keys set {provider}")
    _print(outside, found.source if found.key is not None else "none needed")


@app.command("path")
def show_path() -> None:
    """Print the file that holds the kept keys, whether it exists or not.

    Example: ls -l "$(nr keys path)"
    """
    from nr_cli.store.keys import keys_path

    path = keys_path(os.environ)
    if path is None:
        raise ConfigError("keys: there is no directory for them", "set HOME or NR_CONFIG_DIR")
    Outside(os.environ).write(os.fsencode(path) + b"\n")


def _look(policy: str | None, no_project: bool) -> tuple[Outside, Configured]:
    """Returns the world with what is configured in it; tells of a policy that was passed by."""
    from nr_cli.cli.outside import outside_with_router

    outside, router = outside_with_router(policy, no_project)
    known = Configured(router)
    tell_broken(outside, known)
    return outside, known


def _read_key(provider: str) -> str:
    """Returns what stdin or the hidden prompt gave, without its last newline."""
    if is_terminal(0):
        from getpass import getpass

        try:
            return getpass(f"key for {provider}: ").strip()
        except EOFError:
            return ""  # Ctrl-D: nothing typed, which is told as such
    raw = sys.stdin.buffer.read(LONGEST + 1) if sys.stdin is not None else b""
    if len(raw) > LONGEST:
        raise UsageError("keys set: stdin holds more than a key", "nothing was kept")
    text = raw.decode("utf-8", "replace")
    return text.removesuffix("\n").removesuffix("\r")


def _print(outside: Outside, text: str) -> None:
    from nr_cli.cli.plain import encode, with_newline
    from nr_cli.cli.screen import neutralise

    outside.write(encode(with_newline(neutralise(text))))
