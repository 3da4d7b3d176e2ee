"""Reads what a reader is trained on: the project's corpus, third-party sets where at hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nr_cli.types.facts import BANDS, INTENTS

CORPUS = Path(__file__).with_name("corpus")


class Row(NamedTuple):
    """A prompt with its judgement: `band` is 0 to 4, or -1 where only the intent is known."""

    prompt: str
    intent: int
    band: int
    language: str
    source: str
    own: bool
    wrapped: bool = False


def read_corpus(place: Path = CORPUS) -> Iterator[Row]:
    """Yields the corpus, file by file; a file is a source."""
    intents, bands = [str(label) for label in INTENTS], [str(band) for band in BANDS]
    for path in sorted(place.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            yield Row(
                row["prompt"],
                intents.index(row["intent"]),
                bands.index(row["band"]),
                row["language"],
                path.stem,
                own=True,
            )


def read_public(place: Path) -> Iterator[Row]:
    """Yields the prompts of third-party sets, whose intents are mostly those of their data set."""
    intents = [str(label) for label in INTENTS]
    with gzip.open(place / "intent" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield Row(
                row["prompt"], intents.index(row["label"]), -1, "en", row["source"], own=False
            )
