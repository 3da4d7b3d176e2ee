"""Searches text by regular expression within a bounded time.

Python's engine backtracks, so a pattern can take longer than the universe has. Three fences:
patterns whose shape invites that are refused when the policy is loaded; only the first 32 KiB
of a text are searched; an alarm ends a search after 50 ms. The alarm works in the main thread
alone. Elsewhere only what is quick by its shape runs: a pattern without repeats, or with one on
a text of at most 2 KiB; everything else is "unbounded", which a rule takes as unknown. With RE2
installed (the extra re2) most patterns need none of this: `linear`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from time import perf_counter
from types import FrameType
from typing import Literal, TypeAlias, cast

from nr_cli.policy import linear
from nr_cli.policy.suggest import quote

MOST_PATTERN = 1024
MOST_GROUPS = 64
MOST_TEXT = 32 * 1024
MOST_TEXT_WITHOUT_ALARM = 2 * 1024
BUDGET = 0.05  # seconds for all patterns of one condition
_MANY = 100  # a repeat that may run this often is as bad as one without a bound

Outcome: TypeAlias = Literal["yes", "no", "overtime", "unbounded", "cut"]
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class _Overtime(Exception):
    """The alarm rang."""


def find_flaw(pattern: str) -> str | None:
    """Returns why a pattern is refused, None if it may run; the text fits a finding."""
    import warnings

    if len(pattern) > MOST_PATTERN:
        return f"the pattern has {len(pattern)} characters (at most {MOST_PATTERN})"
    if pattern.count("(") > MOST_GROUPS:  # the parser recurses into each
        return f"{quote(pattern)} has more than {MOST_GROUPS} groups"
    try:
        with warnings.catch_warnings():
            # What Python warns of here (a set that may come to mean something else) would
            # otherwise reach the user's terminal without a place.
            warnings.simplefilter("error")
            parsed = _parse(pattern)
    except re.error as error:
        return f"{quote(pattern)} is not a regular expression: {error.msg}"
    except OverflowError:
        return f"{quote(pattern)} repeats too often"
    except Warning as warning:
        return f"{quote(pattern)} is ambiguous: {warning}"
    flaw = next((flaw for node in _walk(parsed) if (flaw := _flaw_of(node))), None)
    return f"{quote(pattern)} {flaw}" if flaw else None


def search_any(patterns: Sequence[str], text: str) -> tuple[Outcome, str]:
    """Returns how the search ended, with the pattern that decided it (the last for "no").

    The patterns must have passed `find_flaw`. Case is ignored unless a pattern says `(?-i:…)`.
    All of them together get BUDGET seconds; RE2, where it is installed, needs no such fence.
    """
    found = linear.search_any(patterns, text)
    if found is not None:
        return cast(Outcome, found[0]), found[1]
    if all(_is_plain(pattern) for pattern in patterns):
        return _search(patterns, text)
    import signal

    try:
        previous = signal.signal(signal.SIGALRM, _ring)
    except ValueError:  # not in the main thread: an alarm cannot be had
        return _search_without_alarm(patterns, text)
    started = perf_counter()
    delay, interval = signal.setitimer(signal.ITIMER_REAL, BUDGET)
    try:
        return _search(patterns, text)
    except _Overtime:
        return "overtime", patterns[0] if len(patterns) == 1 else " | ".join(patterns)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous or signal.SIG_DFL)
        if delay:  # somebody else's timer was running: it goes on, no later than it would have
            left = max(delay - (perf_counter() - started), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def why_unknown(outcome: Outcome) -> str:
    """Returns the rest of the sentence that begins with the pattern."""
    return {
        "overtime": f"took over {BUDGET * 1000:.0f} ms",
        "unbounded": "cannot be bounded outside the main thread",
        "cut": f"is not found in the first {MOST_TEXT // 1024} KiB, and no more is searched",
    }[outcome]


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise _Overtime


def _search(patterns: Sequence[str], text: str) -> tuple[Outcome, str]:
    """Searches the head of the text; where it was cut, its end proves nothing, nor does a miss."""
    cut = len(text) > MOST_TEXT
    for pattern in patterns:
        found = _compiled(pattern).search(text, 0, MOST_TEXT)
        if found is None:
            continue
        if cut and found.end() == MOST_TEXT and ("$" in pattern or "\\Z" in pattern):
            return "cut", pattern
        return "yes", pattern
    return ("cut" if cut else "no"), patterns[-1]


def _search_without_alarm(patterns: Sequence[str], text: str) -> tuple[Outcome, str]:
    short = len(text) <= MOST_TEXT_WITHOUT_ALARM
    for pattern in patterns:
        if not (_is_plain(pattern) or (short and _is_quick(pattern))):
            return "unbounded", pattern
    return _search(patterns, text)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@cache
def _is_plain(pattern: str) -> bool:
    """Says whether the cost is linear by its shape: no repeat, at most one set of alternatives."""
    names = [name for name, _ in _walk(_parse(pattern))]
    return not any(name in _REPEATS for name in names) and names.count("BRANCH") <= 1


@cache
def _is_quick(pattern: str) -> bool:
    """Says whether at most one repeat can backtrack, without alternatives anywhere."""
    names = [name for name, _ in _walk(_parse(pattern))]
    return sum(name in _REPEATS for name in names) <= 1 and "BRANCH" not in names


@lru_cache(maxsize=64)
def _parse(pattern: str) -> object:
    # re._parser is private: it is the one parser that reads exactly what `re` will run.
    from re import _parser  # type: ignore[attr-defined]  # absent from the published types

    parsed: object = _parser.parse(pattern, re.IGNORECASE)
    return parsed


def _walk(parsed: object) -> Iterator[tuple[str, object]]:
    """Yields each operation of a parsed pattern by name with its argument, outer ones first."""
    operations = getattr(parsed, "data", parsed)
    if not isinstance(operations, list):
        return
    for name, argument in operations:
        yield str(name), argument
        for part in _parts(argument):
            yield from _walk(part)


def _parts(argument: object) -> Iterator[object]:
    """Yields the patterns that stand inside an operation's argument, however it nests them."""
    if hasattr(argument, "data"):
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _parts(item)


def _body(argument: object) -> object:
    return argument[2] if isinstance(argument, tuple) else argument


def _flaw_of(node: tuple[str, object]) -> str | None:
    name, argument = node
    if name.startswith("GROUPREF"):
        return "refers back to a group, which can take forever (spell the text out)"
    if name in ("ASSERT", "ASSERT_NOT") and isinstance(argument, tuple) and argument[0] < 0:
        return "looks behind, which is not supported (match the text before it, too)"
    if _is_long(node) and any(_is_long(inner) for inner in _walk(_body(argument))):
        return "repeats a repeat, which can take forever (keep one of the two)"
    return None


def _is_long(node: tuple[str, object]) -> bool:
    name, argument = node
    return name in _REPEATS and isinstance(argument, tuple) and int(argument[1]) >= _MANY
