"""Draws up one HTML page of past asks, which asks nothing of any network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from nr_cli import __version__
from nr_cli.cli.charts import SHOWN, asks_chart, cost_chart, latency_chart, share_chart
from nr_cli.cli.figures import COLUMNS, HEADS, format_time, plural, summary
from nr_cli.cli.screen import neutralise
from nr_cli.cli.spans import cut_days, length_words
from nr_cli.store.history import Filters
from nr_cli.store.tally import AXES, Axis, Group, Tally

MOST_SPANS = 130  # bars that can still be told apart on a wide screen
MINUTE = "%Y-%m-%d %H:%M"
OPEN = 12  # rows of a table that is shown without a click
NOTES = (
    "<p>+? means that more is unknown, ? that all is, - that there is none. Tokens, cost, latency"
    " are of asks that went to a model; p50 is the median.</p>"
)
# Whatever a name in the log holds, the page can load nothing, send nothing, run nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --ink: #1b1f24; --faint: #59626e;
  --grid: #d5dae1; --answered: #2c68d0; --high: #a9c4f2; --cached: #1d8a6b; --failed: #c5342b; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1d2126; --ink: #e8ebef;
  --faint: #a0a9b5; --grid: #353c45; --answered: #6fa1ff; --high: #36548f; --cached: #3fb08d;
  --failed: #ff7a70; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
p { margin: .3rem 0; } .faint, footer { color: var(--faint); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .6rem;
  margin: 1.2rem 0; }
dl div, section { background: var(--card); border-radius: .5rem; padding: .7rem .9rem; }
dt { color: var(--faint); font-size: .85rem; } dd { margin: 0; overflow-wrap: anywhere; }
section { margin: .8rem 0; padding: 1rem; }
.chart { display: block; overflow: visible; }
.over-time { padding: .6rem .4rem 0 4.2rem; }
text { fill: var(--ink); font-size: 12px; } .scale, .words { text-anchor: end; }
.scale, .date, .words { fill: var(--faint); }
.track { fill: var(--grid); } .grid { stroke: var(--grid); }
.answered, .cost { fill: var(--answered); }
.high { fill: var(--high); } .cached { fill: var(--cached); } .failed { fill: var(--failed); }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.2rem; margin: .5rem 0 0; padding: 0;
  list-style: none; font-size: .85rem; }
.legend svg { width: 10px; height: 10px; margin-right: .4rem; }
details { margin-top: .7rem; } summary { cursor: pointer; color: var(--faint); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--grid); text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child { text-align: left; padding-left: 0; font-weight: 500; white-space: normal;
  overflow-wrap: anywhere; min-width: 7rem; }
"""


def page(tally: Tally, filters: Filters, now: float) -> str:
    """Returns the whole document; `now` in seconds since the epoch stands in its last line."""
    body = "".join(_body(tally, filters, now))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>nr: past asks</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n"
        "</html>\n"
    )


def _body(tally: Tally, filters: Filters, now: float) -> Iterator[str]:
    yield f"<header><h1>Past asks</h1>\n<p class=faint>{_text(_scope(filters))}</p></header>\n"
    yield "<main>"
    if tally.whole.asks:
        yield from _sections(tally)
    else:
        yield "<p>No asks.</p>\n"
    written = f"Written {format_time(now, MINUTE)} by nr {__version__}."
    yield f"</main>\n<footer><p>{written}</p>{NOTES}</footer>\n"


def _scope(filters: Filters) -> str:
    """Returns which asks are counted."""
    parts = []
    for word, moment in (("since", filters.since), ("until", filters.until)):
        if moment is not None:
            parts.append(f"{word} {format_time(moment, MINUTE)}")
    for word, name in (("route", filters.route), ("model", filters.model)):
        if name is not None:
            parts.append(f"{word} {name}")
    return ", ".join(parts) or "the whole log"


def _sections(tally: Tally) -> Iterator[str]:
    yield "<dl>"
    for label, words in summary(tally.whole):
        yield f"<div><dt>{label}</dt><dd>{_text(words)}</dd></div>"
    yield "</dl>\n"
    yield from _over_time(tally)
    models = tally.groups["model"]
    if timed := [group for group in models if group.figures.latencies]:
        legend = _legend(("answered", "p50: half are faster"), ("high", "p95: 95 of 100 are"))
        yield _section("Latency by model", latency_chart(timed) + legend + _rest(timed))
    for axis in AXES[1:]:
        groups = tally.groups[axis]
        chart = share_chart(axis, groups) + _rest(groups)
        yield _section(f"Asks by {axis}", chart, _table(axis, groups))


def _over_time(tally: Tally) -> Iterator[str]:
    """Yields the sections whose charts have a line of dates."""
    days = tally.groups["day"]
    length, spans = cut_days(days, MOST_SPANS)
    word = length_words(length)
    if spans:
        chart = f'<div class="over-time">{asks_chart(spans, length)}</div>'
        legend = _legend(
            ("answered", "answered by a model"), ("cached", "from the cache"), ("failed", "failed")
        )
        yield _section(f"Asks {word}", chart + legend, _table("day", days))
    if any(span.cost for span in spans):
        chart = f'<div class="over-time">{cost_chart(spans, length)}</div>'
        yield _section(f"Cost {word}", chart)


def _section(title: str, chart: str, table: str = "") -> str:
    return f"<section><h2>{title}</h2>\n{chart}\n{table}</section>\n"


def _legend(*entries: tuple[str, str]) -> str:
    items = (
        f'<li><svg aria-hidden="true"><rect class="{kind}" width="10" height="10"/></svg>{words}'
        for kind, words in entries
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _rest(groups: Sequence[Group]) -> str:
    more = len(groups) - SHOWN
    return f"<p class=faint>{more:,} more in the table.</p>" if more > 0 else ""


def _table(axis: Axis, groups: Sequence[Group]) -> str:
    heads = "".join(
        f'<th scope="col">{head}' for head in (HEADS[axis], *(column.head for column in COLUMNS))
    )
    rows = "".join(
        f'<tr><th scope="row">{_text(group.name)}'
        + "".join(f"<td>{column.words(group.figures)}" for column in COLUMNS)
        for group in groups
    )
    is_open = " open" if len(groups) <= OPEN else ""
    return (
        f"<details{is_open}><summary>{plural(len(groups), HEADS[axis])}</summary>"
        f'<div class="scroll"><table><thead><tr>{heads}<tbody>{rows}</table></div></details>\n'
    )


def _text(words: str) -> str:
    """Returns words as HTML shows them; a name in the log may hold anything."""
    return escape(neutralise(words))
