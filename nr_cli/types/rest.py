"""How long a backend is left alone, with the reason."""

from __future__ import annotations

from typing import NamedTuple

WORDS = {
    "limit": "it asked to be left alone",
    "breaker": "it failed too often in a row",
    "rpm": "its limit of requests a minute is reached",
}


class Rest(NamedTuple):
    """A backend rests for `left` seconds more; `cause` is limit, breaker or rpm."""

    left: float
    cause: str

    @property
    def because(self) -> str:
        """Returns the cause in words."""
        return WORDS.get(self.cause, self.cause)
