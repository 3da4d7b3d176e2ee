"""Finds the model servers that answer on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from nr_cli.policy.addresses import is_loopback
from nr_cli.transport.probe import get_all
from nr_cli.types.steps import HttpCall

PATIENCE = 0.3  # seconds for all of them together
# Servers by the port they choose themselves, with the variable that moves them; all of them speak
# chat completions under /v1.
PORTS: tuple[tuple[str, int, str], ...] = (
    ("ollama", 11434, "OLLAMA_HOST"),
    ("lmstudio", 1234, ""),
    ("llamacpp", 8080, ""),
    ("vllm", 8000, ""),
)
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-")
OTHER_TRADES = ("embed", "rerank", "whisper", "tts", "clip")


class Neighbour(NamedTuple):
    """A server that answered: its name, its address with the version, the models that chat."""

    name: str
    base_url: str
    models: tuple[str, ...]


def find_neighbours(environ: Mapping[str, str]) -> list[Neighbour]:
    """Returns the servers on loopback that list at least one model, asked all at once."""
    from nr_cli.providers.listing import read

    places = [(name, address_of(port, environ.get(moved, ""))) for name, port, moved in PORTS]
    calls = [
        HttpCall(f"{base}/models", (("accept", "application/json"),), b"") for _, base in places
    ]
    found = []
    for (name, base), answer in zip(places, get_all(calls, environ, PATIENCE), strict=True):
        listed = read(answer.body).names if answer.status == 200 else None
        chats = tuple(model for model in listed or () if is_chat(model))
        if chats:
            found.append(Neighbour(name, base, chats))
    return found


def address_of(port: int, said: str) -> str:
    """Returns where a server would be: what its variable says, as long as that is loopback."""
    said = said.strip()
    if said:
        try:
            parts = urlsplit(said if "//" in said else f"http://{said}")
            host = parts.hostname or "127.0.0.1"
            moved = parts.port or port
        except ValueError:
            return f"http://127.0.0.1:{port}/v1"  # not an address: the usual place is looked at
        host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        if is_loopback(host) and parts.scheme == "http":
            return f"http://{f'[{host}]' if ':' in host else host}:{moved}/v1"
    return f"http://127.0.0.1:{port}/v1"


def is_chat(model: str) -> bool:
    """Tells whether a name may stand in a policy, and does not say that it is of another trade."""
    lower = model.lower()
    return set(model) <= PLAIN and not any(word in lower for word in OTHER_TRADES)
