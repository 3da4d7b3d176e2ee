"""Reads a prompt by the trained reader, by structure alone where its weights are of no use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from nr_cli.types.facts import Classification


def read(text: str, edges: Mapping[str, float] | None = None) -> Classification:
    """Returns the reading of a prompt; never fails, whatever the text.

    `edges` are the upper edges (0 to 1) of the bands.
    """
    if find_fault():
        from nr_cli.classify import structure

        return structure.read(text, edges=edges)
    from nr_cli.classify import trained

    return trained.read(text, edges)


@cache
def find_fault() -> str:
    """Returns what is wrong with the trained weights, nothing if they are as they should be."""
    from nr_cli.classify import trained
    from nr_cli.classify.weights import WeightsError

    try:
        trained.load()
    except WeightsError as error:
        return str(error)
    return ""


def find_mark() -> str:
    """Returns what tells this reader from any other: a fit to one means nothing to another."""
    if find_fault():
        return "rules"
    from nr_cli.classify import trained

    return trained.load().mark
