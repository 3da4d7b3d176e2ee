"""One request to one model: sends it, reads the stream, judges how it ended.

Theory. An attempt ends in exactly one `Outcome`. While it runs, text is passed on as it comes
(unless it is held back), so the only honest end after text is "whole" or "broken"; before text,
any failure is as if nothing had happened. An answer is whole only when the backend said so: a
clean end of the connection proves nothing, since proxies cut streams cleanly too.

Three clocks run: `first_token` from the start, `idle` from the last byte, `total` (with the ask's
deadline, whichever ends first) over everything. A keep-alive comment counts against idle, never
against the first token.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

from nr_cli.errors import FailureKind
from nr_cli.providers.codec import (
    MAX_BODY,
    Blame,
    Codec,
    Decoder,
    Delta,
    Malformed,
    Refusal,
)
from nr_cli.types.events import Event, Failed, Finished, Held, Reasoning, Text, ToolCall
from nr_cli.types.record import Finish, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Broke, Ended, HttpCall, Open, Opened, Read, Reply, Step

MAX_ERROR_BODY = 64 * 1024
MAX_TEXT = MAX_BODY
MAX_DETAIL = 600  # characters of a server's words, counted when no secret is in them any more

Flow: TypeAlias = "Generator[Step | Event, Reply, Outcome]"
Clock: TypeAlias = "Callable[[], float]"


class Outcome(NamedTuple):
    """How an attempt ended. `failed` is None for an answer that the backend declared whole."""

    failed: Failed | None
    text: str
    reasoning: str
    finish: Finish | None
    usage: Usage | None
    clean: bool
    status: int | None
    ms: float
    waited_ms: float


class Attempt:
    """The state of one attempt while its stream is read."""

    def __init__(
        self,
        request: Request,
        credential: Credential,
        codec: Codec,
        clock: Clock,
        deadline: float,
        key: str = "",
    ) -> None:
        """Prepares the attempt; `deadline` is the clock's reading at which the whole ask ends.

        `key` is sent along so that a server may know a repetition (Idempotency-Key).
        """
        self.request = request
        self.key = key
        self.credential = credential
        self.codec = codec
        self.clock = clock
        self.started = clock()
        self.deadline = min(deadline, self.started + request.timeouts.total)
        self.waited = 0.0
        self.status: int | None = None
        self.texts: list[str] = []
        self.size = 0
        self.thoughts: list[str] = []
        self.finished: Finished | None = None
        self.refused = False
        self.called = False
        self.clean = True
        self.failure: Failed | None = None

    def run(self, hold: bool) -> Flow:
        """Yields steps with events as they come; with `hold` text comes as Held."""
        call = self.codec.encode(self.request, self.credential)
        if self.key and isinstance(call, HttpCall):
            call = call._replace(headers=(*call.headers, ("idempotency-key", self.key)))
        timeouts = self.request.timeouts
        within = min(timeouts.first_token, self.deadline - self.clock())
        opened = yield from self._wait(Open(call, min(timeouts.connect, within), within))
        if isinstance(opened, Opened):
            self.started += opened.prepared
            self.deadline += opened.prepared
            # a program has no status that a person would know
            self.status = opened.status if isinstance(call, HttpCall) else None
            if 200 <= opened.status < 300:
                yield from self._stream(self.codec.decoder(opened.headers), hold)
            else:
                yield from self._error(opened)
        elif isinstance(opened, Broke):
            told = False if opened.lasting else None
            self._fail(opened.kind, opened.detail, should_retry=told)
        self._judge()
        return self._outcome()

    def _wait(self, step: Step) -> Generator[Step | Event, Reply, Reply]:
        """Yields one step; the time it takes is the backend's, not nr's."""
        before = self.clock()
        reply = yield step
        self.waited += self.clock() - before
        return reply

    def _stream(self, decoder: Decoder, hold: bool) -> Generator[Step | Event, Reply, None]:
        while self.failure is None and self.finished is None:
            reply = yield from self._wait(Read(self._patience()))
            if isinstance(reply, bytes):
                yield from self._take(decoder.feed(reply), hold)
            elif isinstance(reply, Ended):
                yield from self._take(decoder.end(reply), hold)
                return
            elif isinstance(reply, Broke):
                self._fail(reply.kind, reply.detail)

    def _patience(self) -> float:
        """Returns how long the next read may take, in seconds."""
        now = self.clock()
        phase = self.request.timeouts.idle
        if not (self.texts or self.thoughts or self.called):
            phase = self.started + self.request.timeouts.first_token - now
        return max(0.0, min(phase, self.deadline - now))

    def _take(self, deltas: list[Delta], hold: bool) -> Generator[Step | Event, Reply, None]:
        for delta in deltas:
            if self.failure is not None:
                return  # whatever was cut into one chunk with it, nothing counts after a failure
            match delta:
                case Text(text):
                    self._keep(text)
                    yield Held(text) if hold else delta
                case Refusal(text):
                    self.refused = True
                    self._keep(text)
                    yield Held(text) if hold else Text(text)
                case Reasoning(text):
                    self.thoughts.append(text)
                    yield delta
                case ToolCall():
                    self.called = True
                    yield delta
                case Finished():
                    self.finished = delta
                case Blame(kind, detail, wait):
                    self._fail(kind, detail, wait)
                case Malformed(detail):
                    self._fail(FailureKind.INVALID_RESPONSE, detail)

    def _keep(self, text: str) -> None:
        self.texts.append(text)
        self.clean = self.clean and "\ufffd" not in text
        self.size += len(text)
        if self.size > MAX_TEXT:
            self._fail(FailureKind.STREAM_BROKEN, "more than 64 MiB of text, stopped")

    def _error(self, opened: Opened) -> Generator[Step | Event, Reply, None]:
        body = bytearray()
        while len(body) < MAX_ERROR_BODY:
            reply = yield from self._wait(Read(self._patience()))
            if not isinstance(reply, bytes):
                break  # the status alone already says what failed
            body += reply
        kind, detail, wait = self.codec.blame(
            opened.status, opened.headers, bytes(body[:MAX_ERROR_BODY])
        )
        told = {"true": True, "false": False}.get(opened.headers.get("x-should-retry", "").lower())
        if 300 <= opened.status < 400:
            told = False  # the same address would send us on again
        self._fail(kind, detail, wait, told)

    def _fail(
        self,
        kind: FailureKind,
        detail: str,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        """Keeps the first failure; once text has come, every failure is a broken stream."""
        if self.texts and kind != FailureKind.CONTENT_FILTER:
            kind = FailureKind.STREAM_BROKEN
        if self.failure is None:
            from nr_cli.features.shapes import redact

            detail = redact(detail, self.credential.secrets, may_be_cut=True)[:MAX_DETAIL]
            self.failure = Failed(
                self.request.model, kind, detail, self.status, retry_after, should_retry
            )

    def _judge(self) -> None:
        """Finds what is wrong with a stream that ended without a failure of its own."""
        if self.failure is not None:
            return
        if self.finished is None:
            kind = FailureKind.STREAM_BROKEN if self.texts else FailureKind.NETWORK
            self._fail(kind, "the stream was cut before the answer was whole")
        elif self.finished.finish == "content_filter" or self.refused:
            self._fail(FailureKind.CONTENT_FILTER, "the backend's content filter refused")
        elif not (self.size or self.called) and self.finished.finish != "length":
            self._fail(FailureKind.INVALID_RESPONSE, "an empty answer")

    def _outcome(self) -> Outcome:
        finish = self.finished.finish if self.finished else None
        if self.called and finish in (None, "stop"):
            finish = "tool_calls"
        text = "".join(self.texts)
        self.texts.clear()  # a long answer is not held twice
        return Outcome(
            failed=self.failure,
            text=text,
            reasoning="".join(self.thoughts),
            finish=finish,
            usage=self.finished.usage if self.finished else None,
            clean=self.clean,
            status=self.status,
            ms=(self.clock() - self.started) * 1000,
            waited_ms=self.waited * 1000,
        )
