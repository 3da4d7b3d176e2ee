"""Compares the language the prompt is written in."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_words, unknown
from nr_cli.policy.suggest import quote
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("language",)
SCHEMA: JsonObject = one_or_many({"type": "string", "pattern": "^[A-Za-z]{2,3}$"})


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that the language is any of these ISO 639-1 codes."""
    words = read_words(value, at, report)
    wrong = [word for word in words or () if not (word.isascii() and word.isalpha())]
    wrong += [word for word in words or () if len(word) not in (2, 3)]
    if wrong:
        report(at, "NR131", f"{quote(wrong[0])} is not a language code (such as en, de or zh)")
    if words is None or wrong:
        return None
    codes = tuple(word.lower() for word in words)

    def test(facts: Facts) -> Verdict:
        fact = facts.get("language")
        if fact.value is None:
            return unknown("language", fact)
        if fact.value in codes:
            return Verdict("yes", f"language is {fact.value}")
        return Verdict("no", f"language is {fact.value}, not {listed(codes)}")

    return test
