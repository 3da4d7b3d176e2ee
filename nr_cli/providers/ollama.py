"""The chat protocol of Ollama: one JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers.blame import OPEN_STATUSES, blame_error, blame_response
from nr_cli.providers.chat import header_of
from nr_cli.providers.codec import Blame, Delta, Malformed
from nr_cli.providers.decoding import Counts, EventDecoder
from nr_cli.providers.encoding import (
    Dialect,
    effort_of,
    listed,
    mapping_of,
    post,
    system_of,
    turns_of,
)
from nr_cli.providers.framing import LineTooLong
from nr_cli.providers.lines import Lines
from nr_cli.providers.openai import BOM, loads
from nr_cli.types.events import ToolCall
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Message
from nr_cli.types.policy import Provider
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

OPTIONS = Dialect(
    "ollama",
    {"max_tokens": "num_predict", "max_completion_tokens": "num_predict"},
    {
        "logit_bias": "leave it out",
        "logprobs": "leave it out",
        "top_logprobs": "leave it out",
        "response_format": "give a JSON Schema instead",
        "user": "leave it out",
    },
    frozenset({"model", "messages", "stream", "n"}),
)
# What stands beside `options` in the request rather than in it.
TOP_LEVEL = frozenset({"think", "keep_alive", "format", "tools", "truncate", "shift"})
# How hard to think: one switch for most models, a word for a few, which the others take for "on".
EFFORTS: dict[str, Json] = {
    "none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high",
    "xhigh": "high", "max": "high",
}  # fmt: skip

LEAST_WINDOW = 4096  # tokens, the server's own default
ANSWER_ROOM = 2048  # tokens, where nobody names a limit

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}

NO_MODEL = re.compile(r"model ['\"].*['\"] not found", re.IGNORECASE | re.DOTALL)


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the POST to `{base_url}/api/chat`, always streamed.

    Too long an input is an error rather than cut (`truncate`), and so is too long an answer
    (`shift`), by servers of version 0.12.6 or later; older ones know neither word.

    Raises: UsageError for an option or a file that the protocol lacks.
    """
    params = OPTIONS.translate(request.params)
    effort = effort_of(params, EFFORTS)
    options = mapping_of(params, "options")
    beside = {name: params.pop(name) for name in sorted(TOP_LEVEL & params.keys())}
    if "stop" in params:
        params["stop"] = listed(params["stop"])
    options |= params
    options.setdefault("num_ctx", window_for(request, options.get("num_predict")))
    body: dict[str, Json] = {
        "model": request.model.wire,
        "messages": _turns(request.messages),
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": options,
    }
    if effort is not None:
        body["think"] = EFFORTS[effort]
    if request.schema is not None:
        body["format"] = request.schema
    provider = request.model.provider._replace(base_url=_root(request.model.provider))
    return post(provider, "/api/chat", header_of(credential.key), {**body, **beside})


def _root(provider: Provider) -> str:
    """Returns the server's address; a path that other protocols want there is passed over."""
    root = provider.base_url.rstrip("/")
    return root.removesuffix("/v1").removesuffix("/api")


def window_for(request: Request, limit: Json) -> int:
    """Returns the window in tokens that input and answer fit into.

    The server cuts what does not fit, without a word, from a window of 4096 tokens by default. It
    loads the model anew whenever the window changes, so the steps are coarse: each twice the last.
    The input is an estimate, and a quarter of it is left as room.
    """
    model = request.model
    room = limit if isinstance(limit, int) and limit > 0 else model.max_output or ANSWER_ROOM
    wanted = request.input_tokens * 5 // 4 + room
    window = LEAST_WINDOW
    while window < wanted:
        window *= 2
    return window if model.context is None else min(window, model.context)


def _turns(messages: tuple[Message, ...]) -> list[Json]:
    system = system_of(messages)
    told: list[Json] = [{"role": "system", "content": system}] if system else []
    return [*told, *(_turn(group) for group in turns_of(messages))]


def _turn(turns: list[Message]) -> JsonObject:
    """Returns neighbouring turns of one role as one message with its images."""
    files = [file for turn in turns for file in turn.attachments]
    for file in files:
        if file.medium != "image":
            what = "PDF" if file.medium == "pdf" else "audio"
            raise UsageError(f"{file.name}: the ollama protocol takes no {what} (send its text)")
    text = "\n\n".join(turn.text for turn in turns if turn.text)
    message: dict[str, Json] = {"role": turns[0].role, "content": text}
    if files:
        message["images"] = [file.base64 for file in files]
    return message


def decoder(headers: Mapping[str, str]) -> OllamaDecoder:
    """Returns a decoder that takes a stream of objects or a single one."""
    return OllamaDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    found = blame_response(status, headers, body)
    if status in OPEN_STATUSES and NO_MODEL.search(found.detail):
        return found._replace(kind=FailureKind.MODEL_NOT_FOUND)
    return found


class OllamaDecoder(EventDecoder):
    """Decodes an answer; it is whole once an object says `done`."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = Lines()
        self._read_any = False

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete; after the end nothing counts any more."""
        if self._done:
            return []
        try:
            lines = self._lines.feed(chunk)
        except LineTooLong:
            return self.stop(Malformed("a line of more than 8 MiB in the stream"))
        return [delta for line in lines for delta in self._read_line(line)]

    def end(self, ended: Ended) -> list[Delta]:
        """Returns the last deltas; without `done` there is no `Finished` among them."""
        if self._done:
            return []
        deltas = self._read_line(self._lines.end())
        if self._read_any:
            # half a line at the very end is a cut, not a fault of the server's JSON
            return [delta for delta in deltas if not isinstance(delta, Malformed)]
        return deltas or self.stop(Malformed("an empty response"))

    def _read_line(self, line: bytes) -> list[Delta]:
        line = line.strip()
        if not self._read_any:
            line = line.removeprefix(BOM).lstrip()
        if self._done or not line:
            return []
        if line[:1] == b"<":
            return self.stop(Malformed("HTML instead of JSON"))
        try:
            event = loads(line)
        except (ValueError, RecursionError):
            what = "a line of broken JSON in the stream" if self._read_any else None
            return self.stop(Malformed(what or "a response that is not JSON"))
        if not isinstance(event, dict):
            return self.stop(Malformed("a line that is not a JSON object in the stream"))
        self._read_any = True
        return self.read_event(event)

    def read_event(self, event: JsonObject) -> list[Delta]:
        """Returns what one object says."""
        if event.get("error"):
            return self.stop(blame_line(event["error"]))
        message = event.get("message")
        if not isinstance(message, Mapping) and event.get("done") is not True:
            return self.stop(Malformed("an object without a message in the stream"))
        deltas = self._read_message(message) if isinstance(message, Mapping) else []
        if self._done or event.get("done") is not True:
            return deltas
        counts = Counts()
        counts.take(event)
        given, made = counts.get("prompt_eval_count"), counts.get("eval_count")
        usage = None if given is None or made is None else Usage(given, made)
        return [*deltas, *self.finished(FINISHES.get(str(event.get("done_reason"))), usage)]

    def _read_message(self, message: JsonObject) -> list[Delta]:
        deltas = [*self.think(message.get("thinking")), *self.say(message.get("content") or "")]
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                arguments = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
                deltas.append(ToolCall(str(function["name"]), arguments))
        return deltas


def blame_line(error: Json) -> Blame:
    """Returns the failure of an error that came inside a successful response."""
    found = blame_error(error)
    if NO_MODEL.search(found.detail):
        return found._replace(kind=FailureKind.MODEL_NOT_FOUND)
    return found
