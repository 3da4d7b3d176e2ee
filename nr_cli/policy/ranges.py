"""Reads the notations `<8k`, `>=120k`, `2k..8k` of sizes with their like for ordered words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from nr_cli.policy.scalars import as_written
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.values import read_count
from nr_cli.types.json import Json

_OPERATORS = ("<=", ">=", "<", ">")  # two characters first: "<=" starts with "<"
_HUGE = 10**18
_N = TypeVar("_N")


class Span(NamedTuple):
    """A range of whole numbers, both ends included; `shown` is how a sentence names it."""

    low: int
    high: int
    shown: str


def read_span(value: Json) -> Span | str:
    """Returns the range a value denotes, or what is wrong with it as text.

    A bare number is the range that holds only itself; k is 1000, M a million.
    """
    parts = _split(value, read_count)
    if parts is None:
        shown = quote(as_written(value) or "this")
        return f'{shown} is not a size (write "<8k", ">=120k", "2k..8k" or 500)'
    operator, low, high = parts
    ends = _bounds(operator, low, high, _HUGE)
    if min(low, high) < 0:
        return f"{quote(str(value))} is below zero, which no size is"
    if ends[0] > ends[1]:
        return f"{quote(str(value))} holds no number (write the smaller one first)"
    return Span(ends[0], ends[1], _shown(value, operator))


def read_band(value: Json, order: Sequence[str], what: str) -> Span | str:
    """Returns the positions in `order` that `>=hard`, `easy..hard` or `hard` denote, or the fault.

    `what` names such a word in the message.
    """
    places = {word: place for place, word in enumerate(order)}
    parts = _split(value, lambda word: places.get(word) if isinstance(word, str) else None)
    if parts is None:
        hint = did_you_mean(str(value).lstrip("<>= "), order)
        shown = quote(as_written(value) or "this")
        return f"{shown} is not a {what}{hint} (they are {', '.join(order)})"
    operator, low, high = parts
    ends = _bounds(operator, low, high, len(order) - 1)
    if ends[0] > ends[1]:
        return f"{quote(str(value))} holds no {what}"
    return Span(ends[0], ends[1], _shown(value, operator))


def _split(value: Json, read: Callable[[Json], _N | None]) -> tuple[str, _N, _N] | None:
    """Returns the operator ("", ".." or a comparison) with its one or two operands."""
    if not isinstance(value, str):
        single = read(value)
        return None if single is None else ("", single, single)
    text = value.strip()
    left, dots, right = text.partition("..")
    if dots:
        low, high = read(left.strip()), read(right.strip())
        return None if low is None or high is None else ("..", low, high)
    operator = next((sign for sign in _OPERATORS if text.startswith(sign)), "")
    operand = read(text.removeprefix(operator).strip())
    return None if operand is None else (operator, operand, operand)


def _bounds(operator: str, low: int, high: int, top: int) -> tuple[int, int]:
    if operator == "<":
        return 0, high - 1
    if operator == "<=":
        return 0, high
    if operator == ">":
        return low + 1, top
    if operator == ">=":
        return low, top
    return low, high


def _shown(value: Json, operator: str) -> str:
    text = str(value).strip()
    if operator == "..":
        return f"in {text}"
    return f"{operator} {text.removeprefix(operator).strip()}" if operator else text
