"""Compares the name of this machine."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, judge_glob, one_or_many, read_words, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("host",)
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for globs, of which any may match; case does not matter."""
    words = read_words(value, at, report)
    if words is None:
        return None
    globs = tuple(word.casefold() for word in words)

    def test(facts: Facts) -> Verdict:
        fact = facts.get("host")
        if not isinstance(fact.value, str):
            return unknown("host", fact)
        return judge_glob("host", fact.value.casefold(), globs)

    return test
