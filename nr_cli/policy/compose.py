"""Writes YAML that nr's own reader reads back as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nr_cli.policy.scalars import OutOfRange, resolve
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from yaml import SafeDumper, ScalarNode

BREAKS = frozenset("\x85\u2028\u2029")  # ends of lines to YAML 1.1, of which PyYAML loses some


def to_yaml(tree: Mapping[str, Json]) -> str:
    """Returns a document in block style, its keys in their order."""
    from yaml import SafeDumper, dump

    class Dumper(SafeDumper):
        """Writes long texts as blocks, words that look like numbers in quotes."""

        def ignore_aliases(self, data: object) -> bool:
            """Says that nothing is written by reference."""
            return True

    Dumper.add_representer(str, _represent)
    return str(dump(_plain(tree), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def _plain(node: Json) -> Json:
    """Returns a value with plain dicts for all maps, which are what the dumper knows."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return node


def _represent(dumper: SafeDumper, text: str) -> ScalarNode:
    try:
        quoted = resolve(text) != text or not BREAKS.isdisjoint(text)
    except OutOfRange:
        quoted = True
    style = '"' if quoted else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
