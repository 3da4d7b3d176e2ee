"""Gives the figures of past asks as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from nr_cli.cli.figures import known_cost, known_saving, percentile
from nr_cli.store.history import Filters
from nr_cli.store.tally import MISSING, Axis, Figures, Tally
from nr_cli.types.json import Json

PERCENTS = (50, 90, 95, 99)


def tally_document(tally: Tally, axes: Sequence[Axis], filters: Filters) -> Json:
    """Returns the whole document; a day, route, model or intent that is not there is null."""
    return {
        "version": 1,
        "filters": {**filters._asdict()},
        "total": figures_document(tally.whole),
        "by": {
            axis: [
                {
                    axis: None if group.name in MISSING else group.name,
                    **figures_document(group.figures),
                }
                for group in tally.groups[axis]
            ]
            for axis in axes
        },
    }


def figures_document(figures: Figures) -> dict[str, Json]:
    """Returns the figures; a sum is null where it is unknown for every ask, never zero."""
    counted = not figures.asked or figures.uncounted < figures.asked
    timed = not figures.hits or figures.untimed < figures.hits
    latency: dict[str, Json] = {
        f"p{percent}": _rounded(percentile(figures, percent)) for percent in PERCENTS
    }
    return {
        "asks": figures.asks,
        "failed": figures.failed,
        "failures": [failure._asdict() for failure in figures.failures],
        "tokens": {
            "input": figures.input_tokens if counted else None,
            "output": figures.output_tokens if counted else None,
            "unknown_asks": figures.uncounted,
        },
        "cost": {"usd": _dollars(known_cost(figures)), "unknown_asks": figures.unpriced},
        "cache": {
            "hits": figures.hits,
            "saved_usd": _dollars(known_saving(figures)),
            "unknown_usd_hits": figures.unvalued,
            "saved_ms": round(figures.saved_ms, 1) if timed else None,
            "unknown_ms_hits": figures.untimed,
        },
        "latency_ms": {
            **latency,
            "max": _rounded(figures.latencies[-1] if figures.latencies else None),
        },
        "ratings": {"good": figures.good, "bad": figures.bad},
    }


def _dollars(sum: float | None) -> float | None:
    return None if sum is None else round(sum, 8)


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
