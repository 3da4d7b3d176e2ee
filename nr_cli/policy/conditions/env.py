"""Compares environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, judge_map, named, one_or_many, read_map, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("env",)
SCHEMA: JsonObject = named(one_or_many(SCALAR))


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that each name is set to (any of) the value or glob beside it."""
    wanted = read_map(value, at, report)
    if wanted is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("env")
        if not isinstance(fact.value, Mapping):
            return unknown("env", fact)
        return judge_map("env", fact.value, wanted)

    return test
