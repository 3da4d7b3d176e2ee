"""Decides which backends rest, from what all processes on this machine have seen of them.

Theory. Backends that share a limit or a fate form a group, and a group has one state. What a server
says (a limit, an error) concerns the model that was asked, or all that share its quota; where
nothing answers at all, whatever lies behind the address is down. So a model belongs to two groups,
which may be the same: `said` learns of responses, `silent` of their absence.

A group rests after a server said for how long, or after so many failures in a row (the breaker).
Once a breaker's rest is over the group is half-open: one request at a time may try it,
under a lease that runs out should its holder die. An answer closes the breaker; a failure opens it
again, for longer. The state also holds tokens that retries spend and answers bring back, so that a
thousand processes together never multiply an outage (the retry quota of AWS's SDKs, gRPC's
retryThrottling). A backend that works has no state at all: the usual ask reads one missing file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from nr_cli.errors import FailureKind
from nr_cli.types.events import Failed
from nr_cli.types.policy import Model
from nr_cli.types.recovery import Breaker, Share
from nr_cli.types.rest import Rest

T = TypeVar("T")
LONGEST = 300.0  # seconds of any rest: what a damaged clock or file says beyond it is not believed
TOKENS = 50.0
COSTS = {FailureKind.RATE_LIMIT: 2.0, FailureKind.OVERLOADED: 2.0}
COST = 5.0  # tokens of a retry after any other failure
LEASE = 30.0  # seconds that one probe may take before another may try
MINUTE = 60.0
SOON, LONG = 0.1, 5.0  # seconds to wait for whoever else is writing: a limit a minute must hold
THROTTLED = 1.0  # seconds of rest after a limit that came without a time; doubled each time
LONGEST_THROTTLED = 20.0
OUTAGES = frozenset((
    FailureKind.OVERLOADED,
    FailureKind.SERVER,
    FailureKind.NETWORK,
    FailureKind.TIMEOUT,
    FailureKind.STREAM_BROKEN,
))  # fmt: skip


class Groups(NamedTuple):
    """The names of a model's two states; `who` and `where` are their names for people."""

    said: str
    silent: str
    who: str
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        """Returns the names, each once."""
        return (self.said,) if self.said == self.silent else (self.said, self.silent)

    def called(self, name: str) -> str:
        """Returns a state's name for people."""
        return self.who if name == self.said else self.where


def groups_of(model: Model, share: Share, fingerprint: str) -> Groups:
    """Returns with whom a model rests, as `share` says; `fingerprint` is that of its key."""
    provider = model.provider
    if share == "quota_group" and provider.quota_group:
        name = _digest(f"group\0{provider.quota_group}")
        return Groups(name, name, provider.quota_group, provider.quota_group)
    place = "/".join(provider.base_url.split("/", 3)[:3]) or provider.name
    origin = f"{provider.kind}\0{place}\0{fingerprint}"
    one, every = _digest(f"{origin}\0{model.wire}"), _digest(origin)
    if share == "provider":
        return Groups(every, every, provider.name, provider.name)
    return Groups(one, one if share == "model" else every, model.id, provider.name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


class State(NamedTuple):
    """What is known of one group; times are in seconds since the epoch.

    `failures` came in a row since `first`; `until` ends the rest, for `cause`; `trips` counts rests
    in a row; `asked` are the requests of the last minute
    where those are limited. `probes` end the leases of those who try it. `who` is for people.
    """

    who: str = ""
    failures: int = 0
    first: float = 0.0
    until: float = 0.0
    cause: str = ""
    trips: int = 0
    throttles: int = 0
    probes: tuple[float, ...] = ()
    tokens: float = TOKENS
    asked: tuple[float, ...] = ()


class Shared(Protocol):
    """Bytes by name that processes share."""

    def read(self, name: str) -> bytes | None:
        """Returns a state."""
        ...

    def names(self) -> list[str]:
        """Returns the names of all states."""
        ...

    def drop(self, name: str) -> None:
        """Forgets a state."""
        ...

    def change(
        self,
        name: str,
        step: Callable[[bytes | None], tuple[bytes | None, T]],
        patience: float = SOON,
    ) -> T:
        """Returns what a step says of a state; the bytes it gives back take its place."""
        ...


class Health:
    """What the chain asks before it asks a backend, and tells afterwards."""

    def __init__(
        self,
        shared: Shared,
        groups: Callable[[Model], Groups],
        breaker: Breaker,
        now: Callable[[], float],
    ) -> None:
        """Takes where states are kept, what says a model's groups, a clock of the world."""
        self._shared = shared
        self._groups = groups
        self._breaker = breaker
        self._now = now

    def peek(self, model: Model) -> Rest | None:
        """Returns the rest that a model is in, None when it may be asked."""
        groups, now = self._groups(model), self._now()
        rests = []
        for name in groups.names:
            state = parse(self._shared.read(name), now)
            rpm = model.provider.rpm if name == groups.silent else None
            rests.append(resting(state, now, rpm, self._breaker.half_open))
        return max(filter(None, rests), key=lambda rest: rest.left, default=None)

    def enter(self, model: Model, probing: bool = False) -> Rest | None:
        """Takes leave to ask a model now; returns the rest that forbids it.

        Whoever is `probing` may ask in spite of a breaker, so many at a time.
        """
        groups = self._groups(model)
        for name in groups.names:
            rpm = model.provider.rpm if name == groups.silent else None
            if rpm is None and self._shared.read(name) is None:
                continue
            rest = self._enter(name, groups.called(name), rpm, probing)
            if rest is not None:
                if name != groups.said:
                    self._release(groups.said)
                return rest
        return None

    def _enter(self, name: str, who: str, rpm: int | None, probing: bool) -> Rest | None:
        most = self._breaker.half_open

        def step(state: State, now: float) -> tuple[State, Rest | None]:
            state = state._replace(who=who)
            if probing and state.cause == "breaker":
                state = state._replace(until=min(state.until, now))
            rest = resting(state, now, rpm, most)
            if rest is not None:
                return state, rest
            if state.trips and state.cause == "breaker":
                state = state._replace(probes=(*state.probes, now + LEASE)[-most:])
            if rpm is not None:
                state = state._replace(asked=(*recent(state, now), now)[-rpm:])
            return state, None

        return self._change(name, step, SOON if rpm is None else LONG)

    def spend(self, model: Model, failed: Failed) -> bool:
        """Tells whether a retry is within what all processes may retry, and counts it.

        To wait as long as the server asked is no load that it did not invite.
        """
        if failed.retry_after is not None:
            return True
        groups, cost = self._groups(model), COSTS.get(failed.kind, COST)

        def step(state: State, now: float) -> tuple[State, bool]:
            if state.tokens < cost:
                return state, False
            return state._replace(
                who=groups.called(groups.silent), tokens=state.tokens - cost
            ), True

        return self._change(groups.silent, step)

    def failed(self, model: Model, failed: Failed) -> None:
        """Learns of a failure."""
        groups = self._groups(model)
        is_outage = failed.kind in OUTAGES or failed.kind == FailureKind.RATE_LIMIT
        for name in groups.names:
            is_told = failed.status is not None or failed.kind == FailureKind.RATE_LIMIT
            if is_outage and name == (groups.said if is_told else groups.silent):
                self._worsen(name, groups.called(name), failed)
            elif self._shared.read(name) is not None:
                self._release(name)

    def _worsen(self, name: str, who: str, failed: Failed) -> None:
        def step(state: State, now: float) -> tuple[State, None]:
            state = state._replace(who=who, probes=())
            return after_failure(state, failed, self._breaker, now), None

        self._change(name, step)

    def answered(self, model: Model) -> None:
        """Learns that a model answered; of one that always does nothing is written."""
        for name in self._groups(model).names:
            if self._shared.read(name) is not None:
                self._change(name, lambda state, now: (after_answer(state), None))

    def _release(self, name: str) -> None:
        """Gives back the lease of a probe that neither opened nor closed anything."""
        if self._shared.read(name) is not None:
            self._change(name, lambda state, now: (state._replace(probes=state.probes[1:]), None))

    def all(self) -> list[tuple[str, str, Rest]]:
        """Returns what rests now: the state's name, who it is, for how long."""
        now = self._now()
        states = [(name, parse(self._shared.read(name), now)) for name in self._shared.names()]
        rests = [(name, state.who, resting(state, now, None, 1)) for name, state in states]
        return [(name, who, rest) for name, who, rest in rests if rest is not None]

    def wake(self, name: str) -> None:
        """Ends a rest by the name of its state."""
        self._shared.drop(name)

    def _change(
        self, name: str, step: Callable[[State, float], tuple[State, T]], patience: float = SOON
    ) -> T:
        """Returns what a step says of a state, kept where it is another than before."""

        def rewrite(content: bytes | None) -> tuple[bytes | None, T]:
            now = self._now()
            state = parse(content, now)
            after, said = step(state, now)
            return (None if after == state else dump(after, now)), said

        return self._shared.change(name, rewrite, patience)


def resting(state: State, now: float, rpm: int | None, half_open: int) -> Rest | None:
    """Returns the rest that a state means at a time."""
    if state.until > now:
        return Rest(state.until - now, state.cause)
    leases = [until for until in state.probes if until > now]
    if state.cause == "breaker" and state.trips and len(leases) >= half_open:
        return Rest(min(leases) - now, "breaker")
    if rpm is not None:
        asked = recent(state, now)
        if len(asked) >= rpm:
            return Rest(asked[-rpm] + MINUTE - now, "rpm")
    return None


def recent(state: State, now: float) -> tuple[float, ...]:
    """Returns the requests of the last minute."""
    return tuple(at for at in state.asked if now - MINUTE < at <= now)


def after_failure(state: State, failed: Failed, breaker: Breaker, now: float) -> State:
    """Returns the state after one more failure."""
    if failed.retry_after is not None and failed.kind != FailureKind.TIMEOUT:
        until = max(state.until, now + min(failed.retry_after, LONGEST))
        state = state._replace(until=until, cause=state.cause if state.trips else "limit")
        if failed.kind == FailureKind.RATE_LIMIT:
            return state
    elif failed.kind == FailureKind.RATE_LIMIT:
        rest = min(THROTTLED * 2.0**state.throttles, LONGEST_THROTTLED)
        throttles = min(state.throttles + 1, 10)
        cause = state.cause if state.trips else "limit"
        return state._replace(until=max(state.until, now + rest), cause=cause, throttles=throttles)
    if state.trips and state.until > now:
        return state  # open already: what was on its way then says nothing new
    is_late = now - state.first > breaker.window
    failures = 1 if is_late and not state.trips else state.failures + 1
    state = state._replace(failures=failures, first=now if failures == 1 else state.first)
    if failures < breaker.failures and not state.trips:
        return state
    trips = min(state.trips + 1, 100)
    rest = min(breaker.cooldown * trips, LONGEST)
    return state._replace(until=max(state.until, now + rest), cause="breaker", trips=trips)


def after_answer(state: State) -> State:
    """Returns the state after an answer; a limit that others met in the meantime still stands."""
    still = state.until if state.cause == "limit" else 0.0
    return state._replace(
        failures=0,
        first=0.0,
        until=still,
        cause=state.cause if still else "",
        trips=0,
        throttles=0,
        probes=(),
        tokens=min(TOKENS, state.tokens + 1.0),
    )


def dump(state: State, now: float) -> bytes:
    """Returns a state as it is kept."""
    return json.dumps({**state._asdict(), "at": now}).encode()


def parse(content: bytes | None, now: float) -> State:
    """Returns a kept state; of what is damaged, or lies too far ahead, nothing is believed.

    What nobody has touched for longer than any rest is forgotten: an outage of yesterday says
    nothing of today.
    """
    try:
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return State()
    if not isinstance(document, dict) or now - _number(document, "at", now + LONGEST) > LONGEST:
        return State()
    latest = now + LONGEST
    cause = document.get("cause")
    return State(
        who=str(document.get("who", ""))[:200],
        failures=int(_number(document, "failures", 1e6)),
        first=_number(document, "first", now),
        until=_number(document, "until", latest),
        cause=cause if cause in ("limit", "breaker") else "",
        trips=int(_number(document, "trips", 100)),
        throttles=int(_number(document, "throttles", 10)),
        probes=_times(document.get("probes"), latest),
        tokens=_number(document, "tokens", TOKENS, TOKENS),
        asked=_times(document.get("asked"), now),
    )


def _times(value: object, latest: float) -> tuple[float, ...]:
    found = value if isinstance(value, list) else []
    return tuple(
        float(at)
        for at in found
        if isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= latest
    )


def _number(document: dict[str, object], name: str, most: float, otherwise: float = 0.0) -> float:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    return float(value) if math.isfinite(value) and 0 <= value <= most else otherwise
