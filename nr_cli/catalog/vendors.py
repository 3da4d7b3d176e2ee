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
    "local": {"kind": "local", "local": True},
}
