"""Writes the model card: what the reader was trained on, how well it reads what it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from rows import Row

from nr_cli.classify.bands import band_of
from nr_cli.types.facts import BANDS, INTENTS

HEAD = """# Model card: the reader of prompts

Written by `python training/train.py`; do not edit. The weights are `reader.bin` beside this page.

- **What it does**: tells a prompt's intent (13 labels) with a confidence, and how likely a small
  model (3 to 8 billion parameters) fails on it (0 to 1, five bands). Offline, in pure Python.
- **Method**: linear over hashed words, pairs, pieces of four characters, 34 signals of structure,
  cue words of some thirty languages, one byte a weight. Intents are parted by the squared hinge,
  their scores cooled by a temperature; the complexity is a logistic unit, refined by 150 boosted
  trees of three questions over the signals.
- **Trained on**: {own} prompts written for this project (`training/corpus/`, judged by
  `docs/rubric.md`), each also twice inside wrappers (courtesy, roles, agents' reminders, claims of
  urgency){others}.
- **Figures**: each source was read by a model that saw none of its rows (five folds over sources).
  A source of one language group is then read without most of its languages, so the rows for other
  languages than English are lower than what the shipped weights do.
"""

TAIL = """
## Known weaknesses

- Summaries, rewrites, extracts are taken for each other where the wish is only implied.
- Languages with few prompts lean on cue words; those with neither (Georgian, Amharic) are read by
  structure alone.
- Bands come from one group of judges. Tricks (letters to avoid, exact counts) in odd wording pass
  as easy. Facts nobody knows look like facts everybody knows.
- Questions whose answers are to be chosen from lists are ranked by length more than by subject.
"""


def write_card(
    rows: Sequence[Row], others: Sequence[Row], scores: np.ndarray, complexity: np.ndarray
) -> str:
    """Returns the page; `scores` are the intents' (rows x 13), `complexity` 0 to 1, both unseen."""
    added = ""
    if others:
        names = ", ".join(sorted({row.source for row in others}))
        added = f"; {len(others)} third-party prompts for the intents, weighing little ({names})"
    parts = [
        HEAD.format(own=len(rows), others=added),
        "\n## All\n\n",
        overall(rows, scores, complexity),
    ]
    for title, of in (("source", _source), ("language", _language), ("intent", _intent)):
        parts += [f"\n## By {title}\n\n", table(rows, scores, complexity, title, of)]
    return "".join((*parts, TAIL))


def _source(row: Row) -> str:
    return row.source


def _language(row: Row) -> str:
    return row.language


def _intent(row: Row) -> str:
    return INTENTS[row.intent]


def overall(rows: Sequence[Row], scores: np.ndarray, complexity: np.ndarray) -> str:
    """Returns the figures over all rows as a list."""
    truth = np.array([row.intent for row in rows])
    said = scores.argmax(1)
    shares = np.exp(scores - scores.max(1, keepdims=True))
    sure = (shares / shares.sum(1, keepdims=True)).max(1)
    band, read = bands(rows, complexity)
    hard, easy = band >= 3, band <= 1
    outranks = ranks(complexity, hard, easy)
    right, confident, ease = said == truth, sure >= 0.5, (read[easy] <= 1).mean()
    return (
        f"- intent: accuracy {right.mean():.3f}, macro-F1 {macro_f1(truth, said):.3f}, "
        f"expected calibration error {calibration(sure, right):.3f}\n"
        f"- intent where the confidence is at least 0.5 ({confident.mean():.0%} of rows): "
        f"{right[confident].mean():.3f}\n"
        f"- band: exact {(band == read).mean():.3f}, "
        f"within one {(abs(band - read) <= 1).mean():.3f}\n"
        f"- hard and extreme prompts read as medium or above: {(read[hard] >= 2).mean():.3f}; "
        f"trivial and easy ones read as trivial or easy: {ease:.3f}, "
        f"trivial ones alone: {(read[band == 0] <= 1).mean():.3f}\n"
        f"- a hard prompt has a higher score than an easy one: {outranks:.3f}\n"
    )


def table(
    rows: Sequence[Row],
    scores: np.ndarray,
    complexity: np.ndarray,
    title: str,
    of: Callable[[Row], str],
) -> str:
    """Returns one line for each group of at least 20 rows."""
    groups = Counter(map(of, rows))
    lines = [f"| {title} | rows | intent | band | within one |", "|---|---|---|---|---|"]
    truth = np.array([row.intent for row in rows])
    band, read = bands(rows, complexity)
    for name in sorted(groups):
        at = np.array([of(row) == name for row in rows])
        if at.sum() >= 20:
            right = (scores.argmax(1) == truth)[at].mean()
            apart = abs(band - read)[at]
            lines.append(
                f"| {name} | {at.sum()} | {right:.2f} | {(apart == 0).mean():.2f} "
                f"| {(apart <= 1).mean():.2f} |"
            )
    return "\n".join(lines) + "\n"


def bands(rows: Sequence[Row], complexity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bands of the rows as judged, then as read."""
    names = [str(band) for band in BANDS]
    read = [names.index(band_of(float(score))) for score in complexity]
    return np.array([row.band for row in rows]), np.array(read)


def macro_f1(truth: np.ndarray, said: np.ndarray) -> float:
    """Returns the mean F1 of the labels."""
    parts = []
    for label in range(len(INTENTS)):
        both = ((truth == label) & (said == label)).sum()
        parts.append(2 * both / max(1, (truth == label).sum() + (said == label).sum()))
    return float(np.mean(parts))


def calibration(sure: np.ndarray, right: np.ndarray) -> float:
    """Returns the expected calibration error over ten bins (Guo et al. 2017)."""
    bins = np.minimum((sure * 10).astype(int), 9)
    gaps = [abs(sure[bins == at].mean() - right[bins == at].mean()) * (bins == at).mean()
            for at in range(10) if (bins == at).any()]  # fmt: skip
    return float(sum(gaps))


def ranks(score: np.ndarray, high: np.ndarray, low: np.ndarray) -> float:
    """Returns how often a row of the one kind outranks one of the other, ties counting half."""
    first, second = score[high][:, None], score[low][None, :]
    return float((first > second).mean() + (first == second).mean() / 2)
