"""The chat-completions protocol of OpenAI, spoken by most servers there are."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nr_cli.errors import FailureKind
from nr_cli.providers.blame import blame_error, blame_response
from nr_cli.providers.chat import body_of, header_of
from nr_cli.providers.codec import MAX_BODY, Blame, Delta, Malformed, Refusal, Surrogates
from nr_cli.providers.encoding import post
from nr_cli.providers.framing import Frame, Frames, LineTooLong
from nr_cli.types.events import Finished, Reasoning, Text, ToolCall
from nr_cli.types.json import Json
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

BOM = b"\xef\xbb\xbf"
# The first byte of each line an event stream may begin with: data, event, id, retry, a comment.
EVENT_STARTS = (b"d", b"e", b"i", b"r", b":")

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "eos": "stop",  # Together
    "eos_token": "stop",  # text-generation-inference
    "stop_sequence": "stop",
    "length": "length",
    "model_length": "length",  # Mistral
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


# Finish reasons that are failures: a part of an answer is not an answer.
BROKEN: dict[str, FailureKind] = {
    "error": FailureKind.SERVER,  # OpenRouter, Mistral
    "insufficient_system_resource": FailureKind.OVERLOADED,  # DeepSeek
}


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to `{base_url}/chat/completions`, always streamed.

    Raises: UsageError for a parameter that nr decides itself, or a file the protocol cannot carry.
    """
    own = header_of(credential.key)
    return post(request.model.provider, "/chat/completions", own, body_of(request))


def decoder(headers: Mapping[str, str]) -> OpenAIDecoder:
    """Returns a decoder that tells a stream from a single document by its first byte."""
    return OpenAIDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    return blame_response(status, headers, body)


class OpenAIDecoder:
    """Decodes a response of either shape, since servers send one when asked for the other."""

    def __init__(self) -> None:
        self._frames: Frames | None = None
        self._document: list[bytes] = []
        self._is_document = False
        self._size = 0
        # one for each channel: half a character of the thinking is no part of the answer
        self._thought, self._text, self._refusal = Surrogates(), Surrogates(), Surrogates()
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._terminal = False
        self._done = False

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete; after the end marker nothing counts any more."""
        if self._done:
            return []
        if self._frames is None:
            self._document.append(chunk)
            self._size += len(chunk)
            if self._size > MAX_BODY:
                self._done = True
                return [Malformed("a response of more than 64 MiB")]
            if self._is_document:
                return []  # it is read at its end
            head = b"".join(self._document)
            self._document = [head]
            start = head.removeprefix(BOM).lstrip()
            if not start or BOM.startswith(head):
                return []  # nothing to tell by yet
            if start[:1] not in EVENT_STARTS:
                self._is_document = True
                return []
            self._frames, self._document, chunk = Frames(), [], head
        try:
            return self._read(self._frames.feed(chunk))
        except LineTooLong:
            self._done = True
            return [Malformed("a line of more than 8 MiB in the stream")]

    def end(self, ended: Ended) -> list[Delta]:
        """Returns the last deltas; without a terminal marker there is no `Finished` among them."""
        if self._done:
            return []
        if self._frames is None:
            return self._read_document(b"".join(self._document))
        deltas = self._read(self._frames.end())
        if any(isinstance(delta, Malformed) for delta in deltas):
            return []  # half a frame at the very end is a cut, not a fault of the server's JSON
        if self._terminal and not self._done:
            deltas += self._finished()
        return deltas

    def _read(self, frames: list[Frame]) -> list[Delta]:
        deltas: list[Delta] = []
        for frame in frames:
            if self._done:
                break
            if frame.payload.strip() == b"[DONE]":
                self._done = self._terminal = True
                deltas += self._finished()
                break
            deltas += self._read_object(frame.payload)
        return deltas

    def _read_object(self, payload: bytes) -> list[Delta]:
        try:
            document = loads(payload)
        except (ValueError, RecursionError):
            return self._stop(Malformed("a frame of broken JSON in the stream"))
        if not isinstance(document, dict):
            return self._stop(Malformed("a frame that is not a JSON object in the stream"))
        if document.get("error"):
            return self._stop(blame_error(document["error"]))
        self._usage = read_usage(document.get("usage")) or self._usage
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices:
            return []  # the usage frame has no choices
        return self._read_choice(choices[0], "delta")

    def _read_document(self, body: bytes) -> list[Delta]:
        if body.lstrip()[:1] == b"<":
            return [Malformed("HTML instead of JSON")]
        try:
            document = loads(body)
        except (ValueError, RecursionError):
            return [Malformed("a response that is not JSON" if body else "an empty response")]
        if not isinstance(document, dict):
            return [Malformed("a JSON response that is not an object")]
        if document.get("error"):
            return [blame_error(document["error"])]
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices:
            return [Malformed("a response without choices")]
        self._usage = read_usage(document.get("usage"))
        deltas = self._read_choice(choices[0], "message")
        if not self._done:
            deltas += self._finished()
        return deltas

    def _read_choice(self, choice: Json, part: str) -> list[Delta]:
        if not isinstance(choice, dict):
            return self._stop(Malformed("a choice that is not an object"))
        if choice.get("error"):
            return self._stop(blame_error(choice["error"]))
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish in BROKEN:
            return self._stop(Blame(BROKEN[finish], f"the answer ended with {finish!r}"))
        if isinstance(finish, str):
            self._terminal = True
            self._finish = FINISHES.get(finish)
        piece = choice.get(part)
        if not isinstance(piece, dict):
            return []
        return self._read_piece(piece)

    def _read_piece(self, piece: Mapping[str, Json]) -> list[Delta]:
        deltas: list[Delta] = []
        thought = piece.get("reasoning_content") or piece.get("reasoning")
        thought = thought or thinking_of(piece.get("content"))
        shown = self._thought.join(thought) if isinstance(thought, str) else ""
        if shown:
            deltas.append(Reasoning(shown))
        content = join_parts(piece.get("content"))
        if content is None:
            return self._stop(Malformed("content that is not text"))
        text = self._text.join(content)
        if text:
            deltas.append(Text(text))
        refusal = piece.get("refusal")
        shown = self._refusal.join(refusal) if isinstance(refusal, str) else ""
        if shown:
            deltas.append(Refusal(shown))
        calls = piece.get("tool_calls")
        deltas += read_calls(calls) if isinstance(calls, list) else []
        return deltas

    def _finished(self) -> list[Delta]:
        """Returns the end of the answer, after whatever half characters were still held."""
        tails: list[Delta] = [Reasoning(self._thought.end()), Text(self._text.end())]
        tails.append(Refusal(self._refusal.end()))
        held = [tail for tail in tails if tail[0]]
        return [*held, Finished(self._finish, self._usage)]

    def _stop(self, delta: Delta) -> list[Delta]:
        self._done = True
        return [delta]


def loads(payload: bytes) -> Json:
    """Returns the parsed JSON; a number too long for any use is read as 0 rather than refused."""
    document: Json = json.loads(
        payload.decode("utf-8", "replace"),
        parse_int=lambda digits: int(digits) if len(digits) < 20 else 0,
    )
    return document


def join_parts(content: Json) -> str | None:
    """Returns the text of a content field: a string, a list of text parts, or nothing yet."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def thinking_of(content: Json) -> str:
    """Returns the thinking among the parts of a content field, as Mistral sends it."""
    parts = content if isinstance(content, list) else []
    thoughts = [part.get("thinking") for part in parts if isinstance(part, dict)]
    return "".join(join_parts(thought) or "" for thought in thoughts)


def read_calls(calls: list[Json]) -> list[Delta]:
    """Returns the tool calls that begin in this piece."""
    found: list[Delta] = []
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found.append(ToolCall(str(function["name"]), str(function.get("arguments") or "")))
    return found


def read_usage(usage: Json) -> Usage | None:
    """Returns token counts, or None unless both are whole numbers that make sense."""
    if not isinstance(usage, dict):
        return None
    given, made = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (is_count(given) and is_count(made)):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if cached is None:
        cached = usage.get("prompt_cache_hit_tokens")  # DeepSeek
    return Usage(int(str(given)), int(str(made)), int(str(cached)) if is_count(cached) else 0)


def is_count(value: Json) -> bool:
    """Tells whether a JSON value is a whole number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
