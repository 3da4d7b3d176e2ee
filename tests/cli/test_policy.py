"""`nr policy`: findings on stdout, in three forms, with an exit status a CI job can use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Nr, command

GOOD = "version: 1\ndefault: {use: openai/gpt-5-mini}\n"
WARNS = "version: 1\nroutes:\n  - {name: a, use: openai/gpt-5}\n  - {name: b, use: openai/gpt-5}\n"
BAD = "version: 1\ndefalt: {use: openai/gpt-5-mini}\nroutes: [{name: a, whn: {}, use: nobody/x}]\n"


@pytest.mark.parametrize(
    ("text", "flags", "exit"),
    [
        (GOOD, [], 0),
        (GOOD, ["--strict"], 0),
        (WARNS, [], 0),
        (WARNS, ["--strict"], 1),
        (BAD, [], 78),
        ("a: [", [], 78),
        ("- 1", [], 78),
        ("version: 99\n", [], 78),
    ],
    ids=["good", "strict", "warns", "strict warns", "bad", "syntax", "list", "newer"],
)
def test_the_exit_status_tells_errors_from_warnings(
    nr: Nr, home: Path, text: str, flags: list[str], exit: int
) -> None:
    (home / "p.yaml").write_text(text)
    done = nr("policy", "check", *flags, "p.yaml")
    assert (done.exit, done.err) == (exit, "")


def test_all_findings_come_at_once_in_every_form(nr: Nr, home: Path) -> None:
    (home / "p.yaml").write_text(BAD)
    lines = nr("policy", "check", "p.yaml").out.decode().splitlines()
    assert any(line.startswith('p.yaml:2:1: NR112 unknown key "defalt"') for line in lines)
    assert any('did you mean "when"?' in line for line in lines)
    rows = json.loads(nr("policy", "check", "--format", "json", "p.yaml").out)
    assert rows[0].keys() == {"file", "line", "column", "code", "severity", "message"}
    assert len(rows) >= 3
    github = nr("policy", "check", "--format", "github", "p.yaml").out
    assert github.startswith(b"::error file=p.yaml,line=2,col=1")


def test_the_schema_is_a_json_schema(nr: Nr) -> None:
    schema = nr("policy", "schema").document
    assert schema["$schema"].endswith("2020-12/schema")
    assert "routes" in schema["properties"]


def test_an_ask_names_three_findings_and_counts_the_rest(nr: Nr, home: Path) -> None:
    (home / "p.yaml").write_text(BAD + "".join(f"bad{number}: 1\n" for number in range(5)))
    done = nr("ask", "--policy", "p.yaml", "hi")
    assert done.exit == 78
    assert len(done.err.splitlines()) <= 5
    assert "more" in done.err


def test_a_variable_of_a_route_that_does_not_apply_is_not_missed(nr: Nr, policy: Path) -> None:
    rule = "{name: ci, when: {env: {NR_TEST_CI: x}}, use: cat/x, params: {user: '${NR_TEST_USER}'}}"
    policy.write_text(policy.read_text() + f"routes: [{rule}]\n")
    assert nr("route", "hi").exit == 0
    assert nr("route", "hi", env={"NR_TEST_CI": "x"}).exit == 78


def test_a_user_in_the_folder_of_their_own_policy_is_no_stranger(
    environ: dict[str, str], home: Path
) -> None:
    folder = home / ".config" / "nr"
    folder.mkdir(parents=True)
    (folder / "routes.yaml").write_text("version: 1\ndefault: {use: openai/gpt-5-mini}\n")
    done = subprocess.run(
        command(["policy", "check"]), env=environ, cwd=folder, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_a_long_text_that_was_not_read_to_its_end_never_counts_as_free_of_a_word(
    nr: Nr, policy: Path
) -> None:
    rule = "{name: open, when: {not: {matches: CONFIDENTIAL}}, use: cat/x}"
    policy.write_text(policy.read_text() + f"routes: [{rule}]\n")
    done = nr("route", "--json", stdin=b"word " * 250_000 + b"CONFIDENTIAL")
    assert done.document["route"] == "default"
    assert done.document["rules"][0]["result"] == "unknown"


def test_a_text_that_was_not_read_to_its_end_gets_no_later_label(nr: Nr, policy: Path) -> None:
    classify = "{secrecy: {use: regex, labels: {secret: CONFIDENTIAL, open: '.'}}}"
    rule = "{name: open, when: {label: {secrecy: open}}, use: cat/x}"
    policy.write_text(policy.read_text() + f"classify: {classify}\nroutes: [{rule}]\n")
    long = b"word " * 250_000 + b"CONFIDENTIAL"
    assert nr("route", "--json", stdin=long).document["rules"][0]["result"] == "unknown"
    assert nr("route", "--json", stdin=b"word").document["route"] == "open"


def test_a_check_inside_a_project_checks_the_project_s_policy(nr: Nr, home: Path) -> None:
    (home / ".git").mkdir()
    (home / "routes.yaml").write_text(BAD)
    done = nr("policy", "check", env={"NR_POLICY": ""})
    assert (done.exit, done.err) == (78, "")
    assert b'/routes.yaml:2:1: NR112 unknown key "defalt"' in done.out


def test_a_broken_include_hides_no_fault_of_the_file_itself(nr: Nr, home: Path) -> None:
    (home / "p.yaml").write_text(
        "version: 1\ninclude: [gone.yaml, part.yaml]\nfoo: 1\ndefault: {use: of-the-part}\n"
    )
    (home / "part.yaml").write_text("models: {of-the-part: {id: openai/x}, other: [\n")
    rows = json.loads(nr("policy", "check", "--format", "json", "p.yaml").out)
    assert [(row["file"], row["line"], row["code"]) for row in rows] == [
        ("p.yaml", 2, "NR126"), ("p.yaml", 3, "NR112"), ("part.yaml", 2, "NR101"),
    ]  # fmt: skip


@pytest.mark.parametrize("group", [(), ("policy",), ("log",), ("cache",), ("keys",)], ids=str)
def test_a_group_without_a_command_prints_its_help_as_it_is(nr: Nr, group: tuple[str, ...]) -> None:
    done, asked = nr(*group), nr(*group, "--help")
    assert (done.exit, done.out, asked.exit) == (2, b"", 0)
    assert done.err.split() == asked.out.decode().split()
    assert "\nCommands:\n" in done.err
