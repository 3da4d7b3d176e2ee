"""Writes the tables of models from the genai-prices package: `python -m nr_cli.catalog.generate`.

Prices and windows are that package's; capabilities and ranks are those of abilities.py. A price
that the table's form cannot state exactly (one by the hour of the day, a fee for each request) is
left out, so that it reads as unknown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nr_cli.catalog.abilities import ability_of
from nr_cli.catalog.lookup import FOLDER, MARKS, SHORTLIST, plain_date, split_mark
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

# Our provider's name, the package's, what its names are preceded by on the wire.
SOURCES: tuple[tuple[str, str, str], ...] = (
    ("openai", "openai", ""),
    ("anthropic", "anthropic", ""),
    ("gemini", "google", ""),
    ("mistral", "mistral", ""),
    ("deepseek", "deepseek", ""),
    ("xai", "x-ai", ""),
    ("groq", "groq", ""),
    ("cerebras", "cerebras", ""),
    ("perplexity", "perplexity", ""),
    ("together", "together", ""),
    ("fireworks", "fireworks", "accounts/fireworks/models/"),
    ("openrouter", "openrouter", ""),
)
# Providers that carry everybody's models: only the families of abilities.py are taken over.
CARRIERS = frozenset(("openrouter",))
PLAIN: Mapping[str, str] = {
    "in": "input_mtok",
    "out": "output_mtok",
    "cached_in": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
LEAST = 45  # the rank below which a model is no choice of the built-in policy
# Prices of what nr never asks for, or only with audio: they leave the plain price exact.
HARMLESS = frozenset(
    (*PLAIN.values(), "cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount",
     "input_audio_mtok", "cache_audio_read_mtok")
)  # fmt: skip
# Prices that only models of another trade have: speech, pictures, scans.
FOREIGN = ("output_audio", "output_image", "output_video", "hours", "kpages", "mchars",
           "input_image", "input_video", "messages")  # fmt: skip
OTHER_TRADES = (
    "embed", "moderation", "tts", "transcribe", "realtime", "whisper", "audio", "image", "ocr",
    "-live", "guard", "safeguard", "robotics", "instruct-0914", "davinci", "babbage", "curie",
    "computer-use", "deep-research", "search", "cyber", "rosalind", "decider", "voice", "ft:",
    "ft-", "experimental", ":batch", ":extended", "claude-v1", "claude-2",
)  # fmt: skip
# Names that are sure to be the vendor's own wire names, for the built-in policy to choose among.
CHOSEN: Mapping[str, tuple[str, ...]] = {
    "openai": ("gpt-[56]*", "gpt-4.1*"),
    "anthropic": ("claude-[a-z]*",),
    "gemini": ("gemini-*",),
    "mistral": ("*-latest", "mistral-large-4", "mistral-large-2512"),
    "deepseek": ("deepseek-flash", "deepseek-v4-pro"),
    "perplexity": ("sonar", "sonar-pro"),
    "openrouter": ("[a-z]*/*",),
}
FOREIGN_NAMES = {
    "gemini": ("claude-", "gemini-1", "gemini-pro", "gemini-flash-1"),
    "openai": ("ada", "gpt-oss", "gpt-3.5-0301", "gpt-3.5-turbo-instruct"),
}


def generate(today: date | None = None) -> dict[str, dict[str, Json]]:
    """Returns the table of each provider by its name, as its file holds it."""
    from importlib.metadata import version

    from genai_prices import data_snapshot

    today = today or datetime.now(UTC).date()
    known = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}
    source = f"genai-prices {version('genai-prices')}"
    tables: dict[str, dict[str, Json]] = {
        ours: {
            "source": source,
            "date": today.isoformat(),
            "models": models_of(ours, known[theirs], before, today),
        }
        for ours, theirs, before in SOURCES
    }
    best = shortlist(known, today)
    tables[SHORTLIST] = {"source": source, "date": today.isoformat(), "models": best}
    return tables


def shortlist(known: Mapping[str, Provider], today: date) -> dict[str, Json]:
    """Returns of each provider the models that nothing cheaper surpasses, by what they can do."""
    chosen = {ours: front(ours, known[theirs], before, today) for ours, theirs, before in SOURCES}
    return {ours: models for ours, models in chosen.items() if models}


def front(ours: str, provider: Provider, before: str, today: date) -> dict[str, Json]:
    """Returns [rank, cost, abilities] by wire name; the cost is only for comparing."""
    rows: list[tuple[float, float, tuple[str, ...], str]] = []
    for model in provider.models:
        name, ability = str(model.id), ability_of(str(model.id))
        cost = dearest(model, today)
        chosen = any(fnmatchcase(name, pattern) for pattern in CHOSEN.get(ours, ("*",)))
        ranked = (ability.quality or 0) >= LEAST
        if cost and ranked and chosen and is_wanted(ours, name, model, today):
            rows.append((cost, -(ability.quality or 0), ability.caps or (), before + name))
    kept: dict[str, Json] = {}
    reached: dict[str, float] = {}
    for cost, worse, able, name in sorted(rows):
        if any(-worse > reached.get(cap, 0.0) for cap in ("", *able)):
            for cap in ("", *able):
                reached[cap] = max(-worse, reached.get(cap, 0.0))
            kept[name] = [-worse, round(cost, 4), [*able]]
    return kept


def dearest(model: ModelInfo, today: date) -> float:
    """Returns what a million tokens cost, three of four read, at the dearest hour of the day."""
    found = [0.0]
    for hour in range(24):
        prices = model.get_prices(datetime(today.year, today.month, today.day, hour, tzinfo=UTC))
        into, out = getattr(prices, "input_mtok", None), getattr(prices, "output_mtok", None)
        if into is not None and out is not None:
            found.append((3 * at(into, None) + at(out, None)) / 4)
    return max(found)


def models_of(ours: str, provider: Provider, before: str, today: date) -> dict[str, Json]:
    """Returns the entries of one provider by wire name."""
    models: dict[str, Json] = {}
    for model in sorted(provider.models, key=lambda model: str(model.id)):
        name = str(model.id)
        if is_wanted(ours, name, model, today):
            models[before + name] = entry_of(provider, model, today)
    return models


def is_wanted(ours: str, name: str, model: ModelInfo, today: date) -> bool:
    """Tells whether a model answers text with text, and is not withdrawn."""
    if model.deprecated or any(word in name.lower() for word in OTHER_TRADES):
        return False
    if name.startswith(FOREIGN_NAMES.get(ours, ())):
        return False
    if ours in CARRIERS and (ability_of(name).quality is None or not is_plain(name)):
        return False
    prices = prices_now(model, today).__dict__
    stated = [key for key, price in prices.items() if price is not None]
    if any(word in key for key in stated for word in FOREIGN):
        return False
    return "output_mtok" in stated or not stated


def is_plain(name: str) -> bool:
    """Tells whether a carrier's name is author/model, without a variant."""
    return "/" in name and ":" not in name and not name.startswith("~")


def entry_of(provider: Provider, model: ModelInfo, today: date) -> dict[str, Json]:
    """Returns what the table says of one model."""
    ability = ability_of(str(model.id))
    entry: dict[str, Json] = {}
    if model.context_window:
        entry["context"] = model.context_window
    if ability.max_output is not None:
        entry["max_output"] = ability.max_output
    if ability.caps is not None:
        entry["caps"] = list(ability.caps)
    if ability.quality is not None:
        entry["quality"] = ability.quality
    price = price_of(model, today)
    if price:
        entry["price"] = price
    marks = marks_of(provider, model)
    if marks:
        entry["same"] = marks
    return entry


def marks_of(provider: Provider, model: ModelInfo) -> list[Json]:
    """Returns the endings under which the same model goes at the same price."""
    name = str(model.id)
    marks = [mark for mark in MARKS if provider.find_model(plain_date(name, mark)) is model]
    start = split_mark(name)[0]
    exact = [other for other in exact_names(model) if split_mark(other)[0] == start != other]
    return [*marks, *sorted({other[len(start) :] for other in exact} - {*marks})]


def exact_names(model: ModelInfo) -> list[str]:
    """Returns the names that the package lists for a model one by one."""
    clauses = getattr(model.match, "or_", [model.match])
    return [clause.equals for clause in clauses if hasattr(clause, "equals")]


def prices_now(model: ModelInfo, today: date) -> ModelPrice:
    """Returns the prices in force at noon."""
    return model.get_prices(datetime(today.year, today.month, today.day, 12, tzinfo=UTC))


def price_of(model: ModelInfo, today: date) -> dict[str, Json]:
    """Returns US dollars per million tokens, empty where the table's form cannot state them."""
    until, always = term_of(model, today)
    prices = {k: v for k, v in prices_now(model, today).__dict__.items() if v is not None}
    if not always or not prices.keys() <= HARMLESS:
        return {}
    if prices.get("input_mtok") is None or prices.get("output_mtok") is None:
        return {}
    steps = steps_of(prices)
    price = step_of(prices, None)
    if steps:
        price["over"] = [{"above": step, **step_of(prices, step)} for step in steps]
    if "input_audio_mtok" in prices:
        price["audio_in"] = at(prices["input_audio_mtok"], None)
    if until is not None:
        price["until"] = until.isoformat()
    return price


def term_of(model: ModelInfo, today: date) -> tuple[date | None, bool]:
    """Returns the day from which another price holds, and whether it depends on days alone."""
    from genai_prices.types import StartDateConstraint

    if not isinstance(model.prices, list):
        return None, True
    limits = [entry.constraint for entry in model.prices if entry.constraint is not None]
    days = [limit.start_date for limit in limits if isinstance(limit, StartDateConstraint)]
    return min((day for day in days if day > today), default=None), len(days) == len(limits)


def steps_of(prices: Mapping[str, object]) -> list[int]:
    """Returns the input sizes in tokens above which the whole request costs otherwise."""
    return sorted({tier.start for price in prices.values() for tier in getattr(price, "tiers", ())})


def step_of(prices: Mapping[str, object], step: int | None) -> dict[str, Json]:
    """Returns the plain prices of a request larger than a step, of any small one for None."""
    return {ours: at(prices[theirs], step) for ours, theirs in PLAIN.items() if theirs in prices}


def at(price: object, step: int | None) -> float:
    """Returns one price at a step, in US dollars per million tokens."""
    if isinstance(price, Decimal | int | float):
        return float(price)
    reached = [tier.price for tier in getattr(price, "tiers", ()) if step and tier.start <= step]
    return float(reached[-1] if reached else price.base)  # type: ignore[attr-defined] # the package's TieredPrices


def write(folder: str, tables: Mapping[str, Mapping[str, Json]], mode: int = 0o644) -> None:
    """Writes a file for each provider, one model a line, each in one step. Raises: OSError."""
    for name, table in tables.items():
        models = table["models"]
        assert isinstance(models, Mapping), "generate makes maps"
        lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(models[key])}" for key in models)
        head = f'"source": {json.dumps(table["source"])}, "date": {json.dumps(table["date"])}'
        scratch = os.path.join(folder, f".{name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(f'{{{head}, "models": {{\n{lines}\n}}}}\n')
        os.replace(scratch, os.path.join(folder, f"{name}.json"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    write(FOLDER, generate())
