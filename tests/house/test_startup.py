"""Keeps what is slow to import out of the commands that must start at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("httpx", "rich", "asyncio", "pydantic", "yaml", "diskcache", "platformdirs", "click",
         "prompt_toolkit")  # fmt: skip
# Runs a command line as `nr` does, then tells which of the heavy modules came along.
PROBE = f"""
import sys
from nr_cli.cli.main import run
status = run(sys.argv[1:])
print(status, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def probe(environ: dict[str, str], home: Path):
    """Runs a command line under a policy of one program; returns stdout with the probe's line."""
    policy = home / "program.yaml"
    policy.write_text(
        "version: 1\nproviders: {echo: {kind: command, command: [cat], local: true}}\n"
        "default: {use: echo/cat}\n"
    )

    def run(*arguments: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, *arguments],
            env={**environ, "NR_POLICY": str(policy)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout, done.stderr.strip().splitlines()[-1]

    return run


def test_a_cached_ask_imports_nothing_heavy(probe) -> None:
    assert probe("ask", "warm words") == ("warm words\n", "0 ['diskcache', 'yaml']")
    assert probe("ask", "warm words") == ("warm words\n", "0 []")


def test_a_decision_under_a_known_policy_imports_nothing_heavy(probe) -> None:
    probe("route", "--json", "some words")
    assert probe("route", "--json", "some words")[1] == "0 []"


# Prints the tables of models that a command line opened.
TABLES = """
import os, sys
opened = []
def watch(event, values):
    if event == "open" and "/catalog/models/" in str(values[0]) and os.path.exists(values[0]):
        opened.append(str(values[0]).rpartition("/")[2])
sys.addaudithook(watch)
from nr_cli.cli.main import run
status = run(sys.argv[1:])
print(status, opened, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("warm words",), "0 []"),
        (("--dry-run", "-m", "openai/gpt-5", "warm words"), "0 ['openai.json']"),
    ],
    ids=["none named", "one named"],
)
def test_an_ask_reads_the_tables_of_the_models_it_considers_alone(
    probe, environ: dict[str, str], home: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TABLES, "ask", *arguments],
        env={**environ, "NR_POLICY": str(home / "program.yaml")}, cwd=home,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.stderr.strip().splitlines()[-1] == said


def test_the_version_imports_nothing_heavy(probe) -> None:
    assert probe("--version")[1] == "0 []"


def test_a_heavy_module_is_seen_by_the_probe(environ: dict[str, str]) -> None:
    """Guards the probe itself: a module that is imported shows up in its line."""
    done = subprocess.run(
        [sys.executable, "-c", "import yaml\n" + PROBE, "--version"],
        env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr.strip() == "0 ['yaml']"
