"""The rules of the house: layers, start-up, names, documents that cannot lie."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nr_cli.errors import ExitCode
from tests.conftest import Nr

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "nr_cli"
if not PACKAGE.exists():  # the tests run beside an installed wheel
    import nr_cli

    PACKAGE = Path(nr_cli.__file__).parent

FLOORS = {
    "types": 0, "errors": 0,
    "features": 1, "classify": 1, "policy": 1, "providers": 1,
    "pipeline": 2,
    "transport": 3, "store": 3, "catalog": 3, "settings": 3,
    "app": 4,
    "cli": 5, "__main__": 6, "__init__": 0,
}  # fmt: skip
STRANGERS = 1  # rooms of this floor do not know each other
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nr_cli"):
            parts = node.module.split(".")
            found.update([parts[1]] if len(parts) > 1 else [alias.name for alias in node.names])
    return {name for name in found if name in FLOORS}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(module: Path) -> None:
    here = room_of(module)
    for there in imports_of(module) - {here, "__init__"}:
        assert FLOORS[there] <= FLOORS[here], f"{here} imports {there}"
        if FLOORS[here] == FLOORS[there] == STRANGERS:
            raise AssertionError(f"{here} and {there} are strangers")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_its_one_job_and_keeps_the_rules(module: Path) -> None:
    source = module.read_text()
    tree = ast.parse(source)
    first = (ast.get_docstring(tree) or "").splitlines()[0]
    assert first, "the first line says the module's job"
    assert " and " not in first
    words = set(re.split(r"[_\W]+", module.stem))
    assert not words & {"manager", "helper", "helpers", "util", "utils", "handler", "common"}
    assert "import click" not in source
    assert "import pickle" not in source
    if room_of(module) not in ("cli", "__main__"):
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        printed = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        # the model server's child speaks to its parent over stdout
        assert not printed or module.stem == "embedded_server"


def test_a_cached_ask_loads_nothing_heavy(nr: Nr, environ: dict[str, str], policy: Path) -> None:
    nr("ask", "warm")
    script = (
        "import sys\nfrom nr_cli.cli.main import run\nstatus = run(['ask', 'warm'])\n"
        "heavy = {'httpx', 'rich', 'asyncio', 'pydantic', 'yaml', 'diskcache', 'platformdirs'}\n"
        "print(status, sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environ, "NR_POLICY": str(policy)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("The quick brown fox")
    assert done.stderr.strip() == "0 []"


README = (ROOT / "README.md").read_text()


def test_the_two_commands_are_what_ci_runs() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert "nr ask" in commands[0]
    assert "pytest" in commands[1]
    assert 'readme "^python3 -m venv' in (ROOT / ".ci" / "run").read_text()


def test_the_exit_codes_of_the_readme_are_the_code_s() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_the_flags_of_the_readme_exist(nr: Nr) -> None:
    helps = "".join(
        nr(*command, "--help").out.decode()
        for command in ([], ["ask"], ["route"], ["policy", "check"], ["cache", "stats"])
    )
    for flag in set(re.findall(r"`?(--[a-z][a-z-]+)", README)):
        assert flag in helps, flag


@pytest.mark.parametrize("number", range(README.count("```yaml")))
def test_a_policy_of_the_readme_passes_the_check(nr: Nr, home: Path, number: int) -> None:
    snippet = README.split("```yaml\n")[number + 1].split("```")[0]
    (home / "readme.yaml").write_text(snippet)
    done = nr("policy", "check", "--strict", "readme.yaml")
    assert done.exit == 0, done.out


def test_the_example_policy_passes_the_check_and_routes(nr: Nr) -> None:
    example = str(ROOT / "routes.example.yaml")
    assert nr("policy", "check", "--strict", example).exit == 0
    assert nr("route", "--policy", example, "Prove that 2 is prime").exit == 0


PIPES = [line for line in README.splitlines() if re.match(r"(git diff \| )?nr ask .*[^{]$", line)]


@pytest.mark.parametrize("line", PIPES)
def test_a_pipeline_of_the_readme_runs(
    environ: dict[str, str], policy: Path, home: Path, line: str
) -> None:
    program = home / "bin"
    program.mkdir()
    (program / "nr").write_text(f'#!/bin/sh\nexec {sys.executable} -m nr_cli "$@"\n')
    (program / "nr").chmod(0o755)
    (home / "error.log").write_text("boom\n")
    env = {
        **environ, "NR_POLICY": str(policy), "PATH": f"{program}:{environ['PATH']}",
    }  # fmt: skip
    if "--cache only" in line:
        subprocess.run(["bash", "-c", line.replace("--cache only ", "")], env=env, cwd=home)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", "git init -q . && echo x >f && git add -N f && " + line],
        env=env, cwd=home, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [[], ["ask"], ["route"], ["cache"], ["log"], ["policy"]])
def test_help_has_an_example_and_works_with_a_broken_policy(nr: Nr, command: list[str]) -> None:
    done = nr(*command, "--help", env={"NR_POLICY": "/nowhere.yaml"})
    assert done.exit == 0
    assert b"Example" in done.out
