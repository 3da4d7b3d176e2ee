"""Keeps the reference pages true to the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nr_cli
from nr_cli.cli.main import own_commands
from nr_cli.cli.reference import pages
from nr_cli.policy.schema import SECTIONS
from tests.house.rooms import ROOT

PLACE = ROOT / "docs" / "reference"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_the_one_that_the_program_writes(name: str) -> None:
    advice = "write it anew: python -m nr_cli.cli.reference docs"
    assert (PLACE / name).read_text(encoding="utf-8") == PAGES[name](), advice


def test_there_is_no_page_that_nothing_writes() -> None:
    assert {path.name for path in PLACE.iterdir()} == set(PAGES)


def test_every_command_has_its_section() -> None:
    page = PAGES["commands.md"]()
    assert all(f"\n## nr {name}\n" in page for name in own_commands())


def test_every_key_of_a_policy_has_its_row() -> None:
    page = PAGES["policy.md"]()
    assert all(f"\n| `{key}`" in page for fields in SECTIONS.values() for key in fields)


def test_every_variable_that_is_read_by_name_is_listed() -> None:
    page = PAGES["environment.md"]()
    read = {
        name
        for path in Path(nr_cli.__file__).parent.rglob("*.py")
        for name in re.findall(r'environ(?:\.get\(|\[)"(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert len(read) > 10
    assert {name for name in read if f"`{name}`" not in page} == set()


def test_links_lead_somewhere() -> None:
    for write in PAGES.values():
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", write())
        assert all((PLACE / link).exists() for link in links)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for write in PAGES.values():
        for block in write().split("\n\n"):
            if block.startswith("|"):
                counts = {line.replace("\\|", "").count("|") for line in block.splitlines()}
                assert len(counts) == 1, block
