"""Reads the labelled rows of `nr eval`, in any of the forms it understands."""

from __future__ import annotations

import gzip
import os
from math import isfinite
from typing import BinaryIO, NamedTuple, cast

from nr_cli.cli.rows import BadRow, Fields, open_stdin, read_object, text_of
from nr_cli.errors import InputError
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.facts import BANDS, INTENTS
from nr_cli.types.json import Json

WEAK, STRONG = "weak", "strong"


class Expected(NamedTuple):
    """What a row expects of its prompt; `outcomes` are scores by the name of a model."""

    intent: str | None
    band: str | None
    complexity: float | None
    route: str | None
    model: str | None
    outcomes: dict[str, float]
    contaminated: bool
    source: str
    language: str


def open_data(path: str) -> BinaryIO:
    """Returns the opened rows, unpacked where the name ends in .gz. Raises: InputError."""
    if path == "-":
        return open_stdin("nr eval - < DATA.jsonl")
    try:
        if path.endswith(".gz"):
            return cast("BinaryIO", gzip.open(path, "rb"))
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: {os.strerror(error.errno or 0)}", "name a file") from None


def read_labelled(line: bytes | None) -> tuple[str, Expected]:
    """Returns a line's prompt with what is expected of it. Raises: BadRow."""
    row = read_object(line)
    prompt = text_of(row, "prompt")
    if prompt is None or not prompt.strip():
        raise BadRow('no "prompt" with text')
    intent = text_of(row, "intent") or text_of(row, "label")
    complexity = _number(row, "complexity")
    if complexity is not None and not 0 <= complexity <= 1:
        raise BadRow('"complexity" is not 0 to 1')
    return prompt, Expected(
        _one_of(intent, "intent", INTENTS),
        _one_of(text_of(row, "band"), "band", BANDS),
        complexity,
        text_of(row, "route"),
        text_of(row, "model"),
        _outcomes(row),
        row.get("contaminated") is True,
        text_of(row, "source") or "",
        text_of(row, "language") or "",
    )


def _one_of(word: str | None, key: str, known: tuple[str, ...]) -> str | None:
    if word is not None and word not in known:
        raise BadRow(f'"{key}": no {quote(word)} is known{did_you_mean(word, known)}')
    return word


def _outcomes(row: Fields) -> dict[str, float]:
    given = row.get("outcomes")
    if given is None:
        given = {key: row[key] for key in (WEAK, STRONG) if row.get(key) is not None}
        return {name: _mean(value, name) for name, value in given.items()}
    if not isinstance(given, dict):
        raise BadRow('"outcomes" is not an object', 'write {"small": 0.3, "large": 1.0}')
    scores = {name: _mean(value, name) for name, value in given.items()}
    if not all(0 <= score <= 1 for score in scores.values()):
        raise BadRow('a score in "outcomes" is not 0 to 1')
    return scores


def _mean(value: Json, name: str) -> float:
    """Returns a score: a number, yes or no, or the mean of several. Raises: BadRow."""
    values = value if isinstance(value, list) else [value]
    numbers = [float(one) for one in values if isinstance(one, int | float) and abs(one) < 1e9]
    if not numbers or len(numbers) != len(values):
        raise BadRow(f"the score of {quote(name)} is not a number")
    return sum(numbers) / len(numbers)


def _number(row: Fields, key: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise BadRow(f'"{key}" is not a number')
        return float(value)
    except OverflowError:
        raise BadRow(f'"{key}" is too large a number') from None
