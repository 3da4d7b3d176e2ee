"""Writes models.json from the genai-prices package: `python -m nr_cli.catalog.generate`.

Prices and windows are that package's. Capabilities and quality, which it does not carry, stand in
the table below, by name prefix. A model whose price has tiers is left unpriced, since one flat
number would be wrong for it.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from decimal import Decimal

from nr_cli.types.json import Json

ABILITIES: dict[str, tuple[list[str], float]] = {
    "gpt-5-nano": (["vision", "tools", "json", "reasoning"], 45),
    "gpt-5-mini": (["vision", "tools", "json", "reasoning"], 65),
    "gpt-5": (["vision", "tools", "json", "reasoning"], 88),
    "gpt-4.1-nano": (["vision", "tools", "json"], 40),
    "gpt-4.1-mini": (["vision", "tools", "json"], 58),
    "gpt-4.1": (["vision", "tools", "json"], 72),
    "gpt-4o-mini": (["vision", "tools", "json"], 50),
    "gpt-4o": (["vision", "tools", "json"], 68),
    "o4-mini": (["vision", "tools", "json", "reasoning"], 78),
    "o3": (["vision", "tools", "json", "reasoning"], 86),
}


def flat(price: object) -> float | None:
    """Returns a flat price in US dollars per million tokens, or None for a tiered one."""
    return float(price) if isinstance(price, Decimal | int | float) else None


def generate() -> dict[str, Json]:
    """Returns the table that models.json holds."""
    import genai_prices
    from genai_prices import data_snapshot

    snapshot = data_snapshot.get_snapshot()
    openai = next(provider for provider in snapshot.providers if provider.id == "openai")
    models: dict[str, Json] = {}
    for model in sorted(openai.models, key=lambda model: str(model.id)):
        if model.id not in ABILITIES:
            continue
        caps, quality = ABILITIES[model.id]
        entry: dict[str, Json] = {"caps": caps, "quality": quality}
        if model.context_window:
            entry["context"] = model.context_window
        prices = model.get_prices(datetime.now(UTC))
        spent, made = flat(prices.input_mtok), flat(prices.output_mtok)
        if spent is not None and made is not None:
            price: dict[str, Json] = {"in": spent, "out": made}
            cached = flat(prices.cache_read_mtok)
            if cached is not None:
                price["cached_in"] = cached
            entry["price"] = price
        models[f"openai/{model.id}"] = entry
    return {"source": f"genai-prices {genai_prices.__version__}", "models": models}


if __name__ == "__main__":
    target = os.path.join(os.path.dirname(__file__), "models.json")
    with open(target, "w", encoding="utf-8") as file:
        json.dump(generate(), file, indent=1)
        file.write("\n")
