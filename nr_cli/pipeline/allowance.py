"""What is left of one ask: requests, seconds, dollars."""

from __future__ import annotations

from nr_cli.types.recovery import Limits
from nr_cli.types.request import Request


class Allowance:
    """One budget over every request of an ask, whoever makes it: retry, fallback or repair."""

    def __init__(self, limits: Limits, deadline: float) -> None:
        """Takes the limits; `deadline` is the clock's reading at which the ask ends."""
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

    def take(self) -> None:
        """Counts one request."""
        self.requests -= 1

    def pay(self, dollars: float) -> None:
        """Counts what a request has cost."""
        self._spent += dollars
