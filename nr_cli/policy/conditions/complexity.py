"""Compares how hard the prompt is."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_list, unknown
from nr_cli.policy.ranges import Span, read_band
from nr_cli.types.facts import BANDS, Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

_BAND = f"({'|'.join(BANDS)})"

NEEDS = ("complexity",)
SCHEMA: JsonObject = one_or_many(
    {"type": "string", "pattern": rf"^\s*((<|<=|>|>=)?\s*{_BAND}|{_BAND}\s*\.\.\s*{_BAND})\s*$"}
)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for `hard`, `">=hard"`, `trivial..medium` or a list of which one holds."""
    items = read_list(value, at, report)
    spans: list[Span] = []
    for place, item in items or ():
        span = read_band(item, BANDS, "band of complexity")
        if isinstance(span, str):
            report(place, "NR133", span)
        else:
            spans.append(span)
    if items is None or len(spans) < len(items):
        return None
    bands = {band for low, high, _ in spans for band in BANDS[low : high + 1]}
    wanted = listed([span.shown for span in spans])

    def test(facts: Facts) -> Verdict:
        fact = facts.get("complexity")
        if fact.value is None:
            return unknown("complexity", fact)
        if fact.value in bands:
            return Verdict("yes", f"complexity {fact.value} is {wanted}")
        return Verdict("no", f"complexity {fact.value} is not {wanted}")

    return test
