"""What happens while an ask is answered: the only bus from the pipeline to its readers."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from nr_cli.errors import FailureKind
from nr_cli.types.decision import Decision
from nr_cli.types.policy import Model
from nr_cli.types.record import Finish, Record, Usage


class Decided(NamedTuple):
    """Routing is done; nothing has been sent."""

    decision: Decision


class Started(NamedTuple):
    """A request to this model begins."""

    model: Model


class Text(NamedTuple):
    """A piece of the answer."""

    text: str


class Held(NamedTuple):
    """A piece of an answer that is shown only when it is whole, or when the ask is broken off."""

    text: str


class Reasoning(NamedTuple):
    """A piece of the model's thinking, which is not part of the answer."""

    text: str


class ToolCall(NamedTuple):
    """The model wants a tool called; nr never calls one."""

    name: str
    arguments: str


class Failed(NamedTuple):
    """An attempt failed; a value, because the chain decides what follows.

    `status` is the HTTP status if there was one, `retry_after` seconds if the server named them,
    `should_retry` what it says of trying again.
    """

    model: Model
    kind: FailureKind
    detail: str
    status: int | None = None
    retry_after: float | None = None
    should_retry: bool | None = None


class Waiting(NamedTuple):
    """Nothing happens for this many seconds, for this reason."""

    seconds: float
    reason: str


class Switched(NamedTuple):
    """The next candidate takes over, before anything was shown."""

    failed: Failed
    to: Model


class Finished(NamedTuple):
    """The backend is done with its answer."""

    finish: Finish | None
    usage: Usage | None


class Served(NamedTuple):
    """The ask is answered; the record is the whole story."""

    record: Record


Event: TypeAlias = (
    "Decided | Started | Text | Held | Reasoning | ToolCall | Failed | Waiting | Switched"
    " | Finished | Served"
)
