"""Compares what kind of work the prompt asks for."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, listed, one_or_many, read_words, unknown
from nr_cli.types.facts import INTENTS, Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("intent",)
# An intent may be the policy's own, which only the whole policy tells: `labels` looks it up.
SCHEMA: JsonObject = one_or_many({"anyOf": [{"enum": list(INTENTS)}, SCALAR]})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that the intent is any of these."""
    intents = read_words(value, at, report)
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
