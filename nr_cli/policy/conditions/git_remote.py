"""Compares the address of the repository's remote."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, judge_glob, one_or_many, read_words, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("git_remote",)
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for globs, of which any may match."""
    globs = read_words(value, at, report)
    if globs is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("git_remote")
        if not isinstance(fact.value, str):
            return unknown("git_remote", fact)
        return judge_glob("git_remote", fact.value, globs, secret=True)

    return test
