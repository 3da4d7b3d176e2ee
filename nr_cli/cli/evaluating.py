"""Turns readings of labelled rows into the figures of `nr eval`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from nr_cli.cli.evalrows import STRONG, WEAK, Expected
from nr_cli.measure.bootstrap import resample
from nr_cli.measure.calibration import calibrate
from nr_cli.measure.curve import Curve, apgr, cpt, quality_at, rank, trace
from nr_cli.measure.labels import compare
from nr_cli.types.facts import BANDS, Classification
from nr_cli.types.json import Json

STEPS = 50  # of the curves in the document


class Reading(NamedTuple):
    """What one row expects with what was read; the prompt itself is not kept.

    `ms` is how long the reading took, `length` how many characters the prompt has.
    """

    expected: Expected
    found: Classification
    route: str
    model: str
    length: int
    ms: float


class Pair(NamedTuple):
    """The names of the two models whose outcomes are weighed."""

    weak: str
    strong: str


def find_pair(
    outcomes: Iterable[Mapping[str, float]], weak: str | None, strong: str | None
) -> Pair | None:
    """Returns the models to compare: those named, else the lowest and the highest by mean."""
    totals: dict[str, tuple[float, int]] = {}
    for scores in outcomes:
        for name, score in scores.items():
            total, count = totals.get(name, (0.0, 0))
            totals[name] = (total + score, count + 1)
    # a name that few rows have is a slip, or another comparison
    most = max((count for _, count in totals.values()), default=0)
    means = {name: total / count for name, (total, count) in totals.items() if 2 * count >= most}
    if set(means) == {WEAK, STRONG}:
        return Pair(weak or WEAK, strong or STRONG)
    if len(means) < 2:
        return None
    names = sorted(means, key=lambda name: (means[name], name))
    lowest = next(name for name in names if name != strong)
    highest = next(name for name in reversed(names) if name != (weak or lowest))
    return Pair(weak or lowest, strong or highest)


def figures_of(rows: Sequence[Reading], pair: Pair | None, seed: int | None) -> dict[str, Json]:
    """Returns the figures that rows allow; with a seed the interval of APGR among them."""
    routes = [(row.expected.route, row.route) for row in rows if row.expected.route is not None]
    models = [(row.expected.model, row.model) for row in rows if row.expected.model is not None]
    return {
        "rows": len(rows),
        "intent": _intent(rows),
        "band": _bands(rows),
        "complexity": _complexity(rows),
        "route": _matches(routes),
        "model": _matches(models),
        "outcomes": _outcomes(rows, pair, seed) if pair else None,
    }


def groups_of(
    rows: Sequence[Reading], key: Callable[[Reading], str], pair: Pair | None
) -> dict[str, Json]:
    """Returns the figures of each group that has a name."""
    groups: dict[str, list[Reading]] = {}
    for row in rows:
        if key(row):
            groups.setdefault(key(row), []).append(row)
    return {name: figures_of(groups[name], pair, None) for name in sorted(groups)}


def latency_of(rows: Sequence[Reading]) -> dict[str, Json]:
    """Returns the median and the 99th percentile of the reading, in milliseconds."""
    times = sorted(row.ms for row in rows)
    last = len(times) - 1
    return {"median": round(times[last // 2], 4), "p99": round(times[round(last * 0.99)], 4)}


def _intent(rows: Sequence[Reading]) -> Json:
    labelled = [row for row in rows if row.expected.intent is not None]
    if not labelled:
        return None
    wanted = [row.expected.intent or "" for row in labelled]
    given = [row.found.intent.label for row in labelled]
    found = compare(wanted, given)
    right = [one == other for one, other in zip(wanted, given, strict=True)]
    sure = calibrate([min(1.0, max(0.0, row.found.intent.confidence)) for row in labelled], right)
    confusion: dict[str, Json] = {}
    for expected in sorted(set(wanted)):
        confusion[expected] = {
            read: count for (want, read), count in found.confusion.items() if want == expected
        }
    return {
        "rows": found.rows,
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
        "labels": [score._asdict() for score in found.labels],
        "confusion": confusion,
        "calibration": {"ece": sure.error, "bins": [entry._asdict() for entry in sure.bins]},
    }


def _bands(rows: Sequence[Reading]) -> Json:
    pairs = [(BANDS.index(row.expected.band), BANDS.index(row.found.complexity.band))
             for row in rows if row.expected.band is not None]  # fmt: skip
    if not pairs:
        return None
    hard = [read >= 2 for want, read in pairs if want >= 3]
    easy = [read <= 1 for want, read in pairs if want <= 1]
    return {
        "rows": len(pairs),
        "accuracy": _share([want == read for want, read in pairs]),
        "within_one": _share([abs(want - read) <= 1 for want, read in pairs]),
        "hard_leaving_easy": _share(hard),
        "easy_kept_easy": _share(easy),
    }


def _complexity(rows: Sequence[Reading]) -> Json:
    gaps = [
        abs(row.expected.complexity - row.found.complexity.score)
        for row in rows
        if row.expected.complexity is not None
    ]
    return {"rows": len(gaps), "mean_absolute_error": sum(gaps) / len(gaps)} if gaps else None


def _matches(pairs: Sequence[tuple[str, str]]) -> Json:
    if not pairs:
        return None
    return {"rows": len(pairs), "accuracy": _share([one == other for one, other in pairs])}


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None


def _outcomes(rows: Sequence[Reading], pair: Pair, seed: int | None) -> Json:
    held = [row for row in rows if row.expected.outcomes.keys() >= set(pair)]
    kept = [row for row in held if not row.expected.contaminated]
    if not kept:
        return None
    weak = [row.expected.outcomes[pair.weak] for row in kept]
    strong = [row.expected.outcomes[pair.strong] for row in kept]
    scores: dict[str, list[float]] = {
        "nr": [row.found.complexity.score for row in kept],
        "random": [0.0] * len(kept),  # one score for all: the mean over all random orders
        "length": [float(row.length) for row in kept],
        "oracle": [high - low for low, high in zip(weak, strong, strict=True)],
    }
    rankings = {name: rank(values) for name, values in scores.items()}
    routers: dict[str, Json] = {
        name: _router(trace(ranking, weak, strong)) for name, ranking in rankings.items()
    }
    own = rankings["nr"]
    drawn = None if seed is None else resample(
        len(kept), lambda times: apgr(trace(own, weak, strong, times)), 200, seed
    )  # fmt: skip
    return {
        "rows": len(kept), "contaminated": len(held) - len(kept),
        "weak": pair.weak, "strong": pair.strong,
        "always_small": sum(weak) / len(weak), "always_big": sum(strong) / len(strong),
        "apgr_interval": list(drawn) if drawn else None, "routers": routers,
    }  # fmt: skip


def _router(curve: Curve) -> Json:
    points: list[Json] = [
        [step / STEPS, quality_at(curve, step / STEPS)] for step in range(STEPS + 1)
    ]
    return {"apgr": apgr(curve), "cpt50": cpt(curve, 0.5), "cpt80": cpt(curve, 0.8),
            "curve": points}  # fmt: skip
