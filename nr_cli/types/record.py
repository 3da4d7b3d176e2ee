"""What is kept of an answered ask: the answer, its usage, its cost, how it was served."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from nr_cli.errors import FailureKind
from nr_cli.types.decision import Decision
from nr_cli.types.policy import Model

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
CacheStatus: TypeAlias = Literal["hit", "miss", "stale", "refresh", "off"]


class Usage(NamedTuple):
    """Tokens as the backend counted them.

    Input read from the vendor's cache, or written to it, is part of `input_tokens`.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0


class Attempt(NamedTuple):
    """One request that was made: how it ended (None: well), and how long it took."""

    model: str
    provider: str
    kind: FailureKind | None
    status: int | None
    wait_s: float
    ms: float


class Record(NamedTuple):
    """The whole story of one ask; `cost` is US dollars, None when not known.

    `complete` says that the backend itself declared the answer whole. `waited_ms` is the time
    spent waiting for backends, so that the rest is nr's own.
    """

    decision: Decision
    model: Model | None
    text: str
    reasoning: str
    finish: Finish | None
    complete: bool
    usage: Usage | None
    cost: float | None
    cache: CacheStatus
    cache_key: str
    cache_age: float | None
    attempts: tuple[Attempt, ...]
    started: float
    total_ms: float
    waited_ms: float

    @property
    def spent(self) -> float | None:
        """Returns US dollars for the answer with the opinions before it, None if not known."""
        spent = self.cost
        for opinion in self.decision.opinions:
            spent = None if spent is None or opinion.cost is None else spent + opinion.cost
        return spent
