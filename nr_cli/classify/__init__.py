"""Reads a prompt's intent with its complexity, offline: one file for each classifier."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, cast

from nr_cli.types.json import JsonObject

if TYPE_CHECKING:
    from typing import Protocol

    from nr_cli.types.opinion import Question

    # What nothing here can tell by itself comes back as the question that somebody is to be asked.
    Classify = Callable[[str], str | Question | None]

    Search = Callable[[str, str], bool | None]

    class Labeller(Protocol):
        """What a file of this directory offers for `classify.<name>.use`, as does a plugin."""

        def compile(self, spec: JsonObject, search: Search) -> Classify:
            """Returns the classifier of `{use, labels}`.

            `search` is the bounded regex search, None where it could not tell.
            """
            ...


def compile_own(spec: JsonObject, search: Search) -> Classify:
    """Returns a policy's own classifier, compiled by the file or the plugin its `use` names.

    Not for `use: examples`, whose file also takes where to keep what it learnt.

    Raises: LookupError when neither is there, ConfigError for a plugin that is broken or fails.
    """
    use = str(spec["use"])
    try:
        return cast("Labeller", load(use)).compile(spec, search)
    except LookupError:
        from nr_cli import plugins
        from nr_cli.errors import ConfigError

        found = plugins.find("classifiers", use)
        if found is None:
            raise
        if found.offer is None:
            problem = f"{found.plugin.label}: {found.plugin.problem}"
            raise ConfigError(problem, "update or uninstall it") from None
    compile_it = plugins.guarded(found.plugin, cast("Labeller", found.offer).compile)
    return plugins.guarded(found.plugin, compile_it(spec, search))


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
