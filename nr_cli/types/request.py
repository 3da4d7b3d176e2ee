"""The resolved request: exactly what one model is going to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Timeouts


class Request(NamedTuple):
    """Everything that can change the answer, plus how long to wait for it.

    `schema` is the JSON Schema that the protocol itself is to enforce, None where there is none or
    where the system text asks for it. `input_tokens` is the estimate of the whole input, `estimate`
    what it costs with its answer in US dollars, None when not known.
    """

    model: Model
    messages: tuple[Message, ...]
    params: Mapping[str, Json]
    timeouts: Timeouts
    schema: JsonObject | None = None
    input_tokens: int = 0
    estimate: float | None = None


class Credential(NamedTuple):
    """A provider's key with where it came from.

    `problem` says why no key can be sent. `fingerprint` tells keys apart without revealing them.
    `others` are secrets that the provider's headers carry: like the key, they are never told.
    """

    key: str | None
    source: str
    fingerprint: str = ""
    problem: str | None = None
    others: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Returns what must never be told, longest first, so that none hides behind a part."""
        found = {secret for secret in (self.key, *self.others) if secret}
        return tuple(sorted(found, key=len, reverse=True))
