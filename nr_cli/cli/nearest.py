"""Compares an ask with what the cache holds, field by field."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from nr_cli.cli.screen import neutralise
from nr_cli.errors import NoCredential, Refused
from nr_cli.pipeline import cachekey
from nr_cli.pipeline.answer import TRAVELS, payer
from nr_cli.pipeline.resolve import resolve
from nr_cli.types.prompt import Ask

if TYPE_CHECKING:
    from nr_cli.app import Router

SEARCHED = 2000  # the newest entries, among which the nearest is looked for


class Nearest(NamedTuple):
    """How an ask stands to the cache; `differs` maps a field to [here, there], None for absent.

    `model` is the candidate whose answer was compared, `first` the one that is asked first: only
    its answers serve an ask that may ask somebody.
    """

    status: Literal["hit", "expired", "miss", "empty"]
    key: str
    nearest: str | None
    age_s: float | None
    differs: Mapping[str, tuple[str | None, str | None]]
    model: str
    first: str


class Place(NamedTuple):
    """Where a candidate's answer would be kept, with what would be kept beside it."""

    model: str
    key: str
    labels: Mapping[str, str]
    ttl: float
    travels: str


def find_nearest(router: Router, ask: Ask) -> Nearest:
    """Returns the entry of this ask, or the entry that shares most fields with it.

    Every candidate is looked for, in the order in which an ask would: the first one that can be
    asked, then all that may answer from the cache alone.
    """
    places = find_places(router, ask)
    first = places[0].model
    for place in places:
        entry = router.cache.get(place.key, place.ttl)
        entry = entry or router.cache.get(place.travels, place.ttl)
        if entry is not None:
            age = time.time() - entry.stored
            return Nearest("hit", place.key, place.key, age, {}, place.model, first)
    best: tuple[int, Place, str, float, Mapping[str, str]] | None = None
    for other, stored, labels in router.cache.recent(SEARCHED):
        for place in places:
            shared = sum(labels.get(name) == value for name, value in place.labels.items())
            if best is None or shared > best[0]:
                best = (shared, place, other, stored, labels)
    if best is None:
        return Nearest("empty", places[0].key, None, None, {}, first, first)
    _, place, other, stored, labels = best
    differs = {
        name: (place.labels.get(name), labels.get(name))
        for name in sorted({*place.labels, *labels} - {TRAVELS})
        if place.labels.get(name) != labels.get(name)
    }
    status: Literal["miss", "expired"] = "miss" if differs else "expired"
    age = time.time() - stored
    return Nearest(status, place.key, other, age, differs, place.model, first)


def find_places(router: Router, ask: Ask) -> list[Place]:
    """Returns the place of each candidate's answer, the one that is asked first in front."""
    reading = router.consider(ask, reading=True)
    try:
        asking = router.consider(ask).chain
    except (NoCredential, Refused):
        asking = ()  # nobody can be asked from here: the cache may answer all the same
    places: dict[str, Place] = {}
    for model in (*asking[:1], *reading.chain):
        request = resolve(ask, reading, model)
        material = cachekey.fields(request, payer(reading, router.credential(model)))
        key = cachekey.key(material)
        ttl, travels = reading.settings.keeping.ttl, cachekey.travelling(material)
        places.setdefault(key, Place(model.name, key, cachekey.labels(material), ttl, travels))
    return list(places.values())


def describe_nearest(nearest: Nearest) -> str:
    """Returns the comparison in words."""
    if nearest.status == "empty":
        return "miss: the cache is empty"
    age = f"{nearest.age_s or 0:.0f} s old"
    if nearest.status == "hit":
        return neutralise(f"hit: {nearest.key[:12]}, {age}{whose(nearest)}")
    if nearest.status == "expired":
        return f"miss: {nearest.key[:12]} is there but expired, {age}"
    lines = [f"miss: the nearest answer ({str(nearest.nearest)[:12]}, {age}) differs in"]
    for name, (here, there) in nearest.differs.items():
        lines.append(f"  {name}: {here or 'absent'} here, {there or 'absent'} there")
    return neutralise("\n".join(lines))


def whose(nearest: Nearest) -> str:
    """Returns whose answer it is where that serves only an ask that may ask nobody."""
    if nearest.model == nearest.first:
        return ""
    return f", of {nearest.model} (for --cache only or --offline: {nearest.first} is asked first)"
