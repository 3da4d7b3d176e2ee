"""Asks whether the answer is streamed."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import BOOLEAN, unknown
from nr_cli.policy.values import read_boolean
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("stream",)
SCHEMA: JsonObject = BOOLEAN


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for true or false."""
    wanted = read_boolean(value)
    if wanted is None:
        report(at, "NR131", "stream must be true or false")
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("stream")
        if fact.value is None:
            return unknown("stream", fact)
        because = "the answer is streamed" if fact.value else "the answer is not streamed"
        return Verdict("yes" if bool(fact.value) is wanted else "no", because)

    return test
