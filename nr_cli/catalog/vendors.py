"""Known vendors of the protocols nr speaks: address, key variable, quirks, one line each."""

from __future__ import annotations

from nr_cli.types.json import JsonObject

LOCAL_WINDOW = 2048


def _compatible(base_url: str, variable: str, *quirks: str) -> JsonObject:
    """Returns a vendor of OpenAI's chat protocol; `quirks` are where it departs from that."""
    return {"kind": "openai", "base_url": base_url, "api_key_env": variable, "quirks": quirks}


def _here(port: int, path: str = "/v1", kind: str = "openai") -> JsonObject:
    """Returns a server on this machine, at its usual port, that asks for no key."""
    return {"kind": kind, "base_url": f"http://127.0.0.1:{port}{path}", "local": True}


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
    # a base_url of the form https://RESOURCE.openai.azure.com is the customer's to give
    "azure": {"kind": "azure", "api_key_env": "AZURE_OPENAI_API_KEY"},
    "openrouter": _compatible("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    # strict schemas: for two of its models alone
    "groq": _compatible("https://api.groq.com/openai/v1", "GROQ_API_KEY", "no_strict"),
    "together": _compatible("https://api.together.ai/v1", "TOGETHER_API_KEY"),
    # any field it does not know is a 422; it counts tokens unasked
    "mistral": _compatible(
        "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "no_stream_options", "random_seed"
    ),
    # JSON, but no schema
    "deepseek": _compatible("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "no_json_schema"),
    "xai": _compatible("https://api.x.ai/v1", "XAI_API_KEY"),
    "fireworks": _compatible("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "cerebras": _compatible("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    # it counts tokens unasked
    "perplexity": _compatible(
        "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "no_stream_options"
    ),
    "github": _compatible("https://models.github.ai/inference", "GITHUB_TOKEN"),
    "huggingface": _compatible("https://router.huggingface.co/v1", "HF_TOKEN"),
    "lmstudio": _here(1234),
    "vllm": _here(8000),
    "llamacpp": _here(8080),
    "ollama": _here(11434, path="", kind="ollama"),
    "local": {"kind": "local", "local": True},
}

# A second variable that holds the key of a vendor, read where the first is not set. It counts at
# the vendor's own address alone: whoever names a variable for another place means that variable.
SECOND_KEYS: dict[tuple[str, str], str] = {
    ("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"): "GOOGLE_API_KEY",
}
