"""The chain: tries the candidates in order until one answers.

Theory. The chain holds the candidates that routing kept. Each gets one turn. A failed turn is a
value whose kind says what follows: the next candidate, a candidate with more room, or the end.
Nothing follows once text was shown: a second answer glued to half of a first is worse than an
error. Where nothing is shown before the end (`buffered`), a broken stream is a failure like any
other, and its text is dropped in favour of the next candidate's.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.errors import FailureKind
from nr_cli.pipeline.attempt import Attempt, Outcome
from nr_cli.pipeline.failure import exhausted
from nr_cli.pipeline.ports import Ports
from nr_cli.types.events import Event, Failed, Started, Switched
from nr_cli.types.policy import Model
from nr_cli.types.record import Attempt as AttemptRecord
from nr_cli.types.request import Request
from nr_cli.types.steps import Reply, Step

Follow: TypeAlias = Literal["next", "upgrade", "fail"]

# What follows a failure before any text was shown: the defaults of the policy language.
FOLLOW: dict[FailureKind, Follow] = {
    FailureKind.RATE_LIMIT: "next",
    FailureKind.OVERLOADED: "next",
    FailureKind.NETWORK: "next",
    FailureKind.SERVER: "next",
    FailureKind.TIMEOUT: "next",
    FailureKind.QUOTA: "next",
    FailureKind.MODEL_NOT_FOUND: "next",
    FailureKind.AUTH: "next",
    FailureKind.INVALID_RESPONSE: "next",
    FailureKind.STREAM_BROKEN: "next",
    FailureKind.CONTEXT_LENGTH: "upgrade",
    FailureKind.UNSUPPORTED: "upgrade",
    FailureKind.CONTENT_FILTER: "fail",
    FailureKind.BAD_REQUEST: "fail",
}


class Reached(NamedTuple):
    """The end of a chain: the last outcome with the request behind it, every attempt listed."""

    request: Request
    outcome: Outcome
    attempts: tuple[AttemptRecord, ...]
    waited_ms: float


def walk(
    requests: Sequence[Request], ports: Ports, deadline: float, buffered: bool
) -> Generator[Step | Event, Reply, Reached]:
    """Yields the events of each attempt; returns the answer, or an outcome cut after text.

    Where it is `buffered` text comes as Held: the caller shows the outcome's.

    There is at least one request: a decision without candidates is refused before.

    Raises: Exhausted when no candidate is left and nothing was shown.
    """
    attempts: list[AttemptRecord] = []
    failures: list[Failed] = []
    waited = 0.0
    left = list(requests)
    while True:
        request = left.pop(0)
        model = request.model
        yield Started(model)
        credential, codec = ports.credential(model), ports.codec(model.provider.kind)
        attempt = Attempt(request, credential, codec, ports.clock, deadline)
        outcome = yield from attempt.run(hold=buffered)
        waited += outcome.waited_ms
        failed = outcome.failed
        attempts.append(_entry(model, outcome))
        if failed is None:
            break
        failures.append(failed)
        yield failed
        left = followers(failed, left, shown=bool(outcome.text) and not buffered)
        if not left or ports.clock() >= deadline:
            break
        yield Switched(failed, left[0].model)
    if failed is not None and not outcome.text:
        raise exhausted(failures, attempts)
    return Reached(request, outcome, tuple(attempts), waited)


def followers(failed: Failed, left: list[Request], shown: bool) -> list[Request]:
    """Returns the candidates that may still follow this failure."""
    if shown:
        return []
    follow = FOLLOW[failed.kind]
    if follow == "fail":
        return []
    if follow == "upgrade" and failed.kind == FailureKind.CONTEXT_LENGTH:
        room = failed.model.context
        return [
            request
            for request in left
            if room is None or request.model.context is None or request.model.context > room
        ]
    return left


def _entry(model: Model, outcome: Outcome) -> AttemptRecord:
    kind = outcome.failed.kind if outcome.failed else None
    return AttemptRecord(model.name, model.provider.name, kind, outcome.status, 0.0, outcome.ms)
