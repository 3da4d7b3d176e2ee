"""A command: how many words a prompt has, to find the figure for `words` in a policy."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(help="Count the words of a prompt.\n\nExample: nr count < prompt.txt")
def count(prompt: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Prints the number of words in the arguments, or on stdin without any."""
    text = " ".join(prompt) if prompt else sys.stdin.read()
    print(len(text.split()))
