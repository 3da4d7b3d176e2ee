"""Trains the reader of prompts: the corpus goes in, weights with their model card come out.

    python training/train.py [--public DIR] [--out DIR] [--short]

`--public` adds third-party prompts (`DIR/intent/train.jsonl.gz`) to the intents; without it the
corpus alone is used. Needs the extra `train`. Equal data gives equal bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from random import Random

# The order in which threads add numbers would show in the last bits.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from card import write_card
from rows import Row, read_corpus, read_public
from scipy.sparse import csr_matrix
from stages import (
    CALM,
    LENGTH,
    PRIOR,
    SEED,
    Inputs,
    Reader,
    assign_folds,
    cross,
    judge,
    settle,
    train,
    write_trees,
)
from wrappers import WRAPPERS

from nr_cli.classify import trained, trees, weights
from nr_cli.classify.instruction import read_task
from nr_cli.classify.signals import measure as measure_signals
from nr_cli.types.facts import INTENTS

BITS = 17  # 2**17 rows of 14 bytes: under 2 MB
SIGNALS = tuple(measure_signals(read_task(""), "", (), ()))
NAMES = (*SIGNALS, *(f"cue {label}" for label in INTENTS))


def main() -> int:
    """Trains, writes both files, prints the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--public", type=Path)
    options.add_argument("--out", type=Path, default=Path(weights.PLACE).parent)
    options.add_argument("--short", action="store_true", help="a tenth of the corpus, for a test")
    chosen = options.parse_args()
    rows = list(read_corpus())[:: 10 if chosen.short else 1]
    others = list(read_public(chosen.public)) if chosen.public else []
    everything = [*rows, *wrap(rows), *others]
    inputs = measure(everything, len(rows))
    folds = assign_folds(everything)
    seen = cross(inputs, everything, folds, len(rows))
    header = settle(inputs, rows, seen)
    packed = pack(train(inputs, everything, folds), inputs, header)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "reader.bin").write_bytes(packed)
    scores = seen.intents / header["temperature"]
    card = write_card(rows, others, scores, judge(inputs, seen, header))
    (chosen.out / "MODEL_CARD.md").write_text(card, "utf-8")
    sys.stdout.write(card)
    return 0


def wrap(rows: list[Row]) -> list[Row]:
    """Returns each row twice more, in wrappers that change neither its intent nor its band."""
    random = Random(SEED)
    copies = []
    for row in [*rows, *rows]:
        text = random.choice(WRAPPERS).replace("{}", row.prompt)
        text = random.choice((str, str, str, str.upper, str.lower))(text)
        copies.append(row._replace(prompt=text, wrapped=True))
    return copies


def measure(rows: list[Row], own: int) -> Inputs:
    """Returns the features of all rows; the first `own` set the level of the signals."""
    signals, ends, columns, values = [], [0], [], []
    mask = (1 << BITS) - 1
    for row in rows:
        features = trained.extract(row.prompt)
        signals.append(features.signals)
        for block in features.pieces:
            places = sorted({key & mask for key in block})
            columns += places
            values += [max(1, len(places)) ** -0.5] * len(places)
        ends.append(len(columns))
    table = (np.array(values, np.float32), np.array(columns), np.array(ends))
    pieces = csr_matrix(table, shape=(len(rows), 1 << BITS))
    pieces.sum_duplicates()
    plain = np.array(signals)
    mean, spread = plain[:own].mean(0).round(5), (plain[:own].std(0) + 1e-3).round(5)
    dense = np.clip((plain - mean) / spread, -weights.REACH, weights.REACH)
    return Inputs(pieces, dense.astype(np.float32), mean, spread, NAMES)


def pack(reader: Reader, inputs: Inputs, header: dict[str, float]) -> bytes:
    """Returns the file: pieces as bytes, lane by lane scaled to its largest weight but a few."""
    lanes = reader.lanes
    reach = np.maximum(np.quantile(np.abs(lanes.grams), 0.9998, axis=0), 1e-6)
    scale = (reach / 127).astype(float)
    table = np.clip(np.rint(lanes.grams / scale), -127, 127).astype(np.int16) + weights.ZERO
    fields = {
        **header,
        "bits": BITS,
        "scale": [float(f"{step:.6g}") for step in scale],
        "signals": list(NAMES),
        "mean": inputs.mean.tolist(),
        "spread": inputs.spread.tolist(),
        "dense": [[round(float(each), 4) for each in lane] for lane in lanes.dense.T],
        "bias": [round(float(each), 4) for each in lanes.bias],
        "prior": [PRIOR[label] for label in INTENTS],
        "calm": CALM,
        "length": LENGTH,
    }
    body = table.astype(np.uint8).tobytes() + trees.pack(write_trees(reader.trees))
    return weights.pack(fields, body)


if __name__ == "__main__":
    sys.exit(main())
