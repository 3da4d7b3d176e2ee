"""The Responses protocol of OpenAI."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers.blame import blame_error, blame_response
from nr_cli.providers.chat import header_of, instruction_for, url_of
from nr_cli.providers.codec import Blame, Delta, Malformed, Refusal, Surrogates
from nr_cli.providers.decoding import Counts, EventDecoder
from nr_cli.providers.encoding import Dialect, mapping_of, post, system_of, turns_of
from nr_cli.providers.strict import fit
from nr_cli.types.events import ToolCall
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Attachment, Message
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

OPTIONS = Dialect(
    "openai-responses",
    {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"},
    {
        "stop": "use kind openai",
        "seed": "use kind openai",
        "presence_penalty": "use kind openai",
        "frequency_penalty": "use kind openai",
        "logit_bias": "use kind openai",
        "logprobs": "use top_logprobs",
        "response_format": "give a JSON Schema instead",
    },
    frozenset({"model", "messages", "input", "instructions", "stream", "background", "n"}),
)

INCOMPLETE: dict[str, Finish] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to `{base_url}/responses`, always streamed, nothing stored by the vendor.

    Raises: UsageError for an option or a file that the protocol lacks.
    """
    provider = request.model.provider
    params = OPTIONS.translate(request.params)
    reasoning, text = mapping_of(params, "reasoning"), mapping_of(params, "text")
    _move(params, "reasoning_effort", reasoning, "effort")
    _move(params, "verbosity", text, "verbosity")
    instructions = system_of(request.messages)
    if request.schema is not None:
        answer_format, words = _formatted(request.schema, provider.quirks)
        text = {**answer_format, **text}
        instructions = "\n\n".join(part for part in (words, instructions) if part)
    body: dict[str, Json] = {
        "model": request.model.wire,
        "input": [_turn(turns) for turns in turns_of(request.messages)],
        "stream": True,
        "store": False,
    }
    body |= {"instructions": instructions} if instructions else {}
    body |= {"reasoning": reasoning} if reasoning else {}
    body |= {"text": text} if text else {}
    return post(provider, "/responses", header_of(credential.key), {**body, **params})


def _move(params: dict[str, Json], name: str, into: dict[str, Json], under: str) -> None:
    if name in params:
        into[under] = params.pop(name)


def _formatted(schema: JsonObject, quirks: frozenset[str]) -> tuple[dict[str, Json], str]:
    """Returns the `text` setting for a schema, with what must be said of it in words."""
    if "no_json_schema" in quirks:
        is_object = schema.get("type") == "object"
        setting: dict[str, Json] = {"format": {"type": "json_object"}} if is_object else {}
        return setting, instruction_for(schema)
    named = fit(schema, "no_strict" not in quirks)
    return {"format": {"type": "json_schema", **named.document()}}, ""


def _turn(turns: list[Message]) -> JsonObject:
    """Returns neighbouring turns of one role as one item, files before the text."""
    text = "\n\n".join(turn.text for turn in turns if turn.text)
    if turns[0].role == "assistant":
        # llama.cpp knows an earlier answer in its whole form alone (2026-11-23)
        answer: Json = [{"type": "output_text", "text": text}]
        return {"type": "message", "role": "assistant", "content": answer}
    parts: list[Json] = [_part(file) for turn in turns for file in turn.attachments]
    if not parts:
        return {"role": turns[0].role, "content": text}
    said: list[Json] = [{"type": "input_text", "text": text}] if text else []
    return {"role": turns[0].role, "content": [*parts, *said]}


def _part(file: Attachment) -> JsonObject:
    match file.medium:
        case "image":
            return {"type": "input_image", "image_url": url_of(file)}
        case "pdf":
            # a name is demanded; the file's own is for people alone
            return {"type": "input_file", "filename": "file.pdf", "file_data": url_of(file)}
        case "audio":
            raise UsageError(
                f"{file.name}: the openai-responses protocol takes no audio (use kind openai)"
            )


def decoder(headers: Mapping[str, str]) -> ResponsesDecoder:
    """Returns a decoder that tells a stream from a single document by its first byte."""
    return ResponsesDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    return blame_response(status, headers, body)


class ResponsesDecoder(EventDecoder):
    """Decodes a response; it is whole once an event says how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self._refused = Surrogates()
        self._has_said = False

    def read_event(self, event: JsonObject) -> list[Delta]:
        """Returns what one event says; unheard-of ones say nothing."""
        match event:
            case {"type": "response.output_text.delta"}:
                self._has_said = True
                return self.say(event.get("delta"))
            case {"type": "response.refusal.delta"}:
                self._has_said = True
                return self._refuse(event.get("delta"))
            case {
                "type": "response.reasoning_summary_text.delta" | "response.reasoning_text.delta"
            }:
                return self.think(event.get("delta"))
            case {"type": "response.reasoning_summary_part.added", "summary_index": int(index)}:
                return self.think("\n\n") if index > 0 else []
            case {"type": "response.output_item.done", "item": dict(item)}:
                return self._read_call(item)
            case {
                "type": "response.completed" | "response.incomplete" | "response.failed",
                "response": dict(response),
            }:
                return self._close(response, self._has_said)
            case {"type": "error"} | {"error": dict() | str()}:
                return self.stop(blame_error(event.get("error") or event))
            case {"type": str()}:
                return []
        return self.stop(Malformed("an event without a type in the stream"))

    def read_document(self, document: Json) -> list[Delta]:
        """Returns what a response says that was sent as one document."""
        if not isinstance(document, dict):
            return self.stop(Malformed("a JSON response that is not an object"))
        if document.get("error"):
            return self.stop(blame_error(document["error"]))
        if not isinstance(document.get("output"), list):
            return self.stop(Malformed("a response without output"))
        deltas: list[Delta] = []
        for item in document["output"]:
            deltas += self._read_call(item) if isinstance(item, dict) else []
        return [*deltas, *self._close(document, has_said=False)]

    def _close(self, response: JsonObject, has_said: bool) -> list[Delta]:
        """Returns the end; text that no event brought before is taken from the whole response."""
        if response.get("error") or response.get("status") in ("failed", "cancelled"):
            error = response.get("error") or "the response ended without an answer"
            return self.stop(blame_error(error))
        deltas = [] if has_said else self._read_output(response.get("output"))
        if self._done:
            return deltas
        details = response.get("incomplete_details")
        finish: Finish | None = "stop"
        if details or response.get("status") == "incomplete":
            reason = details.get("reason") if isinstance(details, Mapping) else None
            finish = INCOMPLETE.get(str(reason))
            if finish is None:
                words = f"the response is incomplete ({reason or 'no reason is given'})"
                return [*deltas, *self.stop(Blame(FailureKind.SERVER, words))]
        tail = self._refused.end()
        deltas += [Refusal(tail)] if tail else []
        return [*deltas, *self.finished(finish, read_usage(response.get("usage")))]

    def _read_output(self, output: Json) -> list[Delta]:
        deltas: list[Delta] = []
        for item in output if isinstance(output, list) else []:
            if not isinstance(item, dict) or self._done:
                continue
            parts = item.get("summary") if item.get("type") == "reasoning" else item.get("content")
            for part in parts if isinstance(parts, list) else []:
                deltas += self._read_part(part) if isinstance(part, dict) else []
        return deltas

    def _read_part(self, part: JsonObject) -> list[Delta]:
        match part:
            case {"type": "output_text"}:
                return self.say(part.get("text"))
            case {"type": "refusal"}:
                return self._refuse(part.get("refusal"))
            case {"type": "summary_text"}:
                return self.think(part.get("text"))
        return []

    def _read_call(self, item: JsonObject) -> list[Delta]:
        match item:
            case {"type": "function_call", "name": str(name)}:
                return [ToolCall(name, str(item.get("arguments") or "{}"))]
        return []

    def _refuse(self, words: Json) -> list[Delta]:
        shown = self._refused.join(words) if isinstance(words, str) else ""
        return [Refusal(shown)] if shown else []


def read_usage(usage: Json) -> Usage | None:
    """Returns token counts, the cache's share within the input; None unless both ways are there."""
    counts = Counts()
    counts.take(usage)
    given, made = counts.get("input_tokens"), counts.get("output_tokens")
    if given is None or made is None or not isinstance(usage, Mapping):
        return None
    details = Counts()
    details.take(usage.get("input_tokens_details"))
    return Usage(given, made, details.sum("cached_tokens"))
