"""The chain: asks the candidates in turn until one answers, within one budget.

Theory. Each candidate has a `Turn`. All get a first turn, in the order of the decision, before any
gets a second: another model that is awake beats waiting for this one. When no fresh one is left the
chain comes back to those whose failure may pass, each after its wait. A failed turn is a value,
whose kind says what may follow: the same model again, the next one, one with more room, or nobody.

Three rules stand above all others. Nothing follows once text was shown: a second answer glued to
half of a first is worse than an error. Where nothing is shown before the end (`buffered`), a broken
stream is a failure like any other, and its text is dropped. No wait begins that would outlast the
deadline, and no request that the budget does not hold.

A backend that rests is passed over, since others may be awake. Only where every candidate rests is
the soonest probed, once, in spite of a breaker; a rest that its server asked for is kept to, by
waiting where it is short, else by giving up at once. The rows of a batch are patient: they wait for
a breaker as well, or a hiccup of seconds would fail all that is left.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

from nr_cli.errors import FailureKind, NrError, Refused
from nr_cli.pipeline.allowance import Allowance
from nr_cli.pipeline.attempt import Attempt, Outcome
from nr_cli.pipeline.cost import cost_of
from nr_cli.pipeline.failure import exhausted
from nr_cli.pipeline.ports import Ports
from nr_cli.types.events import Event, Failed, Started, Switched, Waiting
from nr_cli.types.policy import Model
from nr_cli.types.record import Attempt as AttemptRecord
from nr_cli.types.recovery import FollowUp, Recovery, Retry
from nr_cli.types.request import Request
from nr_cli.types.rest import Rest
from nr_cli.types.steps import Reply, Sleep, Step

AGAIN = FollowUp(frozenset(("retry", "next")))
NEXT = FollowUp(frozenset(("next",)))
UPGRADE = FollowUp(frozenset(("upgrade",)))
FAIL = FollowUp(frozenset(("fail",)))

# What follows a failure before any text was shown: the defaults of the policy language.
FOLLOW: dict[FailureKind, FollowUp] = {
    FailureKind.RATE_LIMIT: AGAIN,
    FailureKind.OVERLOADED: AGAIN,
    FailureKind.NETWORK: AGAIN,
    FailureKind.SERVER: AGAIN,
    FailureKind.STREAM_BROKEN: AGAIN,
    FailureKind.TIMEOUT: NEXT,
    FailureKind.QUOTA: NEXT,
    FailureKind.MODEL_NOT_FOUND: NEXT,
    FailureKind.AUTH: NEXT,
    FailureKind.INVALID_RESPONSE: NEXT,
    FailureKind.CONTEXT_LENGTH: UPGRADE,
    FailureKind.UNSUPPORTED: UPGRADE,
    FailureKind.CONTENT_FILTER: FAIL,
    FailureKind.BAD_REQUEST: FAIL,
}
THROTTLED = frozenset((FailureKind.RATE_LIMIT, FailureKind.OVERLOADED))
TRANSIENT_WAITS, THROTTLED_WAITS = (0.1, 5.0), (1.0, 20.0)  # seconds: the first wait, the longest
PATIENCE = 20.0  # seconds that a wait may take while another candidate is at hand
SPREAD = 0.1  # the share of a wait that is drawn on top, so that not all come back at once
SPREAD_MOST = 1.0  # seconds
LOOK = 2.0  # seconds after which a row of many looks whether a breaker has closed


class Reached(NamedTuple):
    """The end of a chain: the last outcome with the request behind it, every attempt listed."""

    request: Request
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...]
    waited_ms: float


class Turn:
    """One candidate's place in the chain.

    `due` is the clock's reading before which it rests, `wait` how many seconds its turn begins
    with. `paid` says that its retry is counted already, `barred` why the budget forbids it.
    """

    def __init__(self, request: Request, key: str) -> None:
        """Takes the request; `key` is the same for all its attempts."""
        self.request = request
        self.key = key
        self.tried = 0
        self.failed: Failed | None = None
        self.due = 0.0
        self.wait = 0.0
        self.rest: Rest | None = None
        self.paid = False
        self.out = False
        self.barred = ""

    @property
    def model(self) -> Model:
        """Returns the candidate."""
        return self.request.model


class Chain:
    """The state of one walk; `spares` are the requests that a kind of failure brings in."""

    def __init__(
        self,
        requests: Sequence[Request],
        ports: Ports,
        allowance: Allowance,
        recovery: Recovery,
        spares: Mapping[str, Sequence[Request]],
        buffered: bool,
        patient: bool,
    ) -> None:
        """Takes the candidates in order; there is at least one."""
        self._patient = patient
        self._ports = ports
        self._health = ports.health()
        self._allowance = allowance
        self._recovery = recovery
        self._spares = spares
        self._buffered = buffered
        self._turns = [self._turn(request) for request in requests]
        self._attempts: list[AttemptRecord] = []
        self._failures: list[Failed] = []
        self._waited = 0.0
        self._slept = 0.0
        self._probing = False
        self._ended = False

    def run(self) -> Generator[Step | Event, Reply, Reached]:
        """Yields the events of each attempt; returns the answer, or what was cut after text.

        Raises: Exhausted when no candidate is left and nothing was shown; Refused when the budget
        holds none.
        """
        reached: Reached | None = None
        while (turn := self._choose()) is not None:
            yield from self._pause(turn)
            turn.rest = self._health.enter(turn.model, self._probing)
            if turn.rest is not None:
                turn.due = self._due(turn.rest)
                continue
            if self._failures and self._failures[-1].model.name != turn.model.name:
                yield Switched(self._failures[-1], turn.model)
            turn.barred = self._allowance.take(turn.request)
            if turn.barred:
                turn.out = True
                continue
            outcome = yield from self._ask(turn)
            reached = self._reached(turn, outcome)
            if outcome.failed is None or (outcome.text and not self._buffered):
                return reached
            self._follow(turn, outcome.failed)
        if reached is not None and reached.outcome.text:
            return reached
        raise self._spent()

    def _turn(self, request: Request) -> Turn:
        chance = self._ports.chance
        return Turn(request, "nr-" + "".join(f"{int(chance() * 2**32):08x}" for _ in range(4)))

    def _reached(self, turn: Turn, outcome: Outcome) -> Reached:
        return Reached(turn.request, outcome, tuple(self._attempts), self._waited)

    def _ask(self, turn: Turn) -> Generator[Step | Event, Reply, Outcome]:
        """Yields the events of one attempt; keeps its record."""
        ports, model = self._ports, turn.model
        turn.tried += 1
        turn.paid = False
        yield Started(model)
        credential, codec = ports.credential(model), ports.codec(model.provider.kind)
        deadline = self._allowance.deadline
        attempt = Attempt(turn.request, credential, codec, ports.clock, deadline, turn.key)
        cost = turn.request.estimate or 0.0  # whoever is broken off may have to be paid in full
        try:
            outcome = yield from attempt.run(hold=self._buffered)
            cost = price_of(turn.request, outcome)
        finally:
            self._allowance.pay(cost)
        self._waited += outcome.waited_ms
        kind = outcome.failed.kind if outcome.failed else None
        self._attempts.append(
            AttemptRecord(
                model.name, model.provider.name, kind, outcome.status, self._slept, outcome.ms
            )
        )
        self._slept = 0.0
        if outcome.failed is None:
            self._health.answered(model)
        else:
            self._failures.append(outcome.failed)
            # an ask that gave up by itself says nothing of the backend; what a server says counts
            if outcome.failed.status is not None or ports.clock() < deadline:
                self._health.failed(model, outcome.failed)
            yield outcome.failed
        return outcome

    def _choose(self) -> Turn | None:
        """Returns whose turn it is, None when there is nobody or no time left."""
        now = self._ports.clock()
        open_ = [turn for turn in self._turns if not turn.out]
        if self._ended or now >= self._allowance.deadline or self._allowance.requests <= 0:
            return None
        for turn in open_:
            if turn.tried == 0 and turn.due <= now and self._affords(turn):
                turn.rest, turn.wait = self._health.peek(turn.model), 0.0
                if turn.rest is None:
                    return turn
                turn.due = self._due(turn.rest)
        return self._come_back([turn for turn in open_ if not turn.out], now)

    def _due(self, rest: Rest) -> float:
        """Returns when to look again: whoever can wait looks before a breaker's rest is over."""
        left = min(rest.left, LOOK) if self._patient and rest.cause == "breaker" else rest.left
        return self._ports.clock() + left

    def _affords(self, turn: Turn) -> bool:
        """Tells whether the budget holds a turn; one that it does not hold is out."""
        turn.barred = self._allowance.forbids(turn.request)
        turn.out = turn.out or bool(turn.barred)
        return not turn.out

    def _come_back(self, turns: list[Turn], now: float) -> Turn | None:
        """Returns which turn is waited for: the soonest that may be, then the one tried least."""
        if not (self._patient or self._failures) and turns and all(turn.rest for turn in turns):
            soonest = min(turns, key=lambda turn: turn.due)
            if soonest.rest is not None and soonest.rest.cause == "breaker":
                if self._probing:
                    return None  # somebody else is probing it
                self._probing, soonest.wait = True, 0.0
                return soonest
        if not self._patient:
            turns = [turn for turn in turns if turn.rest is None or turn.rest.cause != "breaker"]
        for turn in sorted(turns, key=lambda turn: (max(turn.due, now), turn.tried)):
            turn.wait = self._wait_of(turn, now)
            if turn.due - now > self._patience(len(turns) > 1, now) or (
                now + turn.wait >= self._allowance.deadline
            ):
                turn.out = True
            elif self._affords(turn) and self._may_retry(turn):
                return turn
        return None

    def _wait_of(self, turn: Turn, now: float) -> float:
        """Returns the seconds before a turn: until it is due, else the backoff."""
        rest, chance = turn.due - now, self._ports.chance()
        if rest > 0:
            # many rows wait for one server: they come back one after the other
            return rest + min((1.0 if self._patient else SPREAD) * rest, SPREAD_MOST) * chance
        if turn.failed is None:
            return 0.0
        return backoff(turn.tried, turn.failed.kind, self._recovery.retry, chance)

    def _may_retry(self, turn: Turn) -> bool:
        """Tells whether all processes together may still retry; a fresh turn is no retry."""
        if turn.failed is not None and not turn.paid:
            turn.paid = self._health.spend(turn.model, turn.failed)
            turn.out = not turn.paid
        return not turn.out

    def _patience(self, has_others: bool, now: float) -> float:
        """Returns the longest wait in seconds; none outlasts the deadline."""
        left = self._allowance.deadline - now
        most = self._recovery.retry.max_wait
        if most is None:
            most = PATIENCE if has_others else left
        return min(most, left)

    def _pause(self, turn: Turn) -> Generator[Step | Event, Reply, None]:
        """Yields the wait that a turn begins with, said first."""
        if turn.wait <= 0:
            return
        because = turn.rest.because if turn.rest else turn.failed.kind.value if turn.failed else ""
        self._slept += turn.wait
        self._waited += turn.wait * 1000
        yield Waiting(turn.wait, f"{turn.model.id}: {because}")
        yield Sleep(turn.wait)

    def _follow(self, turn: Turn, failed: Failed) -> None:
        """Settles who may follow a failure."""
        turn.failed, turn.rest = failed, None
        follow = self._follow_up(failed)
        self._bring_in(turn, follow, failed)
        upgrades = "upgrade" in follow.steps
        self._ended = "fail" in follow.steps or self._probing
        if upgrades and failed.kind == FailureKind.CONTEXT_LENGTH:
            for other in self._turns:
                other.out = other.out or not has_more_room(other.model, failed.model)
        elif not (upgrades or "next" in follow.steps or follow.models):
            for other in self._turns:
                other.out = other.out or other is not turn
        retry = self._recovery.retry
        # a row can wait for its turn: a server that gives it a time has not failed it
        has_time = self._patient and failed.retry_after is not None
        is_spent = turn.tried > retry.times and not (
            has_time and failed.kind == FailureKind.RATE_LIMIT
        )
        turn.out = "retry" not in follow.steps or is_spent
        if failed.retry_after is not None and retry.respect_retry_after:
            turn.due = self._ports.clock() + failed.retry_after

    def _follow_up(self, failed: Failed) -> FollowUp:
        """Returns what the policy says, else the defaults; the server's own word on top."""
        follow = self._recovery.fallback.get(failed.kind.value)
        if follow is None:
            follow = FOLLOW[failed.kind]
            if failed.kind == FailureKind.TIMEOUT and failed.status is not None:
                follow = AGAIN  # the server gave up, at once: waiting for it was not in vain
        if failed.should_retry is None:
            return follow
        if failed.should_retry:
            return follow._replace(steps=(follow.steps - {"fail"}) | {"retry"})
        return follow._replace(steps=follow.steps - {"retry"})

    def _bring_in(self, turn: Turn, follow: FollowUp, failed: Failed) -> None:
        """Puts the models that a kind of failure names behind the turn, each once."""
        if not follow.models:
            return
        known = {other.model.name for other in self._turns}
        at = self._turns.index(turn) + 1
        spares = self._spares.get(failed.kind.value, ())
        self._turns[at:at] = [
            self._turn(request) for request in spares if request.model.name not in known
        ]

    def _spent(self) -> NrError:
        """Returns the error of a chain that nobody answered."""
        failures = [*self._failures, *self._resting()]
        if failures:
            return exhausted(failures, self._attempts)
        barred = [f"{turn.model.id}: {turn.barred}" for turn in self._turns if turn.barred]
        if barred:
            return Refused("\n".join(barred[:3]), "raise the limit, or name a cheaper model")
        turn = self._turns[0]
        late = Failed(turn.model, FailureKind.TIMEOUT, "the time was over before it was asked")
        return exhausted([late], self._attempts)

    def _resting(self) -> list[Failed]:
        """Returns, as failures, the candidates that were not asked because they rest."""
        now = self._ports.clock()
        found = []
        for turn in self._turns:
            rest = turn.rest
            if self._probing and turn.tried:
                rest = self._health.peek(turn.model)
            if rest is None:
                continue
            kind = FailureKind.OVERLOADED if rest.cause == "breaker" else FailureKind.RATE_LIMIT
            left = rest.left if turn.tried else max(0.0, turn.due - now)
            found.append(Failed(turn.model, kind, f"rests: {rest.because}", None, round(left, 1)))
        return found


def walk(
    requests: Sequence[Request],
    ports: Ports,
    allowance: Allowance,
    recovery: Recovery,
    buffered: bool,
    spares: Mapping[str, Sequence[Request]] | None = None,
    patient: bool = False,
) -> Generator[Step | Event, Reply, Reached]:
    """Yields the events of each attempt; returns the answer, or an outcome cut after text.

    Where it is `buffered` text comes as Held: the caller shows the outcome's. Who is `patient`
    comes back as often as a server gives it a time, within the budget. There is at least one
    request: a decision without candidates is refused before.

    Raises: Exhausted when no candidate is left and nothing was shown.
    """
    chain = Chain(requests, ports, allowance, recovery, spares or {}, buffered, patient)
    return chain.run()


def backoff(tried: int, kind: FailureKind, retry: Retry, chance: float) -> float:
    """Returns the seconds before one more try, `chance` from 0 to below 1.

    Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
    """
    base, most = THROTTLED_WAITS if kind in THROTTLED else TRANSIENT_WAITS
    base = base if retry.base is None else retry.base
    most = most if retry.most is None else retry.most
    longest = min(most, base * retry.factor ** min(tried - 1, 60))
    return longest * chance if retry.jitter else longest


def has_more_room(model: Model, than: Model) -> bool:
    """Tells whether a model's window is larger; one that is not known may be."""
    return than.context is None or model.context is None or model.context > than.context


def price_of(request: Request, outcome: Outcome) -> float:
    """Returns what a request has cost at most, in US dollars.

    What failed before anything was said costs nothing; otherwise, without a count of the tokens,
    the estimate stands.
    """
    known = cost_of(outcome.usage, request.model.price)
    if known is not None:
        return known
    if outcome.failed is None:
        return request.estimate or 0.0
    return (request.estimate or 0.0) if outcome.text or outcome.reasoning else 0.0
