"""Names the vendors that other tools know, as a policy writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nr_cli.catalog.vendors import VENDORS as KNOWN
from nr_cli.migrate.haul import Haul, Key
from nr_cli.policy.addresses import url_flaw
from nr_cli.types.json import JsonObject

# The vendors that these tools know.
NAMES = (
    "openai", "anthropic", "gemini", "ollama", "cerebras", "deepseek", "fireworks", "groq",
    "mistral", "openrouter", "perplexity", "together", "xai",
)  # fmt: skip
# As a policy may write them: what a vendor's server does otherwise is kept where it is known.
VENDORS: Mapping[str, JsonObject] = {
    name: {key: value for key, value in KNOWN[name].items() if key != "quirks"} for name in NAMES
}
OTHER_NAMES = {"claude": "anthropic", "google": "gemini"}
# How the names of a vendor's own models begin.
FAMILIES = (
    (re.compile(r"gpt-|chatgpt-|o[1-9](-|$)"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"gemini-"), "gemini"),
    (re.compile(r"(mistral|codestral|ministral|pixtral)-"), "mistral"),
    (re.compile(r"deepseek-(chat|reasoner)$"), "deepseek"),
    (re.compile(r"grok-"), "xai"),
)


def model_id(name: str) -> str | None:
    """Returns "provider/model" for a model that other tools name alone, None for an unknown."""
    vendor, slash, wire = name.partition("/")
    vendor = OTHER_NAMES.get(vendor, vendor)
    if slash and wire and vendor in VENDORS:
        return f"{vendor}/{wire}"
    found = next((family for pattern, family in FAMILIES if pattern.match(name)), None)
    return f"{found}/{name}" if found else None


def variable_of(provider: str) -> str:
    """Returns the variable that holds a provider's key by custom."""
    known = VENDORS.get(provider, {}).get("api_key_env")
    return str(known or re.sub(r"\W", "_", provider).upper() + "_API_KEY")


def add_vendor(haul: Haul, provider: str) -> None:
    """Keeps the entry of a known vendor."""
    haul.providers.setdefault(provider, VENDORS[provider])


def add_provider(haul: Haul, provider: str, entry: JsonObject) -> bool:
    """Keeps a provider's entry; tells whether it could be, which `left` explains."""
    address = str(entry.get("base_url") or "")
    wrong = "holds a $" if "$" in address else None
    if address and wrong is None:
        wrong = url_flaw(address, "api_key_env" in entry, entry.get("local") is True)
    if wrong is None and provider.replace("-", "").replace("_", "").isalnum():
        haul.providers[provider] = entry
        return True
    haul.left.append(f"provider {provider}: {f'its address {wrong}' if wrong else 'its name'}")
    return False


def add_key(haul: Haul, provider: str, place: str, variable: str | None = None) -> None:
    """Keeps where a provider's key lies."""
    key = Key(provider, variable or variable_of(provider), place)
    if key not in haul.keys:
        haul.keys.append(key)


def is_near(address: str) -> bool:
    """Tells whether an address is on this machine."""
    return re.match(r"https?://(localhost|127\.|\[::1\])", address) is not None
