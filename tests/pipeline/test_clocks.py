"""The clocks of an ask, and how an attempt is judged, on a driver whose clock the test turns."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence

import pytest

from nr_cli.errors import Exhausted, FailureKind
from nr_cli.pipeline.allowance import Allowance
from nr_cli.pipeline.chain import Reached, walk
from nr_cli.pipeline.ports import Ports
from nr_cli.providers.codec import Blame, Delta, codec_for
from nr_cli.transport.sync import drive
from nr_cli.types.events import Event, Finished, Reasoning, Text
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.recovery import Limits, Recovery, Retry
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Broke, Ended, Open, Opened, Read, Reply, Sleep, Step

KEY = "sk-canary"
HEAD = Opened(200, {})
ONCE = Recovery(retry=Retry(times=0))
TIMES = Timeouts(connect=5, first_token=20, idle=4, total=60)

Row = tuple[float, Reply]


def sse(content: str | None, finish: str | None = None, **delta: str) -> bytes:
    choice = {"delta": {"content": content, **delta}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


class Clockwork:
    """Hands that answer each step after so many seconds, or with a timeout where it waits less."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self.now = 100.0
        self.steps: list[Step] = []

    def do(self, step: Step) -> Reply:
        self.steps.append(step)
        assert not isinstance(step, Sleep), "nothing here is worth a sleep"
        seconds, reply = self.rows.pop(0)
        free = reply.prepared if isinstance(reply, Opened) else 0.0
        if seconds - free > step.within:
            self.now += step.within
            return Broke(FailureKind.TIMEOUT, "nothing more came")
        self.now += seconds
        return reply

    def finish(self) -> None:
        """Has nothing to end."""


def request(name: str = "m", times: Timeouts = TIMES) -> Request:
    provider = Provider("p", "openai", "http://127.0.0.1:1/v1")
    return Request(Model(name, provider, name), (Message("user", "hi"),), {}, times)


def run(
    rows: Sequence[Row],
    *requests: Request,
    deadline: float = 1000.0,
    buffered: bool = False,
) -> tuple[Reached, list[Event], Clockwork]:
    hands = Clockwork(rows)
    ports = Ports(codec_for, lambda model: Credential(KEY, "test"), lambda: hands.now)
    events: list[Event] = []

    def listen() -> Generator[Event, None, Reached]:
        allowance = Allowance(Limits(), hands.now + deadline)
        flow = walk(requests or (request(),), ports, allowance, ONCE, buffered)
        return (yield from drive(flow, hands))

    listening = listen()
    while True:
        try:
            events.append(next(listening))
        except StopIteration as stop:
            return stop.value, events, hands


def fate(rows: Sequence[Row], *requests: Request, deadline: float = 1000.0) -> tuple[str, str]:
    """The ruling kind, or "whole", with the text that was shown."""
    try:
        reached, _, _ = run(rows, *requests, deadline=deadline)
    except Exhausted as error:
        return error.kind.value, ""
    failed = reached.outcome.failed
    return failed.kind.value if failed else "whole", reached.outcome.text


STOP = sse("", "stop")

FATES: dict[str, tuple[list[Row], tuple[str, str]]] = {
    "whole": ([(1, HEAD), (1, sse("a")), (1, STOP), (0, Ended())], ("whole", "a")),
    "no head": ([(21, HEAD)], ("timeout", "")),
    "no first token": ([(1, HEAD), (20, sse("a"))], ("timeout", "")),
    "comments are no token": (
        [(1, HEAD), *[(3, b": wait\n\n")] * 6, (3, sse("a"))],
        ("timeout", ""),
    ),
    "slow but alive": (
        [(15, HEAD), *[(3.9, sse("a"))] * 5, (1, STOP), (0, Ended())],
        ("whole", "aaaaa"),
    ),
    "comments keep a started answer alive": (
        [(1, HEAD), (1, sse("a")), *[(3, b": wait\n\n")] * 3, (1, STOP), (0, Ended())],
        ("whole", "a"),
    ),
    "idle after text": ([(1, HEAD), (1, sse("a")), (5, STOP)], ("stream_broken", "a")),
    "total": ([(1, HEAD), *[(3, sse("a"))] * 25], ("stream_broken", "a" * 19)),
    "cut before text": ([(1, HEAD), (1, Ended())], ("invalid_response", "")),
    "cut before text in a stream": ([(1, HEAD), (1, sse("")), (1, Ended())], ("network", "")),
    "reset after text": (
        [(1, HEAD), (1, sse("a")), (1, Broke(FailureKind.NETWORK, "reset"))],
        ("stream_broken", "a"),
    ),
    "empty": ([(1, HEAD), (1, STOP), (0, Ended())], ("invalid_response", "")),
    "thoughts without an answer": (
        [(1, HEAD), (1, sse(None, reasoning="hm")), (1, STOP), (0, Ended())],
        ("invalid_response", ""),
    ),
    "filtered": (
        [(1, HEAD), (1, sse("a", "content_filter")), (0, Ended())],
        ("content_filter", "a"),
    ),
    "filtered at once": (
        [(1, HEAD), (1, sse("", "content_filter")), (0, Ended())],
        ("content_filter", ""),
    ),
    "refused in words": (
        [(1, HEAD), (1, sse(None, refusal="no")), (1, STOP), (0, Ended())],
        ("content_filter", "no"),
    ),
}


@pytest.mark.parametrize("name", FATES)
def test_an_attempt_ends_as_its_clocks_and_its_stream_say(name: str) -> None:
    rows, end = FATES[name]
    assert fate(rows) == end


def test_the_deadline_of_the_ask_ends_an_attempt_within_itself() -> None:
    rows: list[Row] = [(1, HEAD), *[(1, sse("a"))] * 50]
    _, _, hands = run(rows, deadline=7)
    assert hands.now == 107


def test_no_step_is_allowed_longer_than_the_deadline() -> None:
    _, _, hands = run([(1, HEAD), (1, sse("a")), (1, STOP), (0, Ended())], deadline=3)
    assert all(step.within <= 3 for step in hands.steps if isinstance(step, Open | Read))


def test_nobody_is_asked_once_the_deadline_has_passed() -> None:
    hands = Clockwork([(9, HEAD), (0, HEAD)])
    ports = Ports(codec_for, lambda model: Credential(None, "none"), lambda: hands.now)
    candidates, allowance = [request("slow"), request("next")], Allowance(Limits(), hands.now + 5)
    flow = walk(candidates, ports, allowance, ONCE, False)
    with pytest.raises(Exhausted) as caught:
        list(drive(flow, hands))
    assert caught.value.kind == FailureKind.TIMEOUT
    assert [failure.model.name for failure in caught.value.failures] == ["slow"]


def test_what_a_server_says_of_the_key_is_never_told() -> None:
    body = json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()
    with pytest.raises(Exhausted) as caught:
        run([(1, Opened(401, {})), (1, body), (0, Ended())])
    assert KEY not in str(caught.value)
    assert "***" in str(caught.value)


def test_an_error_body_that_never_ends_costs_no_more_than_a_bounded_read() -> None:
    rows: list[Row] = [(0, Opened(500, {})), *[(0, b"x" * 65536)] * 50]
    hands = Clockwork(rows)
    ports = Ports(codec_for, lambda model: Credential(None, "none"), lambda: hands.now)
    flow = walk([request()], ports, Allowance(Limits(), hands.now + 9), ONCE, False)
    with pytest.raises(Exhausted):
        list(drive(flow, hands))
    assert len(hands.steps) < 5


def test_thoughts_are_events_of_their_own_and_never_text() -> None:
    rows: list[Row] = [(1, HEAD), (1, sse("a", reasoning="hm")), (1, STOP), (0, Ended())]
    reached, events, _ = run(rows)
    assert [event for event in events if isinstance(event, Text | Reasoning)] == [
        Reasoning("hm"),
        Text("a"),
    ]
    assert (reached.outcome.text, reached.outcome.reasoning) == ("a", "hm")


def test_a_held_answer_shows_nothing_of_an_attempt_that_broke() -> None:
    rows: list[Row] = [
        (1, HEAD), (1, sse("half")), (1, Ended()),
        (1, HEAD), (1, sse("whole")), (1, STOP), (0, Ended()),
    ]  # fmt: skip
    reached, events, _ = run(rows, request("one"), request("two"), buffered=True)
    assert not [event for event in events if isinstance(event, Text)]
    assert reached.outcome.text == "whole"
    assert [attempt.kind for attempt in reached.attempts] == [FailureKind.STREAM_BROKEN, None]


def test_a_held_answer_that_broke_with_nobody_left_is_kept_as_far_as_it_came() -> None:
    reached, events, _ = run([(1, HEAD), (1, sse("half")), (1, Ended())], buffered=True)
    assert not [event for event in events if isinstance(event, Text)]
    assert reached.outcome.text == "half"
    assert reached.outcome.failed is not None


def test_waiting_for_the_backend_is_counted_apart_from_nr() -> None:
    reached, _, _ = run([(1, HEAD), (2, sse("a")), (3, STOP), (0, Ended())])
    assert reached.waited_ms == 6000


def test_a_one_time_preparation_counts_against_no_limit() -> None:
    """The first ask may fetch a model for minutes; the answer still has all of its own time."""
    prepared = Opened(200, {}, prepared=500.0)
    rows = [(505.0, prepared), (10.0, sse("late", "stop")), (0.0, Ended())]
    reached, _, _ = run(rows, deadline=60.0)
    assert reached.outcome.failed is None
    assert reached.outcome.text == "late"
    slow = [(505.0, prepared), (30.0, sse("too late"))]
    with pytest.raises(Exhausted, match="timeout"):
        run(slow, deadline=60.0)


class Talkative:
    """A protocol of a plugin, whose decoder goes on after a failure."""

    encode = staticmethod(codec_for("openai").encode)

    def decoder(self, headers: object) -> Talkative:
        return self

    def feed(self, chunk: bytes) -> list[Delta]:
        return [Blame(FailureKind.OVERLOADED, "no more room"), Text("late"), Finished("stop", None)]


def test_nothing_counts_after_a_failure_in_one_chunk_with_it() -> None:
    hands = Clockwork([(1, HEAD), (1, b"x")])
    ports = Ports(lambda kind: Talkative(), lambda model: Credential(KEY, "test"), lambda: 0.0)  # type: ignore[arg-type,return-value] # what an attempt needs of it
    flow = walk([request()], ports, Allowance(Limits(), 1000.0), ONCE, buffered=False)
    with pytest.raises(Exhausted, match="no more room") as caught:
        list(drive(flow, hands))
    assert caught.value.kind == FailureKind.OVERLOADED
