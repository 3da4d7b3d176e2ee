"""The Messages protocol of Anthropic."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers.blame import OPEN_STATUSES, blame_error, blame_response, server_words
from nr_cli.providers.codec import MAX_BODY, Blame, Delta, Malformed
from nr_cli.providers.decoding import Counts, EventDecoder, arguments_of
from nr_cli.providers.encoding import (
    Dialect,
    effort_of,
    listed,
    mapping_of,
    post,
    system_of,
    turns_of,
)
from nr_cli.providers.subset import reduce
from nr_cli.types.events import ToolCall
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Attachment, Message
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

VERSION = "2023-06-01"

# The protocol demands a limit. 8192 is the most that every model still served takes (3.5 and
# later); 4096 would cut long answers for the sake of models that are gone.
DEFAULT_LIMIT = 8192

OPTIONS = Dialect(
    "anthropic",
    {"stop": "stop_sequences", "max_completion_tokens": "max_tokens"},
    {
        "seed": "leave it out",
        "presence_penalty": "leave it out",
        "frequency_penalty": "leave it out",
        "logit_bias": "leave it out",
        "logprobs": "leave it out",
        "top_logprobs": "leave it out",
        "response_format": "give a JSON Schema instead",
        "user": 'write metadata \'{"user_id": "…"}\'',
    },
    frozenset({"model", "messages", "system", "stream", "n"}),
)

# How hard to think. Models up to 4.5 take a budget in tokens, later ones only a word.
EFFORTS: dict[str, str | None] = {
    "none": None, "minimal": "low", "low": "low", "medium": "medium", "high": "high",
    "xhigh": "xhigh", "max": "max",
}  # fmt: skip
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_000, "xhigh": 20_000,
           "max": 20_000}  # fmt: skip
LEAST_BUDGET = 1024
BUDGETED = (
    "claude-3-7", "claude-sonnet-4-0", "claude-sonnet-4-2025", "claude-sonnet-4-5",
    "claude-opus-4-0", "claude-opus-4-1", "claude-opus-4-2025", "claude-opus-4-5",
    "claude-haiku-4-5",
)  # fmt: skip

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

BY_TYPE: dict[str, FailureKind] = {
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "authentication_error": FailureKind.AUTH,
    "billing_error": FailureKind.QUOTA,
    "permission_error": FailureKind.AUTH,
    "not_found_error": FailureKind.MODEL_NOT_FOUND,
    "request_too_large": FailureKind.CONTEXT_LENGTH,
    "rate_limit_error": FailureKind.RATE_LIMIT,
    "timeout_error": FailureKind.TIMEOUT,
    "api_error": FailureKind.SERVER,
    "overloaded_error": FailureKind.OVERLOADED,
}
# What the messages of an `invalid_request_error` say, lower case.
BY_PHRASE: tuple[tuple[str, FailureKind], ...] = (
    ("exceed context limit", FailureKind.CONTEXT_LENGTH),
    ("prompt is too long", FailureKind.CONTEXT_LENGTH),
    ("content filtering policy", FailureKind.CONTENT_FILTER),
    ("credit balance is too low", FailureKind.QUOTA),
    ("api usage limits", FailureKind.QUOTA),
)


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to `{base_url}/messages`, always streamed.

    Raises: UsageError for an option or a file that the protocol lacks.
    """
    own = {"anthropic-version": VERSION}
    if credential.key:
        own["x-api-key"] = credential.key
    params = OPTIONS.translate(request.params)
    if "stop_sequences" in params:
        params["stop_sequences"] = listed(params["stop_sequences"])
    output = mapping_of(params, "output_config")
    if request.schema is not None:
        output = {"format": {"type": "json_schema", "schema": reduce(request.schema)}, **output}
    effort = effort_of(params, EFFORTS)
    asked = params.pop("max_tokens", None)
    thinking = _thinking(request, effort, asked, output)
    body: dict[str, Json] = {
        "model": request.model.wire,
        "max_tokens": _limit(request, thinking) if asked is None else asked,
        "messages": [_turn(turns) for turns in turns_of(request.messages)],
        "stream": True,
    }
    system = system_of(request.messages)
    body |= {"system": system} if system else {}
    body |= {"thinking": thinking} if thinking else {}
    body |= {"output_config": output} if output else {}
    return post(request.model.provider, "/messages", own, {**body, **params})


def _limit(request: Request, thinking: Mapping[str, Json]) -> int:
    """Returns how many tokens the answer may have where nobody said.

    Older models refuse a limit that does not fit into the window beside the input, whose size is
    an estimate: a quarter of it is left as room.
    """
    model = request.model
    budget = thinking.get("budget_tokens")
    most = model.max_output or DEFAULT_LIMIT + (budget if isinstance(budget, int) else 0)
    if model.context is None:
        return most
    room = model.context - request.input_tokens * 5 // 4
    return max(min(most, room), LEAST_BUDGET)


def _thinking(
    request: Request, effort: str | None, asked: Json, output: dict[str, Json]
) -> dict[str, Json]:
    """Returns the `thinking` setting for an effort; a word for it goes into `output`.

    Raises: UsageError when the limit on the answer leaves no room to think.
    """
    if effort is None:
        return {}
    if effort == "none":
        return {"type": "disabled"}
    if not any(name in request.model.wire for name in BUDGETED):
        output.setdefault("effort", EFFORTS[effort])
        return {"type": "adaptive", "display": "summarized"}
    budget, limit = BUDGETS[effort], asked if asked is not None else request.model.max_output
    if isinstance(limit, int):  # the thinking is counted against the limit: half of it at most
        budget = min(budget, limit // 2)
    if budget < LEAST_BUDGET:
        raise UsageError(
            f"-o max_tokens: {limit} leaves no room for reasoning_effort"
            f" (allow at least {2 * LEAST_BUDGET}, or leave the effort out)"
        )
    return {"type": "enabled", "budget_tokens": budget}


def _turn(turns: list[Message]) -> dict[str, Json]:
    """Returns neighbouring turns of one role as one message, files before their text."""
    blocks: list[Json] = []
    for turn in turns:
        blocks += [_file(file) for file in turn.attachments]
        if turn.text:
            blocks.append({"type": "text", "text": turn.text})
    alone = len(blocks) == 1 and bool(turns[0].text)
    return {"role": turns[0].role, "content": turns[0].text if alone else blocks}


def _file(file: Attachment) -> dict[str, Json]:
    if file.medium == "audio":
        raise UsageError(f"{file.name}: the anthropic protocol takes no audio (send its text)")
    if file.medium == "image" and file.media_type not in IMAGES:
        raise UsageError(
            f"{file.name}: the anthropic protocol takes no {file.media_type} (convert it to PNG)"
        )
    source: Json = {"type": "base64", "media_type": file.media_type, "data": file.base64}
    return {"type": "image" if file.medium == "image" else "document", "source": source}


def decoder(headers: Mapping[str, str]) -> AnthropicDecoder:
    """Returns a decoder that tells a stream from a single document by its first byte."""
    return AnthropicDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    found = blame_response(status, headers, body)
    if status == 504:
        _, code = server_words(headers, body)
        return found._replace(kind=BY_TYPE.get(code, found.kind))
    kind = phrase_kind(found.detail) if status in OPEN_STATUSES else None
    return found._replace(kind=kind or found.kind)


def blame_event(error: Json) -> Blame:
    """Returns the failure of an error that came inside a successful response."""
    found = blame_error(error)
    code = error.get("type") if isinstance(error, Mapping) else None
    kind = phrase_kind(found.detail)
    if kind is None and found.kind == FailureKind.SERVER:
        kind = BY_TYPE.get(str(code))
    return found._replace(kind=kind or found.kind)


def phrase_kind(words: str) -> FailureKind | None:
    """Returns the kind that a phrase of the vendor names, if one is there."""
    words = words.lower()
    return next((kind for phrase, kind in BY_PHRASE if phrase in words), None)


class AnthropicDecoder(EventDecoder):
    """Decodes a message; it is whole once `message_stop` has come."""

    def __init__(self) -> None:
        super().__init__()
        self._counts = Counts()
        self._finish: Finish | None = None
        self._calls: dict[int, tuple[str, list[str]]] = {}  # tool calls under way, by block
        self._call_size = 0

    def read_event(self, event: JsonObject) -> list[Delta]:
        """Returns what one event says; unheard-of ones say nothing, as the protocol demands."""
        match event:
            case {"error": error} if error:
                return self.stop(blame_event(error))
            case {"type": "error"}:
                return self.stop(blame_event(event))
            case {"type": "message_start", "message": {"usage": usage}}:
                self._counts.take(usage)
            case {"type": "content_block_start", "content_block": dict(block)}:
                return self._open(_index(event), block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                return self._extend(_index(event), delta)
            case {"type": "content_block_stop"}:
                return self._close(_index(event))
            case {"type": "message_delta"}:
                self._settle(event.get("delta"), event.get("usage"))
            case {"type": "message_stop"}:
                return self.finished(self._finish, self._usage())
            case {"type": str()}:
                pass
            case _:
                return self.stop(Malformed("an event without a type in the stream"))
        return []

    def read_document(self, document: Json) -> list[Delta]:
        """Returns what a message says that was sent as one document."""
        if not isinstance(document, dict):
            return self.stop(Malformed("a JSON response that is not an object"))
        if document.get("error"):
            return self.stop(blame_event(document["error"]))
        blocks = document.get("content")
        if not isinstance(blocks, list):
            return self.stop(Malformed("a response without content"))
        deltas: list[Delta] = []
        for index, block in enumerate(blocks):
            if isinstance(block, dict) and not self._done:
                deltas += [*self._open(index, block), *self._close(index)]
        self._settle(document, document.get("usage"))
        return deltas if self._done else deltas + self.finished(self._finish, self._usage())

    def _open(self, index: int, block: JsonObject) -> list[Delta]:
        match block:
            case {"type": "text", "text": text}:
                return self.say(text)
            case {"type": "thinking", "thinking": text}:
                return self.think(text)
            case {"type": "tool_use", "name": str(name)}:
                given = block.get("input")  # whole in a document, {} where it will be streamed
                self._calls[index] = (name, [arguments_of(given)] if given else [])
        return []

    def _extend(self, index: int, delta: JsonObject) -> list[Delta]:
        match delta:
            case {"type": "text_delta"}:
                return self.say(delta.get("text"))
            case {"type": "thinking_delta"}:
                return self.think(delta.get("thinking"))
            case {"type": "input_json_delta", "partial_json": str(piece)} if index in self._calls:
                self._calls[index][1].append(piece)
                self._call_size += len(piece)
                if self._call_size > MAX_BODY:
                    return self.stop(Malformed("a tool call of more than 64 MiB"))
        return []

    def _close(self, index: int) -> list[Delta]:
        name, pieces = self._calls.pop(index, ("", []))
        return [ToolCall(name, "".join(pieces) or "{}")] if name else []

    def _settle(self, end: Json, usage: Json) -> None:
        reason = end.get("stop_reason") if isinstance(end, Mapping) else None
        if isinstance(reason, str):
            self._finish = FINISHES.get(reason)
        self._counts.take(usage)

    def _usage(self) -> Usage | None:
        """Returns the counts with what the vendor's cache took part in counted as input."""
        fresh, made = self._counts.get("input_tokens"), self._counts.get("output_tokens")
        if fresh is None or made is None:
            return None
        read = self._counts.sum("cache_read_input_tokens")
        written = self._counts.sum("cache_creation_input_tokens")
        return Usage(fresh + read + written, made, read, written)


def _index(event: JsonObject) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0
