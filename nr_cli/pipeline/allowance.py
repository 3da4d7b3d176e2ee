"""What is left of one ask: requests, seconds, dollars."""

from __future__ import annotations

from typing import Protocol

from nr_cli.types.recovery import Limits
from nr_cli.types.request import Request


class Purse(Protocol):
    """What the budgets of a policy allow, over all processes; one request at a time."""

    def reserve(self, dollars: float, seconds: float) -> str:
        """Sets a sum aside for so long; returns why it cannot be, an empty text if it is."""
        ...

    def settle(self, dollars: float) -> None:
        """Puts what was spent in its place."""
        ...


class Allowance:
    """One budget over every request of an ask, whoever makes it: retry, fallback or repair."""

    def __init__(
        self, limits: Limits, deadline: float, purse: Purse | None = None, seconds: float = 0.0
    ) -> None:
        """Takes the limits; `deadline` is the clock's reading at which the ask ends.

        `purse` holds what budgets allow, where any count; `seconds` is what the ask is given.
        """
        self._purse = purse
        self._seconds = seconds
        self.deadline = deadline
        self.requests = limits.attempts
        self._dollars = limits.max_cost
        self._spent = 0.0

    def forbids(self, request: Request) -> str:
        """Returns why a request is beyond the budget, an empty text if it is not."""
        if self.requests <= 0:
            return "no request is left (limits.attempts)"
        if self._dollars is None:
            return ""
        if request.estimate is None:
            return f"its price is not known, the limit is ${self._dollars:g}"
        if self._spent + request.estimate > self._dollars:
            return (
                f"it may cost ${request.estimate:.6f}, ${self._dollars - self._spent:.6f} is left"
            )
        return ""

    def take(self, request: Request) -> str:
        """Counts one request, sets its cost aside; returns why no budget holds it, if none does.

        Raises: Refused where a budget cannot be counted.
        """
        if self._purse is not None:
            refused = self._purse.reserve(request.estimate or 0.0, self._seconds)
            if refused:
                return refused
        self.requests -= 1
        return ""

    def pay(self, dollars: float) -> None:
        """Counts what the request that was taken last has cost."""
        self._spent += dollars
        if self._purse is not None:
            self._purse.settle(dollars)
