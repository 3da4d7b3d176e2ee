"""Prints figures beside their goals, then says whether they were met."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

LEEWAY = 1.25  # a shared machine is noisy: --check fails only beyond this


class Row(NamedTuple):
    """One figure; `most` is a goal it may not pass, `least` one it must reach."""

    name: str
    figure: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def goal(self) -> str:
        """Returns the goal as the table shows it."""
        if self.most is not None:
            return f"<= {self.most:g}"
        return f">= {self.least:g}" if self.least is not None else ""

    @property
    def is_missed(self) -> bool:
        """Tells whether the goal is missed by more than the leeway."""
        if self.most is not None:
            return self.figure > self.most * LEEWAY
        return self.least is not None and self.figure < self.least / LEEWAY


class Options(argparse.Namespace):
    """What every benchmark is told."""

    short: bool
    check: bool


def read_options(about: str | None) -> Options:
    """Returns the flags of the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--short", action="store_true", help="fewer runs, smaller inputs")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 for a goal missed by more than 25 %%"
    )
    return parser.parse_args(namespace=Options())


def report(rows: Sequence[Row], check: bool) -> int:
    """Prints the table; returns the exit status, which is 0 unless checked."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        mark = "  missed" if row.is_missed else ""
        line = f"{row.name:<{width}}{row.figure:>11.2f} {row.unit:<11}{row.goal:>8}{mark}"
        print(line.rstrip())
    return int(check and any(row.is_missed for row in rows))
