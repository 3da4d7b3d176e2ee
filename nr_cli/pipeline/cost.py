"""What an answer costs, to the cent or not at all."""

from __future__ import annotations

from nr_cli.types.policy import Price
from nr_cli.types.record import Usage


def cost_of(usage: Usage | None, price: Price | None) -> float | None:
    """Returns US dollars, or None when the tokens or the price are not known."""
    if usage is None or price is None:
        return None
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = usage.input_tokens - cached
    dollars = fresh * price.input + cached * cached_price + usage.output_tokens * price.output
    return dollars / 1_000_000
