"""Draws a one-line progress bar on stderr, or a plain line where it is no terminal."""

from __future__ import annotations

import os
from contextlib import suppress

from nr_cli.cli.env import Outside

WIDTH = 30
MEGABYTE = 1_000_000


class ProgressLine:
    """One line that a terminal redraws; elsewhere its beginning with its end."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._begun = False

    def show(self, what: str, done: int, total: int) -> None:
        """Shows how far a preparation is; `done` equal to `total` ends the line.

        From a megabyte on it is bytes that are counted.
        """
        if not self._outside.err_is_terminal or self._outside.plain:
            if done >= total or not self._begun:
                self._outside.say(f"nr: {what}" + (": done" if done >= total else " …"))
            self._begun = True
            return
        share = min(1.0, done / total) if total else 0.0
        bar = "━" * int(share * WIDTH) + "╌" * (WIDTH - int(share * WIDTH))
        end = "\n" if done >= total else ""
        amount = (
            f"{done / 1e6:.0f}/{total / 1e6:.0f} MB" if total >= MEGABYTE else f"{done}/{total}"
        )
        line = f"\r\x1b[K{what} {bar} {amount}{end}"
        with suppress(OSError):  # nobody watches
            os.write(2, line.encode())
