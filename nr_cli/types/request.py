"""The resolved request: exactly what one model is going to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from nr_cli.types.json import Json
from nr_cli.types.policy import Model, Timeouts


class Message(NamedTuple):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


class Request(NamedTuple):
    """Everything that can change the answer, plus how long to wait for it."""

    model: Model
    messages: tuple[Message, ...]
    params: Mapping[str, Json]
    timeouts: Timeouts


class Credential(NamedTuple):
    """A provider's key with where it came from.

    `problem` says why no key can be sent. `fingerprint` tells keys apart without revealing them.
    """

    key: str | None
    source: str
    fingerprint: str = ""
    problem: str | None = None
