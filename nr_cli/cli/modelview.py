"""Puts what is known of a model into words, rows or JSON."""

from __future__ import annotations

from typing import NamedTuple

from nr_cli.cli.configured import key_words
from nr_cli.policy.schema import CAPS
from nr_cli.types.json import Json
from nr_cli.types.policy import Model, Price
from nr_cli.types.request import Credential
from nr_cli.types.rest import Rest

HEADS = ("model", "id", "key", "window", "abilities", "$/M in, out", "rank")
UNKNOWN = "-"


class Seen(NamedTuple):
    """One model with the key of its provider, whether the policy names it, how long it rests."""

    model: Model
    credential: Credential
    in_policy: bool
    rest: Rest | None = None


def row_of(seen: Seen) -> tuple[str, ...]:
    """Returns a model's cells, in the order of `HEADS`."""
    model = seen.model
    return (
        model.name if model.name != model.id else "",
        model.id,
        "no key" if seen.credential.problem else key_words(seen.credential),
        window_words(model.context),
        " ".join(caps_of(model)) if model.caps is not None else UNKNOWN,
        price_words(model.price),
        UNKNOWN if model.quality is None else f"{model.quality:g}",
    )


def rest_words(rest: Rest | None) -> str:
    """Returns for how long a model is left alone, an empty text for one that is awake."""
    return "" if rest is None else f"{rest.left:.0f} s more: {rest.because}"


def document_of(seen: Seen) -> dict[str, Json]:
    """Returns a model as JSON; null is not known."""
    model, key = seen.model, seen.credential
    return {
        "name": model.name,
        "id": model.id,
        "provider": model.provider.name,
        "in_policy": seen.in_policy,
        "key": {"source": key.source if key.key else None, "problem": key.problem},
        "context": model.context,
        "max_output": model.max_output,
        "caps": None if model.caps is None else [*caps_of(model)],
        "price": price_document(model.price),
        "quality": model.quality,
        "params": {**model.params},
        "system": model.system,
        "tags": [*model.tags],
        "rests": seen.rest and {"left_s": round(seen.rest.left, 1), "cause": seen.rest.cause},
    }


def price_document(price: Price | None) -> Json:
    """Returns a price as JSON, in US dollars per million tokens."""
    if price is None:
        return None
    document: dict[str, Json] = {
        "in": price.input,
        "out": price.output,
        "cached_in": price.cached_input,
        "cache_write": price.cache_write,
        "audio_in": price.audio_input,
    }
    if price.over:
        document["over"] = [
            {"above": above, "in": step.input, "out": step.output, "cached_in": step.cached_input,
             "cache_write": step.cache_write}
            for above, step in price.over
        ]  # fmt: skip
    return document


def price_lines(price: Price | None) -> list[str]:
    """Returns a price with all its parts, a line each."""
    if price is None:
        return ["not known"]
    lines = [f"${price.input:g} in, ${price.output:g} out a million tokens"]
    for words, value in (
        ("read from the vendor's cache", price.cached_input),
        ("written to the vendor's cache", price.cache_write),
        ("sound", price.audio_input),
    ):
        if value is not None:
            lines.append(f"${value:g} {words}")
    for above, step in price.over:
        lines.append(f"${step.input:g} in, ${step.output:g} out above {window_words(above)} in")
    return lines


def price_words(price: Price | None) -> str:
    """Returns a price in a few characters; + says that large requests cost more."""
    if price is None:
        return UNKNOWN
    return f"{price.input:g}, {price.output:g}{' +' if price.over else ''}"


def window_words(tokens: int | None) -> str:
    """Returns a number of tokens in thousands or millions."""
    if tokens is None:
        return UNKNOWN
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.3g}M"
    return f"{tokens / 1000:.4g}k" if tokens >= 1000 else str(tokens)


def caps_of(model: Model) -> tuple[str, ...]:
    """Returns what a model can do, in the order of the policy's page."""
    return tuple(cap for cap in CAPS if cap in (model.caps or ()))
