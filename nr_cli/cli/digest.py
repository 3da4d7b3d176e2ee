"""Sums a batch up: lines for stderr, Markdown for a page."""

from __future__ import annotations

from nr_cli.cli.tally import Tally, duration


def summary_lines(tally: Tally, resume: str | None) -> list[str]:
    """Returns what stderr says at the end; `resume` is what to do about rows that are missing."""
    kept = f", {tally.kept} kept from before" if tally.kept else ""
    speed = f"{tally.done / max(tally.seconds(), 0.001):.1f} rows/s"
    lines = [
        f"nr: {tally.answered} of {tally.done} rows answered{kept}"
        f" in {duration(tally.seconds())} ({speed})",
        f"nr: {tally.cached} from the cache · {tally.input_tokens} tokens in,"
        f" {tally.output_tokens} out · {tally.cost_words()}",
    ]
    if tally.failed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in tally.kinds.most_common())
        lines.append(f"nr: {tally.failed} failed: {kinds}")
    if resume:
        lines.append(f"nr: {resume}")
    return lines


def summary_page(tally: Tally, source: str) -> str:
    """Returns the figures as Markdown, as the summary of a CI step shows it."""
    ended = (
        "interrupted" if tally.signal else "rows failed" if tally.failed else "all rows answered"
    )
    figures = [
        ("rows", str(tally.done + tally.kept)),
        ("answered", str(tally.answered)),
        ("failed", str(tally.failed)),
        ("kept from an earlier run", str(tally.kept)),
        ("from the cache", str(tally.cached)),
        ("tokens in", str(tally.input_tokens)),
        ("tokens out", str(tally.output_tokens)),
        ("cost", tally.cost_words()),
        ("time", duration(tally.seconds())),
    ]
    parts = [f"## nr batch: {escape(source)}: {ended}", table("figure", "value", figures)]
    for title, counts in (("failure", tally.kinds), ("model", tally.models)):
        if counts:
            rows = [(name, str(count)) for name, count in counts.most_common()]
            parts.append(table(title, "rows", rows))
    return "\n\n".join(parts) + "\n\n"


def table(left: str, right: str, rows: list[tuple[str, str]]) -> str:
    """Returns a table of two columns."""
    lines = [f"| {left} | {right} |", "|---|---:|"]
    return "\n".join([*lines, *(f"| {escape(name)} | {escape(value)} |" for name, value in rows)])


def escape(text: str) -> str:
    """Returns the text as Markdown shows it literally."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return "".join("\\" + c if c in "\\`*_[]<>|#$&~" else c for c in line)
