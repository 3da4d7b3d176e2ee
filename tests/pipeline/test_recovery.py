"""What follows a failure: retries, waits, rests, budgets, on a clock that the test turns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import Exhausted, FailureKind, NrError, Refused
from nr_cli.pipeline.allowance import Allowance
from nr_cli.pipeline.breaker import LONGEST, Groups, Health
from nr_cli.pipeline.chain import backoff, walk
from nr_cli.pipeline.ports import Ports
from nr_cli.providers.codec import codec_for
from nr_cli.store.states import States
from nr_cli.transport.sync import drive
from nr_cli.types.events import Event, Failed, Text, Waiting
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.recovery import Breaker, FollowUp, Limits, Recovery, Retry
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Broke, Ended, HttpCall, Open, Opened, Read, Reply, Sleep, Step

START = 1000.0
USUAL, USUAL_BREAKER = Recovery(), Breaker()


def sse(text: str, finish: str | None = None) -> bytes:
    choice = {"delta": {"content": text}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def head(status: int, **headers: str) -> list[Reply]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [Opened(status, named), Ended()]


FINE: list[Reply] = [Opened(200, {}), sse("fine", "stop"), Ended()]
CUT: list[Reply] = [Opened(200, {}), sse("half"), Ended()]
RESET: list[Reply] = [Broke(FailureKind.NETWORK, "reset")]
SILENT: list[Reply] = [Broke(FailureKind.TIMEOUT, "silent")]
CERTIFICATE: list[Reply] = [Broke(FailureKind.NETWORK, "certificate", lasting=True)]


class World:
    """Backends by name with what each says in turn (the last goes on for ever), and a clock."""

    def __init__(self, **says: Sequence[list[Reply]]) -> None:
        self.says = {name: list(turns) for name, turns in says.items()}
        self.now = START
        self.asked: list[tuple[str, float, str]] = []
        self.slept: list[float] = []
        self.left: list[Reply] = []
        self.cost = 0.5
        self.cuts = 0
        self.shared = States(None, "")

    def do(self, step: Step) -> Reply:
        if isinstance(step, Sleep):
            self.now += step.seconds
            self.slept.append(step.seconds)
            return None
        if isinstance(step, Open):
            assert isinstance(step.call, HttpCall)
            name = json.loads(step.call.body)["model"]
            key = dict(step.call.headers).get("idempotency-key", "")
            self.asked.append((name, round(self.now - START, 3), key))
            self.now += self.cost
            turns = self.says[name]
            said = turns.pop(0) if len(turns) > 1 else turns[0]
            self.cuts += said is CUT
            self.left = list(said)
        assert isinstance(step, Open | Read)
        return self.left.pop(0)

    def finish(self) -> None:
        """Has nothing to end."""

    @property
    def order(self) -> str:
        return "".join(name for name, _, _ in self.asked)


class Told(NamedTuple):
    """What an ask came to."""

    text: str
    error: NrError | None
    events: list[Event]


def request(name: str, estimate: float | None = None, group: str | None = None) -> Request:
    provider = Provider(name, "openai", f"http://127.0.0.1:1/{name}", quota_group=group)
    context = {"a": 1000, "b": 9000}.get(name)
    model = Model(name, provider, name, context=context)
    return Request(model, (Message("user", "hi"),), {}, Timeouts(), estimate=estimate)


def alone(model: Model) -> Groups:
    """Groups as those of models that share an address."""
    return Groups(model.name, "address", model.id, "address")


def ask(
    world: World,
    names: str = "a",
    *,
    recovery: Recovery = USUAL,
    breaker: Breaker = USUAL_BREAKER,
    deadline: float = 120.0,
    buffered: bool = False,
    estimates: Mapping[str, float | None] | None = None,
    spares: Mapping[str, str] | None = None,
    chance: float = 1.0,
    patient: bool = False,
) -> Told:
    health = Health(world.shared, alone, breaker, lambda: world.now)
    clock = lambda: world.now  # noqa: E731 # a name for one line
    ports = Ports(
        codec_for, lambda model: Credential("k", "test"), clock, lambda: chance, lambda: health
    )
    allowance = Allowance(recovery.limits, world.now + deadline)
    requests = [request(name, (estimates or {}).get(name)) for name in names]
    brought = {kind: [request(name) for name in more] for kind, more in (spares or {}).items()}
    events: list[Event] = []
    error = None
    try:
        events.extend(
            drive(walk(requests, ports, allowance, recovery, buffered, brought, patient), world)
        )
    except NrError as caught:
        error = caught
    text = "".join(event.text for event in events if isinstance(event, Text))
    return Told(text, error, events)


AGAIN = {
    "408": head(408), "409": head(409), "425": head(425), "429": head(429), "500": head(500),
    "502": head(502), "503": head(503), "504": head(504), "520": head(520), "524": head(524),
    "529": head(529), "reset": RESET, "cut before text": [Opened(200, {}), sse(""), Ended()],
    "x-should-retry": head(400, x_should_retry="true"),
}  # fmt: skip
LASTING = (400, 401, 402, 403, 404, 405, 410, 413, 415, 422, 451, 501)
ONCE = {
    **{str(code): head(code) for code in LASTING},
    "silent": SILENT, "certificate": CERTIFICATE, "redirect": head(307, location="http://e/"),
    "not to be retried": head(500, x_should_retry="false"),
    "html": [Opened(200, {}), b"<html>", Ended()],
}  # fmt: skip


@pytest.mark.parametrize("first", AGAIN.values(), ids=AGAIN)
def test_what_may_pass_is_tried_again_by_the_same_key(first: list[Reply]) -> None:
    world = World(a=[first, FINE])
    assert ask(world).text == "fine"
    assert world.order == "aa"
    assert len({key for _, _, key in world.asked}) == 1


@pytest.mark.parametrize("first", ONCE.values(), ids=ONCE)
def test_what_cannot_pass_is_asked_once(first: list[Reply]) -> None:
    world = World(a=[first, FINE])
    assert ask(world).error is not None
    assert world.order == "a"
    assert world.slept == []


def test_one_backend_has_three_attempts() -> None:
    world = World(a=[head(500)])
    told = ask(world)
    assert isinstance(told.error, Exhausted)
    assert world.order == "aaa"
    assert "(3 attempts)" in told.error.message


def test_everybody_has_a_turn_before_anybody_has_two() -> None:
    world = World(a=[head(500), FINE], b=[head(404)], c=[head(503)])
    assert ask(world, "abc").text == "fine"
    assert world.order == "abca"


def test_an_ask_sends_six_requests_at_most() -> None:
    names = "defghijklmno"
    world = World(**{name: [head(500)] for name in names})
    assert ask(world, names).error is not None
    assert world.order == "defghi"


WAITS = {
    "seconds": ({"retry_after": "7"}, 7.0),
    "fraction": ({"retry_after": "0.5"}, 0.5),
    "milliseconds": ({"retry_after_ms": "1500"}, 1.5),
    "milliseconds first": ({"retry_after_ms": "200", "retry_after": "9"}, 0.2),
    "nothing": ({}, 0.0),
    "junk": ({"retry_after": "soon"}, 0.0),
    "negative": ({"retry_after": "-5"}, 0.0),
    "endless": ({"retry_after": "inf"}, 0.0),
    "no number": ({"retry_after": "nan"}, 0.0),
    "too large for a number": ({"retry_after": "1e999"}, 0.0),
}


@pytest.mark.parametrize(("headers", "least"), WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("chance", [0.0, 0.99])
def test_a_server_is_given_the_time_it_asks_for(
    headers: dict[str, str], least: float, chance: float
) -> None:
    world = World(a=[head(503, **headers), FINE])
    assert ask(world, chance=chance).text == "fine"
    gap = world.asked[1][1] - world.asked[0][1] - world.cost
    assert least <= gap + 1e-9
    assert gap <= (least * 1.1 if least else 1.0) + 0.01


@pytest.mark.parametrize("wait", [119.9, 3600])
def test_a_time_beyond_the_deadline_is_not_waited_for(wait: float) -> None:
    world = World(a=[head(429, retry_after=str(wait)), FINE])
    told = ask(world)
    assert told.error is not None
    assert f"retry after {wait:g} s" in told.error.message
    assert (world.order, world.slept, int(told.error.exit)) == ("a", [], 75)


def test_beside_others_a_server_is_waited_for_20_seconds_at_most() -> None:
    world = World(a=[head(429, retry_after="21"), FINE], b=[head(503, retry_after="5"), FINE])
    assert ask(world, "ab").text == "fine"
    assert world.order == "abb"


def test_of_two_that_name_a_time_the_sooner_is_next() -> None:
    world = World(a=[head(429, retry_after="9"), FINE], b=[head(429, retry_after="2"), FINE])
    assert ask(world, "ab").text == "fine"
    assert world.order == "abb"


POLICIES = {
    "next alone": ({"server": "next"}, "aab", "ab", "b"),
    "retry alone": ({"server": "retry"}, "aaab", "aaa", ""),
    "fail": ({"server": "fail"}, "ab", "a", ""),
    "a model by name": ({"server": "c"}, "ac", "ac", "c"),
    "retry, then a model": ({"network": "retry"}, "ab", "ab", "b"),
}


@pytest.mark.parametrize(("fallback", "_", "order", "by"), POLICIES.values(), ids=POLICIES)
def test_the_policy_says_what_follows(
    fallback: dict[str, str], _: str, order: str, by: str
) -> None:
    table = {
        kind: FollowUp(frozenset(), (word,)) if word == "c" else FollowUp(frozenset({word}))
        for kind, word in fallback.items()
    }
    world = World(a=[head(500)], b=[FINE], c=[FINE])
    told = ask(world, "ab", recovery=Recovery(fallback=table), spares={"server": "c"})
    assert world.order == order
    assert (told.text == "fine") == bool(by)


def test_too_long_a_prompt_goes_only_where_there_is_more_room() -> None:
    world = World(a=[FINE], b=[head(413)], c=[FINE])
    assert ask(world, "bac").text == "fine"
    assert world.order == "bc"


@pytest.mark.parametrize("after", [FINE, head(500)])
def test_after_text_nobody_follows(after: list[Reply]) -> None:
    world = World(a=[CUT, after], b=[FINE])
    told = ask(world, "ab")
    assert (told.text, world.order, world.slept) == ("half", "a", [])


def test_where_nothing_is_shown_a_cut_is_tried_again() -> None:
    world = World(a=[CUT, FINE])
    assert ask(world, buffered=True).error is None
    assert world.order == "aa"


def test_nothing_outlives_the_deadline() -> None:
    world = World(a=[head(503)], b=[head(500)])
    world.cost = 1.0
    ask(world, "ab", deadline=4.0)
    assert world.now - START <= 4.0 + world.cost


# --- budgets -----------------------------------------------------------------------------------


def test_a_dearer_model_than_the_budget_is_never_asked() -> None:
    limits = Limits(max_cost=0.01)
    world = World(a=[FINE], b=[FINE], c=[FINE])
    estimates = {"a": 0.02, "b": None, "c": 0.005}
    assert ask(world, "abc", recovery=Recovery(limits), estimates=estimates).text == "fine"
    assert world.order == "c"


@pytest.mark.parametrize("estimate", [0.02, None])
def test_where_the_budget_holds_nobody_the_ask_is_refused(estimate: float | None) -> None:
    world = World(a=[FINE])
    told = ask(world, recovery=Recovery(Limits(max_cost=0.01)), estimates={"a": estimate})
    assert isinstance(told.error, Refused)
    assert world.asked == []


def test_an_answer_that_broke_is_paid_from_the_same_budget() -> None:
    limits = Limits(max_cost=0.03)
    world = World(a=[CUT, FINE], b=[FINE])
    told = ask(
        world, "ab", recovery=Recovery(limits), estimates={"a": 0.02, "b": 0.02}, buffered=True
    )
    assert world.order == "a"
    assert told.error is None


FATES = st.sampled_from([FINE, CUT, RESET, SILENT, *AGAIN.values(), *ONCE.values()])


@given(
    fates=st.lists(st.lists(FATES, min_size=1, max_size=4), min_size=1, max_size=5),
    attempts=st.integers(1, 8),
    times=st.integers(0, 4),
    deadline=st.floats(0.1, 60.0),
    dollars=st.none() | st.floats(0.0, 0.2),
    buffered=st.booleans(),
    chance=st.floats(0.0, 0.999),
)
@settings(max_examples=400, deadline=None)
def test_no_sequence_of_outcomes_exceeds_the_one_budget(
    fates: list[list[list[Reply]]],
    attempts: int,
    times: int,
    deadline: float,
    dollars: float | None,
    buffered: bool,
    chance: float,
) -> None:
    names = "defgh"[: len(fates)]
    world = World(**dict(zip(names, fates, strict=True)))
    recovery = Recovery(Limits(attempts, max_cost=dollars), Retry(times))
    told = ask(
        world, names, recovery=recovery, deadline=deadline, buffered=buffered, chance=chance,
        estimates=dict.fromkeys(names, 0.05),
    )  # fmt: skip
    counts = Counter(world.order)
    assert len(world.asked) <= attempts
    assert all(count <= times + 1 for count in counts.values())
    assert all(at < deadline for _, at, _ in world.asked)
    assert told.text in ("", "fine", "half")
    if dollars is not None:
        assert world.cuts * 0.05 <= dollars + 1e-9
    assert told.error is not None or told.text or buffered


@given(st.integers(1, 90), st.sampled_from(list(FailureKind)), st.floats(0.0, 0.999))
def test_a_backoff_is_never_longer_than_its_limit(
    tried: int, kind: FailureKind, chance: float
) -> None:
    assert 0 <= backoff(tried, kind, Retry(), chance) <= 20.0


# --- rests -------------------------------------------------------------------------------------


def test_a_backend_that_asked_for_time_is_passed_over_by_everybody() -> None:
    world = World(a=[head(429, retry_after="100")], b=[FINE])
    ask(world, "ab")
    world.asked.clear()
    assert [ask(world, "ab").text for _ in range(3)] == ["fine"] * 3
    assert world.order == "bbb"


def test_alone_it_is_waited_for_when_the_time_is_short() -> None:
    world = World(a=[head(429, retry_after="2"), FINE])
    ask(world, recovery=Recovery(retry=Retry(0)))
    told = ask(world, chance=0.5)
    assert told.text == "fine"
    assert any(isinstance(event, Waiting) for event in told.events)
    assert world.asked[-1][1] >= 2.5


def test_alone_it_is_not_asked_when_the_time_is_long() -> None:
    world = World(a=[head(429, retry_after="200")])
    ask(world)
    world.asked.clear()
    told = ask(world)
    assert told.error is not None
    assert (world.order, int(told.error.exit)) == ("", 75)
    assert "retry after" in told.error.message


def down(world: World, name: str = "a") -> None:
    """Opens the breaker of a backend."""
    world.says[name] = [head(500)]
    while b'"breaker"' not in (world.shared.read(name) or b""):
        ask(world, name, recovery=Recovery(retry=Retry(0)))
    world.asked.clear()


def test_five_failures_in_a_row_open_the_breaker() -> None:
    world = World(a=[head(500)], b=[FINE])
    down(world)
    assert ask(world, "ab").text == "fine"
    assert world.order == "b"


def test_where_all_rest_the_soonest_is_tried_once() -> None:
    world = World(a=[FINE], b=[FINE])
    down(world, "b")
    world.now += 5
    down(world, "a")
    told = ask(world, "ab")
    assert world.order == "b"
    assert told.error is not None
    assert int(told.error.exit) == 75
    assert "rests" in told.error.message


def test_an_answer_ends_the_rest() -> None:
    world = World(a=[FINE])
    down(world)
    world.says["a"] = [FINE]
    assert ask(world).text == "fine"
    assert [ask(world).text for _ in range(2)] == ["fine"] * 2


def test_after_its_rest_one_request_at_a_time_tries_it() -> None:
    world = World(a=[FINE])
    down(world)
    world.now += 31
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    model = request("a").model
    assert health.enter(model) is None
    rest = health.enter(model)
    assert rest is not None
    world.now += 31  # whoever tried it is gone
    assert health.enter(model) is None


def test_a_second_rest_is_longer() -> None:
    world = World(a=[FINE])
    down(world)
    world.now += 31
    ask(world)
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    rest = health.peek(request("a").model)
    assert rest is not None
    assert 50 < rest.left <= 60


def test_what_a_server_says_of_one_model_is_not_held_against_another() -> None:
    world = World(a=[head(429, retry_after="50")], b=[FINE])
    ask(world, "a")
    assert ask(world, "b").text == "fine"


def test_where_nothing_answers_all_behind_the_address_rest() -> None:
    world = World(a=[RESET], b=[RESET])
    for name in "abab":
        ask(world, name)
    world.asked.clear()
    ask(world, "b")
    assert world.order == "b"  # one probe, where three attempts would be made


def test_an_outage_is_not_multiplied() -> None:
    """Two hundred asks in a total outage send 240 requests at most, all told."""
    world = World(a=[head(500)])
    breaker = Breaker(failures=10_000)  # so that the purse alone holds them
    for _ in range(200):
        ask(world, breaker=breaker)
    assert len(world.asked) <= 240


def test_what_an_impatient_ask_gives_up_on_is_no_failure_of_the_backend() -> None:
    world = World(a=[SILENT])
    world.cost = 3.0
    for _ in range(9):
        ask(world, deadline=2.0)
    assert world.shared.read("a") is None


DAMAGE = {
    "empty": b"", "half": b'{"until": 1', "list": b"[]", "binary": b"\x00\xff\xfe", "text": b"null",
    "far": b'{"until": 1e308, "cause": "limit"}',
    "beyond": b'{"until": 1400, "cause": "limit", "at": 1000}',
    "wrong types": b'{"until": "x", "failures": [], "tokens": null, "asked": 5, "probes": "no"}',
    "no number": b'{"until": NaN, "tokens": Infinity}',
    "negative": b'{"tokens": -4, "failures": -9}',
    "deep": b"[" * 60_000,
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_costs_nothing(content: bytes) -> None:
    world = World(a=[head(500), FINE])
    world.shared.change("a", lambda _: (content, None))
    assert ask(world).text == "fine"
    assert world.now - START < 5


def test_what_is_older_than_any_rest_is_forgotten() -> None:
    world = World(a=[FINE])
    down(world)
    world.now += LONGEST + 31
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    assert all(health.enter(request("a").model) is None for _ in range(3))


def test_so_many_requests_a_minute_and_no_more() -> None:
    world = World(a=[FINE])
    world.cost = 0.1
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    model = request("a").model
    limited = model._replace(provider=model.provider._replace(rpm=10))
    passed = 0
    for _ in range(200):
        passed += health.enter(limited) is None
        world.now += 0.25
    assert passed == 10
    world.now += 12
    assert health.enter(limited) is None


@pytest.mark.parametrize(("patient", "text"), [(True, "fine"), (False, "")])
def test_a_row_waits_for_its_turn_as_often_as_it_is_told_to(patient: bool, text: str) -> None:
    world = World(a=[*[head(429, retry_after="1")] * 4, FINE])
    assert ask(world, patient=patient).text == text


def test_a_row_waits_for_a_breaker_that_others_have_opened() -> None:
    world = World(a=[FINE])
    down(world)
    world.says["a"] = [FINE]
    began = world.now
    assert ask(world, patient=True).text == "fine"
    assert (world.order, world.now - began > 29) == ("a", True)


def test_a_row_goes_on_as_soon_as_the_breaker_closes() -> None:
    world = World(a=[FINE])
    down(world)
    world.says["a"] = [FINE]
    world.now += 31
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    model = request("a").model
    assert health.enter(model) is None  # another row tries it
    sleeps = world.slept

    def do(step: Step) -> Reply:
        if isinstance(step, Sleep) and len(sleeps) == 1:
            health.answered(model)
        return World.do(world, step)

    world.do = do  # type: ignore[method-assign] # the other row's answer comes while this one waits
    began = world.now
    assert ask(world, patient=True).text == "fine"
    assert world.now - began < 10


def test_a_row_that_waits_in_vain_is_to_be_tried_later() -> None:
    world = World(a=[head(500)])
    down(world)
    told = ask(world, patient=True, deadline=10.0)
    assert told.error is not None
    assert (int(told.error.exit), world.order) == (75, "")


def test_what_was_on_its_way_when_the_breaker_opened_makes_no_rest_longer() -> None:
    world = World(a=[FINE])
    health = Health(world.shared, alone, Breaker(), lambda: world.now)
    model = request("a").model
    for _ in range(16):  # all were sent before the first of them failed
        health.failed(model, Failed(model, FailureKind.SERVER, "down", 500))
    rest = health.peek(model)
    assert rest is not None
    assert 29 < rest.left <= 30


def test_what_a_server_says_at_the_last_moment_counts_for_the_others() -> None:
    world = World(a=[head(429, retry_after="50")])
    world.cost = 3.0
    ask(world, deadline=2.0)
    assert ask(world, deadline=20.0).error is not None
    assert world.order == "a"
