"""Shows how far a batch is: one line that a terminal redraws, elsewhere one every few seconds."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from nr_cli.cli.env import Outside
from nr_cli.cli.tally import Tally, duration

LIVE = 0.1  # seconds between two drawings on a terminal
LINE = 5.0  # seconds between two lines elsewhere
BAR = 24


class Gauge:
    """The progress of one run on stderr; a silent one shows nothing."""

    def __init__(self, outside: Outside, tally: Tally, quiet: bool, live: bool) -> None:
        """Takes where to show it, what to show, whether one line may be redrawn."""
        self._outside = outside
        self._tally = tally
        self._quiet = quiet
        self._live = live
        self._last = time.monotonic()
        self._drawn = False

    def show(self) -> None:
        """Shows how things are if it is time for that."""
        now = time.monotonic()
        if self._quiet or now - self._last < (LIVE if self._live else LINE):
            return
        self._last = now
        words = progress_words(self._tally)
        if self._live:
            self._draw(words, bar(self._tally))
        else:
            self._outside.say(f"nr: {words}")

    def say(self, line: str) -> None:
        """Says a line of its own, above the one that is redrawn."""
        if not self._quiet:
            self.end()
            self._outside.say(line)

    def end(self) -> None:
        """Takes the drawn line away."""
        if self._drawn:
            self._draw()
            self._drawn = False

    def _draw(self, words: str = "", bar: str = "") -> None:
        width = 80
        with suppress(OSError):  # a terminal that does not tell its width
            width = os.get_terminal_size(2).columns or width
        with suppress(OSError):  # nobody watches
            os.write(2, f"\r\x1b[K{fit(words, bar, width - 1)}".encode())
        self._drawn = True


def fit(words: str, bar: str, width: int) -> str:
    """Returns the line for so many columns: the bar goes first, then figures from the end."""
    if bar and len(bar) + 1 + len(words) <= width:
        return f"{bar} {words}"
    if len(words) <= width:
        return words
    whole = words[: width + 1].rpartition(", ")[0]
    return whole or words[:width]


def progress_words(tally: Tally) -> str:
    """Returns done, failed, cached, cost, rate, time left in one line."""
    done = tally.done + tally.kept
    rows = f"{done} rows" if tally.rows is None else f"{done}/{max(tally.rows, done)} rows"
    parts = [rows, f"{tally.failed} failed", f"{tally.cached} cached", tally.cost_words()]
    parts.append(f"{tally.rate():.1f} rows/s")
    left = tally.left()
    if left is not None:
        parts.append(f"{duration(left)} left")
    return ", ".join(parts)


def bar(tally: Tally) -> str:
    """Returns a bar as long as the share of rows that are done; nothing where that is unknown."""
    if not tally.rows:
        return ""
    filled = int(min(1.0, (tally.done + tally.kept) / tally.rows) * BAR)
    return "━" * filled + "╌" * (BAR - filled)
