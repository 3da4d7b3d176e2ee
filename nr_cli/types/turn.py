"""One question with its answer, as another tool kept it."""

from __future__ import annotations

from typing import NamedTuple


class Turn(NamedTuple):
    """A past ask; `time` in seconds since the epoch, `model` by that tool's own name."""

    id: str
    time: float
    prompt: str
    system: str | None
    answer: str
    model: str | None
    input_tokens: int | None = None
    output_tokens: int | None = None
    ms: int | None = None
