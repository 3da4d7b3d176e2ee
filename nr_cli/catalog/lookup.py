"""Answers what is known of a vendor or a model."""

from __future__ import annotations

import json
import os
from functools import cache

from nr_cli.catalog.vendors import LOCAL_WINDOW, VENDORS
from nr_cli.types.json import Json, JsonObject

EMBEDDED: JsonObject = {
    "context": LOCAL_WINDOW,
    "max_output": 256,
    "caps": [],
    "price": {"in": 0, "out": 0},
    "quality": 5,
}


class Catalog:
    """What nr knows without being told; a policy overrides it key by key."""

    def names(self) -> tuple[str, ...]:
        """Returns the names of all known vendors."""
        return tuple(VENDORS)

    def provider(self, name: str) -> JsonObject | None:
        """Returns a known vendor's settings under the keys of a `providers` entry."""
        return VENDORS.get(name)

    def model(self, provider: str, wire: str) -> JsonObject | None:
        """Returns a known model's facts under the keys of a `models` entry."""
        if provider == "local":
            return EMBEDDED
        entry = models().get(f"{provider}/{wire}")
        return entry if isinstance(entry, dict) else None


@cache
def models() -> dict[str, Json]:
    """Returns the dated table of models by "provider/model"."""
    path = os.path.join(os.path.dirname(__file__), "models.json")
    with open(path, encoding="utf-8") as file:
        table: dict[str, Json] = json.load(file)["models"]
    return table
