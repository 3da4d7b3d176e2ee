"""What a policy forbids, whatever else it says."""

from __future__ import annotations

from typing import Literal, NamedTuple

from nr_cli.types.policy import When


class Guard(NamedTuple):
    """One guard: where its condition holds, or cannot be told, it applies, and only narrows.

    `allow_*` is None where anything is allowed; `redact` names what is replaced before anything is
    sent. `max_cost` is in US dollars, `deadline` in seconds.
    """

    name: str
    when: When | None = None
    local_only: bool = False
    allow_models: tuple[str, ...] | None = None
    deny_models: tuple[str, ...] = ()
    allow_providers: tuple[str, ...] | None = None
    deny_providers: tuple[str, ...] = ()
    max_cost: float | None = None
    deadline: float | None = None
    redact: frozenset[str] = frozenset()
    block: bool = False
    message: str = ""


class Guarding(NamedTuple):
    """How one guard fared: it applies, or not, with the reason."""

    name: str
    result: Literal["applies", "no", "unknown"]
    because: str
    message: str = ""
