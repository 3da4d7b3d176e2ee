"""Compares the second, blind labelling of 300 rows with the corpus: how far two judges agree.

    python training/agreement.py

`second_labels.jsonl` names each row by the digest of its prompt. It was drawn in equal parts from
the intents and bands and judged from the prompt with `docs/rubric.md` alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from nr_cli.types.facts import BANDS, INTENTS

HERE = Path(__file__).parent


def digest(prompt: str) -> str:
    """Returns what a prompt is known by here."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def kappa(first: Sequence[int], second: Sequence[int], classes: int, *, squared: bool) -> float:
    """Returns Cohen's kappa, with squared weights for ranks (Cohen 1968)."""

    def cost(one: int, other: int) -> float:
        return float((one - other) ** 2) if squared else float(one != other)

    rows = len(first)
    seen = sum(map(cost, first, second)) / rows
    ones, others = Counter(first), Counter(second)
    by_chance = sum(
        cost(one, other) * ones[one] * others[other]
        for one in range(classes)
        for other in range(classes)
    )
    return 1 - seen * rows * rows / by_chance


def main() -> None:
    """Prints the agreement on intents and on bands."""
    corpus = {}
    for path in sorted((HERE / "corpus").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            corpus[digest(row["prompt"])] = row
    lines = (HERE / "second_labels.jsonl").read_text("utf-8").splitlines()
    pairs = [(corpus[row["digest"]], row) for row in map(json.loads, lines)]
    intents = [[INTENTS.index(row["intent"]) for row in side] for side in zip(*pairs, strict=True)]
    bands = [[BANDS.index(row["band"]) for row in side] for side in zip(*pairs, strict=True)]
    apart = [abs(one - other) for one, other in zip(*bands, strict=True)]
    same = sum(one == other for one, other in zip(*intents, strict=True))
    rows = len(pairs)
    print(f"{rows} rows labelled twice")
    print(f"intent: {same / rows:.1%}, kappa {kappa(*intents, len(INTENTS), squared=False):.2f}")
    near = sum(gap <= 1 for gap in apart)
    print(
        f"band: {apart.count(0) / rows:.1%} exact, {near / rows:.1%} within one, "
        f"weighted kappa {kappa(*bands, len(BANDS), squared=True):.2f}"
    )


if __name__ == "__main__":
    main()
