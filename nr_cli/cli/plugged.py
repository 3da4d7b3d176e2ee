"""Brings in the commands that plugins offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from nr_cli import plugins
from nr_cli.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection


def find_app(name: str) -> typer.Typer | None:
    """Returns a plugin's command, None when none has this name. Raises: ConfigError if broken."""
    found = plugins.find("commands", name)
    if found is None:
        return None
    problem = found.plugin.problem
    app = getattr(found.offer, "app", None)
    if problem is None and isinstance(app, typer.Typer):
        return app
    problem = problem or "its app is no Typer"
    raise ConfigError(f"{found.plugin.label}: {problem}", "update it, or uninstall it")


def installed_plugins(commands: Collection[str]) -> tuple[plugins.Plugin, ...]:
    """Returns every plugin, each imported to see whether it works; `commands` are nr's own.

    Whoever prints it names nothing of a plugin unescaped: its words are a stranger's.
    """
    from nr_cli.policy.conditions import CONNECTIVES, LATER, condition_names
    from nr_cli.policy.schema import KINDS, SECTIONS

    reserved: dict[plugins.Group, Collection[str]] = {
        "providers": KINDS,
        "classifiers": SECTIONS["classifier"]["use"].choices,
        "conditions": {*condition_names(), *CONNECTIVES, *LATER},
        "commands": commands,
    }
    return plugins.installed(reserved)
