"""Training: one command makes weights that load, the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nr_cli.classify import weights

TRAIN = Path(__file__).parents[2] / "training" / "train.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_equal_prompts_give_equal_bytes(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra `train` is not installed")
    for name in ("first", "second"):
        command = [sys.executable, str(TRAIN), "--short", "--out", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    files = ("reader.bin", "MODEL_CARD.md")
    first, second = (
        [(tmp_path / run / name).read_bytes() for name in files] for run in ("first", "second")
    )
    assert first == second
    assert weights.load(str(tmp_path / "first" / "reader.bin")).signals == weights.load().signals
    assert b"## By source" in first[1]
