"""What a user sees where the trained weights are missing or damaged: a warning, then an answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nr_cli

WARNING = "prompts are read by structure alone"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Returns a copy of the package whose weights a test may damage."""
    package = Path(nr_cli.__file__).parent
    shutil.copytree(package, tmp_path / "nr_cli", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "nr_cli" / "classify" / "reader.bin"


def run(weights: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    root = weights.parents[2]
    places = {f"NR_{name}_DIR": str(root / name) for name in ("CONFIG", "CACHE", "STATE", "DATA")}
    return subprocess.run(
        [sys.executable, "-c", "from nr_cli.__main__ import main; main()", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(root), "PYTHONPATH": str(root), **places},
        cwd=root, input=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_one_warning_then_the_structure_reads(broken: Path, damage: str) -> None:
    if damage == "missing":
        broken.unlink()
    else:
        broken.write_bytes(broken.read_bytes()[:700_000])
    done = run(broken, "route", "--json", "Prove Sylow's third theorem")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["intent"]["value"] == "math"
    assert done.stderr.count(WARNING) == 1
    assert "nr doctor" in done.stderr


def test_many_prompts_get_one_warning(broken: Path) -> None:
    broken.unlink()
    done = run(broken, "route", "--jsonl", stdin='{"prompt": "hello"}\n{"prompt": "12 + 5"}\n')
    assert done.stderr.count(WARNING) == 1
    assert len(done.stdout.splitlines()) == 2


def test_whoever_reads_no_prompt_is_not_warned(broken: Path) -> None:
    broken.unlink()
    assert WARNING not in run(broken, "--version").stderr


def test_the_doctor_says_how_to_mend_it(broken: Path) -> None:
    broken.write_bytes(b"")
    done = run(broken, "doctor", "--json")
    found = [row for row in json.loads(done.stdout)["findings"] if row["area"] == "reader"]
    assert found[0]["state"] == "problem"
    assert "install" in found[0]["advice"]
