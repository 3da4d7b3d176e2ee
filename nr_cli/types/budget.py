"""What may be spent in a day, a week, a month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.types.policy import When

Period: TypeAlias = Literal["day", "week", "month"]
Action: TypeAlias = Literal["warn", "downgrade", "block"]


class Budget(NamedTuple):
    """One budget in US dollars: what happens `at` which share of its limit (1.0 is all of it).

    `downgrade_to` names who answers instead; `unpriced` are globs of models whose price nobody
    knows and that may answer all the same.
    """

    name: str
    limit: float
    per: Period
    at: Mapping[float, Action] = {1.0: "block"}
    when: When | None = None
    downgrade_to: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()

    def action(self, spent: float) -> Action | None:
        """Returns what a sum calls for, the strictest that it has reached; one cent is a cent."""
        reached = [at for at in self.at if spent > self.limit * at + 1e-9]
        return self.at[max(reached)] if reached else None


class Spent(NamedTuple):
    """What a budget has been used for in its present period, in US dollars."""

    settled: float = 0.0
    reserved: float = 0.0

    @property
    def total(self) -> float:
        """Returns what is gone, or may be."""
        return self.settled + self.reserved
