"""What can be carried over from another tool, with what cannot."""

from __future__ import annotations

from typing import NamedTuple

from nr_cli.types.json import JsonObject
from nr_cli.types.template import Template
from nr_cli.types.turn import Turn


class Key(NamedTuple):
    """A key by reference: whose it is, the variable to hold it, where it lies now; never itself."""

    provider: str
    variable: str
    place: str


class Haul:
    """The findings in one tool's files, gathered piece by piece.

    `providers` and `models` are entries of a policy by name, `default` a model's name. `left` says
    in words what could not be carried, `files` what was read.
    """

    def __init__(self, tool: str) -> None:
        """Takes the tool's name."""
        self.tool = tool
        self.files: list[str] = []
        self.providers: dict[str, JsonObject] = {}
        self.models: dict[str, JsonObject] = {}
        self.default: str | None = None
        self.templates: dict[str, Template] = {}
        self.keys: list[Key] = []
        self.turns: list[Turn] = []
        self.left: list[str] = []

    def add_model(self, name: str, entry: JsonObject) -> None:
        """Keeps a model under a name, unless the name cannot be one or is taken."""
        if "/" in name or not name.strip() or name == "default":
            self.left.append(f"model {name}: not a name that a policy can have")
        elif self.models.get(name, entry) != entry:
            self.left.append(f"model {name}: the name stands for {self.models[name]['id']} already")
        else:
            self.models[name] = entry

    def add_template(self, name: str, template: Template) -> None:
        """Keeps a template under a name, unless the name cannot be one."""
        from nr_cli.store.templates import is_name

        if is_name(name):
            self.templates[name] = template
        else:
            self.left.append(f"template {name}: not a name that a template can have")
