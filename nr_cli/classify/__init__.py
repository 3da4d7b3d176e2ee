"""Reads a prompt's intent with its complexity, offline: one file for each classifier."""

from __future__ import annotations

from types import ModuleType


def load(name: str) -> ModuleType:
    """Returns the classifier in the file of that name. Raises: LookupError."""
    from importlib import import_module

    if not name.isidentifier():
        raise LookupError(name)
    try:
        return import_module(f"nr_cli.classify.{name}")
    except ModuleNotFoundError as missing:
        raise LookupError(name) from missing
