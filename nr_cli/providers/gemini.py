"""The generateContent protocol of Gemini."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from nr_cli.errors import FailureKind
from nr_cli.providers.blame import (
    BY_STATUS,
    LONGEST_WAIT,
    OPEN_STATUSES,
    blame_error,
    blame_response,
    error_words,
    phrase_kind,
)
from nr_cli.providers.codec import Blame, Delta, Malformed
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
from nr_cli.types.events import ToolCall
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Message
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

OPTIONS = Dialect(
    "gemini",
    {
        "max_tokens": "maxOutputTokens",
        "max_completion_tokens": "maxOutputTokens",
        "top_p": "topP",
        "top_k": "topK",
        "stop": "stopSequences",
        "presence_penalty": "presencePenalty",
        "frequency_penalty": "frequencyPenalty",
        "logprobs": "responseLogprobs",
        "top_logprobs": "logprobs",
    },
    {
        "logit_bias": "leave it out",
        "user": "leave it out",
        "response_format": "give a JSON Schema instead",
    },
    frozenset({"model", "contents", "systemInstruction", "messages", "stream", "n",
               "candidateCount"}),
)  # fmt: skip
# The vendor's options that stand beside `generationConfig`; all others belong into it.
BESIDE = frozenset({"safetySettings", "tools", "toolConfig", "cachedContent", "labels", "store",
                    "serviceTier"})  # fmt: skip

# Gemini 2 takes a budget in tokens, later ones a word.
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576,
           "xhigh": 24_576}  # fmt: skip
BUDGETED = re.compile(r"gemini-(1|2)\b")

FINISHES: dict[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}
# The model began something that is no answer; the server gave up on it.
SPOILT = frozenset({
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE",
})  # fmt: skip

BY_NAME: dict[str, FailureKind] = {
    "UNAUTHENTICATED": FailureKind.AUTH,
    "PERMISSION_DENIED": FailureKind.AUTH,
    "NOT_FOUND": FailureKind.MODEL_NOT_FOUND,
    "INVALID_ARGUMENT": FailureKind.BAD_REQUEST,
    "RESOURCE_EXHAUSTED": FailureKind.RATE_LIMIT,
    "UNAVAILABLE": FailureKind.OVERLOADED,
    "DEADLINE_EXCEEDED": FailureKind.TIMEOUT,
    "UNIMPLEMENTED": FailureKind.UNSUPPORTED,
}
# What `details[].reason` or the message says, lower case, most telling first.
BY_PHRASE: tuple[tuple[str, FailureKind], ...] = (
    ("api_key_invalid", FailureKind.AUTH),
    ("api_key_service_blocked", FailureKind.AUTH),
    ("api key not valid", FailureKind.AUTH),
    ("api key expired", FailureKind.AUTH),
    ("exceeds the maximum number of tokens", FailureKind.CONTEXT_LENGTH),
    ("user location is not supported", FailureKind.UNSUPPORTED),
    ("per day", FailureKind.QUOTA),
    ("perday", FailureKind.QUOTA),
    ("per minute", FailureKind.RATE_LIMIT),
    ("perminute", FailureKind.RATE_LIMIT),
)


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to `{base_url}/models/{model}:streamGenerateContent`.

    The key travels in a header, never in the address. Raises: UsageError for an option that the
    protocol lacks.
    """
    params = OPTIONS.translate(request.params)
    beside = {name: params.pop(name) for name in BESIDE & params.keys()}
    body: dict[str, Json] = {"contents": [_content(turns) for turns in turns_of(request.messages)]}
    system = system_of(request.messages)
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    config = _config(request, params)
    if config:
        body["generationConfig"] = config
    own = {"x-goog-api-key": credential.key} if credential.key else {}
    wire = quote(request.model.wire)
    path = wire if wire.startswith(("models/", "tunedModels/")) else f"models/{wire}"
    return post(
        request.model.provider,
        f"/{path}:streamGenerateContent?alt=sse",
        own,
        {**body, **beside},
    )


def _config(request: Request, params: dict[str, Json]) -> dict[str, Json]:
    """Returns `generationConfig`: the named options, then what the user put into it by hand."""
    config: dict[str, Json] = {}
    if request.schema is not None:
        config = {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
    effort = effort_of(params, BUDGETS)
    if effort is not None:
        config["thinkingConfig"] = _thinking(request.model.wire, effort)
    by_hand = mapping_of(params, "generationConfig")
    if "stopSequences" in params:
        params["stopSequences"] = listed(params["stopSequences"])
    return {**config, **params, **by_hand}


def _thinking(wire: str, effort: str) -> dict[str, Json]:
    if effort == "none":
        return {"thinkingBudget": 0}
    if BUDGETED.search(wire):
        return {"thinkingBudget": BUDGETS[effort], "includeThoughts": True}
    return {"thinkingLevel": effort, "includeThoughts": True}


def _content(turns: list[Message]) -> dict[str, Json]:
    """Returns neighbouring turns of one role as one, files before their text."""
    parts: list[Json] = []
    for turn in turns:
        parts += [
            {"inlineData": {"mimeType": file.media_type, "data": file.base64}}
            for file in turn.attachments
        ]
        if turn.text:
            parts.append({"text": turn.text})
    return {"role": "model" if turns[0].role == "assistant" else "user", "parts": parts}


def decoder(headers: Mapping[str, str]) -> GeminiDecoder:
    """Returns a decoder that tells a stream from a single document by its first byte."""
    return GeminiDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    found = blame_response(status, headers, body)
    sharp = status in OPEN_STATUSES or status == 504
    try:
        document: Json = json.loads(body)
    except (ValueError, RecursionError):
        return found  # an HTML page, or nothing
    if isinstance(document, list) and document and isinstance(document[0], Mapping):
        # an array is what a stream answers that was not asked for as events
        document = document[0]
        detail, code = error_words(document.get("error"))
        kind = phrase_kind(f"{code} {detail}") if sharp else None
        found = found._replace(kind=kind or found.kind, detail=detail)
    error = document.get("error") if isinstance(document, Mapping) else None
    return _sharpened(found, error) if sharp else found


def blame_event(error: Json) -> Blame:
    """Returns the failure of an error that came inside a successful response."""
    return _sharpened(blame_error(error), error)


def _sharpened(found: Blame, error: Json) -> Blame:
    """Returns the failure with what the vendor's own words and details add.

    Every refusal for want of quota says "check your plan and billing", also one that a minute's
    wait cures, so the kind is read from what was exhausted, else from a wait being named.
    """
    if not isinstance(error, Mapping):
        return found
    name, code, details = error.get("status"), error.get("code"), error.get("details")
    words = " ".join([found.detail, *_reasons(details)]).lower()
    kind = next((kind for phrase, kind in BY_PHRASE if phrase in words), None)
    wait = _retry_delay(details)
    if kind is None and wait is not None and name == "RESOURCE_EXHAUSTED":
        kind = FailureKind.RATE_LIMIT
    known = isinstance(code, int) and code in BY_STATUS
    if kind is None and found.kind == FailureKind.SERVER and not known:
        kind = BY_NAME.get(str(name))
    return found._replace(
        kind=kind or found.kind,
        retry_after=wait if found.retry_after is None else found.retry_after,
    )


def _reasons(details: Json) -> Iterator[str]:
    """Yields the names under which the details say why: reasons, the quotas violated."""
    for detail in _objects(details):
        yield str(detail.get("reason", ""))
        for violation in _objects(detail.get("violations")):
            yield str(violation.get("quotaId", ""))


def _retry_delay(details: Json) -> float | None:
    """Returns the seconds of a `RetryInfo`, written as "34.07s"."""
    for detail in _objects(details):
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)s", str(detail.get("retryDelay", "")))
        if match and float(match[1]) <= LONGEST_WAIT:
            return float(match[1])
    return None


def _objects(items: Json) -> Iterator[JsonObject]:
    """Yields the objects among the items of a list; anything else holds none."""
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


class GeminiDecoder(EventDecoder):
    """Decodes answers; one is whole when its candidate named a reason to finish.

    The stream has no end marker, and the counts may follow the reason: its end ends the answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts = Counts()
        self._finish: Finish | None = None
        self._terminal = False
        self._spoke = False

    def read_event(self, event: JsonObject) -> list[Delta]:
        """Returns what one piece of the answer says."""
        if event.get("error"):
            return self.stop(blame_event(event["error"]))
        self._counts.take(event.get("usageMetadata"))
        match event:
            case {"promptFeedback": {"blockReason": str(reason)}}:
                detail = f"the prompt was blocked: {reason}"
                return self.stop(Blame(FailureKind.CONTENT_FILTER, detail))
            case {"candidates": [dict(candidate), *_]}:
                return self._read_candidate(candidate)
        return []

    def read_document(self, document: Json) -> list[Delta]:
        """Returns what pieces say that came as one JSON array, or as a lone one."""
        pieces = document if isinstance(document, list) else [document]
        deltas: list[Delta] = []
        for piece in pieces:
            if not isinstance(piece, dict):
                return deltas + self.stop(Malformed("a JSON response that is not an object"))
            if not self._done:
                deltas += self.read_event(piece)
        if self._done:
            return deltas
        if self._terminal:
            return deltas + self.read_end()
        return deltas + self.stop(Malformed("a response without a finished candidate"))

    def read_end(self) -> list[Delta]:
        """Returns the end of the answer if its candidate has finished."""
        return self.finished(self._finish, self._usage()) if self._terminal else []

    def _read_candidate(self, candidate: JsonObject) -> list[Delta]:
        deltas: list[Delta] = []
        content = candidate.get("content")
        for part in _objects(content.get("parts") if isinstance(content, dict) else None):
            if not self._done:
                deltas += self._read_part(part)
        reason = candidate.get("finishReason")
        if not isinstance(reason, str) or self._done:
            return deltas
        if reason in SPOILT:
            why = candidate.get("finishMessage")
            words = f"{reason}: {why}" if isinstance(why, str) else reason
            return deltas + self.stop(Malformed(f"the model spoilt its answer ({words})"))
        self._terminal = True
        self._finish = FINISHES.get(reason)
        return deltas

    def _read_part(self, part: JsonObject) -> list[Delta]:
        match part:
            case {"text": text, "thought": True}:
                return self.think(text)
            case {"text": text}:
                self._spoke = True
                return self.say(text)
            case {"functionCall": {"name": str(name), "args": dict(given)}}:
                return [ToolCall(name, arguments_of(given))]
            case {"functionCall": {"name": str(name)}}:
                return [ToolCall(name, "{}")]
        return []  # what is no text, such as an image or a signature, has no place in an answer

    def _usage(self) -> Usage | None:
        """Returns the counts, or None unless they account for the text that came.

        A count of zero may be left out, as JSON made from protocol buffers does.
        """
        counts = self._counts
        if counts.get("promptTokenCount") is None:
            return None
        given = counts.sum("promptTokenCount", "toolUsePromptTokenCount")
        made = counts.sum("candidatesTokenCount", "thoughtsTokenCount")
        if self._spoke and not counts.get("candidatesTokenCount"):
            return None
        return Usage(given, made, counts.sum("cachedContentTokenCount"))
