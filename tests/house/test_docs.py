"""Holds the documents to their word: what they show runs, what they list exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from nr_cli.errors import EXIT_OF_KIND, ExitCode
from nr_cli.policy import conditions
from nr_cli.policy.schema import KINDS, LATER, LATER_VALUES, PICKS, SECTIONS
from tests.conftest import Faults, Nr
from tests.house.rooms import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
COMMANDS = (
    (), ("ask",), ("route",), ("batch",),
    ("cache",), ("cache", "stats"), ("cache", "prune"), ("cache", "clear"), ("cache", "why"),
    ("cache", "path"),
    ("log",), ("log", "list"), ("log", "show"), ("log", "search"), ("log", "path"),
    ("policy",), ("policy", "check"), ("policy", "schema"),
    ("template",), ("template", "list"), ("template", "show"), ("template", "new"),
    ("template", "edit"),
    ("keys",), ("keys", "set"), ("keys", "get"), ("keys", "list"), ("keys", "which"),
    ("keys", "path"),
    ("models",), ("models", "list"), ("models", "show"), ("models", "pull"), ("models", "update"),
    ("init",), ("doctor",), ("completion",),
    ("import",), ("import", "llm"), ("import", "aichat"), ("import", "mods"),
)  # fmt: skip
# Flags in the documents that belong to other programs: the benchmarks'.
FOREIGN = {"--short"}


class Block(NamedTuple):
    """A fenced block: the mark in the comment above it, its language, its text."""

    mark: str
    language: str
    text: str


def blocks_of(page: str) -> list[Block]:
    found = re.findall(r"(?:<!-- tested: (.*?) -->\n)?```(\w*)\n(.*?)```", page, re.DOTALL)
    return [Block(*parts) for parts in found]


BLOCKS = blocks_of(README)
BASH = [block for block in BLOCKS if block.language == "bash"]
POLICY = next(block.text for block in BLOCKS if block.language == "yaml")


def table_after(page: str, heading: str) -> list[str]:
    """Returns the first cells of the first table after a heading, their backquoted words apart."""
    rows = re.search(r"(?:^\|.*\n)+", page.split(heading, 1)[1], re.MULTILINE)
    assert rows is not None
    cells = [row.split("|")[1].strip() for row in rows[0].splitlines()[2:]]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell) or [cell]]


@pytest.fixture
def shell(environ: dict[str, str], home: Path):
    """Runs a block of the README in bash, beside the files it speaks of, with `nr` on the path."""
    programs = home / "bin"
    programs.mkdir()
    # pauses are passed by, so that a loop of tries takes no time
    for name, line in {"nr": f'exec {sys.executable} -m nr_cli "$@"', "sleep": "exit 0"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    place = home / "work"
    place.mkdir()
    subprocess.run(["git", "init", "-q", place], check=True)
    (place / "error.log").write_text("boom\n")
    subprocess.run(["git", "-C", place, "add", "error.log"], check=True)
    (place / "error.log").write_text("bang\n")

    def run(text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", text],
            env={**environ, "PATH": f"{programs}:{environ['PATH']}", **variables},
            cwd=place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
        )

    return run


def test_every_bash_block_says_how_it_is_tested() -> None:
    assert {block.mark for block in BASH} == {".ci/run", "loopback server", "dry run"}


def test_the_two_commands_stand_first_each_one_line_in_its_own_block() -> None:
    first, second = BASH[0].text, BASH[1].text
    assert first.count("\n") == second.count("\n") == 1
    assert "python3 -m venv" in first
    assert first.rstrip().endswith('nr ask "What is the capital of Japan?"')
    assert second.rstrip().endswith("pytest -q")
    assert README.index(second) < README.index("\n## ")


def test_ci_runs_the_two_commands_word_for_word() -> None:
    patterns = re.findall(r'\$\(readme "(.*?)"\)', CI)
    found = [
        subprocess.run(
            ["grep", "-m1", pattern, str(ROOT / "README.md")], capture_output=True, text=True
        ).stdout
        for pattern in patterns
    ]
    assert found == [BASH[0].text, BASH[1].text]
    assert 'bash -c "$first"' in CI
    assert 'bash -c "$second"' in CI


@pytest.mark.parametrize(
    "block", [block for block in BASH if block.mark == "loopback server"],
    ids=lambda block: block.text.split("\n")[0][:40],
)  # fmt: skip
def test_a_block_runs_against_a_server(shell, policy: Path, block: Block) -> None:
    done = shell(block.text, NR_POLICY=str(policy))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    "block", [block for block in BASH if block.mark == "dry run"],
    ids=lambda block: block.text.split("\n")[-2][:40],
)  # fmt: skip
def test_a_block_runs_without_sending_anything(shell, home: Path, block: Block) -> None:
    (home / "work" / "routes.yaml").write_text(POLICY)
    done = shell(block.text, NR_DRY_RUN="1", NR_POLICY="routes.yaml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("behaviour", "tries"), [("429", 3), ("401", 1)])
def test_the_loop_for_ci_tries_again_on_75_alone(
    shell, policy: Path, faults: Faults, behaviour: str, tries: int
) -> None:
    loop = next(block.text for block in BASH if "sleep" in block.text)
    policy.write_text(policy.read_text().replace("use: fs/ok", f"use: fs/{behaviour}"))
    before = len(faults.requests(behaviour))
    assert shell(loop, NR_POLICY=str(policy)).returncode == 1
    assert len(faults.requests(behaviour)) - before == tries


def test_the_explanation_shown_is_the_one_printed(shell, home: Path) -> None:
    (home / "work" / "routes.yaml").write_text(POLICY)
    asked = next(block.text for block in BASH if block.text.startswith("nr route"))
    shown = next(block.text for block in BLOCKS if block.text.startswith("prompt "))
    printed = shell(asked, NR_POLICY="routes.yaml").stdout

    def timeless(text: str) -> list[str]:
        return [line for line in text.strip().splitlines() if not line.startswith("decided in")]

    assert timeless(printed) == timeless(shown)


def test_the_commands_and_flags_of_the_documents_exist(nr: Nr) -> None:
    helps = {command: nr(*command, "--help").out.decode() for command in COMMANDS}
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "".join(helps.values())))
    pages = README + "".join(DOCS.values())
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", pages)) - flags <= FOREIGN
    named = set(re.findall(r"`nr ([a-z]+)", pages))
    assert named - {"trust"} <= {command[0] for command in COMMANDS if command}
    assert nr("trust").exit == ExitCode.USAGE


@pytest.mark.parametrize("page", ["README.md", "exit-codes.md"])
def test_the_table_of_exit_codes_is_the_code_s(page: str) -> None:
    text = README if page == "README.md" else DOCS[page]
    table = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert [int(code) for code, _ in table] == [int(code) for code in ExitCode]
    assert table == re.findall(r"^\| (\d+) \| (.+) \|$", DOCS["exit-codes.md"], re.MULTILINE)


def test_the_table_of_failures_is_the_code_s() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", DOCS["exit-codes.md"], re.MULTILINE)
    assert {kind: int(code) for kind, code in rows} == {
        kind.value: int(code) for kind, code in EXIT_OF_KIND.items()
    }


@pytest.mark.parametrize("section", ["provider", "model", "pool", "route"])
def test_the_policy_page_lists_the_keys_of_a_section(section: str) -> None:
    page = DOCS["routing-policy.md"]
    assert table_after(page, f"### {section}\n") == list(SECTIONS[section])


def test_the_policy_page_lists_sections_conditions_words() -> None:
    page = DOCS["routing-policy.md"]
    assert table_after(page, "## Sections of the file") == list(SECTIONS["policy"])
    assert set(table_after(page, "## Conditions")) == set(conditions.condition_names())
    assert all(f"`{kind}`" in page for kind in KINDS)
    assert all(f"`{pick}`" in page for pick in PICKS)


def test_the_policy_page_names_what_is_not_carried_out() -> None:
    said = set(re.findall(r"`(\w+)`", DOCS["routing-policy.md"].split("## Not carried out")[1]))
    names = {key for section in ("policy", "provider", "pool", "route") for key in LATER[section]}
    assert said == names | {*LATER_VALUES["pick"]} | conditions.LATER


@pytest.mark.parametrize(
    "text", [block.text for page in (README, *DOCS.values()) for block in blocks_of(page)
             if block.language == "yaml" and block.text.startswith("version")],
)  # fmt: skip
def test_a_policy_of_the_documents_passes_the_check(nr: Nr, home: Path, text: str) -> None:
    (home / "page.yaml").write_text(text)
    done = nr("policy", "check", "--strict", "page.yaml")
    assert done.exit == 0, done.out


def test_the_example_policy_passes_the_check_and_routes(nr: Nr) -> None:
    example = str(ROOT / "routes.example.yaml")
    assert nr("policy", "check", "--strict", example).exit == 0
    assert nr("route", "--policy", example, "Prove that 2 is prime").exit == 0


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "nr")
def test_help_has_an_example_and_works_with_a_broken_policy(
    nr: Nr, command: tuple[str, ...]
) -> None:
    done = nr(*command, "--help", env={"NR_POLICY": "/nowhere.yaml"})
    assert done.exit == 0
    assert b"Example" in done.out


@pytest.mark.parametrize("page", [*sorted(DOCS), "README.md"])
def test_links_between_the_documents_lead_somewhere(page: str) -> None:
    text, place = (README, ROOT) if page == "README.md" else (DOCS[page], ROOT / "docs")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    # a wheel is tested beside copies of the documents that tests read, not of all
    assert all((place / link).exists() for link in links if link != "ARCHITECTURE.md")
