"""Searches the prompt by regular expression."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import clip, listed, one_or_many, read_words, unknown
from nr_cli.policy.regex import MOST_PATTERN, find_flaw, search_any, why_unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("text",)
SCHEMA: JsonObject = one_or_many(
    {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": MOST_PATTERN}
)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that any pattern is found, whatever the case; NR132 for one refused."""
    patterns = read_words(value, at, report)
    if patterns is None:
        return None
    flaws = [flaw for pattern in patterns if (flaw := find_flaw(pattern))]
    for flaw in flaws:
        report(at, "NR132", flaw)
    if flaws:
        return None
    no = Verdict("no", f"text does not match {listed(patterns)}")

    def test(facts: Facts) -> Verdict:
        fact = facts.get("text")
        if not isinstance(fact.value, str):
            return unknown("text", fact)
        outcome, pattern = search_any(patterns, fact.value)
        if outcome == "no":
            return no
        if outcome == "yes":
            return Verdict("yes", f"text matches {clip(pattern)}")
        return Verdict("unknown", f"matches is unknown: {clip(pattern)} {why_unknown(outcome)}")

    return test
