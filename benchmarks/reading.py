"""Compares readers of difficulty: chance, length, LiteLLM's heuristics, nr's two.

Run it as `python benchmarks/reading.py [--data DIR] [--peers] [--short]`. Every reader sees the
same prompts in one run: the plainly hard with the plainly easy ones of `data/clear.jsonl`, which
nothing was trained on, then, with `--data`, RouteLLM's own sets (`DIR/routellm/*.jsonl.gz`: the
score must tell where the strong model pays; APGR, 0.5 is chance) and `DIR/intent/dev.jsonl.gz`.
`--peers` puts LiteLLM into an environment of its own and asks its own code. Each look at sets that
are kept for measuring belongs into `looks.md`, with its figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, run
from typing import NamedTuple

from peers import Peer, install

from nr_cli.classify import refit, structure, trained
from nr_cli.measure import curve
from nr_cli.measure.labels import compare
from nr_cli.types.facts import BANDS, Classification

HERE = Path(__file__).parent
SETS = ("mt_bench", "mmlu_dev", "gsm8k")
LITELLM = Peer("litellm", ("litellm==1.106.0",), ("python",), {}, {})
MEDIUM = BANDS.index("medium")


class Read(NamedTuple):
    """What a reader says of a prompt: a score, whether the prompt leaves the cheapest models."""

    score: float
    lifted: bool


Row = dict[str, object]
Reader = Callable[[Sequence[str]], list[Read]]


def at_random(prompts: Sequence[str]) -> list[Read]:
    """Returns chance."""
    dice = random.Random(7)
    return [Read(score, score > 0.5) for score in (dice.random() for _ in prompts)]


def by_length(prompts: Sequence[str]) -> list[Read]:
    """Returns the length; more than the median of the prompts leaves the cheapest models."""
    middle = statistics.median(map(len, prompts))
    return [Read(len(prompt), len(prompt) > middle) for prompt in prompts]


def by(read: Callable[[str], Classification]) -> Reader:
    """Returns one of nr's readers."""

    def score(prompts: Sequence[str]) -> list[Read]:
        found = (read(prompt).complexity for prompt in prompts)
        return [Read(one.score, BANDS.index(one.band) >= MEDIUM) for one in found]

    return score


class LiteLLM:
    """LiteLLM's reader of a name ("v1", "v2"), which works in a process of its own environment."""

    def __init__(self, python: Path, heuristic: str) -> None:
        command = [python, HERE / "litellm_reads.py", heuristic]
        self._process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)

    def __call__(self, prompts: Sequence[str]) -> list[Read]:
        """Returns what it says; raises EOFError when its process ended."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(json.dumps(list(prompts)).encode() + b"\n")
        into.flush()
        line = out.readline()
        if not line:
            raise EOFError("LiteLLM's process ended")
        return [Read(score, lifted) for score, lifted in json.loads(line)]


def load(path: Path) -> list[Row]:
    """Returns the rows of JSON Lines, packed or not."""
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
    return [json.loads(line) for line in lines]


def mean(value: object) -> float:
    """Returns a score, or the mean of several; right is 1, wrong is 0."""
    values = value if isinstance(value, list) else [value]
    return statistics.fmean(map(float, values))


def apgr_of(rows: Sequence[Row], reader: Reader) -> float:
    """Returns the average performance gap recovered (RouteLLM, arXiv 2406.18665)."""
    reads = reader([str(row["prompt"]) for row in rows])
    weak, strong = ([mean(row[name]) for row in rows] for name in ("weak", "strong"))
    found = curve.apgr(curve.trace(curve.rank([read.score for read in reads]), weak, strong))
    return found if found is not None else 0.5


def main() -> int:
    """Prints the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, help="where the measuring sets are")
    options.add_argument("--peers", action="store_true", help="LiteLLM as well: installs it apart")
    options.add_argument("--short", action="store_true", help="the same: it takes seconds")
    chosen = options.parse_args()
    readers: dict[str, Reader] = {
        "random": at_random,
        "length": by_length,
        "nr by rules": by(structure.read),
        "nr trained": by(trained.read),
    }
    if chosen.peers and (place := install(LITELLM)) is not None:
        for name in ("v1", "v2"):
            readers[f"LiteLLM {name}"] = LiteLLM(place / "python", name)
        sizes = {"nr-cli": Path(sys.executable), "litellm": place / "python"}
        told = (f"{name} {installed_mb(python, name)} MB" for name, python in sizes.items())
        print(f"installed with all they require: {', '.join(told)}")
    sets: dict[str, list[Row]] = {}
    if chosen.data is not None:
        for name in SETS:
            rows = load(chosen.data / "routellm" / f"{name}.jsonl.gz")
            sets[name] = [row for row in rows if not row.get("contaminated")]
    clear = load(HERE / "data" / "clear.jsonl")
    columns = ("hard leave", "easy stay", *sets, *(["mean"] if sets else []), "ms")
    print(f"{len(clear)} clear prompts" + "".join(f", {len(sets[name])} {name}" for name in sets))
    print(f"{'reader':12}" + "".join(f"{column:>11}" for column in columns))
    for name, reader in readers.items():
        figures = [*judge(reader, clear), *(apgr_of(sets[each], reader) for each in sets)]
        if sets:
            figures.append(statistics.fmean(figures[2:]))
        figures.append(time_of(reader, clear))
        print(f"{name:12}" + "".join(f"{figure:>11.3f}" for figure in figures), flush=True)
    if chosen.data is not None:
        show_calibrated(sets)
        show_intents(load(chosen.data / "intent" / "dev.jsonl.gz"))
    return 0


def installed_mb(python: Path, name: str) -> str:
    """Returns the megabytes of a distribution with its requirements, as its own Python sees it."""
    command = [python, HERE / "installed_size.py", name]
    return run(command, capture_output=True, text=True, check=True).stdout.strip()


def judge(reader: Reader, clear: Sequence[Row]) -> tuple[float, float]:
    """Returns which share of hard prompts leaves the cheapest models, of easy ones stays there."""
    reads = reader([str(row["prompt"]) for row in clear])
    lifted: dict[object, list[bool]] = {"hard": [], "easy": []}
    for row, read in zip(clear, reads, strict=True):
        lifted[row["band"]].append(read.lifted)
    return statistics.fmean(lifted["hard"]), 1 - statistics.fmean(lifted["easy"])


def time_of(reader: Reader, clear: Sequence[Row]) -> float:
    """Returns the median of the milliseconds a prompt of 2,000 characters takes."""
    prompts = [(f"{row['prompt']} " * 2000)[:2000] for row in clear]
    reader(prompts[:1])
    spent = []
    for prompt in prompts:
        began = time.perf_counter()
        reader([prompt])
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def show_calibrated(sets: dict[str, list[Row]]) -> None:
    """Prints what some labels of the same kind of prompts are worth, on the prompts left over."""
    print(f"\n{'calibrated on':28}{'labels':>7}{'before':>11}{'after':>11}")
    for name, labels in (("mmlu_dev", 1500), ("gsm8k", 650)):
        rows = list(sets[name])
        random.Random(7).shuffle(rows)
        samples = [sample_of(row) for row in rows[:labels]]
        fit = refit.learn(samples)
        said = [one.wanted for one in samples]
        fit = refit.place(fit, said, 0.3, 0.6)
        rest = rows[labels:]
        after = apgr_of(rest, by_fit(fit))
        before = apgr_of(rest, by(trained.read))
        print(f"{name:28}{labels:>7}{before:>11.3f}{after:>11.3f}")


def by_fit(fit: refit.Fitted) -> Reader:
    """Returns the trained reader as a calibration changed it."""

    def score(prompts: Sequence[str]) -> list[Read]:
        bases = [trained.read(prompt).complexity.score for prompt in prompts]
        return [
            Read(fit.score(text, base), lifted=True)
            for text, base in zip(prompts, bases, strict=True)
        ]

    return score


def sample_of(row: Row) -> refit.Sample:
    """Returns a labelled prompt for a calibration."""
    text = str(row["prompt"])
    gain = mean(row["strong"]) - mean(row["weak"])
    return refit.Sample(text, trained.read(text).complexity.score, gain)


def show_intents(rows: Sequence[Row]) -> None:
    """Prints how often each of nr's readers knows the intent: in all, by source."""
    reads = {"rules": structure.read, "trained": trained.read}
    expected = [str(row["label"]) for row in rows]
    said = {
        name: [read(str(row["prompt"])).intent.label for row in rows]
        for name, read in reads.items()
    }
    print(f"\n{'intents of':28}{'rows':>7}" + "".join(f"{name:>11}" for name in reads))
    for source in ["all", *sorted({str(row["source"]) for row in rows})]:
        at = [n for n, row in enumerate(rows) if source in ("all", row["source"])]
        right = (sum(labels[n] == expected[n] for n in at) / len(at) for labels in said.values())
        print(f"{source:28}{len(at):>7}" + "".join(f"{share:>11.3f}" for share in right))
    for name, labels in said.items():
        agreement = compare(expected, labels)
        print(f"{name}: accuracy {agreement.accuracy:.3f}, macro-F1 {agreement.macro_f1:.3f}")


if __name__ == "__main__":
    sys.exit(main())
