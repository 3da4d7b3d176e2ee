"""A condition: how many words the prompt has.

    routes:
      - {name: long, when: {words: ">200"}, use: big}

A condition names the facts it reads, the JSON Schema of its value, a function that compiles it.
"""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.ranges import read_span
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json
from nr_cli.types.policy import Path

NEEDS = ("text",)
SCHEMA = {"type": ["integer", "string"]}


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns the test for `">200"`, `"2..10"` or 5, or None once the value was reported."""
    span = read_span(value)
    if isinstance(span, str):
        report(at, "NR131", span)
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("text")
        if not isinstance(fact.value, str):
            return Verdict("unknown", f"the words are not known: {fact.why_unknown}")
        count = len(fact.value.split())
        if span.low <= count <= span.high:
            return Verdict("yes", f"words {count} is {span.shown}")
        return Verdict("no", f"words {count} is not {span.shown}")

    return test
