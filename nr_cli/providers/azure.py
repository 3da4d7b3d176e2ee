"""Azure OpenAI: chat completions at a customer's own address, under its own header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from nr_cli.errors import ConfigError, FailureKind
from nr_cli.providers import openai
from nr_cli.providers.chat import body_of, quirks_of
from nr_cli.providers.codec import Blame
from nr_cli.providers.encoding import post
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

API_VERSION = "2024-10-21"  # the last one that is not a preview; the v1 API needs none
# From this version on `max_completion_tokens` and `stream_options` are known.
MODERN = "2024-09-01"


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to a deployment, or to the v1 API where `base_url` ends in `/v1`.

    The model's name at this provider is the deployment's. A version may be named in the query of
    `base_url`: `?api-version=…`.

    Raises: UsageError as `openai`, ConfigError without an address.
    """
    provider = request.model.provider
    if not provider.base_url:
        raise ConfigError(
            f'provider "{provider.name}" needs "base_url": its address',
            "write base_url: https://RESOURCE.openai.azure.com under providers",
        )
    version, path = _address(provider.base_url, request.model.wire)
    is_modern = not version or version >= MODERN
    quirk = "max_completion_tokens" if is_modern else "no_stream_options"
    model = request.model._replace(provider=quirks_of(provider, quirk))
    own = {"api-key": credential.key} if credential.key else {}
    call = post(provider, "", own, body_of(request._replace(model=model)))
    split = urlsplit(provider.base_url)
    query = f"?api-version={quote(version)}" if version else ""
    return call._replace(url=f"{split.scheme}://{split.netloc}{path}{query}")


def _address(base_url: str, deployment: str) -> tuple[str, str]:
    """Returns (api-version, path); the v1 API has no version unless the address names one."""
    split = urlsplit(base_url)
    named = parse_qs(split.query).get("api-version", [""])[0]
    path = split.path.rstrip("/")
    if path.endswith("/v1"):
        return named, f"{path}/chat/completions"
    if "/deployments/" not in path:
        root = path.removesuffix("/openai")
        path = f"{root}/openai/deployments/{quote(deployment, safe='')}"
    return named or API_VERSION, f"{path}/chat/completions"


def decoder(headers: Mapping[str, str]) -> openai.OpenAIDecoder:
    """Returns the decoder of the protocol it shares."""
    return openai.decoder(headers)


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for; a filter's is named by category."""
    found = openai.blame(status, headers, body)
    if found.kind != FailureKind.CONTENT_FILTER:
        return found
    filtered = filtered_of(body)
    return found._replace(detail=f"{found.detail} ({', '.join(filtered)})") if filtered else found


def filtered_of(body: bytes) -> list[str]:
    """Returns the categories for which a prompt was filtered, as the error body lists them."""
    try:
        match json.loads(body):
            case {"error": {"innererror": {"content_filter_result": dict(results)}}}:
                return sorted(
                    str(name)
                    for name, result in results.items()
                    if isinstance(result, dict) and result.get("filtered") is True
                )
    except (ValueError, RecursionError):
        return []  # the message says enough by itself
    return []
