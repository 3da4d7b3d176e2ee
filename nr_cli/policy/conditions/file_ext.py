"""Compares the endings of the files the prompt was read from."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, listed, one_or_many, read_words, unknown
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("file_ext",)
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that any file has any of these endings, with or without their dot."""
    words = read_words(value, at, report)
    if words is None:
        return None
    endings = tuple(_ending(word) for word in words)

    def test(facts: Facts) -> Verdict:
        fact = facts.get("file_ext")
        if not isinstance(fact.value, frozenset):
            return unknown("file_ext", fact)
        found = {_ending(ending) for ending in fact.value}
        for ending in endings:
            if ending in found:
                return Verdict("yes", f"a file ends in .{ending}")
        return Verdict("no", f"no file ends in {listed([f'.{ending}' for ending in endings])}")

    return test


def _ending(word: str) -> str:
    return word.lstrip(".").casefold()
