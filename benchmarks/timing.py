"""Times whole processes in turn, so that a drifting machine cannot favour one of them."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Measured(NamedTuple):
    """The median wall time in milliseconds with the largest peak memory in MB."""

    ms: float
    peak_mb: float


def run_once(command: Sequence[str], environ: Mapping[str, str], stdin: str) -> tuple[float, float]:
    """Returns the wall time in ms and the peak memory in MB of one process."""
    began = time.perf_counter()
    # spawned, not forked: copying this process's tables would count for every child, which makes
    # bare Python look slow and every ratio to it too good
    child = os.posix_spawnp(
        command[0],
        list(command),
        dict(environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    _, status, usage = os.wait4(child, 0)
    if status:  # the time of a failure says nothing
        raise SystemExit(f"{' '.join(command)}: ended with {os.waitstatus_to_exitcode(status)}")
    scale = 1 if sys.platform == "darwin" else 1024
    return (time.perf_counter() - began) * 1000, usage.ru_maxrss * scale / 1e6


def interleave(
    commands: Mapping[str, Sequence[str]],
    environ: Mapping[str, str],
    runs: int,
    stdin: Mapping[str, str] | None = None,
) -> dict[str, Measured]:
    """Returns the measurement of each command; one warm-up run of each is not counted."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            figures = run_once(command, environ, (stdin or {}).get(name, os.devnull))
            if number:
                seen[name].append(figures)
    return {
        name: Measured(statistics.median(ms for ms, _ in rows), max(peak for _, peak in rows))
        for name, rows in seen.items()
    }
