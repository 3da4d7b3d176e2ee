"""Puts a question about a prompt to a model or a program, before the prompt is routed.

Theory. Rules are tried without waiting for anybody. One that reads a fact which somebody must be
asked for ends the decision with `Wanted`; the question is answered here, then the decision is made
anew with the answer at hand. So nobody is asked for a fact that no rule reads, and deciding stays
free of waiting. A model is asked by the pipeline itself, as a pinned ask of its own: it has the
same candidates, fallbacks, cache, limits as any other. Its answer counts only if it is one of the
labels; whatever else comes, or fails, is a failed opinion, never an error of the ask.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from nr_cli.classify.verdict import read_label
from nr_cli.errors import ConfigError, NrError, UsageError
from nr_cli.pipeline.answer import READS, Entry, Shelf, World, answer, parse
from nr_cli.pipeline.facts import Wanted
from nr_cli.types.events import Decided, Event
from nr_cli.types.facts import Fact
from nr_cli.types.opinion import Opinion, Question
from nr_cli.types.prompt import Ask, Prompt
from nr_cli.types.steps import Broke, Ended, Open, Opened, ProcessCall, Read, Reply, Sleep, Step

if TYPE_CHECKING:
    from nr_cli.pipeline.ports import Clock
    from nr_cli.types.decision import Decision
    from nr_cli.types.record import Record

MOST = 4096  # bytes that a program may write
LONGEST = 64  # characters of a label that the policy does not name
SHOWN = 40  # characters of an answer that is no label
WORDS = 200  # characters of a reason


class Verdicts:
    """The cache as a judge sees it: it keeps labels, so that any other answer is asked anew."""

    def __init__(self, shelf: Shelf, labels: tuple[str, ...]) -> None:
        """Takes the cache with the labels that an answer may be."""
        self._shelf = shelf
        self._labels = labels

    def get(self, key: str, ttl: float) -> Entry | None:
        """Returns a kept label."""
        entry = self._shelf.get(key, ttl)
        return entry if entry is not None and self._is_label(entry.body) else None

    def put(self, key: str, body: bytes, labels: Mapping[str, str]) -> bool:
        """Keeps a label."""
        return self._is_label(body) and self._shelf.put(key, body, labels)

    def _is_label(self, body: bytes) -> bool:
        document = parse(body)
        return document is not None and read_label(str(document["text"]), self._labels) is not None


def heard(question: Question, opinions: dict[str, Opinion], wants: bool) -> Opinion:
    """Returns the opinion on a question; one that is still pending where nobody may be asked.

    Raises: Wanted, with `wants`, where nobody was asked yet.
    """
    if question.about not in opinions:
        if wants:
            raise Wanted(question, opinions)
        opinions[question.about] = Opinion(question, "pending", because="nobody is asked here")
    return opinions[question.about]


def fact_of(opinion: Opinion) -> Fact:
    """Returns the label as a fact, unknown with the reason where there is none."""
    question = opinion.question
    source = f"{'command' if question.argv else 'model'} {question.who}"
    if opinion.outcome is not None:
        return Fact(opinion.outcome, source, opinion.ms)
    if opinion.status == "pending":
        return Fact(None, source, 0.0, f"{question.who} would be asked")
    who = "" if opinion.because.startswith(f"{question.who}:") else f"{question.who}: "
    return Fact(None, source, opinion.ms, who + opinion.because)


def inquire(
    ask: Ask, question: Question, world: World, may_send: bool, left: float | None
) -> Generator[Step | Event, Reply, Opinion]:
    """Yields the steps of a question; returns what came of it.

    Without `may_send` a program runs, but of a model only the cache is asked. `left` is how many
    seconds the ask has.

    Raises: ConfigError.
    """
    clock = world.ports.clock
    began, limit = clock(), question.timeout if left is None else min(question.timeout, left)
    if limit <= 0:
        return Opinion(question, "failed", because="the ask's time is over")
    if question.argv:
        label, because = yield from run(question, limit, clock)
        ms = (clock() - began) * 1000
        spent = Opinion(question, "given", label, because, ms, waited_ms=ms)
        return spent._replace(status="failed") if label is None else spent
    if not may_send and ask.cache not in READS:
        return _pending(question)
    opinion = yield from consult(ask, question, world, may_send, limit)
    return opinion._replace(ms=(clock() - began) * 1000)


def _pending(question: Question) -> Opinion:
    return Opinion(question, "pending", because="not in the cache, and nothing is sent here")


def consult(
    ask: Ask, question: Question, world: World, may_send: bool, limit: float
) -> Generator[Step | Event, Reply, Opinion]:
    """Yields the steps of asking a model; returns its opinion. Raises: ConfigError."""
    prompt = Prompt(question.text, question.system, ask.prompt.source, ask.prompt.file_names)
    inner = Ask(
        prompt._replace(bound=ask.prompt.bound),
        model=question.model,
        tags=ask.tags,
        meta=ask.meta,
        cache=ask.cache if may_send else "only",
        offline=ask.offline,
        timeout=limit,
        stream=False,
        buffered=True,
    )
    assert world.within is not None, "whoever has questions says how they are answered"
    own = world.within(inner)
    own = own._replace(shelf=Verdicts(own.shelf, question.labels))
    trace = Trace()
    try:
        record = yield from trace.follow(answer(inner, own), world.ports.clock)
    except (ConfigError, UsageError):
        raise  # the policy names what is not there: no opinion hides that
    except NrError as error:
        # the ask goes on by what `if_fails` says; the reason is shown with the decision
        if not may_send and error.code == "cache_miss":
            return _pending(question)
        opinion = Opinion(question, "failed", because=why_failed(error), error=error)
    else:
        secrets = world.ports.credential(record.model).secrets if record.model else ()
        opinion = judged(question, record, secrets)
    return opinion._replace(ask=inner, decision=trace.decision, waited_ms=trace.waited * 1000)


class Trace:
    """What is to be known of a flow inside a flow; its events are nobody's but its own."""

    def __init__(self) -> None:
        """Begins before the flow has."""
        self.decision: Decision | None = None
        self.waited = 0.0

    def follow(
        self, flow: Generator[Step | Event, Reply, Record], clock: Clock
    ) -> Generator[Step | Event, Reply, Record]:
        """Yields the flow's steps; returns its record. Raises: NrError."""
        reply: Reply = None
        try:
            while True:
                try:
                    item = flow.send(reply)
                except StopIteration as stop:
                    record: Record = stop.value
                    return record
                reply = None
                if isinstance(item, Open | Read | Sleep):
                    before = clock()
                    reply = yield item
                    self.waited += clock() - before
                elif isinstance(item, Decided):
                    self.decision = item.decision
        finally:
            flow.close()


def why_failed(error: NrError) -> str:
    """Returns an error in one line: every attempt that was made, else the reason that comes last.

    What was refused names the pin first, which nobody but nr has made.
    """
    lines = error.message.splitlines()
    return " ".join(" ".join(lines if error.attempts else lines[-1:]).split())[:WORDS]


def judged(question: Question, record: Record, secrets: Sequence[str]) -> Opinion:
    """Returns the opinion that an answer is: none unless it is whole, and a label alone."""
    label = read_label(record.text, question.labels) if record.complete else None
    if label is not None:
        return Opinion(question, "given", label, record=record)
    because = "its answer was cut off"
    if record.complete:
        from nr_cli.features.shapes import hide

        because = f"{_shown(hide(record.text, secrets))} is none of {', '.join(question.labels)}"
    return Opinion(question, "failed", because=because, record=record)


def run(
    question: Question, limit: float, clock: Clock
) -> Generator[Step | Event, Reply, tuple[str | None, str]]:
    """Yields the steps of a program; returns its label, or None with the reason."""
    until = clock() + limit
    call = ProcessCall(question.argv, question.text.encode("utf-8", "replace"))
    opened = yield Open(call, limit, limit)
    if not isinstance(opened, Opened):
        return None, opened.detail if isinstance(opened, Broke) else "it did not start"
    told = b""
    while len(told) <= MOST:
        reply = yield Read(max(0.0, until - clock()))
        if isinstance(reply, Ended):
            return _label_of(told, reply, question.labels)
        if not isinstance(reply, bytes):
            return None, f"no label within {limit:.3g} s"
        told += reply
    return None, f"it wrote more than {MOST:,} bytes"


def _label_of(told: bytes, ended: Ended, labels: tuple[str, ...]) -> tuple[str | None, str]:
    """Returns what a program that has ended said: one line, one of the labels if there are any."""
    if ended.exit != 0:
        from nr_cli.features.shapes import hide

        words = hide(ended.stderr, ()).strip().splitlines()
        said = f": {words[-1][:WORDS]}" if words else ""
        return None, f"exit status {ended.exit}{said}"
    label = told.decode("utf-8", "replace").strip()
    if not label:
        return None, "it gave no label"
    if labels:
        known = label in labels
        return (label, "") if known else (None, f"{_shown(label)} is none of {', '.join(labels)}")
    if len(label) > LONGEST or not label.isprintable():
        return None, f"{_shown(label)} is no label (one line of at most {LONGEST} characters)"
    return label, ""


def _shown(text: str) -> str:
    from nr_cli.policy.suggest import quote

    flat = " ".join(text.split())
    return quote(flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…")
