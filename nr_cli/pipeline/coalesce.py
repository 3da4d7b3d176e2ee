"""Lets one of several equal asks go to the backend while the others wait for its answer.

Theory. Whoever misses the cache asks for leave under its cache key. The first one gets it; the
others look again, ever less often, until it is given back. Then either the answer is in the cache,
or it was none to keep, and everybody who waited asks for himself at once; or its holder died, and
the next one takes its place. No wait outlasts the ask's own time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Protocol

from nr_cli.types.steps import Reply, Sleep, Step

if TYPE_CHECKING:
    from nr_cli.pipeline.ports import Clock
    from nr_cli.types.events import Event

PAUSE, LONGEST_PAUSE, GROWTH = 0.005, 0.05, 1.3  # seconds, seconds, times


class Hold(Protocol):
    """Leave to ask."""

    @property
    def has_news(self) -> bool:
        """Tells whether the cache may hold the answer by now."""
        ...

    def release(self, kept: bool) -> None:
        """Gives it back; `kept` says whether the answer is in the cache."""
        ...


class Flights(Protocol):
    """Who is on the way to a backend, over all processes."""

    def join(self, key: str, since: float) -> Hold | None:
        """Returns leave to ask, None while an equal ask is on its way."""
        ...


def line_up(
    flights: Flights, key: str, now: Callable[[], float], clock: Clock, until: float
) -> Generator[Step | Event, Reply, tuple[Hold | None, float]]:
    """Yields waits until leave is given; returns it with the seconds that passed.

    It is None where the clock reads `until` first.
    """
    since, began, pause = now(), clock(), PAUSE
    while (hold := flights.join(key, since)) is None:
        if clock() + pause >= until:
            break
        yield Sleep(pause)
        pause = min(pause * GROWTH, LONGEST_PAUSE)
    return hold, clock() - began
