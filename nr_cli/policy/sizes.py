"""Compiles a condition on a whole-number fact."""

from __future__ import annotations

from collections.abc import Callable

from nr_cli.policy.operands import Report, listed, one_or_many, read_list, unknown
from nr_cli.policy.ranges import Span, read_span
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

_NUMBER = r"\+?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[kM]?"
SIZES: JsonObject = one_or_many(
    {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {
                "type": "string",
                "pattern": rf"^\s*((<|<=|>|>=)?\s*{_NUMBER}|{_NUMBER}\s*\.\.\s*{_NUMBER})\s*$",
            },
        ]
    }
)


def compile_size(
    name: str, value: Json, at: Path, report: Report
) -> Callable[[Facts], Verdict] | None:
    """Returns a test of the fact `name`, or None once a notation was reported as NR131."""
    items = read_list(value, at, report)
    spans: list[Span] = []
    for place, item in items or ():
        span = read_span(item)
        if isinstance(span, str):
            report(place, "NR131", span)
        else:
            spans.append(span)
    if items is None or len(spans) < len(items):
        return None
    wanted = listed([span.shown for span in spans])

    def test(facts: Facts) -> Verdict:
        fact = facts.get(name)
        size = fact.value
        if not isinstance(size, int):
            return unknown(name, fact)
        for low, high, shown in spans:
            if low <= size <= high:
                return Verdict("yes", f"{name} {size} is {shown}")
        return Verdict("no", f"{name} {size} is not {wanted}")

    return test
