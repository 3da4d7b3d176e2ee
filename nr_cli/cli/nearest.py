"""Compares an ask with what the cache holds, field by field."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from nr_cli.cli.screen import neutralise
from nr_cli.pipeline import cachekey
from nr_cli.pipeline.answer import TTL
from nr_cli.pipeline.resolve import resolve
from nr_cli.types.prompt import Ask

if TYPE_CHECKING:
    from nr_cli.app import Router

SEARCHED = 2000  # the newest entries, among which the nearest is looked for


class Nearest(NamedTuple):
    """How an ask stands to the cache; `differs` maps a field to [here, there], None for absent."""

    status: Literal["hit", "expired", "miss", "empty"]
    key: str
    nearest: str | None
    age_s: float | None
    differs: Mapping[str, tuple[str | None, str | None]]


def find_nearest(router: Router, ask: Ask) -> Nearest:
    """Returns the entry of this ask, or the entry that shares most fields with it."""
    decision = router.decide(ask, reading=True, full=False)
    request = resolve(ask, decision, decision.chain[0])
    material = cachekey.fields(request, router.credential(request.model).fingerprint)
    key, mine = cachekey.key(material), cachekey.labels(material)
    entry = router.cache.get(key, TTL)
    if entry is not None:
        return Nearest("hit", key, key, time.time() - entry.stored, {})
    best: tuple[int, str, float, Mapping[str, str]] | None = None
    for other, stored, labels in router.cache.recent(SEARCHED):
        shared = sum(labels.get(name) == value for name, value in mine.items())
        if best is None or shared > best[0]:
            best = (shared, other, stored, labels)
    if best is None:
        return Nearest("empty", key, None, None, {})
    _, other, stored, labels = best
    differs = {
        name: (mine.get(name), labels.get(name))
        for name in sorted({*mine, *labels})
        if mine.get(name) != labels.get(name)
    }
    return Nearest("miss" if differs else "expired", key, other, time.time() - stored, differs)


def describe_nearest(nearest: Nearest) -> str:
    """Returns the comparison in words."""
    if nearest.status == "empty":
        return "miss: the cache is empty"
    age = f"{nearest.age_s or 0:.0f} s old"
    if nearest.status == "hit":
        return f"hit: {nearest.key[:12]}, {age}"
    if nearest.status == "expired":
        return f"miss: {nearest.key[:12]} is there but expired, {age}"
    lines = [f"miss: the nearest answer ({str(nearest.nearest)[:12]}, {age}) differs in"]
    for name, (here, there) in nearest.differs.items():
        lines.append(f"  {name}: {here or 'absent'} here, {there or 'absent'} there")
    return neutralise("\n".join(lines))
