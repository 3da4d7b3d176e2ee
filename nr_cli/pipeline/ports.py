"""What the pipeline is handed of the world: codecs, keys, a clock, chance, memory of health."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from nr_cli.providers.codec import Codec
    from nr_cli.types.events import Failed
    from nr_cli.types.policy import Model
    from nr_cli.types.request import Credential
    from nr_cli.types.rest import Rest

    class Health(Protocol):
        """What is known of backends, by all processes together."""

        def peek(self, model: Model) -> Rest | None:
            """Returns the rest that a model is in."""
            ...

        def enter(self, model: Model, probing: bool = False) -> Rest | None:
            """Takes leave to ask a model; returns the rest that forbids it."""
            ...

        def spend(self, model: Model, failed: Failed) -> bool:
            """Tells whether all processes together may still retry, and counts it."""
            ...

        def failed(self, model: Model, failed: Failed) -> None:
            """Learns of a failure."""
            ...

        def answered(self, model: Model) -> None:
            """Learns of an answer."""
            ...


Clock: TypeAlias = "Callable[[], float]"


class Carefree:
    """Remembers nothing: every backend may be asked at any time."""

    def peek(self, model: Model) -> Rest | None:
        """Returns None."""
        return None

    def enter(self, model: Model, probing: bool = False) -> Rest | None:
        """Returns None."""
        return None

    def spend(self, model: Model, failed: Failed) -> bool:
        """Returns True."""
        return True

    def failed(self, model: Model, failed: Failed) -> None:
        """Forgets it."""

    def answered(self, model: Model) -> None:
        """Forgets it."""


def never() -> float:
    """Returns 0: where nothing is left to chance."""
    return 0.0


class Ports(NamedTuple):
    """Codecs by provider kind, the credential of a model's provider, seconds of a steady clock.

    `chance` draws from 0 to below 1; `health` is made when it is first asked for.
    """

    codec: Callable[[str], Codec]
    credential: Callable[[Model], Credential]
    clock: Clock
    chance: Callable[[], float] = never
    health: Callable[[], Health] = Carefree
