"""Makes a row of the log fit to be kept: without secrets, in values that SQLite holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nr_cli.types.json import Json

if TYPE_CHECKING:
    from nr_cli.store.history import HistoryRow, Value

MAX_ANSWER = 1_048_576
MAX_INT = 2**63 - 1


def without_secrets(row: HistoryRow, secrets: Sequence[str]) -> HistoryRow:
    """Returns the row without secrets."""
    from nr_cli.features.shapes import hide

    asked = (row.prompt, row.system or "")
    return row._replace(
        prompt_hashed=row.prompt_hashed or any(hide(text, secrets) != text for text in asked),
        answer=hide(row.answer, secrets),
        error=row.error and hide(row.error, secrets),
        decision=_hide_inside(row.decision, secrets),
    )


def _hide_inside(document: str, secrets: Sequence[str]) -> str:
    """Returns a JSON document without the secrets in its texts."""
    from nr_cli.features.shapes import hide, may_hold_secret

    if not may_hold_secret(document, [json.dumps(secret)[1:-1] for secret in secrets]):
        return document

    def without(value: Json) -> Json:
        if isinstance(value, str):
            return hide(value, secrets)
        if isinstance(value, dict):
            return {hide(name, secrets): without(part) for name, part in value.items()}
        return [without(part) for part in value] if isinstance(value, list) else value

    try:
        return json.dumps(without(json.loads(document)))
    except (ValueError, RecursionError):
        return hide(document, secrets)  # not JSON: whoever reads it gets what is left of it


def columns_of(row: HistoryRow) -> tuple[Value, ...]:
    """Returns the columns of a row, made such that SQLite can hold them."""
    if row.prompt_hashed:
        row = row._replace(prompt=_digest(row.prompt), system=row.system and _digest(row.system))
    whole = without_surrogates(row.answer).encode()
    if len(whole) > MAX_ANSWER:
        head = whole[:MAX_ANSWER].decode("utf-8", "ignore")
        row = row._replace(answer=head, answer_digest=hashlib.sha256(whole).hexdigest())
    return tuple(
        without_surrogates(value) if isinstance(value, str) else _clamp(value) for value in row
    )


def _clamp(value: int | float | None) -> int | float | None:
    """Returns an integer that SQLite can hold; a backend may count as high as it likes."""
    return max(-MAX_INT, min(MAX_INT, value)) if isinstance(value, int) else value


def without_surrogates(text: str) -> str:
    """Returns the text with each lone surrogate spelled out, as UTF-8 has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
