"""Checks the training corpus: form of each row, coverage, near-duplicates.

    python training/check_corpus.py [FILE ...]

Without files it reads all of `training/corpus/`. Prints what is wrong with its place, then how many
rows stand in each intent and band, in each language. Ends with 1 when anything is wrong.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

from nr_cli.types.facts import BANDS, INTENTS

FIELDS = {"prompt", "intent", "band", "language", "notes"}
LANGUAGE = re.compile(r"[a-z]{2,3}")
GRAM = 8  # words in a shingle; characters x 2 where words are not spaced
ALIKE = 0.3  # share of the shorter prompt's shingles, above which two prompts are near-duplicates
# Minimal pairs share their words on purpose.
PAIR = re.compile(r"\bpair:(\S+)")


class Row(NamedTuple):
    """One prompt with its judgement and where it stands."""

    place: str
    prompt: str
    intent: str
    band: str
    language: str
    notes: str

    @property
    def pair(self) -> str | None:
        """The name shared by prompts that differ in difficulty alone."""
        found = PAIR.search(self.notes)
        return found[1] if found else None


def read_rows(paths: list[Path]) -> tuple[list[Row], list[str]]:
    """Returns the rows that can be used and what is wrong with the others."""
    rows: list[Row] = []
    faults: list[str] = []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            if line.strip():
                place = f"{path.name}:{number}"
                try:
                    row = json.loads(line)
                except ValueError as error:
                    faults.append(f"{place}: not JSON: {error}")
                    continue
                fault = find_fault(row)
                if fault:
                    faults.append(f"{place}: {fault}")
                else:
                    rows.append(Row(place, *map(str, _values(row))))
    return rows, faults


def _values(row: dict[str, str]) -> tuple[str, ...]:
    return row["prompt"], row["intent"], row["band"], row["language"], row.get("notes", "")


def find_fault(row: object) -> str | None:
    """Returns what is wrong with the form of a row."""
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        return "not an object of strings"
    if unknown := set(row) - FIELDS:
        return f"unknown field {min(unknown)}"
    if missing := FIELDS - {"notes"} - set(row):
        return f"field {min(missing)} is missing"
    if row["intent"] not in INTENTS:
        return f"intent {row['intent']!r} is none of {' '.join(INTENTS)}"
    if row["band"] not in BANDS:
        return f"band {row['band']!r} is none of {' '.join(BANDS)}"
    if not LANGUAGE.fullmatch(row["language"]):
        return f"language {row['language']!r} is not ISO 639"
    return None if row["prompt"].strip() else "prompt is blank"


def shingles(prompt: str) -> set[int]:
    """Returns the hashes of all runs of eight words (sixteen characters without spaces)."""
    text = unicodedata.normalize("NFKC", prompt).casefold()
    words = re.findall(r"\w+", text)
    if words and sum(map(len, words)) / len(words) > 9:
        packed = "".join(words)
        return {hash(packed[i : i + 2 * GRAM]) for i in range(max(1, len(packed) - 2 * GRAM + 1))}
    return {hash(tuple(words[i : i + GRAM])) for i in range(max(1, len(words) - GRAM + 1))}


def find_alike(rows: list[Row]) -> list[tuple[Row, Row, float]]:
    """Returns the pairs of prompts that share too many runs of words, with the share."""
    every = [shingles(row.prompt) for row in rows]
    holders: dict[int, list[int]] = defaultdict(list)
    shared: Counter[tuple[int, int]] = Counter()
    for index, own in enumerate(every):
        for gram in own:
            shared.update((other, index) for other in holders[gram])
            holders[gram].append(index)
    alike = []
    for (first, second), count in shared.items():
        share = count / min(len(every[first]), len(every[second]))
        same_pair = rows[first].pair is not None and rows[first].pair == rows[second].pair
        if share > ALIKE and not same_pair:
            alike.append((rows[first], rows[second], share))
    return alike


def show_counts(rows: list[Row]) -> None:
    """Prints the rows of each intent and band, of each language."""
    grid = Counter((row.intent, row.band) for row in rows)
    print(f"{'':12}" + "".join(f"{band:>9}" for band in BANDS) + f"{'all':>9}")
    for intent in INTENTS:
        counts = [grid[intent, band] for band in BANDS]
        print(f"{intent:12}" + "".join(f"{count:9}" for count in [*counts, sum(counts)]))
    languages = Counter(row.language for row in rows)
    print("languages:", " ".join(f"{name} {count}" for name, count in languages.most_common()))
    print(f"not English: {1 - languages['en'] / max(1, len(rows)):.0%} of {len(rows)}")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    corpus = Path(__file__).parent / "corpus"
    rows, faults = read_rows([Path(name) for name in arguments] or sorted(corpus.glob("*.jsonl")))
    for first, second, share in find_alike(rows):
        faults.append(f"{second.place}: {share:.0%} of {first.place} again")
    print(*faults, sep="\n", end="\n" if faults else "")
    show_counts(rows)
    print(f"wrong: {len(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
