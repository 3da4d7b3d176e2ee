"""`nr import`: carries over what other prompt tools were told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli.env import Outside
from nr_cli.cli.flags import AsJson
from nr_cli.cli.screen import neutralise
from nr_cli.errors import InputError

if TYPE_CHECKING:
    from nr_cli.migrate.carry import Step
    from nr_cli.migrate.haul import Haul, Key

app = typer.Typer(
    help="Carry over what other prompt tools were told.\n\nExample: nr import llm --dry-run",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing, print what would be.")]


@app.command("llm")
def carry_llm(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Carry over aliases, models, templates, the log of llm; keys by reference.

    Example: nr import llm --dry-run
    """
    from nr_cli.migrate.llm import read

    _carry(read, dry_run, as_json)


@app.command("aichat")
def carry_aichat(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Carry over clients, models, roles, sessions of aichat; keys by reference.

    Example: nr import aichat --dry-run
    """
    from nr_cli.migrate.aichat import read

    _carry(read, dry_run, as_json)


@app.command("mods")
def carry_mods(dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Carry over APIs, models, roles of mods; keys by reference.

    Example: nr import mods --dry-run
    """
    from nr_cli.migrate.mods import read

    _carry(read, dry_run, as_json)


def _carry(read: Callable[[Mapping[str, str]], Haul], dry: bool, as_json: bool) -> None:
    from nr_cli.features.shapes import holds_secret
    from nr_cli.migrate.carry import carry
    from nr_cli.store.paths import find_paths

    outside = Outside(os.environ)
    haul = read(outside.environ)
    if not haul.files:
        words = f"no configuration of {haul.tool} was found"
        trouble = f" ({haul.left[0]})" if haul.left else ""
        raise InputError(words + trouble, "it is looked for where that tool looks itself")
    steps = carry(haul, find_paths(outside.environ), dry, holds_secret)
    if as_json:
        outside.write(json.dumps(_document(haul, steps, dry)).encode() + b"\n")
        return
    written = "would write" if dry else "wrote"
    lines = [
        *(f"{written if step.new else 'kept'} {step.what}: {step.how}" for step in steps),
        *(_advice(key, outside.environ) for key in haul.keys),
        *(f"not carried: {words}" for words in haul.left),
    ]
    text = "".join(line + "\n" for line in map(neutralise, lines or ["nothing to carry over"]))
    outside.write(text.encode("utf-8", "replace"))


def _advice(key: Key, environ: Mapping[str, str]) -> str:
    """Returns what to do for a key; its value is neither read nor shown."""
    if environ.get(key.variable):
        return f"key of {key.provider}: {key.variable} is set"
    if key.place.startswith("llm "):
        return f'key of {key.provider}: export {key.variable}="$({key.place})"'
    return f"key of {key.provider}: set {key.variable} (it stays in {key.place})"


def _document(haul: Haul, steps: tuple[Step, ...], dry: bool) -> dict[str, object]:
    return {
        "version": 1,
        "from": haul.tool,
        "dry_run": dry,
        "read": haul.files,
        "steps": [step._asdict() for step in steps],
        "keys": [key._asdict() for key in haul.keys],
        "left": haul.left,
    }
