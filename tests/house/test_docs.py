"""Holds the documents to their word: what they show runs, what they list exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from nr_cli.errors import EXIT_OF_KIND, ExitCode
from nr_cli.policy import conditions
from nr_cli.policy.schema import KINDS, LATER, LATER_VALUES, PICKS, SECTIONS
from tests.conftest import Faults, Nr
from tests.house.rooms import PACKAGE, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
COMMANDS = (
    (), ("ask",), ("chat",), ("route",), ("batch",),
    ("cache",), ("cache", "stats"), ("cache", "prune"), ("cache", "clear"), ("cache", "why"),
    ("cache", "path"), ("cache", "export"), ("cache", "import"),
    ("log",), ("log", "list"), ("log", "show"), ("log", "search"), ("log", "stats"),
    ("log", "path"),
    ("policy",), ("policy", "check"), ("policy", "schema"),
    ("template",), ("template", "list"), ("template", "show"), ("template", "new"),
    ("template", "edit"),
    ("keys",), ("keys", "set"), ("keys", "get"), ("keys", "list"), ("keys", "which"),
    ("keys", "path"),
    ("models",), ("models", "list"), ("models", "show"), ("models", "pull"), ("models", "update"),
    ("init",), ("doctor",), ("completion",), ("rate",), ("calibrate",), ("eval",),
    ("trust",), ("budget",), ("models", "wake"),
    ("import",), ("import", "llm"), ("import", "aichat"), ("import", "mods"),
)  # fmt: skip
# Flags in the documents that belong to other programs: benchmarks, git, jq, the tools compared.
FOREIGN = {
    "--short", "--cached", "--arg", "--rawfile", "--chat", "--repl", "--functions", "--rag",
    "--serve", "--peers",
}  # fmt: skip


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


@pytest.mark.parametrize(("behaviour", "tries"), [("429=3600", 1), ("401", 1)])
def test_the_loop_for_ci_tries_again_on_75_alone(
    shell, policy: Path, faults: Faults, behaviour: str, tries: int
) -> None:
    loop = next(block.text for block in BASH if "sleep" in block.text)
    policy.write_text(policy.read_text().replace("use: fs/ok", f"use: fs/{behaviour}"))
    before = len(faults.requests(behaviour))
    assert shell(loop, NR_POLICY=str(policy)).returncode == 1
    assert len(faults.requests(behaviour)) - before == tries


RECIPES = blocks_of(DOCS["recipes.md"])
# Answers as a model would: JSON where that is asked for, else a block of code.
MODEL = """\
import sys
asked = sys.stdin.read()
one = {"ok": True, "reason": "fine"}
if '"severity"' in asked:
    one = {"path": "/", "cause": "disk", "severity": 2}
import json
if "JSON Schema" in asked:
    print(json.dumps({"items": [one]} if '"items"' in asked else one))
else:
    print("```text\\nadd a line\\n```")
"""


@pytest.fixture
def canned(home: Path) -> Path:
    """Returns a policy whose one model is a program, with the files that the recipes speak of."""
    work = home / "work"
    (work / "model.py").write_text(MODEL)
    (work / "access.log").write_text("GET /pay 500 12\nGET / 200 3\n")
    (work / "notes").mkdir()
    (work / "notes" / "one.txt").write_text("good day")
    # a header is enough to be known as a picture
    (work / "plan.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    path = home / "canned.yaml"
    path.write_text(
        "version: 1\n"
        "providers:\n"
        f"  it: {{kind: command, command: [{sys.executable}, {work / 'model.py'}], local: true}}\n"
        "models: {it: {id: it/it, caps: [vision]}}\n"
        "default: {use: it}\n"
    )
    return path


GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b.c",
}  # fmt: skip


def test_every_recipe_in_bash_says_how_it_is_tested() -> None:
    marks = {block.mark for block in RECIPES if block.language == "bash"}
    assert marks == {"recipe", "hook", "dry run"}


@pytest.mark.parametrize(
    "block", [block for block in RECIPES if block.mark == "recipe"],
    ids=lambda block: block.text.split("\n")[0][:40],
)  # fmt: skip
def test_a_recipe_works(shell, canned: Path, block: Block) -> None:
    if "jq " in block.text and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    commit = "git commit -qm one; git commit -qm two --allow-empty; "
    done = shell(commit + block.text, NR_POLICY=str(canned), **GIT)
    counted = re.sub("(?m)^nr: .*rows.*\n|^nr: .*cache.*\n", "", done.stderr)  # of a batch
    assert (done.returncode, counted) == (0, "")
    assert done.stdout


def test_a_recipe_that_needs_a_seeing_model_is_routed(shell, canned: Path) -> None:
    block = next(block for block in RECIPES if block.mark == "dry run")
    done = shell(block.text, NR_DRY_RUN="1", NR_POLICY=str(canned))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("model", ["it", "it/gone"])
def test_the_hook_writes_the_message_or_stays_out_of_the_way(
    shell, canned: Path, home: Path, model: str
) -> None:
    hook = home / "work" / ".git" / "hooks" / "prepare-commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(next(block.text for block in RECIPES if block.mark == "hook"))
    hook.chmod(0o755)
    if model == "it/gone":
        (home / "work" / "model.py").unlink()
    done = shell(
        "GIT_EDITOR='sed -i 1s/^$/by.hand/' git commit -q; git log -1 --format=%s",
        NR_POLICY=str(canned), **GIT,
    )  # fmt: skip
    assert done.stdout == ("add a line\n" if model == "it" else "by.hand\n")


def test_the_workflow_fills_the_cache_and_answers_from_it_without_a_key(
    shell, home: Path, faults: Faults
) -> None:
    text = next(b.text for b in blocks_of(DOCS["ci.md"]) if b.mark == "workflow")
    jobs = yaml.safe_load(text)["jobs"]
    place = home / "work" / "ci"
    place.mkdir()
    (place / "prompts.jsonl").write_text('{"id": 1, "prompt": "hello"}\n')
    (place / "routes.yaml").write_text(
        "version: 1\nproviders:\n  fs: {kind: openai, api_key_env: OPENAI_API_KEY,\n"
        f"       base_url: 'http://127.0.0.1:{faults.port}/v1'}}\ndefault: {{use: fs/ok}}\n"
        "cache: {scope: project}\n"
    )

    def run(job: str, **variables: str) -> subprocess.CompletedProcess[str]:
        steps = [step["run"] for step in jobs[job]["steps"] if "run" in step]
        commands = [step for step in steps if not step.startswith("pip ")]
        assert len(commands) == 2
        kept = {"GITHUB_STEP_SUMMARY": str(home / "summary.md"), **jobs[job]["env"], **variables}
        return shell("\n".join(commands), **kept)

    assert run("check").returncode == ExitCode.INCOMPLETE
    filled = run("fill", OPENAI_API_KEY="sk-of-the-workflow-0123456789")
    assert filled.returncode == 0, filled.stderr
    assert run("check").returncode == 0
    (place / "prompts.jsonl").write_text('{"id": 1, "prompt": "another"}\n')
    assert run("check").returncode == ExitCode.INCOMPLETE
    one = "nr ask --policy ci/routes.yaml --cache only another"
    assert shell(one, **jobs["check"]["env"]).returncode == ExitCode.NOT_CACHED


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
    assert named <= {command[0] for command in COMMANDS if command}


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


@pytest.mark.parametrize("section", ["provider", "model", "pool", "cache", "route"])
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
    names = {key for section in ("policy", "pool", "route") for key in LATER[section]}
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
    for link in links:
        inside = link.removeprefix("../").removeprefix("nr_cli/")
        # a wheel is tested beside copies of the documents that tests read, not of all
        if link != "ARCHITECTURE.md":
            assert (place / link).exists() or (PACKAGE / inside).exists(), link
