"""What an answer costs, to the cent or not at all."""

from __future__ import annotations

from nr_cli.types.policy import Price
from nr_cli.types.record import Usage


def cost_of(usage: Usage | None, price: Price | None, has_audio: bool = False) -> float | None:
    """Returns US dollars, or None when the tokens or the price are not known.

    No backend's usage says how much of the input was sound: where that has a price of its own,
    the cost of a request with audio is not known.
    """
    if usage is None or price is None or (has_audio and price.audio_input is not None):
        return None
    price = price.at(usage.input_tokens)
    cached = min(usage.cached_input_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    cached_price = price.input if price.cached_input is None else price.cached_input
    write_price = price.input if price.cache_write is None else price.cache_write
    fresh = usage.input_tokens - cached - written
    spent = fresh * price.input + cached * cached_price + written * write_price
    return (spent + usage.output_tokens * price.output) / 1_000_000
