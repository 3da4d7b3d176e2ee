"""What is known of a prompt in its surroundings, with what is not known said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

from nr_cli.types.json import Json

Truth: TypeAlias = Literal["yes", "no", "unknown"]
Label: TypeAlias = Literal[
    "code", "math", "reasoning", "summarize", "translate", "extract", "rewrite",
    "writing", "brainstorm", "factual", "chat", "data", "agentic",
]  # fmt: skip
Band: TypeAlias = Literal["trivial", "easy", "medium", "hard", "extreme"]
FactValue: TypeAlias = "str | int | float | bool | frozenset[str] | Mapping[str, Json]"

INTENTS: tuple[Label, ...] = (
    "code", "math", "reasoning", "summarize", "translate", "extract", "rewrite",
    "writing", "brainstorm", "factual", "chat", "data", "agentic",
)  # fmt: skip
BANDS: tuple[Band, ...] = ("trivial", "easy", "medium", "hard", "extreme")
# The upper edge of each band's scores, where a policy names no other; above the last: extreme.
BAND_EDGES: Mapping[str, float] = {"trivial": 0.15, "easy": 0.35, "medium": 0.60, "hard": 0.85}


class Verdict(NamedTuple):
    """The three-valued answer of one condition, with the reason a person reads."""

    truth: Truth
    because: str


class Fact(NamedTuple):
    """One thing known, where it came from and what it cost in milliseconds.

    `value` is None when the fact is unknown, and `why_unknown` then says why. `because` is there
    where the value has a reason that a person may want to see.
    """

    value: FactValue | None
    source: str
    ms: float = 0.0
    why_unknown: str = ""
    because: str = ""


class Labelled(NamedTuple):
    """What a reader of examples says of a text: its label, None where none is near.

    `confidence` is 0 to 1; `because` names the nearest example, or says why there is no label.
    """

    label: str | None
    confidence: float
    because: str


class Facts(Protocol):
    """Facts by name, each computed when first asked for.

    Names and types: text str · chars lines tokens int · language str (ISO 639-1) · intent str ·
    complexity str (a band) · label.NAME str · has needs tags file_ext frozenset[str] · stream
    tty bool · source str · params env meta header mapping · cwd git_branch git_remote host str ·
    clock float (seconds since the epoch).
    """

    def get(self, name: str) -> Fact:
        """Returns the fact; one that nothing provides comes back unknown, never an error."""
        ...


class Intent(NamedTuple):
    """What kind of work a prompt asks for; `confidence` is 0 to 1.

    `label` is one of `INTENTS` or of the labels that a policy adds.
    """

    label: str
    confidence: float


class Complexity(NamedTuple):
    """How likely a small model fails on a prompt: `score` is 0 to 1, `band` its name."""

    band: Band
    score: float


class Classification(NamedTuple):
    """A classifier's whole reading; `reasons` are short phrases a user understands."""

    intent: Intent
    complexity: Complexity
    reasons: tuple[str, ...] = ()
