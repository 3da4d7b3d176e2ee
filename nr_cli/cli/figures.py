"""Puts the figures of past asks into words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from nr_cli.store.tally import Axis, Figures, nearest_rank

NONE, UNKNOWN = "-", "?"
HEADS: dict[Axis, str] = {"day": "day", "route": "route", "model": "model", "intent": "intent"}


class Column(NamedTuple):
    """One figure of a table; where room is short, those of a high rank go first."""

    head: str
    rank: int
    words: Callable[[Figures], str]


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def money(dollars: float) -> str:
    """Returns US dollars: to the cent, small sums that are no whole cents more exactly."""
    if dollars >= 1 or dollars == 0:
        return f"${dollars:,.2f}" if dollars < 1e12 else f"${dollars:.3g}"
    if dollars < 1e-6:
        return "<$0.000001"
    digits = f"{dollars:.{4 if dollars >= 0.01 else 6}f}"
    return f"${digits if digits[4:].strip('0') else digits[:4]}"


def short_count(count: int) -> str:
    """Returns a count in at most five characters: 999, 12.3k, 18.7M."""
    if count < 1000:
        return str(count)
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        if count < size * 999.5:
            return f"{count / size:.{0 if count >= size * 99.95 else 1}f}{unit}"
    return f"{count:.1e}"


def time_words(ms: float | None) -> str:
    """Returns a latency: 665 ms, 2.1 s, 130 s; `-` for none."""
    if ms is None:
        return NONE
    if ms < 999.5:
        return f"{ms:.0f} ms" if ms >= 9.95 else f"{ms:.1f} ms"
    return f"{ms / 1000:.1f} s" if ms < 99_950 else f"{ms / 1000:.0f} s"


def format_time(moment: float, form: str) -> str:
    """Returns a moment in local time; one beyond every calendar as its seconds."""
    try:
        return time.strftime(form, time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return f"{moment:g} s"


def percentile(figures: Figures, percent: int) -> float | None:
    """Returns the latency in ms that so many percent of the asks to a backend do not exceed."""
    return nearest_rank(figures.latencies, percent)


def known_cost(figures: Figures) -> float | None:
    """Returns what is known of the cost; None where nothing is, which is not zero."""
    return known(figures.cost, figures.asked, figures.unpriced)


def known_saving(figures: Figures) -> float | None:
    """Returns what is known of the money that the cache saved; None where nothing is."""
    return known(figures.saved_cost, figures.hits, figures.unvalued)


def known(total: float, asks: int, unknown: int) -> float | None:
    """Returns a sum over asks, None where it is unknown for every one of them."""
    return None if asks and unknown == asks else total


def partial(total: float | None, asks: int, unknown: int) -> str:
    """Returns a sum for a table: `+?` says that more is unknown, `-` that there was nothing."""
    if not asks:
        return NONE
    if total is None:
        return UNKNOWN
    return money(total) + ("+?" if unknown else "")


def tokens(count: int, figures: Figures) -> str:
    """Returns a count of tokens for a table."""
    if not figures.asked:
        return NONE
    return UNKNOWN if figures.uncounted == figures.asked else short_count(count)


def rating_words(figures: Figures) -> str:
    """Returns how many answers were judged good, how many bad, for a table: +3 -1."""
    return f"+{figures.good:,} -{figures.bad:,}" if figures.good or figures.bad else NONE


COLUMNS = (
    Column("asks", 0, lambda figures: f"{figures.asks:,}"),
    Column("failed", 2, lambda figures: f"{figures.failed:,}"),
    Column("cached", 8, lambda figures: f"{figures.hits:,}"),
    Column("in", 6, lambda figures: tokens(figures.input_tokens, figures)),
    Column("out", 6, lambda figures: tokens(figures.output_tokens, figures)),
    Column("cost", 1, lambda figures: partial(
        known_cost(figures), figures.asked, figures.unpriced
    )),
    Column("saved", 7, lambda figures: partial(
        known_saving(figures), figures.hits, figures.unvalued
    )),
    Column("p50", 5, lambda figures: time_words(percentile(figures, 50))),
    Column("p95", 3, lambda figures: time_words(percentile(figures, 95))),
    Column("rated", 9, rating_words),
)  # fmt: skip


def summary(figures: Figures) -> list[tuple[str, str]]:
    """Returns the figures of all asks, each with its label."""
    lines = [
        ("asks", f"{figures.asks:,} ({figures.failed:,} failed, {figures.hits:,} from the cache)"),
        ("tokens", _token_words(figures)),
        ("cost", _sum_words(known_cost(figures), figures.unpriced, "ask")),
        ("saved", _saving_words(figures)),
        ("latency", _latency_words(figures)),
    ]
    if figures.good or figures.bad:
        lines.append(("rated", f"{figures.good:,} good, {figures.bad:,} bad"))
    if figures.failures:
        kinds = (f"{one.status} (exit {one.exit}) {one.asks:,}" for one in figures.failures)
        lines.append(("failures", ", ".join(kinds)))
    return lines


def _token_words(figures: Figures) -> str:
    if figures.asked and figures.uncounted == figures.asked:
        return "unknown"
    words = f"{figures.input_tokens:,} in, {figures.output_tokens:,} out"
    return words + _rest(figures.uncounted, "ask")


def _sum_words(total: float | None, unknown: int, noun: str) -> str:
    return "unknown" if total is None else money(total) + _rest(unknown, noun)


def _rest(unknown: int, noun: str) -> str:
    return f" (unknown for {plural(unknown, noun)})" if unknown else ""


def _saving_words(figures: Figures) -> str:
    from nr_cli.cli.tally import duration

    if not figures.hits:
        return "nothing: no ask was answered from the cache"
    words = _sum_words(known_saving(figures), figures.unvalued, "hit")
    if figures.untimed == figures.hits:
        return words
    return f"{words}, {duration(figures.saved_ms / 1000)} of waiting"


def _latency_words(figures: Figures) -> str:
    if not figures.latencies:
        return "unknown" if figures.asked else "none: no backend was asked"
    ranks = [f"p{percent} {time_words(percentile(figures, percent))}" for percent in (50, 90, 95)]
    return ", ".join([*ranks, f"longest {time_words(figures.latencies[-1])}"])
