"""Keeps the training corpus in form, covered, free of near-duplicates."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.rooms import ROOT

CHECK = ROOT / "training" / "check_corpus.py"
ROW = {"prompt": "hi there", "intent": "chat", "band": "trivial", "language": "en"}
LONG = "one two three four five six seven eight nine ten eleven twelve"


def check(*files: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, CHECK, *files], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_corpus_is_in_order() -> None:
    code, said = check()
    assert code == 0, said


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([ROW, {**ROW, "intent": "song"}], "x.jsonl:2: intent 'song' is none of"),
        ([{**ROW, "band": "huge"}], "x.jsonl:1: band 'huge' is none of"),
        ([{**ROW, "language": "English"}], "is not ISO 639"),
        ([{**ROW, "prompt": " "}], "prompt is blank"),
        ([{**ROW, "mood": "x"}], "unknown field mood"),
        ([{"prompt": "x"}], "field band is missing"),
        ([{**ROW, "prompt": LONG}, {**ROW, "prompt": f"{LONG} more"}], "of x.jsonl:1 again"),
    ],
    ids=["intent", "band", "language", "blank", "unknown", "missing", "alike"],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, rows: list, says: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, said = check(file)
    assert code == 1
    assert says in said


def test_a_pair_may_share_its_words(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    pair = [{**ROW, "prompt": f"{LONG} {end}", "notes": "pair:a-1"} for end in ("more", "less")]
    file.write_text("".join(json.dumps(row) + "\n" for row in pair))
    assert check(file)[0] == 0
