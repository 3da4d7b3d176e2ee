"""Compares what kind of work the prompt asks for."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_choices, unknown
from nr_cli.types.facts import INTENTS, Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("intent",)
SCHEMA: JsonObject = one_or_many({"enum": list(INTENTS)})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that the intent is any of these."""
    intents = read_choices(value, at, report, INTENTS, "an intent")
    if intents is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("intent")
        if fact.value is None:
            return unknown("intent", fact)
        if fact.value in intents:
            return Verdict("yes", f"intent is {fact.value}")
        return Verdict("no", f"intent is {fact.value}, not {listed(intents)}")

    return test
