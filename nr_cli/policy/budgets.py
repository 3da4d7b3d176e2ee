"""Reads budgets, tells which candidates they still allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

from nr_cli.policy.candidates import Judged
from nr_cli.policy.globs import matches_glob
from nr_cli.policy.reader import Reader
from nr_cli.types.budget import Action, Budget, Period, Spent
from nr_cli.types.decision import Candidate
from nr_cli.types.facts import Facts
from nr_cli.types.policy import Model, Path, When

SEVERITY: dict[Action | None, int] = {None: 0, "warn": 1, "downgrade": 2, "block": 3}


class Within(NamedTuple):
    """What budgets leave: all candidates, judged; those to ask; what a person should know."""

    judged: tuple[Judged, ...]
    chain: tuple[Candidate, ...]
    notes: tuple[str, ...]


def applying(budgets: Sequence[Budget], facts: Facts) -> tuple[Budget, ...]:
    """Returns the budgets that count for a prompt; one that cannot tell does."""
    return tuple(
        budget for budget in budgets if budget.when is None or budget.when.test(facts)[0] != "no"
    )


def narrow(
    budgets: Sequence[Budget],
    spent: Callable[[Budget], Spent],
    judged: Sequence[Judged],
    chain: Sequence[Candidate],
    order: Callable[[tuple[str, ...]], tuple[Sequence[Judged], Sequence[Candidate]]],
) -> Within:
    """Returns the candidates that the budgets allow, their own in place of those too dear.

    `order` judges the models that a budget names instead, as any other candidates.
    """
    used = {budget.name: spent(budget).total for budget in budgets}
    found = [_judge(budgets, used, candidate) for candidate in chain]
    notes = [note for action, _, note, _ in found[:1] if action in ("warn", "downgrade")]
    first = found[0]
    if first.action == "downgrade" and first.budget is not None and first.budget.downgrade_to:
        more, instead = order(first.budget.downgrade_to)
        dropped = {candidate.model.name: first.reason for candidate in chain}
        judged = [_drop(entry, dropped) for entry in judged]
        kept = {candidate.model.name for candidate in instead}
        judged = [entry for entry in judged if entry.candidate.model.name not in kept]
        judged, chain = [*judged, *more], instead
        found = [_judge(budgets, used, candidate) for candidate in chain]
        refused = {"block"}
    else:
        refused = {"block", "downgrade"}
    reasons = {
        candidate.model.name: one.reason
        for candidate, one in zip(chain, found, strict=True)
        if one.action in refused
    }
    left = tuple(candidate for candidate in chain if candidate.model.name not in reasons)
    return Within(tuple(_drop(entry, reasons) for entry in judged), left, tuple(notes))


class _Found(NamedTuple):
    """What the strictest budget says of one candidate."""

    action: Action | None
    reason: str
    note: str
    budget: Budget | None


def _judge(budgets: Sequence[Budget], used: Mapping[str, float], candidate: Candidate) -> _Found:
    worst = _Found(None, "", "", None)
    for budget in budgets:
        one = _judge_by(budget, used[budget.name], candidate)
        if SEVERITY[one.action] > SEVERITY[worst.action]:
            worst = one
    return worst


def _judge_by(budget: Budget, used: float, candidate: Candidate) -> _Found:
    cost = candidate.est_cost
    if cost is None and not _is_allowed(budget, candidate.model):
        return _Found("block", f"budget {budget.name}: its price is not known", "", budget)
    cost = cost or 0.0
    action, limit = budget.action(used + cost), f"${budget.limit:g} a {budget.per}"
    so_far = f"${used:.4f} of {limit} is spent or reserved"
    note = f"budget {budget.name}: {(used + cost) / budget.limit:.0%} of {limit} with this ask"
    if action == "downgrade":
        note += f", {', '.join(budget.downgrade_to)} answers instead"
    reason = f"budget {budget.name}: {so_far}, this may cost ${cost:.4f}"
    return _Found(action, reason, note, budget)


def _is_allowed(budget: Budget, model: Model) -> bool:
    """Tells whether a model may answer though nobody knows its price."""
    names = (model.name, model.id)
    return any(matches_glob(pattern, name) for pattern in budget.unpriced for name in names)


def _drop(entry: Judged, reasons: Mapping[str, str]) -> Judged:
    reason = reasons.get(entry.candidate.model.name)
    if reason is None or entry.kind:
        return entry
    return Judged(entry.candidate._replace(state="dropped", reason=reason), "budget")


def read_budget(reader: Reader, path: Path, build_when: Callable[[Path], When | None]) -> Budget:
    """Returns one budget of a policy. Raises: ConfigError for a value that cannot be used."""
    at = reader.document.get((*path, "at"))
    steps = {
        float(str(share).rstrip("%")) / 100: cast(Action, reader.text((*path, "at", share)))
        for share in (at if isinstance(at, Mapping) else ())
    }
    return Budget(
        name=reader.text((*path, "name")) or "",
        limit=reader.number((*path, "limit")) or 0.0,
        per=cast(Period, reader.text((*path, "per"))),
        at=steps or Budget("", 0.0, "day").at,
        when=build_when((*path, "when")),
        downgrade_to=reader.texts((*path, "downgrade_to")),
        unpriced=reader.texts((*path, "unpriced")),
    )
