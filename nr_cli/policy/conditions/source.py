"""Compares where the prompt came from."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_choices, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

SOURCES = ("args", "stdin", "file", "batch", "serve")

NEEDS = ("source",)
SCHEMA: JsonObject = one_or_many({"enum": list(SOURCES)})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that the source is any of these."""
    sources = read_choices(value, at, report, SOURCES, "a source")
    if sources is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("source")
        if fact.value is None:
            return unknown("source", fact)
        if fact.value in sources:
            return Verdict("yes", f"source is {fact.value}")
        return Verdict("no", f"source is {fact.value}, not {listed(sources)}")

    return test
