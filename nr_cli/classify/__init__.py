"""Reads a prompt's intent with its complexity, offline: one file for each classifier."""

from __future__ import annotations

from types import ModuleType


def load(name: str) -> ModuleType:
    """Returns the classifier in the file of that name: it reads, or compiles a policy's own.

    Raises: LookupError.
    """
    from importlib import import_module

    if not name.isidentifier():
        raise LookupError(name)
    place = f"nr_cli.classify.{name}"
    try:
        module = import_module(place)
    except ModuleNotFoundError as missing:
        if missing.name != place:
            raise  # the file is there, something it needs is not
        raise LookupError(name) from missing
    if not (hasattr(module, "read") or hasattr(module, "compile")):
        raise LookupError(name)  # a part that classifiers share
    return module
