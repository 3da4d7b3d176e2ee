"""Counts what budgets were used for, exactly, over all processes.

Before a request is sent its estimate is reserved, in one change of the budget's file under its
lock; after it what it really cost takes the place of that. Whoever dies in between leaves a
reservation, which counts until it expires.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from nr_cli.store.states import States
from nr_cli.types.budget import Budget, Period, Spent

T = TypeVar("T")
FOLDER = "budgets"
PATIENCE = 10.0  # seconds to wait for whoever else is counting
GRACE = 60.0  # seconds that a reservation outlives the time its ask was given


class Reserved(NamedTuple):
    """A sum that is set aside in some budgets, under one id."""

    id: str
    budgets: tuple[Budget, ...]


class Page(NamedTuple):
    """One budget's present period: settled dollars, (dollars, end) of each reservation by id."""

    period: str
    settled: float
    holds: dict[str, tuple[float, float]]


class Unkept(OSError):
    """A budget that must hold cannot be counted."""


class Ledger:
    """The budgets' files in the state directory."""

    def __init__(self, state_dir: str | None, now: Callable[[], float] = time.time) -> None:
        """Takes the state directory, a clock of the world."""
        self._states = States(state_dir, FOLDER)
        self._now = now

    def spent(self, budget: Budget) -> Spent:
        """Returns what a budget was used for in its present period."""
        page = self._page(budget, self._states.read(_name(budget)))
        return Spent(page.settled, math.fsum(dollars for dollars, _ in page.holds.values()))

    def reserve(
        self, budgets: Sequence[Budget], dollars: float, seconds: float
    ) -> Reserved | Budget:
        """Sets a sum aside in all budgets; returns the one that it would exceed, if one is.

        Raises: Unkept.
        """
        id = os.urandom(8).hex()
        held: list[Budget] = []
        for budget in budgets:
            if not self._reserve(budget, id, dollars, self._now() + seconds + GRACE):
                self.settle(Reserved(id, tuple(held)), 0.0)
                return budget
            held.append(budget)
        return Reserved(id, tuple(held))

    def settle(self, reserved: Reserved, dollars: float) -> None:
        """Puts what a request cost in the place of what was set aside. Raises: Unkept."""
        for budget in reserved.budgets:
            self._turn(budget, lambda page: (_settled(page, reserved.id, dollars), None))

    def _reserve(self, budget: Budget, id: str, dollars: float, until: float) -> bool:
        def step(page: Page) -> tuple[Page, bool]:
            gone = page.settled + math.fsum(held for held, _ in page.holds.values())
            if budget.action(gone + dollars) == "block":
                return page, False
            return page._replace(holds={**page.holds, id: (dollars, until)}), True

        return self._turn(budget, step)

    def _turn(self, budget: Budget, step: Callable[[Page], tuple[Page, T]]) -> T:
        def rewrite(content: bytes | None) -> tuple[bytes | None, T]:
            page, said = step(self._page(budget, content))
            return _dump(budget, page), said

        try:
            return self._states.change(_name(budget), rewrite, PATIENCE, strict=True)
        except OSError as error:
            raise Unkept(f"budget {budget.name} cannot be counted: {error}") from None

    def _page(self, budget: Budget, content: bytes | None) -> Page:
        """Returns the present period's page, an empty one at its beginning."""
        now = self._now()
        page = _parse(content)
        period = period_of(budget.per, now)
        settled = page.settled if page.period == period else 0.0
        holds = {id: hold for id, hold in page.holds.items() if hold[1] > now}
        return Page(period, settled, holds)


def period_of(per: Period, moment: float) -> str:
    """Returns the name of the day, the ISO 8601 week or the month of a moment, local time."""
    form = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}[per]
    return time.strftime(form, time.localtime(moment))


def period_now(per: Period) -> str:
    """Returns the name of the present day, week or month."""
    return period_of(per, time.time())


def _settled(page: Page, id: str, dollars: float) -> Page:
    holds = {known: hold for known, hold in page.holds.items() if known != id}
    return page._replace(settled=page.settled + dollars, holds=holds)


def _name(budget: Budget) -> str:
    return hashlib.sha256(f"{budget.name}\0{budget.per}".encode()).hexdigest()[:32]


def _dump(budget: Budget, page: Page) -> bytes:
    return json.dumps({"name": budget.name, **page._asdict()}).encode()


def _parse(content: bytes | None) -> Page:
    try:
        document = json.loads(content or b"{}")
        holds = {str(id): (float(a), float(b)) for id, (a, b) in document["holds"].items()}
        return Page(str(document["period"]), float(document["settled"]), holds)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Page("", 0.0, {})
