"""Judges which models can serve a prompt, then puts those in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from nr_cli.policy.values import read_count
from nr_cli.types.decision import Candidate
from nr_cli.types.policy import Model, Pick, Pool, Price, Use

OUTPUT_ESTIMATE = 1024  # tokens, where neither the ask nor the model names a smaller limit

Barred: TypeAlias = "Callable[[Model], str | None]"
PickRandom: TypeAlias = "Callable[[int], int]"
Kind: TypeAlias = Literal["", "need", "window", "size", "key", "barred", "pool", "cost", "budget"]


if TYPE_CHECKING:  # a Protocol costs half a millisecond when it is defined

    class Stock(Protocol):
        """Where models or pools are found by name; an unknown one raises ConfigError."""

        def names(self) -> Mapping[str, Sequence[str]]:
            """Returns the names, among them those under "pools"."""
            ...

        def model(self, name: str) -> Model:
            """Returns the model behind an alias or a "provider/model" id."""
            ...

        def pool(self, name: str) -> Pool:
            """Returns a pool."""
            ...


class Demand(NamedTuple):
    """What a prompt asks of a model: its tokens (None: not known), abilities, `max_tokens`.

    `max_cost` in US dollars is what its request may cost.
    """

    tokens: int | None
    needs: frozenset[str]
    max_tokens: int | None
    max_cost: float | None = None

    def output(self, model: Model | None) -> int:
        """Returns the estimate of the answer's tokens, by this model if there is one."""
        own = read_count(model.params.get("max_tokens")) if model else None
        most = model.max_output if model else None
        limits = (OUTPUT_ESTIMATE, self.max_tokens or own, most)
        return min(limit for limit in limits if limit is not None and limit > 0)


class Judged(NamedTuple):
    """A candidate with the kind of reason it was dropped for, empty when it was kept."""

    candidate: Candidate
    kind: Kind


def judge(
    stock: Stock, use: Use, demand: Demand, barred: Barred, pick_random: PickRandom
) -> tuple[list[Judged], list[Candidate]]:
    """Returns every candidate in the policy's order, then the kept ones in the order of trying.

    A pool's own pick orders its members where the pool stands, then the use's pick orders all.
    A model that is named twice counts once; of two names for one request that say otherwise what it
    can do, the first that can serve counts.
    """
    pools = frozenset(stock.names()["pools"])
    judged: list[Judged] = []
    chain: list[Candidate] = []
    for name in use.names:
        pool = stock.pool(name) if name in pools else Pool("", (name,))
        here: list[Candidate] = []
        for member in pool.models:
            model = stock.model(member)
            if any(_settles(entry, model) for entry in judged):
                continue
            entry = _judge_model(model, pool, demand, barred)
            judged.append(entry)
            if not entry.kind:
                here.append(entry.candidate)
        chain += arrange(here, pool.pick, pick_random)
    return judged, arrange(chain, use.pick, pick_random)


def arrange(kept: list[Candidate], pick: Pick, pick_random: PickRandom) -> list[Candidate]:
    """Returns the candidates as `pick` orders them; what it cannot rank comes last."""
    if pick == "cheapest":
        return sorted(kept, key=lambda entry: (entry.est_cost is None, entry.est_cost or 0.0))
    if pick == "best":
        return sorted(kept, key=lambda entry: -_quality(entry.model))
    if pick == "random":
        rest = list(kept)
        return [rest.pop(pick_random(len(rest))) for _ in kept]
    return kept


def estimate_cost(price: Price | None, input_tokens: int | None, output: int) -> float | None:
    """Returns US dollars, or None when the price or the tokens are not known."""
    if price is None or input_tokens is None:
        return None
    price = price.at(input_tokens)
    return (input_tokens * price.input + output * price.output) / 1_000_000


def _quality(model: Model) -> float:
    return -1.0 if model.quality is None else model.quality


def _settles(entry: Judged, model: Model) -> bool:
    """Says whether a verdict speaks for this model too: the same request, and nothing new of it.

    What a pool's own bounds left out another pool, or the route itself, may still take.
    """
    judged = entry.candidate.model
    if not _is_same(judged, model):
        return False
    is_kept = entry.kind == ""
    return is_kept or (entry.kind != "pool" and model._replace(name=judged.name) == judged)


def _is_same(one: Model, other: Model) -> bool:
    """Says whether two names would send the same request."""
    return (one.wire, one.provider.name, one.params, one.system) == (
        other.wire,
        other.provider.name,
        other.params,
        other.system,
    )


def _judge_model(model: Model, pool: Pool, demand: Demand, barred: Barred) -> Judged:
    """Returns the verdict on one model.

    What no key could mend comes first: a missing key is the reason only where it is the last one.
    """
    output = demand.output(model)
    cost = estimate_cost(model.price, demand.tokens, output)
    kind: Kind = "pool"
    reason = _pool_flaw(model, pool)
    if not reason:
        reason, kind = _lacking(model, demand.needs), "need"
    if not reason:
        reason, kind = _overflow(model, demand.tokens, output), "window"
    if not reason:
        reason, kind = _beyond(cost, demand.max_cost), "cost"
    if not reason:
        reason = barred(model) or ""
        kind = kind_of(reason)
    if reason:
        return Judged(Candidate(model, "dropped", reason, cost), kind)
    return Judged(Candidate(model, "kept", "", cost), "")


def kind_of(reason: str) -> Kind:
    """Returns what sort of reason bars a model, told by how it begins."""
    if reason.startswith("too large"):
        return "size"
    return "key" if reason.startswith("no key") else "barred"


def _pool_flaw(model: Model, pool: Pool) -> str:
    if pool.min_quality is not None and _quality(model) < pool.min_quality:
        said = "is not known" if model.quality is None else f"is {model.quality:g}"
        return f"quality {said}, pool {pool.name} wants {pool.min_quality:g}"
    if pool.max_price is None:
        return ""
    if model.price is None:
        return f"price is not known, pool {pool.name} allows ${pool.max_price:g} a million tokens"
    dearest = max(model.price.input, model.price.output)
    if dearest > pool.max_price:
        return (
            f"price is ${dearest:g}, pool {pool.name} allows ${pool.max_price:g} a million tokens"
        )
    return ""


def _lacking(model: Model, needs: frozenset[str]) -> str:
    """Returns the abilities it lacks; whether a long prompt fits is its window's to say."""
    wanted = needs - {"long_context"}
    missing = sorted(wanted - model.caps) if model.caps is not None else sorted(wanted)
    if not missing:
        return ""
    if model.caps is None:
        return f"not known to do {', '.join(missing)} (declare caps in its entry)"
    return f"cannot do {', '.join(missing)}"


def _beyond(cost: float | None, most: float | None) -> str:
    """Returns why a request would be too dear; a price that is not known is never taken for 0."""
    if most is None:
        return ""
    if cost is None:
        return f"its price is not known, the limit is ${most:g}"
    return f"may cost ${cost:.6f}, the limit is ${most:g}" if cost > most else ""


def _overflow(model: Model, tokens: int | None, output: int) -> str:
    if model.context is None or tokens is None or tokens + output <= model.context:
        return ""
    return f"{tokens} + {output} tokens exceed its context of {model.context}"
