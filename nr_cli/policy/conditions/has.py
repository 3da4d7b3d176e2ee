"""Looks for shapes in the prompt."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_choices, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

SHAPES = (
    "code", "diff", "stacktrace", "table", "url", "image", "pdf", "api_key", "private_key", "pii",
)  # fmt: skip

NEEDS = ("has",)
SCHEMA: JsonObject = one_or_many({"enum": list(SHAPES)})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that any of these shapes is there."""
    shapes = read_choices(value, at, report, SHAPES, "a shape")
    if shapes is None:
        return None
    no = Verdict("no", f"has no {listed(shapes)}")

    def test(facts: Facts) -> Verdict:
        fact = facts.get("has")
        if not isinstance(fact.value, frozenset):
            return unknown("has", fact)
        for shape in shapes:
            if shape in fact.value:
                return Verdict("yes", f"has {shape}")
        return no

    return test
