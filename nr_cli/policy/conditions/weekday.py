"""Compares the local day of the week."""

from __future__ import annotations

from time import localtime

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_list, unknown
from nr_cli.policy.ranges import Span, read_band
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

NEEDS = ("clock",)
SCHEMA: JsonObject = one_or_many(
    {"type": "string", "pattern": rf"^\s*({'|'.join(DAYS)})(\s*\.\.\s*({'|'.join(DAYS)}))?\s*$"}
)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for days such as `sat`, a list of them, or `mon..fri`."""
    items = read_list(value, at, report)
    spans: list[Span] = []
    for place, item in items or ():
        span = read_band(item, DAYS, "day of the week")
        if isinstance(span, str) or span.shown.startswith(("<", ">")):
            wrong = span if isinstance(span, str) else "days have no order (write mon..fri)"
            report(place, "NR133", wrong)
        else:
            spans.append(span)
    if items is None or len(spans) < len(items):
        return None
    days = {day for low, high, _ in spans for day in DAYS[low : high + 1]}
    wanted = listed([span.shown for span in spans])

    def test(facts: Facts) -> Verdict:
        fact = facts.get("clock")
        if not isinstance(fact.value, int | float):
            return unknown("weekday", fact)
        today = DAYS[localtime(fact.value).tm_wday]
        if today in days:
            return Verdict("yes", f"weekday is {today}")
        return Verdict("no", f"weekday is {today}, not {wanted}")

    return test
