"""Reads what a policy says of failures: limits, retries, what follows each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from nr_cli.policy.reader import Reader
from nr_cli.policy.schema import STEPS
from nr_cli.types.policy import Path
from nr_cli.types.recovery import Breaker, FollowUp, Limits, Recovery, Retry, Share

KEYS = ("limits", "retry", "fallback")


def read_recovery(reader: Reader, at: Path, otherwise: Recovery) -> Recovery:
    """Returns what stands at a path, key by key over what holds otherwise."""
    limits, retry = otherwise.limits, otherwise.retry
    path: Path = (*at, "limits")
    attempts, most = reader.count((*path, "attempts")), reader.number((*path, "max_cost"))
    limits = Limits(
        limits.attempts if attempts is None else attempts,
        _or(reader.duration((*path, "deadline")), limits.deadline),
        _or(most, limits.max_cost),
    )
    return Recovery(limits, _retry(reader, (*at, "retry"), retry), _fallback(reader, at, otherwise))


def read_breaker(reader: Reader) -> Breaker:
    """Returns when backends rest."""
    usual, path = Breaker(), cast(Path, ("breaker",))
    failures, half_open = reader.count((*path, "failures")), reader.count((*path, "half_open"))
    window, cooldown = reader.duration((*path, "window")), reader.duration((*path, "cooldown"))
    return Breaker(
        usual.failures if failures is None else failures,
        usual.window if window is None else window,
        usual.cooldown if cooldown is None else cooldown,
        usual.half_open if half_open is None else half_open,
        cast(Share, reader.text((*path, "share")) or usual.share),
    )


def _retry(reader: Reader, path: Path, usual: Retry) -> Retry:
    times, factor = reader.count((*path, "times")), reader.number((*path, "backoff", "factor"))
    jitter = reader.text((*path, "backoff", "jitter"))
    return Retry(
        usual.times if times is None else times,
        _or(reader.duration((*path, "backoff", "base")), usual.base),
        usual.factor if factor is None else factor,
        _or(reader.duration((*path, "backoff", "max")), usual.most),
        usual.jitter if jitter is None else jitter == "full",
        reader.flag((*path, "respect_retry_after"), usual.respect_retry_after),
        _or(reader.duration((*path, "max_wait")), usual.max_wait),
    )


def _fallback(reader: Reader, at: Path, otherwise: Recovery) -> Mapping[str, FollowUp]:
    table = reader.document.get((*at, "fallback"))
    if not isinstance(table, Mapping):
        return otherwise.fallback
    own: dict[str, FollowUp] = {}
    for kind, follow in table.items():
        path: Path = (*at, "fallback", kind)
        if isinstance(follow, Mapping):
            path = (*path, "before_output")
        words = reader.texts(path)
        if words:
            models = tuple(word for word in words if word not in STEPS)
            own[kind] = FollowUp(frozenset(words) & frozenset(STEPS), models)
    return {**otherwise.fallback, **own}


def _or(value: float | None, otherwise: float | None) -> float | None:
    return otherwise if value is None else value
