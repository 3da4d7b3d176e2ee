"""The chain and the whole pipeline on the scripted driver: no network, no clock of the world."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import CacheMiss, Exhausted, FailureKind, Refused
from nr_cli.pipeline import cachekey
from nr_cli.pipeline.answer import World, answer
from nr_cli.pipeline.cost import cost_of
from nr_cli.pipeline.ports import Ports
from nr_cli.providers.codec import codec_for
from nr_cli.transport.script import ScriptedHands
from nr_cli.transport.sync import drive
from nr_cli.types.decision import Decision
from nr_cli.types.events import Event, Finished, Served, Started, Switched, Text
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Price, Provider, Route, Timeouts, Use
from nr_cli.types.prompt import Ask, Prompt
from nr_cli.types.record import Record, Usage
from nr_cli.types.recovery import Recovery, Retry
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Broke, Ended, Open, Opened, Read, Reply

PROVIDER = Provider("p", "openai", "http://127.0.0.1:1/v1")
SMALL = Model("small", PROVIDER, "small", context=1000, price=Price(1.0, 2.0))
BIG = Model("big", PROVIDER, "big", context=9000)


def sse(text: str, finish: str | None = "stop") -> bytes:
    choice = {"delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


ONCE = Recovery(retry=Retry(times=0))
GOOD: list[Reply] = [Opened(200, {}), sse("fine", "stop"), Ended()]
CUT: list[Reply] = [Opened(200, {}), sse("half", None), Ended()]


def status(code: int) -> list[Reply]:
    return [Opened(code, {}), Ended()]


class Shelf:
    """A cache in memory, with what a real one keeps."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, float]] = {}

    def get(self, key: str, ttl: float) -> object:
        if key not in self.kept:
            return None
        body, stored = self.kept[key]
        return type("Entry", (), {"body": body, "stored": stored})

    def put(self, key: str, body: bytes, labels: Mapping[str, str]) -> bool:
        self.kept[key] = (body, 0.0)
        return True


def decision(*chain: Model) -> Decision:
    settings = Route("r", Use(tuple(model.name for model in chain)), recovery=ONCE)
    return Decision(
        "digest", "r", settings, chain, (), (), "first", {}, None, None, (), (), 5, 10, None, 0.0
    )


def run(
    replies: list[Reply], *chain: Model, shelf: Shelf | None = None, **flags: object
) -> tuple[list[Event], ScriptedHands]:
    hands = ScriptedHands(replies)
    ask = Ask(Prompt("hi"))._replace(**flags)
    ports = Ports(codec_for, lambda model: Credential(None, "none"), lambda: 0.0)
    world = World(lambda reading: decision(*chain), ports, shelf or Shelf(), lambda: 0.0)  # type: ignore[arg-type] # any entry will do
    return list(drive(answer(ask, world), hands)), hands


def record_of(events: list[Event]) -> Record:
    assert isinstance(events[-1], Served)
    return events[-1].record


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def test_the_first_candidate_that_answers_ends_the_chain() -> None:
    events, hands = run(GOOD, SMALL, BIG)
    assert text_of(events) == "fine"
    assert len(hands.opened) == 1
    assert record_of(events).complete


@pytest.mark.parametrize(
    "first",
    [
        status(401),
        status(402),
        status(404),
        status(408),
        status(429),
        status(500),
        status(503),
        [Broke(FailureKind.NETWORK, "refused")],
        [Opened(200, {}), b"<html>", Ended()],
        [Opened(200, {}), sse("", "stop"), Ended()],
    ],
    ids=["401", "402", "404", "408", "429", "500", "503", "refused", "html", "empty"],
)
def test_a_failure_before_any_text_hands_over_to_the_next(first: list[Reply]) -> None:
    events, hands = run(first + GOOD, SMALL, BIG)
    assert text_of(events) == "fine"
    assert [event.model.name for event in events if isinstance(event, Started)] == ["small", "big"]
    assert sum(isinstance(event, Switched) for event in events) == 1
    assert len(hands.opened) == 2


@pytest.mark.parametrize("code", [400, 422])
def test_a_bad_request_is_not_tried_elsewhere(code: int) -> None:
    with pytest.raises(Exhausted) as caught:
        run(status(code) + GOOD, SMALL, BIG)
    assert caught.value.kind == FailureKind.BAD_REQUEST


def test_a_window_that_is_too_small_hands_over_only_to_a_larger_one() -> None:
    events, _ = run(status(413) + GOOD, SMALL, BIG)
    assert text_of(events) == "fine"
    with pytest.raises(Exhausted):
        run(status(413) + GOOD, BIG, SMALL)


def test_a_cut_after_text_is_kept_as_it_is_and_nobody_follows() -> None:
    events, hands = run(CUT + GOOD, SMALL, BIG)
    assert text_of(events) == "half"
    assert not record_of(events).complete
    assert len(hands.opened) == 1


def test_where_nothing_is_shown_early_a_cut_hands_over() -> None:
    events, _ = run(CUT + GOOD, SMALL, BIG, buffered=True)
    assert text_of(events) == "fine"


def test_a_script_is_told_to_try_later_when_any_attempt_says_so() -> None:
    with pytest.raises(Exhausted) as caught:
        run(status(429) + status(404), SMALL, BIG)
    assert caught.value.exit == 75


def test_a_kept_answer_is_replayed_as_the_stream_it_was() -> None:
    shelf = Shelf()
    first, _ = run(GOOD, SMALL, shelf=shelf)
    again, hands = run([], SMALL, shelf=shelf)
    assert text_of(again) == text_of(first)
    assert hands.steps == []
    assert record_of(again).cache == "hit"
    assert any(isinstance(event, Finished) for event in again)


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [
        ("readwrite", True, True),
        ("read", True, False),
        ("write", False, True),
        ("refresh", False, True),
        ("off", False, False),
    ],
)
def test_each_cache_mode_reads_and_writes_as_its_name_says(
    mode: str, reads: bool, writes: bool
) -> None:
    shelf = Shelf()
    run(GOOD, SMALL, shelf=shelf, cache=mode)
    assert bool(shelf.kept) == writes
    run(GOOD, SMALL, shelf=shelf)
    _, hands = run(GOOD, SMALL, shelf=shelf, cache=mode)
    assert (hands.opened == []) == reads


def test_the_cache_alone_never_asks_anybody() -> None:
    with pytest.raises(CacheMiss):
        run([], SMALL, cache="only")


REQUEST = Request(SMALL, (Message("user", "hi"),), {"temperature": 0.5}, PROVIDER.timeout)
CHANGES = {
    "model": REQUEST._replace(model=SMALL._replace(wire="other")),
    "address": REQUEST._replace(
        model=SMALL._replace(provider=PROVIDER._replace(base_url="http://127.0.0.1:2/v1"))
    ),
    "header": REQUEST._replace(
        model=SMALL._replace(provider=PROVIDER._replace(headers={"x-org": "a"}))
    ),
    "system": REQUEST._replace(messages=(Message("system", "s"), Message("user", "hi"))),
    "role": REQUEST._replace(messages=(Message("assistant", "hi"),)),
    "param": REQUEST._replace(params={"temperature": 0.6}),
    "param absent": REQUEST._replace(params={}),
    "seed": REQUEST._replace(params={"temperature": 0.5, "seed": 1}),
}
SAME = {
    "alias": REQUEST._replace(model=SMALL._replace(name="alias")),
    "price": REQUEST._replace(model=SMALL._replace(price=None)),
    "timeouts": REQUEST._replace(timeouts=PROVIDER.timeout._replace(total=1.0)),
    "proxy": REQUEST._replace(
        model=SMALL._replace(provider=PROVIDER._replace(proxy="http://127.0.0.1:9"))
    ),
}


def key_of(request: Request, fingerprint: str = "") -> str:
    return cachekey.key(cachekey.fields(request, fingerprint))


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_can_change_the_answer_changes_the_key(change: str) -> None:
    assert key_of(CHANGES[change]) != key_of(REQUEST)


@pytest.mark.parametrize("change", SAME)
def test_what_cannot_change_the_answer_leaves_the_key_alone(change: str) -> None:
    assert key_of(SAME[change]) == key_of(REQUEST)


def test_another_credential_is_another_key() -> None:
    assert key_of(REQUEST, "a") != key_of(REQUEST, "b")


PARAMS = st.dictionaries(
    st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5), st.booleans()), max_size=4
)


@given(PARAMS, PARAMS)
@settings(deadline=None)
def test_two_requests_share_a_key_only_if_their_parameters_are_the_same(
    one: dict[str, object], other: dict[str, object]
) -> None:
    first = key_of(REQUEST._replace(params=one))  # type: ignore[arg-type] # scalars are JSON
    second = key_of(REQUEST._replace(params=other))  # type: ignore[arg-type] # scalars are JSON
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (first == second) == same
    assert len(first) == 64


def test_cost_counts_cached_input_at_its_own_price_and_is_unknown_without_one() -> None:
    usage = Usage(1_000_000, 500_000, 400_000)
    assert cost_of(usage, Price(1.0, 2.0, 0.1)) == pytest.approx(0.6 + 0.04 + 1.0)
    assert cost_of(usage, Price(1.0, 2.0)) == pytest.approx(2.0)
    assert cost_of(usage, None) is None
    assert cost_of(None, Price(1.0, 2.0)) is None


def test_a_short_limit_of_one_candidate_leaves_the_next_its_own() -> None:
    """`total` bounds a request, so a quick first candidate must not take the second's time."""
    quick = SMALL._replace(provider=PROVIDER._replace(timeout=Timeouts(total=1.0)))
    patient = BIG._replace(provider=PROVIDER._replace(timeout=Timeouts(total=60.0)))
    clock = iter([0.0, *[2.0] * 1000])  # the first candidate's second is over when it fails
    ask = Ask(Prompt("hi"))
    ports = Ports(codec_for, lambda model: Credential(None, "none"), lambda: next(clock))
    chain = decision(quick, patient)
    world = World(lambda reading: chain, ports, Shelf(), lambda: 0.0)  # type: ignore[arg-type] # any entry will do
    hands = ScriptedHands([Broke(FailureKind.TIMEOUT, "too late"), *GOOD])
    assert text_of(list(drive(answer(ask, world), hands))) == "fine"


def test_no_candidate_outlives_the_timeout_of_the_ask() -> None:
    _, hands = run(GOOD, SMALL, timeout=3.0)
    assert all(step.within <= 3.0 for step in hands.steps if isinstance(step, Open | Read))


@given(st.text(min_size=1, max_size=9000))
@settings(deadline=None, max_examples=25)
def test_a_replay_has_the_very_text_of_the_original(text: str) -> None:
    shelf = Shelf()
    whole: list[Reply] = [Opened(200, {}), sse(text, "stop"), Ended()]
    first, _ = run(whole, SMALL, shelf=shelf)
    kept = bool(shelf.kept)
    again, hands = run([] if kept else whole, SMALL, shelf=shelf)
    assert text_of(again) == text_of(first)
    assert (hands.opened == []) == kept
    assert kept == (bool(text.strip()) and "\ufffd" not in text_of(first))


def test_a_replay_costs_nothing_and_asks_nobody() -> None:
    shelf = Shelf()
    run(GOOD, SMALL, shelf=shelf)
    record = record_of(run([], SMALL, shelf=shelf)[0])
    assert (record.cost, record.attempts, record.finish) == (0.0, (), "stop")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"text": ""}', b"\xff", b'{"text": null}', b'{"text": [1]}', b"[" * 99999],
    ids=["empty", "cut", "list", "blank", "not utf-8", "null", "not text", "nested"],
)
def test_a_damaged_entry_is_a_miss(body: bytes) -> None:
    shelf = Shelf()
    run(GOOD, SMALL, shelf=shelf)
    shelf.kept = dict.fromkeys(shelf.kept, (body, 0.0))
    events, _ = run(GOOD, SMALL, shelf=shelf)
    assert text_of(events) == "fine"


@pytest.mark.parametrize("usage", ["x", [1], [1, 2, 3, 4], ["a", "b", "c"], [-1, None, 2]])
def test_an_entry_whose_usage_is_damaged_still_never_breaks_an_ask(usage: object) -> None:
    shelf = Shelf()
    run(GOOD, SMALL, shelf=shelf)
    body = json.dumps({"text": "kept", "usage": usage}).encode()
    shelf.kept = dict.fromkeys(shelf.kept, (body, 0.0))
    events, _ = run(GOOD, SMALL, shelf=shelf)
    found = record_of(events).usage
    assert found is None or all(isinstance(count, int) and count >= 0 for count in found)


def test_offline_without_a_kept_answer_is_a_miss_where_routing_refuses() -> None:
    def refuse(reading: bool) -> Decision:
        if reading:
            return decision(SMALL)
        raise Refused("no model")

    ports = Ports(codec_for, lambda model: Credential(None, "none"), lambda: 0.0)
    world = World(refuse, ports, Shelf(), lambda: 0.0)  # type: ignore[arg-type] # any entry will do
    with pytest.raises(CacheMiss):
        list(drive(answer(Ask(Prompt("hi"), offline=True), world), ScriptedHands([])))


def test_a_repair_that_fails_leaves_the_first_attempt_in_the_list() -> None:
    prose: list[Reply] = [Opened(200, {}), sse("no json", "stop"), Ended()]
    with pytest.raises(Exhausted) as caught:
        run(prose + status(500), SMALL, schema={"type": "object"})
    assert [attempt.kind for attempt in caught.value.attempts] == [None, FailureKind.SERVER]


@pytest.mark.parametrize("buffered", [False, True])
def test_a_filtered_answer_is_the_end_of_the_chain(buffered: bool) -> None:
    filtered: list[Reply] = [Opened(200, {}), sse("part", "content_filter"), Ended()]
    events, hands = run(filtered + GOOD, SMALL, BIG, buffered=buffered)
    assert text_of(events) == "part"
    assert not record_of(events).complete
    assert len(hands.opened) == 1
