"""Reads the files of other tools without trusting them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from nr_cli.errors import ConfigError
from nr_cli.migrate.haul import Haul
from nr_cli.policy.include import read_regular
from nr_cli.policy.parse import parse
from nr_cli.types.json import Json, JsonObject

MOST_BYTES = 256 * 1024


def config_dir(environ: Mapping[str, str], name: str) -> str:
    """Returns where a tool of this name keeps its configuration by the platform's custom."""
    home = environ.get("HOME", "")
    xdg = environ.get("XDG_CONFIG_HOME", "")
    own = os.path.join(xdg, name) if os.path.isabs(xdg) else os.path.join(home, ".config", name)
    mac = os.path.join(home, "Library", "Application Support", name)
    return mac if sys.platform == "darwin" and os.path.isdir(mac) else own


def read_text(haul: Haul, path: str) -> str | None:
    """Returns a file's text, None where there is none or it cannot be read, which `left` tells."""
    if not os.path.lexists(path):
        return None
    try:
        content = read_regular(path)
    except ValueError as error:
        haul.left.append(str(error))
        return None
    haul.files.append(path)
    return content.decode("utf-8-sig", "replace")


def read_yaml(haul: Haul, path: str, named: str | None = None) -> JsonObject:
    """Returns a YAML file's map; one whose root is a list comes under the key `named`."""
    text = read_text(haul, path)
    return {} if text is None else parse_yaml(haul, text, path, named)


def parse_yaml(haul: Haul, text: str, path: str, named: str | None = None) -> JsonObject:
    """Returns the map in a YAML text, an empty one for what cannot be read, which `left` tells."""
    if named is not None:
        text = f"{named}:\n" + text.removeprefix("---\n")
    try:
        return parse(text.encode(), path, "the file is a map of settings").tree
    except ConfigError as error:
        finding = error.findings[0]
        haul.left.append(f"{finding.file}:{finding.line}: {finding.message}")
        return {}


def read_json(haul: Haul, path: str) -> JsonObject:
    """Returns a JSON file's map, an empty one for what cannot be read, which `left` tells."""
    import json

    text = read_text(haul, path)
    if text is None:
        return {}
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        tree = None
    if isinstance(tree, dict):
        return tree
    haul.left.append(f"{path}: not a JSON object")
    return {}


def maps(node: Json) -> list[JsonObject]:
    """Returns the maps in a list."""
    items = node if isinstance(node, Sequence) and not isinstance(node, str) else ()
    return [item for item in items if isinstance(item, Mapping)]


def entries(node: Json) -> JsonObject:
    """Returns a map, an empty one for what is none."""
    return node if isinstance(node, Mapping) else {}


def word(node: Json) -> str | None:
    """Returns a scalar as text, None for what is none or empty."""
    if isinstance(node, str | int | float) and not isinstance(node, bool):
        return str(node).strip() or None
    return None


def text_of(node: Json) -> str | None:
    """Returns a text as it is, None for what is none or blank."""
    return node if isinstance(node, str) and node.strip() else None


def escape(text: str) -> str:
    """Returns a text such that a template takes its dollar signs for themselves."""
    return text.replace("$", "$$")
