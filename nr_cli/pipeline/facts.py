"""The facts of one ask, each computed when a rule first reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from nr_cli.features.size import count_lines
from nr_cli.types.facts import Classification, Complexity, Fact, FactValue, Intent, Labelled
from nr_cli.types.json import Json
from nr_cli.types.message import NEED_OF
from nr_cli.types.prompt import Ask

if TYPE_CHECKING:
    from nr_cli.types.opinion import Opinion, Question

Source: TypeAlias = "Callable[[], FactValue | Labelled | Fact | None]"
Labeller: TypeAlias = "Callable[[str], Labelled]"
Refit: TypeAlias = "Callable[[str, float], float]"  # a prompt, the reader's score -> the score

LONG_CONTEXT = 100_000  # tokens from which a prompt needs a model made for length
UNKNOWN: dict[str, str] = {
    "intent": "the classifier is too unsure",
    "language": "too little text to tell",
    "git_branch": "not in a git repository",
    "git_remote": "no git remote named origin",
    "cwd": "the current directory is gone",
}


class Wanted(Exception):
    """Ends a decision at a fact that somebody must be asked for; `opinions` takes the answer."""

    def __init__(self, question: Question, opinions: dict[str, Opinion]) -> None:
        super().__init__(question.about)
        self.question = question
        self.opinions = opinions


class FactBook:
    """Facts by name; what was computed once is remembered with its price in milliseconds."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        """Takes what computes each fact."""
        self._sources = sources
        self._known: dict[str, Fact] = {}

    def get(self, name: str) -> Fact:
        """Returns the fact, computing it at its first reading."""
        fact = self._known.get(name)
        if fact is None:
            fact = self._known[name] = self._compute(name)
        return fact

    def _compute(self, name: str) -> Fact:
        source = self._sources.get(name)
        if source is None:
            return Fact(None, "none", 0.0, f"nothing provides {name}")
        began = time.perf_counter()
        value = source()
        if isinstance(value, Fact):
            return value  # it says itself where it is from
        spent = (time.perf_counter() - began) * 1000
        if isinstance(value, Labelled):
            return _labelled(value, source_name(name), spent)
        why = "" if value is not None else UNKNOWN.get(name, f"{name} is not known")
        return Fact(value, source_name(name), spent, why)


def _labelled(value: Labelled, source: str, spent: float) -> Fact:
    if value.label is None:
        return Fact(None, source, spent, value.because)
    return Fact(value.label, source, spent, "", f"{value.because} ({value.confidence:.2f})")


def source_name(name: str) -> str:
    """Returns which part of nr a fact comes from, as the record shows it."""
    if name in ("intent", "complexity") or name.startswith("label."):
        return "classifier"
    if name in ("text", "chars", "lines", "tokens", "language", "has", "needs"):
        return "prompt"
    return "request" if name in ("params", "stream", "source", "tags", "meta") else "surroundings"


class Reader:
    """Reads one prompt once, for all the facts that are taken from its text."""

    def __init__(
        self,
        ask: Ask,
        min_confidence: float,
        edges: Mapping[str, float] | None = None,
        own_intent: Labeller | None = None,
        refit: Refit | None = None,
    ) -> None:
        """Takes the ask with the policy's say on confidence, bands, own intents, calibration."""
        self.ask = ask
        self.text = ask.prompt.text
        self.min_confidence = min_confidence
        self.edges = edges
        self.own_intent = own_intent
        self.refit = refit
        self._reading: Classification | None = None
        self._tokens: int | None = None

    def tokens(self) -> int:
        """Returns the estimated tokens of the prompt, its files, its system text, earlier turns."""
        if self._tokens is None:
            from nr_cli.features.tokens import estimate

            prompt = self.ask.prompt
            texts = (self.text, prompt.system or "", *(turn.text for turn in prompt.turns))
            self._tokens = sum(map(estimate, texts)) + self._file_tokens()
        return self._tokens

    def _file_tokens(self) -> int:
        files = [*self.ask.prompt.attachments]
        files += [file for turn in self.ask.prompt.turns for file in turn.attachments]
        if not files:
            return 0
        from nr_cli.features import media

        return sum(map(media.estimate, files))

    def classification(self) -> Classification:
        """Returns the classifier's reading."""
        if self._reading is None:
            from nr_cli.classify.reading import read

            self._reading = self._with_own(self._refitted(read(self.text, self.edges)))
        return self._reading

    def _refitted(self, reading: Classification) -> Classification:
        """Returns the reading with its complexity as prompts like the user's own came out."""
        if self.refit is None:
            return reading
        from nr_cli.classify.bands import band_of

        score = self.refit(self.text, reading.complexity.score)
        reasons = (*reading.reasons[:1], "fitted to prompts of yours", *reading.reasons[1:2])
        return reading._replace(
            complexity=Complexity(band_of(score, self.edges), score), reasons=reasons
        )

    def _with_own(self, reading: Classification) -> Classification:
        """Returns the reading with the policy's own intent where one is near."""
        own = self.own_intent(self.text) if self.own_intent else None
        if own is None or own.label is None:
            return reading
        reasons = (f"{own.label}: {own.because}", *reading.reasons)
        return reading._replace(intent=Intent(own.label, own.confidence), reasons=reasons)

    def intent(self) -> str | None:
        """Returns the intent's label unless its confidence is too low to act on."""
        intent = self.classification().intent
        return intent.label if intent.confidence >= self.min_confidence else None

    def language(self) -> str | None:
        """Returns the ISO 639-1 code of the prompt's language."""
        from nr_cli.features.language import detect

        return detect(self.text)

    def has(self) -> frozenset[str]:
        """Returns the shapes found in the text, with the media of the files beside it."""
        from nr_cli.features.shapes import find

        return find(self.text) | {file.medium for file in self.ask.prompt.attachments}

    def needs(self) -> frozenset[str]:
        """Returns what a model must be able to do for this request: facts, never guesses."""
        params = self.ask.params
        files = [*self.ask.prompt.attachments]
        files += [file for turn in self.ask.prompt.turns for file in turn.attachments]
        needs = {NEED_OF[file.medium] for file in files}
        if "response_format" in params or self.ask.schema is not None:
            needs.add("json")
        if "tools" in params:
            needs.add("tools")
        if "reasoning_effort" in params:
            needs.add("reasoning")
        if self.tokens() > LONG_CONTEXT:
            needs.add("long_context")
        return frozenset(needs)

    def file_ext(self) -> frozenset[str]:
        """Returns the extensions of the files in the prompt, without the dot, lower case."""
        names = self.ask.prompt.file_names
        return frozenset(name.rpartition(".")[2].lower() for name in names if "." in name)

    def sources(self) -> dict[str, Source]:
        """Returns what computes each fact of the prompt or the request."""
        ask = self.ask
        return {
            "text": lambda: self.text,
            "chars": lambda: len(self.text),
            "lines": lambda: count_lines(self.text),
            "tokens": self.tokens,
            "language": self.language,
            "has": self.has,
            "needs": self.needs,
            "intent": self.intent,
            "complexity": lambda: self.classification().complexity.band,
            "tags": lambda: frozenset(ask.tags),
            "meta": lambda: dict[str, Json](ask.meta) if ask.meta else None,
            "params": lambda: dict(ask.params),
            "stream": lambda: ask.stream,
            "source": lambda: ask.prompt.source,
            "file_ext": self.file_ext,
        }
