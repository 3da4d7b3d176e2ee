"""The outcome of routing one prompt, with the whole trace that led to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from nr_cli.types.budget import Budget
from nr_cli.types.facts import Complexity, Fact, Intent
from nr_cli.types.guard import Guarding
from nr_cli.types.json import Json
from nr_cli.types.policy import Model, Route
from nr_cli.types.recovery import Limits

if TYPE_CHECKING:
    from nr_cli.types.opinion import Opinion


class Rule(NamedTuple):
    """How one route fared: its result with the reason."""

    name: str
    result: Literal["match", "no", "unknown", "disabled", "not reached"]
    because: str


class Candidate(NamedTuple):
    """One model that was considered; `est_cost` is US dollars, None when no price is known."""

    model: Model
    state: Literal["kept", "dropped"]
    reason: str
    est_cost: float | None


class Decision(NamedTuple):
    """What will be asked and why; all that happens after hangs on this value.

    `route` is None for a pinned model and "default" for the policy's default. `settings` is the
    matched route (or the default as a route): its params, system and timeouts apply. `chain`
    holds the kept candidates in the order they will be tried, `opinions` what was asked first,
    `spares` the candidates that a kind of failure brings in. `limits` is the one budget of the ask,
    `guards` how each guard fared, `redact` what they take out of it, so many times;
    `budgets` those that count, `notes` what they have to say.
    """

    policy_digest: str
    route: str | None
    settings: Route
    chain: tuple[Model, ...]
    rules: tuple[Rule, ...]
    candidates: tuple[Candidate, ...]
    pick: str
    facts: Mapping[str, Fact]
    intent: Intent | None
    complexity: Complexity | None
    reasons: tuple[str, ...]
    needs: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    est_cost: float | None
    overhead_ms: float
    opinions: tuple[Opinion, ...] = ()
    spares: Mapping[str, tuple[Model, ...]] = {}
    limits: Limits = Limits()
    guards: tuple[Guarding, ...] = ()
    redact: frozenset[str] = frozenset()
    redacted: int = 0
    budgets: tuple[Budget, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def bound(self) -> frozenset[str]:
        """Returns the names of the guards that apply."""
        return frozenset(guard.name for guard in self.guards if guard.result != "no")

    def record(self) -> dict[str, Json]:
        """Returns the decision record, the one document that explain, JSON and history show."""
        intent, complexity = self.intent, self.complexity
        return {
            "version": 1,
            "policy_digest": self.policy_digest,
            "route": self.route,
            "model": self.chain[0].name if self.chain else None,
            "model_id": self.chain[0].id if self.chain else None,
            "chain": [model.name for model in self.chain],
            "intent": intent and {"value": intent.label, "confidence": round(intent.confidence, 3)},
            "complexity": complexity
            and {"band": complexity.band, "score": round(complexity.score, 3)},
            "reasons": list(self.reasons),
            "opinions": [opinion.told() for opinion in self.opinions],
            "needs": list(self.needs),
            "facts": {name: _fact_record(name, fact) for name, fact in self.facts.items()},
            "guards": [guard._asdict() for guard in self.guards],
            "redacted": self.redacted,
            "budgets": [budget.name for budget in self.budgets],
            "notes": [*self.notes],
            "rules": [rule._asdict() for rule in self.rules],
            "candidates": [
                {
                    "model": entry.model.name,
                    "state": entry.state,
                    "reason": entry.reason,
                    "est_cost": entry.est_cost,
                }
                for entry in self.candidates
            ],
            "pick": self.pick,
            "estimate": {
                "input_tokens": self.input_tokens,
                "output_tokens": self.output_tokens,
                "usd": self.est_cost,
            },
            "overhead_ms": round(self.overhead_ms, 3),
        }


def _fact_record(name: str, fact: Fact) -> dict[str, Json]:
    """Returns one fact for the record; long texts and the environment are not repeated there."""
    value: Json
    if isinstance(fact.value, frozenset):
        value = sorted(fact.value)
    elif name in ("text", "env", "header"):
        value = None if fact.value is None else "…"
    else:
        value = fact.value
    record: dict[str, Json] = {"value": value, "source": fact.source, "ms": round(fact.ms, 3)}
    if fact.value is None:
        record["why_unknown"] = fact.why_unknown
    elif fact.because:
        record["because"] = fact.because
    return record
