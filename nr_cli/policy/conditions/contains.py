"""Looks for words anywhere in the prompt."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.haystack import haystack
from nr_cli.policy.operands import SCALAR, listed, one_or_many, read_words, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("text",)
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that any of the words is there, whatever the case of either."""
    words = read_words(value, at, report)
    if words is None:
        return None
    folded = tuple((word.casefold(), word) for word in words)
    no = Verdict("no", f"text does not contain {listed(words)}")

    def test(facts: Facts) -> Verdict:
        fact = facts.get("text")
        if not isinstance(fact.value, str):
            return unknown("text", fact)
        text = haystack(fact.value)
        for word, shown in folded:
            if text.holds(word):
                return Verdict("yes", f'text contains "{shown}"')
        return no

    return test
