"""Reads a response that is an event stream or, against the request, one JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nr_cli.providers.codec import MAX_BODY, Delta, Malformed, Surrogates
from nr_cli.providers.framing import Frame, Frames, LineTooLong
from nr_cli.providers.openai import BOM, EVENT_STARTS, is_count, loads
from nr_cli.types.events import Finished, Reasoning, Text
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.record import Finish, Usage
from nr_cli.types.steps import Ended


class EventDecoder:
    """The frame of a decoder; a protocol fills in what its events and its document mean."""

    def __init__(self) -> None:
        self._frames: Frames | None = None
        self._body: list[bytes] = []
        self._is_document = False
        self._size = 0
        self._done = False
        # one for each channel: half a character of the thinking is no part of the answer
        self._thought, self._text = Surrogates(), Surrogates()

    def read_event(self, event: JsonObject) -> list[Delta]:
        """Returns what one event of the stream says."""
        raise NotImplementedError

    def read_document(self, document: Json) -> list[Delta]:
        """Returns what a whole document says, its end included."""
        raise NotImplementedError

    def read_end(self) -> list[Delta]:
        """Returns what the end of the stream completes; nothing where only an event ends it."""
        return []

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete; after the end nothing counts any more."""
        if self._done:
            return []
        if self._frames is None:
            self._size += len(chunk)
            if self._size > MAX_BODY:
                return self.stop(Malformed("a response of more than 64 MiB"))
            self._body.append(chunk)
            if not self._begins_events():
                return []
            self._frames, chunk = Frames(), b"".join(self._body)
            self._body.clear()
        try:
            return self._read(self._frames.feed(chunk))
        except LineTooLong:
            return self.stop(Malformed("a line of more than 8 MiB in the stream"))

    def end(self, ended: Ended) -> list[Delta]:
        """Returns the last deltas; without a terminal marker there is no `Finished` among them."""
        if self._done:
            return []
        if self._frames is None:
            return self._read_body(b"".join(self._body))
        deltas = self._read(self._frames.end())
        if any(isinstance(delta, Malformed) for delta in deltas):
            return []  # half a frame at the very end is a cut, not a fault of the server's JSON
        return deltas if self._done else deltas + self.read_end()

    def say(self, text: Json) -> list[Delta]:
        """Returns a piece of the answer."""
        if not isinstance(text, str):
            return self.stop(Malformed("content that is not text"))
        shown = self._text.join(text)
        return [Text(shown)] if shown else []

    def think(self, text: Json) -> list[Delta]:
        """Returns a piece of the thinking; what is not text is not worth failing for."""
        shown = self._thought.join(text) if isinstance(text, str) else ""
        return [Reasoning(shown)] if shown else []

    def finished(self, finish: Finish | None, usage: Usage | None) -> list[Delta]:
        """Returns the end of the answer, after whatever half characters were still held."""
        self._done = True
        tails: list[Delta] = [Reasoning(self._thought.end()), Text(self._text.end())]
        return [*(tail for tail in tails if tail[0]), Finished(finish, usage)]

    def stop(self, delta: Delta) -> list[Delta]:
        """Returns a failure, after which nothing counts any more."""
        self._done = True
        return [delta]

    def _begins_events(self) -> bool:
        """Tells whether the bytes so far begin an event stream; a document is read at its end."""
        if self._is_document:
            return False
        head = b"".join(self._body)
        self._body = [head]
        start = head.removeprefix(BOM).lstrip()
        if not start or BOM.startswith(head):
            return False  # nothing to tell by yet
        self._is_document = start[:1] not in EVENT_STARTS
        return not self._is_document

    def _read(self, frames: list[Frame]) -> list[Delta]:
        deltas: list[Delta] = []
        for frame in frames:
            if self._done:
                break
            if frame.payload.strip() != b"[DONE]":  # OpenAI's marker, which gateways add
                deltas += self._read_payload(frame.payload)
        return deltas

    def _read_payload(self, payload: bytes) -> list[Delta]:
        try:
            event = loads(payload)
        except (ValueError, RecursionError):
            return self.stop(Malformed("a frame of broken JSON in the stream"))
        if not isinstance(event, dict):
            return self.stop(Malformed("a frame that is not a JSON object in the stream"))
        return self.read_event(event)

    def _read_body(self, body: bytes) -> list[Delta]:
        if body.lstrip()[:1] == b"<":
            return self.stop(Malformed("HTML instead of JSON"))
        try:
            document = loads(body)
        except (ValueError, RecursionError):
            return self.stop(
                Malformed("a response that is not JSON" if body else "an empty response")
            )
        return self.read_document(document)


def arguments_of(given: Json) -> str:
    """Returns a tool's arguments as JSON text again."""
    try:
        return json.dumps({} if given is None else given)
    except RecursionError:
        return "{}"  # nested to the very limit; nr shows a call by its name, it never makes one


class Counts:
    """The token counts of a response, which may come in pieces: a later piece wins by name."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def take(self, usage: Json) -> None:
        """Keeps what is a count; anything else is no statement."""
        if isinstance(usage, Mapping):
            for name, value in usage.items():
                if is_count(value):
                    self._counts[name] = int(str(value))

    def get(self, name: str) -> int | None:
        """Returns a count, None when the server never named it."""
        return self._counts.get(name)

    def sum(self, *names: str) -> int:
        """Returns the sum of counts, each taken for zero when the server never named it."""
        return sum(self._counts.get(name, 0) for name in names)
