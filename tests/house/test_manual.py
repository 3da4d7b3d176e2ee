"""Keeps the manual page true to the command tree."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from nr_cli.cli.main import own_commands
from nr_cli.cli.manual import page
from tests.house.rooms import ROOT

MANUAL = ROOT / "docs" / "nr.1"


def test_the_manual_is_the_one_that_the_command_tree_makes() -> None:
    advice = "write it anew: python -m nr_cli.cli.manual > docs/nr.1"
    assert MANUAL.read_text(encoding="utf-8") == page(), advice


def test_the_manual_holds_every_command() -> None:
    made = page()
    assert all(f"\n.SS nr {name}" in made for name in own_commands())


@pytest.mark.skipif(shutil.which("groff") is None, reason="nothing here can typeset a page")
def test_the_manual_is_typeset_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", MANUAL], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
