"""Compares the local time of day."""

from __future__ import annotations

from time import localtime

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import listed, one_or_many, read_words, unknown
from nr_cli.policy.suggest import quote
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("clock",)
SCHEMA: JsonObject = one_or_many(
    {"type": "string", "pattern": r"^\s*\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}\s*$"}
)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for `22:00-06:00`, both minutes included, which may cross midnight."""
    words = read_words(value, at, report)
    spans: list[tuple[int, int]] = []
    for word in words or ():
        span = _read_span(word)
        if span is None:
            report(at, "NR131", f"{quote(word)} is not a time of day (write 22:00-06:00)")
        else:
            spans.append(span)
    if words is None or len(spans) < len(words):
        return None

    def test(facts: Facts) -> Verdict:
        fact = facts.get("clock")
        if not isinstance(fact.value, int | float):
            return unknown("time", fact)
        now = localtime(fact.value)
        minute = now.tm_hour * 60 + now.tm_min
        shown = f"time {now.tm_hour:02}:{now.tm_min:02} is"
        for (start, end), word in zip(spans, words, strict=True):
            inside = start <= minute <= end if start < end else minute >= start or minute <= end
            if inside:
                return Verdict("yes", f"{shown} in {word}")
        return Verdict("no", f"{shown} not in {listed(words)}")

    return test


def _read_span(word: str) -> tuple[int, int] | None:
    start, dash, end = (part.strip() for part in word.partition("-"))
    first, last = _read_time(start), _read_time(end)
    if not dash or first is None or last is None or first == last:
        return None
    return first, last


def _read_time(word: str) -> int | None:
    """Returns minutes since midnight; 24:00 is the end of the day."""
    hour, colon, minute = word.partition(":")
    digits = hour.isdecimal() and minute.isdecimal() and hour.isascii() and minute.isascii()
    if not (colon and digits and len(hour) <= 2 and len(minute) == 2):
        return None
    minutes = int(hour) * 60 + int(minute)
    return minutes if int(minute) < 60 and minutes <= 24 * 60 else None
