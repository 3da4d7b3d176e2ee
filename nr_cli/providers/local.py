"""The embedded model: the same protocol, at a server of nr's own."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.providers import openai
from nr_cli.providers.codec import Blame
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

SYSTEM = "You are a helpful assistant."
# A small model repeats itself under a repeat penalty but not under DRY (tried on its 20 facts).
PARAMS: dict[str, Json] = {
    "temperature": 0,
    "max_tokens": 256,
    "dry_multiplier": 0.8,
    "dry_allowed_length": 6,
}


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the request with the settings the small model needs, at its own server."""
    messages = request.messages
    if not any(turn.role == "system" for turn in messages):
        messages = (Message("system", SYSTEM), *messages)
    request = request._replace(messages=messages, params={**PARAMS, **request.params})
    call = openai.encode(request, credential)
    return call._replace(
        url="http://embedded/v1/chat/completions",
        embedded=request.model.provider.model_path or "",
    )


def decoder(headers: Mapping[str, str]) -> openai.OpenAIDecoder:
    """Returns the decoder of the protocol it shares."""
    return openai.decoder(headers)


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    return openai.blame(status, headers, body)
