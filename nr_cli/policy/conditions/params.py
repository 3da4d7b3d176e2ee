"""Compares the parameters of the request."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, clip, listed, named, one_or_many, read_map, unknown
from nr_cli.policy.scalars import as_written
from nr_cli.policy.values import read_number
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("params",)
SCHEMA: JsonObject = named(one_or_many(SCALAR))


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that each named parameter has (any of) the value beside it."""
    wanted = read_map(value, at, report)
    if wanted is None:
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("params")
        if not isinstance(fact.value, Mapping):
            return unknown("params", fact)
        for name, words in wanted:
            found = fact.value.get(name)
            if not any(_same(word, found) for word in words):
                state = "not set" if found is None else f"not {listed(words)}"
                return Verdict("no", f"parameter {clip(name)} is {state}")
        shown = [f"{clip(name)} is {listed(words)}" for name, words in wanted]
        return Verdict("yes", f"parameter {'; '.join(shown)}")

    return test


def _same(word: str, found: Json) -> bool:
    """Compares as written, else as numbers: 0.20 is 0.2."""
    if as_written(found) == word:
        return True
    number = read_number(word)
    return number is not None and number == read_number(found)
