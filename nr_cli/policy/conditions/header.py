"""Compares the headers of a request that came over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, judge_map, named, one_or_many, read_map, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("header",)
SCHEMA: JsonObject = named(one_or_many(SCALAR))


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that each name is set to (any of) the value or glob beside it."""
    wanted = read_map(value, at, report)
    if wanted is None:
        return None
    wanted = tuple((name.lower(), words) for name, words in wanted)

    def test(facts: Facts) -> Verdict:
        fact = facts.get("header")
        if not isinstance(fact.value, Mapping):
            return unknown("header", fact)
        return judge_map(
            "header", {name.lower(): text for name, text in fact.value.items()}, wanted
        )

    return test
