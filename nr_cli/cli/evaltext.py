"""Puts the figures of `nr eval` into lines."""

from __future__ import annotations

from collections.abc import Iterator

from nr_cli.cli.screen import neutralise
from nr_cli.cli.table import align
from nr_cli.types.json import Json

HIGH, WIDE = 12, 51  # of the drawn curve, in characters
MARKS = {"random": ".", "length": "l", "oracle": "o", "nr": "*"}


def dig(value: Json, *path: str) -> Json:
    """Returns what stands at a path of keys, None where it ends early."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def words_of(document: Json, drawn: bool) -> str:
    """Returns the whole report; drawn, with the curve."""
    rows = [["", "rows", "accuracy", "macro-F1", "ECE", "band", "±1", "APGR"]]
    rows.append(_row("all", dig(document, "overall")))
    for key in ("by_source", "by_language"):
        groups = dig(document, key)
        if isinstance(groups, dict):
            rows += [_row(f"{key[3:]} {name}", part) for name, part in groups.items()]
    lines = [align(rows, range(1, 8)), *_rest(document), *_labels(document), *_routers(document)]
    if drawn:
        lines += _drawing(dig(document, "overall", "outcomes", "routers"))
    return neutralise("\n".join(lines)) + "\n"


def _row(name: str, part: Json) -> list[str]:
    paths = (("intent", "accuracy"), ("intent", "macro_f1"), ("intent", "calibration", "ece"),
             ("band", "accuracy"), ("band", "within_one"),
             ("outcomes", "routers", "nr", "apgr"))  # fmt: skip
    return [name, str(dig(part, "rows")), *(_figure(dig(part, *path)) for path in paths)]


def _figure(value: Json) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else "-"


def _rest(document: Json) -> Iterator[str]:
    for words, path in (
        ("hard or extreme leaving easy", ("band", "hard_leaving_easy")),
        ("trivial or easy kept there", ("band", "easy_kept_easy")),
        ("mean error of complexity", ("complexity", "mean_absolute_error")),
        ("route accuracy", ("route", "accuracy")),
        ("model accuracy", ("model", "accuracy")),
    ):
        value = dig(document, "overall", *path)
        if value is not None:
            yield f"{words}: {_figure(value)}"
    times = [_figure(dig(document, "latency_ms", key)) for key in ("median", "p99")]
    yield f"reading: median {times[0]} ms, p99 {times[1]} ms"
    if dig(document, "bad_rows"):
        yield f"rows passed over: {dig(document, 'bad_rows')}"


def _labels(document: Json) -> Iterator[str]:
    labels = dig(document, "overall", "intent", "labels")
    if not isinstance(labels, list):
        return
    rows = [["intent", "precision", "recall", "F1", "rows", "mostly read as"]]
    for entry in labels:
        read = dig(document, "overall", "intent", "confusion", str(dig(entry, "label")))
        most = sorted(read.items(), key=lambda item: -int(str(item[1]))) if isinstance(
            read, dict) else []  # fmt: skip
        told = ", ".join(f"{name} {count}" for name, count in most[:3])
        shares = [_figure(dig(entry, key)) for key in ("precision", "recall", "f1")]
        rows.append([str(dig(entry, "label")), *shares, str(dig(entry, "support")), told])
    yield "\n" + align(rows, range(1, 5))


def _routers(document: Json) -> Iterator[str]:
    part = dig(document, "overall", "outcomes")
    routers = dig(part, "routers")
    if not isinstance(routers, dict):
        return
    yield (
        f"\n{dig(part, 'weak')} {_figure(dig(part, 'always_small'))}, "
        f"{dig(part, 'strong')} {_figure(dig(part, 'always_big'))} over {dig(part, 'rows')} rows"
    )
    rows = [["router", "APGR", "CPT50", "CPT80"]]
    for name, router in routers.items():
        rows.append([name, *(_figure(dig(router, key)) for key in ("apgr", "cpt50", "cpt80"))])
    yield align(rows, range(1, 4))
    bounds = dig(part, "apgr_interval")
    if isinstance(bounds, list):
        yield f"APGR of nr, 95 of 100 resamples: {_figure(bounds[0])} to {_figure(bounds[1])}"


def _drawing(routers: Json) -> Iterator[str]:
    """Yields the curves as characters: quality upwards, the share of strong calls to the right."""
    points = [
        (mark, place, float(str(point[1])))
        for name, mark in MARKS.items()
        if isinstance(curve := dig(routers, name, "curve"), list)
        for place, point in enumerate(curve)
        if isinstance(point, list)
    ]
    if not points:
        return
    low, high = min(p[2] for p in points), max(p[2] for p in points)
    cells = [[" "] * WIDE for _ in range(HIGH)]
    for mark, place, quality in points:
        share = (quality - low) / (high - low) if high > low else 0.0
        cells[HIGH - 1 - round(share * (HIGH - 1))][place] = mark
    yield f"\nquality {low:.3f} to {high:.3f} by share of strong calls 0 to 1"
    yield from ("|" + "".join(line).rstrip() for line in cells)
    yield "+" + "-" * WIDE
    yield "* nr  l length  . random  o oracle"
