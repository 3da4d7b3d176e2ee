"""Finds the modules of the package, in this tree or installed beside it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def find_package() -> Path:
    """Returns the package in this tree, else the installed one, for tests of a wheel."""
    if (ROOT / "nr_cli").exists():
        return ROOT / "nr_cli"
    import nr_cli

    return Path(nr_cli.__file__).parent


PACKAGE = find_package()
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(module: Path) -> str:
    """Returns a module's path inside the package, as test ids and tables write it."""
    return module.relative_to(PACKAGE).as_posix()


def room_of(module: Path) -> str:
    """Returns the room a module stands in: its directory, or its own name at the top."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def tree_of(module: Path) -> ast.Module:
    """Returns a module as syntax."""
    return ast.parse(module.read_text(encoding="utf-8"))
