"""Is the policy that holds when no file defines routes or a default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nr_cli.policy.document import Document
from nr_cli.types.json import Json, JsonObject

EMBEDDED = "local/smollm2-135m"
FILE = "built-in policy"
NEEDS = ("vision", "document", "audio")
MIDDLE = 0.25  # the middle model costs at most this share of the strongest


class Choice(NamedTuple):
    """A model that may be chosen: its id, abilities, rank (0 to 100), cost to compare by."""

    id: str
    caps: frozenset[str]
    quality: float
    cost: float


def builtin(found: Sequence[Choice]) -> Document:
    """Returns the built-in policy for the models that keys were found for.

    Hard prompts go to the strongest, easy ones to the cheapest, all others to the strongest of
    those that cost a quarter of it. With no model found, everything goes to the embedded one, which
    is never preferred to a real backend. It is the document's fallback: merged behind the user's
    files, it counts only if they leave it room.
    """
    tree: JsonObject = _for_found(found) if found else {"default": {"use": EMBEDDED}}
    from hashlib import sha256

    digest = sha256(repr(tree).encode()).hexdigest()
    return Document(FILE, {}, {}, digest, fallback=tree)


def _for_found(found: Sequence[Choice]) -> JsonObject:
    by_strength = sorted(found, key=lambda choice: (-choice.quality, choice.cost))
    by_cost = sorted(found, key=lambda choice: (choice.cost, -choice.quality))
    strongest, cheapest = by_strength[0], by_cost[0]
    fair = [choice for choice in by_strength if choice.cost <= strongest.cost * MIDDLE]
    middle = (fair or by_cost)[0]
    routes: list[Json] = [
        {"name": "hard", "when": {"complexity": ">=hard"}, "use": _use(strongest, middle, found)},
        {"name": "easy", "when": {"complexity": "<=easy"}, "use": _use(cheapest, middle, found)},
    ]
    return {"routes": routes, "default": {"use": _use(middle, strongest, found)}}


def _use(first: Choice, second: Choice, found: Sequence[Choice]) -> list[Json]:
    """Returns the ids to try in order, with one of another provider and one for every need."""
    chain = [first, second]
    others = [choice for choice in found if choice.id != first.id]
    if first.id == second.id and others:
        chain.append(_nearest(first, others))
    elsewhere = [choice for choice in found if _provider(choice) != _provider(first)]
    if elsewhere and _provider(second) == _provider(first):
        chain.append(_nearest(first, elsewhere))
    for need in NEEDS:
        able = [choice for choice in found if need in choice.caps]
        if able and not any(need in choice.caps for choice in chain):
            chain.append(_nearest(first, able))
    return list(dict.fromkeys(choice.id for choice in chain))


def _nearest(first: Choice, others: Sequence[Choice]) -> Choice:
    """Returns the one that is most like the first, the cheaper of two alike."""
    return min(others, key=lambda choice: (abs(choice.quality - first.quality), choice.cost))


def _provider(choice: Choice) -> str:
    return choice.id.partition("/")[0]
