"""What a policy says of failures: who is asked again, who next, within which limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Share: TypeAlias = Literal["quota_group", "provider", "model"]


class Limits(NamedTuple):
    """One budget over all requests of an ask: their number, seconds, US dollars.

    Without a `deadline` the longest `total` of its candidates is the limit.
    """

    attempts: int = 6
    deadline: float | None = None
    max_cost: float | None = None

    def narrowed(self, deadline: float | None, max_cost: float | None) -> Limits:
        """Returns the limits with others beside them: of each the smallest counts."""
        deadlines = [one for one in (self.deadline, deadline) if one is not None]
        costs = [one for one in (self.max_cost, max_cost) if one is not None]
        return Limits(self.attempts, min(deadlines, default=None), min(costs, default=None))


class Retry(NamedTuple):
    """How often one model is asked again, after which waits in seconds.

    `base` and `most` are None where they follow from the failure: 0.1 s doubled up to 5 s after a
    transient one, 1 s doubled up to 20 s where the server has too much to do. `jitter` draws each
    wait between nothing and the whole. `max_wait` bounds what a server may ask for.
    """

    times: int = 2
    base: float | None = None
    factor: float = 2.0
    most: float | None = None
    jitter: bool = True
    respect_retry_after: bool = True
    max_wait: float | None = None


class Breaker(NamedTuple):
    """When a backend rests: after so many `failures` in a row within `window` seconds.

    It rests for `cooldown` seconds, longer each time, then `half_open` requests try it. `share`
    says who rests together.
    """

    failures: int = 5
    window: float = 60.0
    cooldown: float = 30.0
    half_open: int = 1
    share: Share = "quota_group"


class FollowUp(NamedTuple):
    """What follows one kind of failure: steps, or models that come next for it."""

    steps: frozenset[str]
    models: tuple[str, ...] = ()


class Recovery(NamedTuple):
    """All that a route, or else the policy, says of failures; `fallback` is by kind."""

    limits: Limits = Limits()
    retry: Retry = Retry()
    fallback: Mapping[str, FollowUp] = {}
