"""Decides by a second opinion where the complexity score is too near an edge that matters.

An edge matters if the prompt would take another route on its other side. So the rules are tried
with each band that the score may as well belong to; only where they disagree is somebody asked.
The opinion says on which side the prompt falls: it never moves it beyond the bands at hand, be it
a mistake or a prompt that has talked its judge into something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from nr_cli.classify.bands import band_of
from nr_cli.classify.llm import ask_how_hard
from nr_cli.errors import NrError
from nr_cli.pipeline.facts import Wanted
from nr_cli.pipeline.opinion import heard
from nr_cli.types.decision import Decision
from nr_cli.types.facts import BANDS, Band, Classification, Fact, Facts
from nr_cli.types.opinion import KEEP, UP, Opinion, Question, SecondOpinion

# Decides by these facts; the classification is for the record alone.
DecideBy: TypeAlias = "Callable[[Facts, Callable[[], Classification]], Decision]"

HAIR = 1e-9  # so that a score on the edge itself counts as near it


class Told:
    """Facts of which the complexity is told; it knows whether somebody read it."""

    def __init__(self, facts: Facts, complexity: Fact | None = None) -> None:
        """Takes the facts, with a complexity in place of theirs."""
        self._facts = facts
        self._complexity = complexity
        self.was_read = False

    def get(self, name: str) -> Fact:
        """Returns the fact."""
        if name != "complexity":
            return self._facts.get(name)
        self.was_read = True
        return self._complexity or self._facts.get(name)


class Outcome(NamedTuple):
    """How a decision went: made, refused, or waiting for an answer."""

    decision: Decision | None
    error: Exception | None
    reads_complexity: bool

    @property
    def way(self) -> tuple[str, str | None]:
        """Returns what tells two decisions apart: the route taken, or the question in the way."""
        if isinstance(self.error, Wanted):
            return "asks", self.error.question.about
        return "takes", self.decision.route if self.decision else None


class Edge(NamedTuple):
    """A prompt's reading with what is to be done where it is near an edge."""

    decide_by: DecideBy
    facts: Facts
    read: Callable[[], Classification]
    edges: Mapping[str, float]
    second: SecondOpinion
    text: str

    def decide(self, opinions: dict[str, Opinion], wants: bool) -> Decision:
        """Returns the decision. Raises: Wanted, with `wants`; NrError as deciding does."""
        first = self._try(None)
        if first.reads_complexity:
            near, own = self._near(), self.read().complexity.band
            ways = [first.way if band == own else self._try(band).way for band in near]
            if len(set(ways)) > 1:
                opinion = heard(self._question(near, ways), opinions, wants)
                return self._settle(opinion, near, own)
        if first.error is not None:
            raise first.error
        assert first.decision is not None, "no decision without an error"
        return first.decision

    def _try(self, band: Band | None) -> Outcome:
        told = Told(self.facts, Fact(band, "classifier") if band else None)
        try:
            decision = self.decide_by(told, self.read)
        except Wanted as wanted:
            return Outcome(None, wanted, told.was_read)
        except NrError as error:
            return Outcome(error.decision, error, told.was_read)
        return Outcome(decision, None, told.was_read)

    def _near(self) -> Sequence[Band]:
        """Returns the bands within the margin, from the lowest up."""
        score, margin = self.read().complexity.score, self.second.margin + HAIR
        lowest, highest = (band_of(score + by, self.edges) for by in (-margin, margin))
        return BANDS[BANDS.index(lowest) : BANDS.index(highest) + 1]

    def _question(self, near: Sequence[Band], ways: Sequence[tuple[str, str | None]]) -> Question:
        """Returns what is asked; its reason names the edges at which the way changes."""
        bands, turns = list(pairwise(near)), pairwise(ways)
        edges = [f"{a} and {b}" for (a, b), (c, d) in zip(bands, turns, strict=True) if c != d]
        score, margin = self.read().complexity.score, self.second.margin
        because = f"the score {score:.2f} is within {margin:g} of the edge between "
        return ask_how_hard(self.text, self.second, because + ", of that between ".join(edges))

    def _settle(self, opinion: Opinion, near: Sequence[Band], own: Band) -> Decision:
        """Returns the decision by the band that an opinion comes to."""
        band = band_after(opinion, near, own)
        source = f"second opinion of {opinion.question.who}"
        because = f"{opinion.question.who} gave no second opinion ({opinion.because})"
        fact = Fact(band, source, opinion.ms, "" if band else because)

        def reading() -> Classification:
            read = self.read()
            return read._replace(complexity=read.complexity._replace(band=band or own))

        return self.decide_by(Told(self.facts, fact), reading)


def band_after(opinion: Opinion, near: Sequence[Band], own: Band) -> Band | None:
    """Returns the band that an opinion comes to among those near; None where it abstains."""
    if opinion.status == "given" and opinion.label in BANDS:
        rank = BANDS.index(opinion.label)
        return min(near, key=lambda band: abs(BANDS.index(band) - rank))
    if opinion.status == "pending" or opinion.question.if_fails == KEEP:
        return own
    return near[-1] if opinion.question.if_fails == UP else None
