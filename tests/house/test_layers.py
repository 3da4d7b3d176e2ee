"""Keeps the floors: imports go down only, rooms of one floor stay strangers where they must."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.rooms import MODULES, name_of, room_of, tree_of

FLOORS = {
    "__init__": 0, "types": 0, "errors": 0, "plugins": 0,
    "features": 1, "classify": 1, "policy": 1, "providers": 1, "measure": 1,
    "pipeline": 2,
    "transport": 3, "store": 3, "catalog": 3, "settings": 3, "migrate": 3,
    "app": 4,
    "cli": 5,
    "__main__": 6,
}  # fmt: skip
STRANGERS = {"features", "classify", "policy", "providers", "measure"}
# Who may import what of the world outside: each library has one owner.
OWNERS = {
    "httpx": {"transport"},
    "asyncio": {"transport"},
    "diskcache": {"store"},
    "sqlite3": {"store"},
    "platformdirs": {"store"},
    "yaml": {"policy"},
    "rich": {"cli"},
    "prompt_toolkit": {"cli"},
    "typer": {"cli"},
    "xllamacpp": {"transport"},
}
# Where a provider's kind is compared outside providers/, with the reason; nothing joins unseen.
KINDS = {"openai", "local", "command", "anthropic", "gemini", "ollama"}
KNOWN_SWITCHES = {
    "app.py": "whether the embedded runtime is installed",
    "catalog/lookup.py": "a file named by path is a model too",
    "policy/loosening.py": "the embedded model stays on this machine",
    "policy/policy.py": "the embedded model counts as local",
    "policy/references.py": "which keys a provider of a kind must have",
}


def imports_of(module: Path) -> Iterator[str]:
    """Yields the dotted names that a module imports anywhere, inside functions too."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(names: Iterator[str]) -> set[str]:
    """Returns the rooms among imported names; `nr_cli` itself (the version) is none."""
    parts = [name.split(".") for name in names]
    return {words[1] for words in parts if words[0] == "nr_cli" and len(words) > 1} & FLOORS.keys()


def switches_of(module: Path) -> bool:
    """Tells whether a module compares anything with the name of a provider's kind."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Compare):
            compared: list[ast.AST] = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            compared = [node.value]
        else:
            continue
        words = {part.value for part in compared if isinstance(part, ast.Constant)}
        if words & KINDS and not is_membership_of_keys(node):
            return True
    return False


def is_membership_of_keys(node: ast.AST) -> bool:
    """Tells `"command" in section`, which asks for a key of a file rather than for a kind."""
    if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.In | ast.NotIn):
        return False
    return not (isinstance(node.comparators[0], ast.Name) and node.comparators[0].id == "found")


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_imports_go_down_only(module: Path) -> None:
    here = room_of(module)
    higher = {room for room in rooms_of(imports_of(module)) if FLOORS[room] > FLOORS[here]}
    assert not higher, f"{here} imports upwards: {sorted(higher)}"


@pytest.mark.parametrize(
    "module", [module for module in MODULES if room_of(module) in STRANGERS], ids=name_of
)
def test_the_pure_rooms_are_strangers(module: Path) -> None:
    others = rooms_of(imports_of(module)) & STRANGERS - {room_of(module)}
    assert not others, f"{room_of(module)} knows {sorted(others)}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_library_is_imported_by_its_owner_alone(module: Path) -> None:
    here = room_of(module)
    tops = {name.partition(".")[0] for name in imports_of(module)}
    taken = {name for name in tops & OWNERS.keys() if here not in OWNERS[name]}
    assert not taken, f"{here} imports {sorted(taken)}"


def test_a_provider_s_kind_is_compared_outside_its_room_only_where_said() -> None:
    switching = {
        name_of(module)
        for module in MODULES
        if room_of(module) != "providers" and switches_of(module)
    }
    assert switching == set(KNOWN_SWITCHES)
