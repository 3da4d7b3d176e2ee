"""The chain: tries the candidates in order until one answers.

Theory. The chain holds the candidates that routing kept. Each gets one turn. A failed turn is a
value whose kind says what follows: the next candidate, a candidate with more room, or the end.
Nothing follows once text was shown: a second answer glued to half of a first is worse than an
error. Where nothing is shown before the end (`buffered`), a broken stream is a failure like any
other, and its text is dropped in favour of the next candidate's.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.errors import Exhausted, FailureKind
from nr_cli.pipeline.attempt import Attempt, Clock, Outcome
from nr_cli.providers.codec import Codec
from nr_cli.types.events import Event, Failed, Started, Switched, Text
from nr_cli.types.policy import Model
from nr_cli.types.record import Attempt as AttemptRecord
from nr_cli.types.request import Credential, Request
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


class Ports(NamedTuple):
    """What the chain is given of the world: codecs by kind, keys by provider, a clock."""

    codec: Callable[[str], Codec]
    credential: Callable[[Model], Credential]
    clock: Clock


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

    Raises: Exhausted when no candidate is left and nothing was shown.
    """
    attempts: list[AttemptRecord] = []
    failures: list[Failed] = []
    waited = 0.0
    left = list(requests)
    while left:
        request = left.pop(0)
        model = request.model
        yield Started(model)
        attempt = Attempt(
            request,
            ports.credential(model),
            ports.codec(model.provider.kind),
            ports.clock,
            deadline,
        )
        outcome = yield from attempt.run(hold=buffered)
        waited += outcome.waited_ms
        failed = outcome.failed
        attempts.append(_entry(model, outcome))
        if failed is not None:
            failures.append(failed)
            yield failed
            left = followers(failed, left, shown=bool(outcome.text) and not buffered)
            if left and ports.clock() < deadline:
                yield Switched(failed, left[0].model)
                continue
        if failed is None or outcome.text:
            if buffered and outcome.text:
                yield Text(outcome.text)
            return Reached(request, outcome, tuple(attempts), waited)
        break
    raise exhausted(failures, attempts)


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


HINTS: dict[FailureKind, str] = {
    FailureKind.RATE_LIMIT: "try again later, or add another model to the route",
    FailureKind.OVERLOADED: "try again later, or add another model to the route",
    FailureKind.TIMEOUT: "try again later, or raise --timeout",
    FailureKind.QUOTA: "check the account's plan, or add another model to the route",
    FailureKind.SERVER: "try again later, or add another model to the route",
    FailureKind.NETWORK: "check base_url and that the server is running",
    FailureKind.MODEL_NOT_FOUND: "check the model's name and base_url",
    FailureKind.UNSUPPORTED: "choose a model that can do this",
    FailureKind.AUTH: "check the key: its variable is named under providers in the policy",
    FailureKind.BAD_REQUEST: "check -o options and params",
    FailureKind.CONTEXT_LENGTH: "shorten the input, or choose a model with a larger window",
    FailureKind.CONTENT_FILTER: "reword the prompt",
    FailureKind.INVALID_RESPONSE: "check base_url: is this an API address?",
    FailureKind.STREAM_BROKEN: "try again",
}


def exhausted(failures: Sequence[Failed], attempts: Sequence[AttemptRecord]) -> Exhausted:
    """Returns the error of a spent chain: at most three attempts in words, then what to do."""
    lines = [describe(failed) for failed in failures[-3:]]
    if len(failures) > len(lines):
        lines[0] = f"{len(failures)} models failed; the last: {lines[0]}"
    error = Exhausted(failures, "\n".join(lines))
    error.hint = HINTS[error.kind]
    error.attempts = tuple(attempts)
    return error


def describe(failed: Failed) -> str:
    """Returns one failure in one line: model, provider, kind, status, the server's words."""
    status = f" (HTTP {failed.status})" if failed.status else ""
    wait = f"; retry after {failed.retry_after:g} s" if failed.retry_after is not None else ""
    detail = " ".join(failed.detail.split())[:300]
    return f"{failed.model.id}: {failed.kind.value}{status}: {detail}{wait}"
