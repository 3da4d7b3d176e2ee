"""Known vendors of the protocols nr speaks: address with key variable, one line each."""

from __future__ import annotations

from nr_cli.types.json import JsonObject

LOCAL_WINDOW = 2048

VENDORS: dict[str, JsonObject] = {
    "openai": {
        "kind": "openai",
        "base_url": "https://api.openai.com/v1",
        "api_key_env": "OPENAI_API_KEY",
    },
    "anthropic": {
        "kind": "anthropic",
        "base_url": "https://api.anthropic.com/v1",
        "api_key_env": "ANTHROPIC_API_KEY",
    },
    "gemini": {
        "kind": "gemini",
        "base_url": "https://generativelanguage.googleapis.com/v1beta",
        "api_key_env": "GEMINI_API_KEY",
    },
    "local": {"kind": "local", "local": True},
}

# A second variable that holds the key of a vendor, read where the first is not set. It counts at
# the vendor's own address alone: whoever names a variable for another place means that variable.
SECOND_KEYS: dict[tuple[str, str], str] = {
    ("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"): "GOOGLE_API_KEY",
}
