"""Names the band of a complexity score."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.types.facts import BANDS, Band

EDGES: dict[str, float] = {"trivial": 0.15, "easy": 0.35, "medium": 0.60, "hard": 0.85}


def band_of(score: float, edges: Mapping[str, float] | None = None) -> Band:
    """Returns the first band whose upper edge (0 to 1) the score does not pass, else extreme."""
    own = edges or {}
    for band in BANDS[:-1]:
        if score <= own.get(band, EDGES[band]):
            return band
    return "extreme"
