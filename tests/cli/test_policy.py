"""`nr policy`: findings on stdout, in three forms, with an exit status a CI job can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Nr

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
