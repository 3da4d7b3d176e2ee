"""The whole pipeline on one page: decide, look in the cache, walk the chain, keep the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from nr_cli.errors import CacheMiss, NrError, Refused
from nr_cli.pipeline import cachekey
from nr_cli.pipeline.cost import cost_of
from nr_cli.pipeline.facts import Wanted
from nr_cli.pipeline.ports import Ports
from nr_cli.pipeline.resolve import as_sent, resolve
from nr_cli.types.decision import Decision
from nr_cli.types.events import Decided, Event, Finished, Reasoning, Served, Text
from nr_cli.types.policy import Model
from nr_cli.types.prompt import Ask
from nr_cli.types.record import Attempt, CacheStatus, Record, Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Reply, Sleep, Step

if TYPE_CHECKING:
    from nr_cli.pipeline.allowance import Purse
    from nr_cli.pipeline.chain import Reached
    from nr_cli.pipeline.coalesce import Flights
    from nr_cli.types.budget import Budget

LARGEST = 4 * 1024 * 1024  # characters of an answer that is still kept
TRAVELS = "travels_as"  # the label that says under which key an answer may be taken elsewhere
LOOKS = (0.02, 0.05, 0.0)  # seconds between looks for what another ask has just kept
REPLAY = 4096  # characters a replayed answer's events carry

# Which modes look into the cache, and which keep what a backend answered.
READS = frozenset({"readwrite", "read", "only"})
WRITES = frozenset({"readwrite", "write", "refresh"})
# Failures of a moment, or of an account: what was answered before is better than nothing.
PASSING = frozenset({
    "rate_limit", "overloaded", "timeout", "network", "server", "quota", "auth", "model_not_found",
    "invalid_response", "stream_broken",
})  # fmt: skip


class Entry(Protocol):
    """What the cache gives back."""

    @property
    def body(self) -> bytes:
        """The bytes that were kept."""
        ...

    @property
    def stored(self) -> float:
        """When they were kept, in seconds since the epoch."""
        ...


class Shelf(Protocol):
    """A cache of bytes that never fails: trouble of any kind is a miss."""

    def get(self, key: str, ttl: float) -> Entry | None:
        """Returns the entry unless it is older than `ttl` seconds."""
        ...

    def put(self, key: str, body: bytes, labels: Mapping[str, str]) -> bool:
        """Keeps the bytes; tells whether it could."""
        ...


class World(NamedTuple):
    """What the pipeline is handed: routing, ports, the cache, a wall clock.

    `decide` is called with True for a decision that only reads the cache: nobody needs a key or
    the network for that. It raises Wanted where a rule asks for an opinion; `within` returns the
    world of an ask that brings one. `flights` says which equal asks are on their way,
    `purse` holds what budgets allow.
    """

    decide: Callable[[bool], Decision]
    ports: Ports
    shelf: Shelf
    now: Callable[[], float]
    within: Callable[[Ask], World] | None = None
    flights: Callable[[], Flights] | None = None
    purse: Callable[[Sequence[Budget]], Purse] | None = None


class Keyed(NamedTuple):
    """A request with its place in the cache."""

    request: Request
    key: str
    material: dict[str, str]


class Keys:
    """The places in the cache of one ask's requests, each worked out once.

    A key costs a digest of the whole prompt, so looking into the cache and keeping the answer
    share it.
    """

    def __init__(self, ask: Ask, world: World) -> None:
        """Takes the ask; a decision is taken with each request, since looking may make two."""
        self._ask = ask
        self._credential = world.ports.credential
        self._keyed: dict[str, Keyed] = {}
        self.kept = False  # whether the answer of this ask is in the cache

    def of(self, decision: Decision, model: Model) -> Keyed:
        """Returns the request for one candidate with its place in the cache."""
        if model.name not in self._keyed:
            request = resolve(self._ask, decision, model)
            material = cachekey.fields(request, payer(decision, self._credential(model)))
            self._keyed[model.name] = Keyed(request, cachekey.key(material), material)
        return self._keyed[model.name]

    def first(self, decision: Decision) -> str:
        """Returns the key of the candidate that is asked first."""
        return self.of(decision, decision.chain[0]).key


def payer(decision: Decision, credential: Credential) -> str:
    """Returns what stands in the cache key for whoever pays, or for all where they may share."""
    return credential.fingerprint if decision.settings.keeping.scope == "user" else "shared"


class Found(NamedTuple):
    """A cached answer with the request it answers."""

    request: Request
    key: str
    document: Mapping[str, object]
    age: float


def answer(ask: Ask, world: World) -> Generator[Step | Event, Reply, Record]:
    """Yields the events of one ask from Decided to Served; returns its record.

    Raises: Refused (no model may answer), CacheMiss (only the cache was allowed), Exhausted
    (every candidate failed before any text), Unsatisfied (the answer never met its schema).
    """
    started, began = world.now(), world.ports.clock()
    keys = Keys(ask, world)
    decision, found = yield from look(ask, keys, world, began)
    yield Decided(decision)
    hold, queued = None, 0.0
    if found is None and world.flights is not None and coalesces(ask, decision):
        from nr_cli.pipeline.coalesce import line_up

        key, until = keys.first(decision), began + patience(ask, decision)
        clock = world.ports.clock
        hold, queued = yield from line_up(world.flights(), key, world.now, clock, until)
        for pause in LOOKS if hold is not None and hold.has_news else ():
            found = find(ask, decision, keys, world, all_candidates=False)
            if found is not None:
                break
            yield Sleep(pause)  # whoever wrote it may not be done with the database
    try:
        if found is not None:
            record = yield from replay(decision, found, started)
        else:
            record = yield from send(ask, decision, keys, world, started, began)
    finally:
        if hold is not None:
            hold.release(keys.kept or found is not None)
    opinions = sum(opinion.waited_ms for opinion in decision.opinions)
    waited = record.waited_ms + opinions + queued * 1000
    total = (world.ports.clock() - began) * 1000
    record = record._replace(total_ms=total, waited_ms=waited)
    yield Served(record)
    return record


def weigh(
    ask: Ask, world: World, reading: bool, began: float | None
) -> Generator[Step | Event, Reply, Decision]:
    """Yields the steps of the opinions that the decision hangs on; returns the decision.

    `began` is when the ask did, None for one that sends nothing.
    """
    while True:
        try:
            return world.decide(reading)
        except Wanted as wanted:
            from nr_cli.pipeline.opinion import inquire

            left = None
            if ask.timeout is not None and began is not None:
                left = began + ask.timeout - world.ports.clock()
            question = wanted.question
            opinion = yield from inquire(ask, question, world, began is not None, left)
            wanted.opinions[question.about] = opinion


def look(
    ask: Ask, keys: Keys, world: World, began: float | None
) -> Generator[Step | Event, Reply, tuple[Decision, Found | None]]:
    """Returns the decision with the cached answer that serves it, if one does; `began` as `weigh`.

    Raises: Refused (no model may answer), CacheMiss (only the cache was allowed, or offline).
    """
    cache_alone = ask.cache == "only"
    if cache_alone or ask.offline:
        reading = yield from weigh(ask, world, True, began)
        found = find(ask, reading, keys, world, all_candidates=True)
        if found is not None or cache_alone:
            if found is None:
                missed = CacheMiss("not in the cache", "ask once without --cache only")
                missed.decision, missed.cache = reading, ("miss", keys.first(reading))
                raise missed
            return reading, found
    try:
        decision = yield from weigh(ask, world, False, began)
    except Refused as refused:
        if not ask.offline:
            raise
        missed = CacheMiss(
            "offline: not in the cache, and no local model may answer",
            "drop --offline, or add a local provider",
        )
        missed.decision, missed.cache = refused.decision, (cache_status(ask), keys.first(reading))
        raise missed from refused
    return decision, find(ask, decision, keys, world, all_candidates=False)


def find(
    ask: Ask,
    decision: Decision,
    keys: Keys,
    world: World,
    all_candidates: bool,
    extra: float = 0.0,
) -> Found | None:
    """Returns a cached answer of the first candidate, or of any when nobody can be asked.

    It may be `extra` seconds older than the policy says.
    """
    if ask.cache not in READS:
        return None
    keeping, candidates = decision.settings.keeping, decision.chain
    for model in candidates if all_candidates else candidates[:1]:
        request, key, material = keys.of(decision, model)
        entry = world.shelf.get(key, keeping.ttl + extra)
        entry = entry or world.shelf.get(cachekey.travelling(material), keeping.ttl + extra)
        document = entry and parse(entry.body)
        if entry and document:
            return Found(request, key, document, max(0.0, world.now() - entry.stored))
    return None


def keep(ask: Ask, decision: Decision, keys: Keys, world: World, reached: Reached) -> str:
    """Keeps an answer that may be kept; returns its key."""
    model = reached.request.model
    _, key, material = keys.of(decision, model)
    if ask.cache in WRITES and is_keepable(reached, world.ports.credential(model)):
        labels = {**cachekey.labels(material), TRAVELS: cachekey.travelling(material)}
        keys.kept = world.shelf.put(key, document_of(reached), labels)
    return key


def find_stale(
    ask: Ask, decision: Decision, keys: Keys, world: World, error: NrError
) -> Found | None:
    """Returns an answer that is too old, where the policy takes it when every model failed."""
    stale = decision.settings.keeping.stale
    if stale is None or error.code not in PASSING:
        return None
    reading = ask._replace(cache="readwrite") if ask.cache == "refresh" else ask
    return find(reading, decision, keys, world, all_candidates=True, extra=stale)


def coalesces(ask: Ask, decision: Decision) -> bool:
    """Tells whether an ask waits for the answer of an equal one."""
    return ask.cache == "readwrite" and decision.settings.keeping.coalesce


def patience(ask: Ask, decision: Decision) -> float:
    """Returns the seconds that an ask may wait for the answer of an equal one."""
    named = [limit for limit in (ask.timeout, decision.limits.deadline) if limit is not None]
    return min(named) if named else decision.chain[0].provider.timeout.total


def parse(body: bytes) -> dict[str, object] | None:
    """Returns a kept answer; one of another shape is a miss."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("text"), str):
        return None
    counts = document.get("usage")
    known = counts is None or (isinstance(counts, list) and is_usage(counts))
    thoughts = isinstance(document.get("reasoning", ""), str)
    return document if document["text"] and known and thoughts else None


def is_usage(counts: list[object]) -> bool:
    """Tells whether kept numbers are the token counts of a usage."""
    return len(counts) == len(Usage._fields) and all(
        type(count) is int and count >= 0 for count in counts
    )


def replay(
    decision: Decision, found: Found, started: float, attempts: tuple[Attempt, ...] | None = None
) -> Generator[Step | Event, Reply, Record]:
    """Yields a kept answer as the stream it once was; costs nothing.

    One that serves since all failed is `stale`; `attempts` are those that did.
    """
    text, thoughts = str(found.document["text"]), str(found.document.get("reasoning", ""))
    counts = found.document.get("usage")
    usage = Usage(*counts) if isinstance(counts, list) else None
    if thoughts:
        yield Reasoning(thoughts)
    for start in range(0, len(text), REPLAY):
        yield Text(text[start : start + REPLAY])
    yield Finished("stop", usage)
    return Record(
        decision, found.request.model, text, thoughts, "stop", True, usage, 0.0,
        "hit" if attempts is None else "stale", found.key, found.age, attempts or (), started,
        0.0, 0.0,
    )  # fmt: skip


def send(
    ask: Ask,
    decision: Decision,
    keys: Keys,
    world: World,
    started: float,
    began: float,
) -> Generator[Step | Event, Reply, Record]:
    """Yields the events of asking the backends; keeps the answer if it is whole and natural."""
    from nr_cli.pipeline.allowance import Allowance  # a cached answer never needs these
    from nr_cli.pipeline.chain import walk

    chain = [resolve(ask, decision, model) for model in decision.chain]
    spares = {
        kind: [resolve(ask, decision, model) for model in models]
        for kind, models in decision.spares.items()
    }
    recovery, ports = decision.settings.recovery, world.ports
    seconds = time_limit(ask, decision, chain)
    purse = world.purse(decision.budgets) if world.purse and decision.budgets else None
    allowance = Allowance(decision.limits, began + seconds, purse, seconds)
    held = ask.buffered or ask.schema is not None
    try:
        patient = ask.prompt.source == "batch"
        reached = yield from walk(chain, ports, allowance, recovery, held, spares, patient)
        if ask.schema is not None:
            from nr_cli.pipeline.structured import satisfy

            schema = as_sent(ask, decision).schema or {}  # a repair quotes it
            reached = yield from satisfy(reached, schema, ports, allowance, recovery)
    except NrError as error:
        error.cache = (cache_status(ask), keys.first(decision))
        old = find_stale(ask, decision, keys, world, error)
        if old is None:
            raise
        return (yield from replay(decision, old, started, error.attempts))
    outcome, request = reached.outcome, reached.request
    if held and outcome.text:
        yield Text(outcome.text)
    yield Finished(outcome.finish, outcome.usage)
    key = keep(ask, decision, keys, world, reached)
    return Record(
        decision=decision,
        model=request.model,
        text=outcome.text,
        reasoning=outcome.reasoning,
        finish=None if outcome.failed else outcome.finish,
        complete=outcome.failed is None,
        usage=outcome.usage,
        cost=cost_of(outcome.usage, request.model.price, has_audio(request)),
        cache=cache_status(ask),
        cache_key=key,
        cache_age=None,
        attempts=reached.attempts,
        started=started,
        total_ms=0.0,
        waited_ms=reached.waited_ms,
    )


def time_limit(ask: Ask, decision: Decision, chain: Sequence[Request]) -> float:
    """Returns the seconds that an ask may take.

    Where nobody names a limit it is the longest total: a short one must not use up the next
    candidate's.
    """
    named = [limit for limit in (ask.timeout, decision.limits.deadline) if limit is not None]
    return min(named) if named else max(request.timeouts.total for request in chain)


def has_audio(request: Request) -> bool:
    """Tells whether sound goes along with a request."""
    turns = request.messages
    return any(file.medium == "audio" for turn in turns for file in turn.attachments)


def cache_status(ask: Ask) -> CacheStatus:
    """Returns how the cache took part in an answer that came from a backend."""
    if ask.cache == "off":
        return "off"
    return "refresh" if ask.cache == "refresh" else "miss"


def is_keepable(reached: Reached, credential: Credential) -> bool:
    """Tells whether an answer is whole, natural, clean text that shows no secret."""
    from nr_cli.features.shapes import hide

    outcome = reached.outcome
    return (
        outcome.failed is None
        and outcome.finish == "stop"
        and outcome.clean
        and len(outcome.text) <= LARGEST
        and bool(outcome.text.strip())
        and all(
            hide(told, credential.secrets) == told for told in (outcome.text, outcome.reasoning)
        )
    )


def document_of(reached: Reached) -> bytes:
    """Returns the bytes that are kept of an answer."""
    outcome = reached.outcome
    document = {
        "text": outcome.text,
        "reasoning": outcome.reasoning,
        "usage": list(outcome.usage) if outcome.usage else None,
    }
    return json.dumps(document).encode()
