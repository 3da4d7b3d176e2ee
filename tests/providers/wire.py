"""Feeds bytes to a codec's decoder, builds the requests that are encoded."""

from __future__ import annotations

import hashlib
import json

from nr_cli.providers.codec import Blame, Codec, Delta, Malformed
from nr_cli.types.events import Finished, Reasoning, Text
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Attachment, Medium, Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

KEY = Credential("sk-1", "env")
HI = (Message("user", "hi"),)


def decode(codec: Codec, chunks: list[bytes]) -> list[Delta]:
    decoder = codec.decoder({})
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    return deltas + decoder.end(Ended())


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


def thought_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Reasoning))


def verdict_of(deltas: list[Delta]) -> Delta | None:
    last = [delta for delta in deltas if isinstance(delta, Finished | Blame | Malformed)]
    return last[-1] if last else None


def told(deltas: list[Delta]) -> tuple[str, str, Delta | None]:
    """Returns what a reader of the answer sees: text, thinking, how it ended."""
    return text_of(deltas), thought_of(deltas), verdict_of(deltas)


def file(medium: Medium, media_type: str, content: bytes = b"\x00\x01") -> Attachment:
    return Attachment("a.bin", medium, media_type, content, hashlib.sha256(content).hexdigest())


def request(
    kind: str,
    messages: tuple[Message, ...] = HI,
    params: dict[str, Json] | None = None,
    *,
    wire: str = "wire",
    base_url: str = "http://127.0.0.1:1/v1",
    headers: dict[str, str] | None = None,
    schema: JsonObject | None = None,
    context: int | None = None,
    max_output: int | None = None,
    input_tokens: int = 0,
) -> Request:
    provider = Provider("p", kind, base_url, headers=headers or {})
    model = Model("m", provider, wire, context=context, max_output=max_output)
    return Request(model, messages, params or {}, Timeouts(), schema, input_tokens)


def body_of(call: HttpCall) -> dict[str, Json]:
    document: dict[str, Json] = json.loads(call.body)
    return document
