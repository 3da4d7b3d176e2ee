"""Compares the tags given with the request."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, clip, listed, match_any, one_or_many, read_words, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("tags",)
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that any tag matches any of these words or globs."""
    globs = read_words(value, at, report)
    if globs is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("tags")
        if not isinstance(fact.value, frozenset):
            return unknown("tag", fact)
        for tag in sorted(fact.value):
            if match_any(tag, globs) is not None:
                return Verdict("yes", f"tag is {clip(tag)}")
        return Verdict("no", f"no tag is {listed(globs)}")

    return test
