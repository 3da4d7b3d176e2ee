"""Knows, for each protocol, how a server is asked for the names of its models."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nr_cli.types.json import Json
from nr_cli.types.policy import Provider
from nr_cli.types.request import Credential
from nr_cli.types.steps import HttpCall

# Where the list stands, the header that carries the key, what goes before it.
WAYS: Mapping[str, tuple[str, str, str]] = {
    "openai": ("/models", "authorization", "Bearer "),
    "openai-responses": ("/models", "authorization", "Bearer "),
    "anthropic": ("/models?limit=1000", "x-api-key", ""),
    "gemini": ("/models?pageSize=1000", "x-goog-api-key", ""),
    "ollama": ("/api/tags", "authorization", "Bearer "),
}
VERSIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "anthropic": (("anthropic-version", "2023-06-01"),)
}


class Listing(NamedTuple):
    """The names a server gave, None for an answer that holds no list."""

    names: tuple[str, ...] | None


def ask(provider: Provider, credential: Credential) -> HttpCall | None:
    """Returns the GET for a provider's list of models, None where its protocol has none."""
    way = WAYS.get(provider.kind)
    if way is None or not provider.base_url:
        return None
    path, header, before = way
    headers = dict(VERSIONS.get(provider.kind, ()))
    headers.update({name.lower(): value for name, value in provider.headers.items()})
    if credential.key:
        headers[header] = before + credential.key
    headers["accept"] = "application/json"
    return HttpCall(
        provider.base_url.rstrip("/") + path,
        tuple(headers.items()),
        b"",
        proxy=provider.proxy,
        ca_file=provider.ca_file,
    )


def read(body: bytes) -> Listing:
    """Returns the names in an answer: under `data` by `id`, or under `models` by `name`."""
    try:
        document: Json = json.loads(body)
    except (ValueError, RecursionError):
        return Listing(None)
    if not isinstance(document, Mapping):
        return Listing(None)
    for section, key in (("data", "id"), ("models", "name")):
        rows = document.get(section)
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            named = (row.get(key) for row in rows if isinstance(row, Mapping))
            return Listing(tuple(str(name).removeprefix("models/") for name in named if name))
    return Listing(None)


def holds(listing: Listing, wire: str) -> bool:
    """Tells whether a model is in a list; a list of dated names holds the plain one too."""
    plain = wire.removeprefix("models/").removesuffix("-latest")
    return listing.names is None or any(
        name == plain or name.startswith((f"{plain}-", f"{plain}:")) for name in listing.names
    )
