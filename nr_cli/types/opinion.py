"""What somebody is asked about a prompt before it is routed, with what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:  # the nouns that hold an opinion are those it is made of
    from nr_cli.errors import NrError
    from nr_cli.types.decision import Decision
    from nr_cli.types.json import Json
    from nr_cli.types.prompt import Ask
    from nr_cli.types.record import Record

KEEP, UP, ABSTAIN = "keep", "up", "abstain"


class SecondOpinion(NamedTuple):
    """Whom a policy has asked where a complexity score is within `margin` of a band's edge.

    `timeout` is in seconds. `if_fails` keeps the band that was read, goes up to the harder one, or
    abstains: the complexity is then unknown.
    """

    model: str
    margin: float = 0.05
    timeout: float = 2.0
    if_fails: str = KEEP


class Question(NamedTuple):
    """One question about a prompt: to a model, or to a program where there is `argv`.

    `about` is the fact that it settles. An answer is one of `labels`, any label where there are
    none. `timeout` is in seconds. `if_fails` is the label that stands in for a missing answer, or
    what else then happens. `because` says why it is asked.
    """

    about: str
    labels: tuple[str, ...]
    text: str
    timeout: float
    model: str = ""
    system: str = ""
    argv: tuple[str, ...] = ()
    if_fails: str = ABSTAIN
    because: str = ""

    @property
    def who(self) -> str:
        """Returns whom it is put to: a model by name, a program by its first word."""
        return self.argv[0] if self.argv else self.model


class Opinion(NamedTuple):
    """What came of a question; `because` says why there is no `label`.

    It is pending where nobody may be asked. `ask`, `decision`, `record` or `error` are those of
    the request that it took, if it took one.
    """

    question: Question
    status: Literal["given", "failed", "pending"]
    label: str | None = None
    because: str = ""
    ms: float = 0.0
    waited_ms: float = 0.0
    ask: Ask | None = None
    decision: Decision | None = None
    record: Record | None = None
    error: NrError | None = None

    @property
    def cost(self) -> float | None:
        """Returns US dollars, None where it is not known; what was not answered counts nothing."""
        return self.record.cost if self.record is not None else 0.0

    @property
    def is_cached(self) -> bool:
        """Tells whether the answer was there from an earlier time."""
        return self.record is not None and self.record.cache == "hit"

    @property
    def outcome(self) -> str | None:
        """Returns the label that counts: the one given, else the one that stands in for it."""
        fallback, labels = self.question.if_fails, self.question.labels
        is_label = fallback in labels if labels else fallback != ABSTAIN
        return fallback if self.status == "failed" and is_label else self.label

    def told(self) -> dict[str, Json]:
        """Returns the opinion as the decision record tells it."""
        usage = self.record.usage if self.record is not None else None
        return {
            "about": self.question.about,
            "model": self.question.model or None,
            "command": self.question.argv[0] if self.question.argv else None,
            "why": self.question.because or None,
            "status": self.status,
            "verdict": self.label,
            "because": self.because or None,
            "if_fails": self.question.if_fails,
            "cached": self.is_cached,
            "cost": self.cost,
            "usage": usage and {"input_tokens": usage.input_tokens,
                                "output_tokens": usage.output_tokens},
            "ms": round(self.ms, 3),
        }  # fmt: skip
