"""What the pipeline is handed of the world: codecs, keys, a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from nr_cli.providers.codec import Codec
    from nr_cli.types.policy import Model
    from nr_cli.types.request import Credential


Clock: TypeAlias = "Callable[[], float]"


class Ports(NamedTuple):
    """Codecs by provider kind, the credential of a model's provider, seconds of a steady clock."""

    codec: Callable[[str], Codec]
    credential: Callable[[Model], Credential]
    clock: Clock
