"""A provider: the plain `/completion` of llama.cpp's server.

    providers:
      llama: {kind: completion, base_url: "http://127.0.0.1:8080", local: true}
    default: {use: llama/any}

A codec is three functions without a socket: nr sends what `encode` returns, hands the response's
bytes to the decoder as they come, asks `blame` what an error response means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers.codec import Blame, Delta, Malformed
from nr_cli.providers.framing import Frames, LineTooLong
from nr_cli.types.events import Finished, Text
from nr_cli.types.record import Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

# How the protocol names the parameters that people know.
NAMES = {"max_tokens": "n_predict", "temperature": "temperature", "top_p": "top_p", "seed": "seed"}


def encode(request: Request, credential: Credential) -> HttpCall:
    """Returns the request with all turns as one text.

    Raises: UsageError for a parameter that the protocol does not have.
    """
    unknown = sorted(request.params.keys() - NAMES.keys())
    if unknown:
        raise UsageError(f"-o {unknown[0]}: not a parameter of this protocol", "leave it out")
    body = {NAMES[name]: value for name, value in request.params.items()}
    body["prompt"] = "\n\n".join(turn.text for turn in request.messages)
    body["stream"] = True
    headers = [("content-type", "application/json"), *request.model.provider.headers.items()]
    if credential.key:
        headers.append(("authorization", f"Bearer {credential.key}"))
    url = request.model.provider.base_url + "/completion"
    return HttpCall(url, tuple(headers), json.dumps(body).encode())


def decoder(headers: Mapping[str, str]) -> CompletionDecoder:
    """Returns a fresh decoder for one response."""
    return CompletionDecoder()


def blame(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure that an error response stands for."""
    kind = FailureKind.OVERLOADED if status == 503 else FailureKind.SERVER
    return Blame(kind, body[:300].decode("utf-8", "replace"))


class CompletionDecoder:
    """Turns the stream of server-sent events into text; the last one says `"stop": true`."""

    def __init__(self) -> None:
        self._frames = Frames()

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete."""
        deltas: list[Delta] = []
        try:
            for frame in self._frames.feed(chunk):
                deltas += read(json.loads(frame.payload))
        except (ValueError, LineTooLong):
            deltas.append(Malformed("an event is not JSON"))
        return deltas

    def end(self, ended: Ended) -> list[Delta]:
        """Returns nothing: a stream that ends without its last event was cut."""
        return []


def read(event: Mapping[str, object]) -> list[Delta]:
    """Returns what one event says."""
    deltas: list[Delta] = [Text(str(event["content"]))] if event.get("content") else []
    if event.get("stop"):
        asked, answered = event.get("tokens_evaluated"), event.get("tokens_predicted")
        known = isinstance(asked, int) and isinstance(answered, int)
        usage = Usage(asked, answered) if known else None
        deltas.append(Finished("length" if event.get("stop_type") == "limit" else "stop", usage))
    return deltas
