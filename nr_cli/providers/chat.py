"""Writes the body of a chat-completions request, with what a vendor's quirks change in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from nr_cli.errors import UsageError
from nr_cli.providers.encoding import Dialect, turns_of
from nr_cli.providers.strict import fit
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Attachment, Message
from nr_cli.types.policy import Provider
from nr_cli.types.request import Request

# What nr decides itself; a parameter may not contradict it.
RESERVED = frozenset({"model", "messages", "stream", "stream_options", "n"})

AUDIO = {
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3", "audio/mp3": "mp3",
}  # fmt: skip


def body_of(request: Request) -> dict[str, Json]:
    """Returns the body, always streamed.

    Raises: UsageError for a parameter that nr decides itself, or a file the protocol cannot carry.
    """
    provider = request.model.provider
    dialect = Dialect("openai", _renamed(provider), {}, RESERVED)
    params = dialect.translate(request.params)
    messages = request.messages
    answer_format: dict[str, Json] = {}
    if request.schema is not None:
        messages, answer_format = _formatted(request.schema, messages, provider.quirks)
    body: dict[str, Json] = {
        "model": request.model.wire,
        "messages": _turns(messages, "no_system_role" in provider.quirks),
        "stream": True,
    }
    if "no_stream_options" not in provider.quirks:
        body["stream_options"] = {"include_usage": True}
    return {**body, **answer_format, **params}


def _renamed(provider: Provider) -> dict[str, str]:
    """Returns the names that the server knows for parameters it does not call as others do.

    OpenAI's own models refuse `max_tokens` since the o1 series (2024-09); most other servers know
    only that name.
    """
    renamed = {}
    is_openai = urlsplit(provider.base_url).hostname == "api.openai.com"
    if is_openai or "max_completion_tokens" in provider.quirks:
        renamed["max_tokens"] = "max_completion_tokens"
    if "random_seed" in provider.quirks:
        renamed["seed"] = "random_seed"
    return renamed


def _formatted(
    schema: JsonObject, messages: tuple[Message, ...], quirks: frozenset[str]
) -> tuple[tuple[Message, ...], dict[str, Json]]:
    """Returns the messages with the `response_format` that make the answer satisfy a schema.

    A server that knows JSON but no schema is told the schema in words.
    """
    if "no_json_schema" not in quirks:
        named = fit(schema, "no_strict" not in quirks)
        return messages, {
            "response_format": {"type": "json_schema", "json_schema": named.document()}
        }
    words = Message("system", instruction_for(schema))
    # the protocol's JSON mode can answer with an object only
    is_object = schema.get("type") == "object"
    return (words, *messages), {"response_format": {"type": "json_object"}} if is_object else {}


def instruction_for(schema: JsonObject) -> str:
    """Returns what to tell a model where the protocol cannot carry a schema."""
    return (
        "Answer with JSON alone, without a code fence. It must satisfy this JSON Schema:\n"
        + json.dumps(schema, ensure_ascii=False)
    )


def _turns(messages: tuple[Message, ...], without_system: bool) -> list[Json]:
    """Returns the turns in the protocol's form; neighbours of one role become one.

    Templates of local models, and Perplexity, refuse two turns of one role in a row.
    """
    system = "\n\n".join(turn.text for turn in messages if turn.role == "system" and turn.text)
    groups = turns_of(messages)
    if system and without_system:
        groups = _prefaced(system, groups)
    told: list[Json] = [{"role": "system", "content": system}]
    if not system or without_system:
        told = []
    return [*told, *({"role": group[0].role, "content": _content(group)} for group in groups)]


def _prefaced(system: str, groups: list[list[Message]]) -> list[list[Message]]:
    """Returns the turns with the system text at the start of the user's first one."""
    at = next((at for at, group in enumerate(groups) if group[0].role == "user"), None)
    if at is None:
        return [[Message("user", system)], *groups]
    return [*groups[:at], [Message("user", system), *groups[at]], *groups[at + 1 :]]


def _content(turns: list[Message]) -> Json:
    """Returns plain text where there is no file, else a list of parts, files first."""
    text = "\n\n".join(turn.text for turn in turns if turn.text)
    parts: list[Json] = [_part(file) for turn in turns for file in turn.attachments]
    if not parts:
        return text
    return [*parts, {"type": "text", "text": text}] if text else parts


def _part(file: Attachment) -> JsonObject:
    match file.medium:
        case "image":
            return {"type": "image_url", "image_url": {"url": url_of(file)}}
        case "audio":
            if file.media_type not in AUDIO:
                raise UsageError(
                    f"{file.name}: the openai protocol takes no {file.media_type}"
                    " (convert it to WAV or MP3)"
                )
            audio = {"data": file.base64, "format": AUDIO[file.media_type]}
            return {"type": "input_audio", "input_audio": audio}
        case "pdf":
            # a name is demanded; the file's own is for people alone
            return {"type": "file", "file": {"filename": "file.pdf", "file_data": url_of(file)}}


def url_of(file: Attachment) -> str:
    """Returns a file as a data URL."""
    return f"data:{file.media_type};base64,{file.base64}"


def quirks_of(provider: Provider, *more: str) -> Provider:
    """Returns the provider with further quirks."""
    return provider._replace(quirks=provider.quirks | frozenset(more))


def header_of(key: str | None) -> Mapping[str, str]:
    """Returns the header that carries a key, none without one."""
    return {"authorization": f"Bearer {key}"} if key else {}
