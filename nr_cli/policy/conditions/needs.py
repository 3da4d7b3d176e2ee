"""Looks for what a model must be able to do for this prompt."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_choices, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

ABILITIES = ("vision", "audio", "document", "tools", "json", "long_context", "reasoning")

NEEDS = ("needs",)
SCHEMA: JsonObject = one_or_many({"enum": list(ABILITIES)})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that all of these are needed."""
    abilities = read_choices(value, at, report, ABILITIES, "a need")
    if abilities is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("needs")
        if not isinstance(fact.value, frozenset):
            return unknown("needs", fact)
        for ability in abilities:
            if ability not in fact.value:
                return Verdict("no", f"does not need {ability}")
        return Verdict("yes", f"needs {listed(abilities, 'and')}")

    return test
