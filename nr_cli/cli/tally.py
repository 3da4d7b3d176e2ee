"""Counts how the rows of a batch fare."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import NamedTuple

from nr_cli.errors import ExitCode, NrError
from nr_cli.types.json import Json
from nr_cli.types.record import Record

WINDOW = 10.0  # seconds over which the rate is taken


class Fate(NamedTuple):
    """How one row ended: its record if it was answered, its error if it failed."""

    record: Record | None
    error: NrError | None
    model: str | None


class Tally:
    """The figures of one run; `rows` is how many there are, where that is known."""

    def __init__(self) -> None:
        self.rows: int | None = None
        self.kept = 0
        self.done = 0
        self.failed = 0
        self.cached = 0
        self.again = 0  # failures that another try may mend
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost = 0.0
        self.unpriced = 0
        self.kinds: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self.signal = 0
        self._began = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque([(self._began, 0)])

    def add(self, fate: Fate) -> None:
        """Counts one row."""
        self.done += 1
        if fate.error is not None:
            self.failed += 1
            self.kinds[fate.error.code] += 1
            self.again += fate.error.exit == ExitCode.TRY_LATER
        record = fate.record
        if record is None:
            return
        self.models[fate.model or "?"] += 1
        if record.cache == "hit":
            self.cached += 1
        elif record.usage:
            self.input_tokens += record.usage.input_tokens
            self.output_tokens += record.usage.output_tokens
        if record.spent is None:
            self.unpriced += 1
        else:
            self.cost += record.spent

    @property
    def answered(self) -> int:
        """Returns how many rows of this run have a whole answer."""
        return self.done - self.failed

    def seconds(self) -> float:
        """Returns how long it has taken so far."""
        return time.monotonic() - self._began

    def rate(self) -> float:
        """Returns the rows a second of the last ten seconds."""
        now = time.monotonic()
        while len(self._samples) > 1 and self._samples[1][0] < now - WINDOW:
            self._samples.popleft()
        then, done = self._samples[0]
        if now - self._samples[-1][0] > WINDOW / 20:
            self._samples.append((now, self.done))
        return (self.done - done) / max(now - then, 0.001)

    def left(self) -> float | None:
        """Returns the seconds that the rest will take; None where nobody can tell."""
        rate = self.rate()
        if self.rows is None or not rate:
            return None
        return max(0, self.rows - self.done - self.kept) / rate

    def cost_words(self) -> str:
        """Returns the cost; what is not known is never counted as nothing."""
        if self.unpriced and not self.cost:
            return "cost unknown"
        rest = f" + {self.unpriced} of unknown cost" if self.unpriced else ""
        return f"${self.cost:.4f}{rest}"

    def document(self) -> Json:
        """Returns the figures as JSON."""
        seconds = self.seconds()
        return {
            "version": 1,
            "rows": self.done + self.kept,
            "kept": self.kept,
            "answered": self.answered,
            "failed": self.failed,
            "cached": self.cached,
            "failures": dict[str, Json](self.kinds),
            "models": dict[str, Json](self.models),
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
            "cost": {"usd": round(self.cost, 8), "unknown_rows": self.unpriced},
            "seconds": round(seconds, 3),
            "interrupted": bool(self.signal),
        }


def duration(seconds: float) -> str:
    """Returns a duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
