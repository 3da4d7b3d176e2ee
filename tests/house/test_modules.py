"""Keeps each module to its one job under a name that says it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.rooms import MODULES, name_of, room_of, tree_of

EMPTY_WORDS = {"manager", "helper", "util", "handler", "service"}
# The model server's child speaks to its parent over stdout.
SPEAKERS = {"transport/embedded_server.py"}
FORBIDDEN = {"click", "pickle", "cPickle", "dill", "shelve"}
# Where the environment is read; elsewhere in cli/ it is only handed on, in one word.
READERS = {"settings.py", "store/keys.py", "cli/env.py"}
HANDED_ON = {
    "cli/arguments.py", "cli/main.py", "cli/outside.py", "cli/pastlog.py",
    "cli/commands/cache.py", "cli/commands/completion.py", "cli/commands/keys.py",
    "cli/commands/log.py", "cli/commands/policy.py", "cli/commands/import_.py",
    "cli/commands/template.py",
    "store/weights.py",  # for a caller without surroundings of its own
}  # fmt: skip
LONGEST = 50  # lines of a function; flags are not counted, they are a table


def defined_names(tree: ast.Module) -> set[str]:
    """Returns the names of all functions, classes, module-level values."""
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {node.name for node in ast.walk(tree) if isinstance(node, definitions)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def words_of(name: str) -> set[str]:
    """Returns the words of a name, singular, lower case."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return {word.removesuffix("s") for word in re.split(r"[_\W]+", spaced)}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_says_its_one_job_in_one_sentence(module: Path) -> None:
    lines = (ast.get_docstring(tree_of(module)) or "").splitlines()
    assert lines, "a docstring says the module's job"
    first = lines[0]
    assert first.endswith((".", ":", "?", "!")), first
    assert not re.search(r"\band\b", first), first
    assert not re.search(r"[.!?] +[A-Z]", first), f"one sentence: {first}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_names_say_what_things_are(module: Path) -> None:
    names = defined_names(tree_of(module)) | {module.stem}
    empty = {name for name in names if words_of(name) & EMPTY_WORDS}
    assert not empty


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nothing_below_the_command_line_prints(module: Path) -> None:
    if room_of(module) in ("cli", "__main__") or name_of(module) in SPEAKERS:
        return
    calls = [node.func for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nothing_unpickles_or_reaches_behind_typer(module: Path) -> None:
    imported = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & FORBIDDEN


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_environment_is_read_where_that_is_the_job(module: Path) -> None:
    if name_of(module) in READERS | HANDED_ON:
        return
    reads = [
        node.lineno
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("environ", "getenv", "environb")
    ]
    assert not reads, f"lines {reads}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_function_is_long(module: Path) -> None:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert length <= LONGEST, f"{node.name}: {length} lines"
