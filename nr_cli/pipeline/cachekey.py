"""The cache key: everything in the resolved request except a named deny-list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import cast

from nr_cli.types.message import Message
from nr_cli.types.request import Request

# A change of this number empties every cache: raise it when the meaning of an entry changes.
SCHEMA = 1
LONGEST = 400  # characters of a field that the material carries as they are

# What cannot change the answer. Whatever a later version adds is part of the key until it is
# named here, so that forgetting costs a miss, never a wrong answer.
DENIED = frozenset({
    "timeouts",
    "input_tokens",  # follows from the messages
    "estimate",  # follows from the prices
    "model.name",
    "model.caps",
    "model.context",
    "model.max_output",
    "model.price",
    "model.quality",
    "model.params",  # merged into params
    "model.system",  # merged into messages
    "model.tags",
    "model.provider.name",
    "model.provider.api_key_env",  # the credential's fingerprint stands for it
    "model.provider.timeout",
    "model.provider.local",
    "model.provider.quota_group",
    "model.provider.rpm",
    "model.provider.api_key_cmd",
    "model.provider.proxy",
    "model.provider.ca_file",
})  # fmt: skip

# What is told of by its digest alone: an argument list may hold what a variable brought.
PRIVATE = ("messages", "model.provider.headers", "model.provider.argv", "credential")


def fields(request: Request, fingerprint: str) -> dict[str, str]:
    """Returns the key's material: canonical JSON by dotted field name, long values as sha256."""
    material = {name: _short(_canonical(value)) for name, value in _walk("", request)}
    material["key_version"] = str(SCHEMA)
    material["credential"] = fingerprint
    return material


def key(material: dict[str, str]) -> str:
    """Returns the 64 hex digits under which the answer to this material is kept."""
    return hashlib.sha256(_canonical(material).encode("utf-8", "replace")).hexdigest()


def travelling(material: dict[str, str]) -> str:
    """Returns the key under which the answer travels to others, whoever paid for it here."""
    return key({**material, "credential": "imported"})


def labels(material: dict[str, str]) -> dict[str, str]:
    """Returns what is kept beside an entry to tell later which field differs.

    Short values stand as they are; prompts and whatever may be private are only digests.
    """
    return {
        name: value if len(value) <= 40 and not _is_private(name, value) else _digest(value)
        for name, value in material.items()
    }


def _short(value: str) -> str:
    """Returns a long value's digest, so that a huge prompt is not carried about several times."""
    if len(value) <= LONGEST:
        return value
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def _is_private(name: str, value: str) -> bool:
    if name.startswith("params.") and '"' in value:
        return True  # a text, such as a user's name, may be anything
    if name == "model.provider.base_url" and "?" in value:
        return True  # some servers take a token there
    return name.startswith(PRIVATE)


def _digest(value: str) -> str:
    return "#" + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:12]


def _walk(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    """Yields the leaves of nested tuples with names, params and headers one by one."""
    if prefix in DENIED:
        return
    if hasattr(value, "_asdict"):
        for name, part in value._asdict().items():
            yield from _walk(f"{prefix}.{name}" if prefix else name, part)
    elif prefix == "messages":
        yield prefix, [_turn(message) for message in cast("tuple[Message, ...]", value)]
    elif isinstance(value, dict) and prefix != "schema":
        for name in sorted(value):
            yield f"{prefix}.{name}", value[name]
    else:
        yield prefix, value


def _turn(message: Message) -> list[object]:
    """Returns one turn; a file counts by its content, whatever it is called."""
    files = [[file.media_type, file.digest] for file in message.attachments]
    return [message.role, message.text, *files]


def _canonical(value: object) -> str:
    if isinstance(value, frozenset):
        value = sorted(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
