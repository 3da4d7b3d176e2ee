"""Names the band of a complexity score."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.types.facts import BAND_EDGES, BANDS, Band


def band_of(score: float, edges: Mapping[str, float] | None = None) -> Band:
    """Returns the first band whose upper edge (0 to 1) the score does not pass, else extreme."""
    own = edges or {}
    for band in BANDS[:-1]:
        if score <= own.get(band, BAND_EDGES[band]):
            return band
    return "extreme"
