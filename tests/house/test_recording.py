"""Holds the film at the top of the README to its word: a real run, nothing of who recorded it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from tests.house.rooms import ROOT

FILM = ROOT / "docs" / "recording.svg"
SCRIPT = ROOT / "docs" / "record.py"
TEXT = FILM.read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commands_of_the_script() -> list[str]:
    return [command for scene in load_script().SCENES for command in scene]


def lines_of(film: str) -> list[str]:
    """Returns each line that stands on the screen at some time, in the order of the film."""
    return [line for _, line in lines_with_groups(film)]


def lines_with_groups(film: str) -> list[tuple[set[str], str]]:
    """Returns each line with the classes of the group that it comes and goes with."""
    lines = []
    for group in ElementTree.fromstring(film).iter(f"{SVG}g"):
        rows: dict[str, str] = {}
        for text in group.iter(f"{SVG}text"):
            rows[text.attrib["y"]] = rows.get(text.attrib["y"], "") + (text.text or "")
        lines += [(set(group.attrib["class"].split()), row) for row in rows.values()]
    return lines


def test_the_readme_shows_the_film() -> None:
    assert re.search(r"!\[[^\]]+\]\(docs/recording\.svg\)", (ROOT / "README.md").read_text("utf-8"))


def test_the_film_is_whole_small_and_says_how_it_is_made_again() -> None:
    assert ElementTree.fromstring(TEXT).tag == f"{SVG}svg"
    assert len(TEXT.encode()) < 200_000
    assert f"python docs/{SCRIPT.name}" in TEXT.split("<svg")[0]


@pytest.mark.parametrize(
    "trace",
    [r"/(tmp|root|home|Users|work|var|opt|usr|private)\b", r"\b[A-Z]:\\", r"[\w.-]+@[\w.-]+"],
    ids=["path", "drive", "account"],
)
def test_no_line_of_the_film_says_where_or_by_whom_it_was_made(trace: str) -> None:
    assert [line for line in lines_of(TEXT) if re.search(trace, line)] == []


def test_the_film_loads_nothing_from_elsewhere_and_runs_nothing() -> None:
    root = ElementTree.fromstring(TEXT)
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}"
        for name in ("svg", "title", "desc", "style", "rect", "circle", "g", "text")
    }  # fmt: skip
    names = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in names if "href" in name or name.startswith("on")]
    style = root.find(f"{SVG}style")
    assert style is not None
    assert not re.search(r"url\(|@import|@font-face", style.text or "")


def test_the_film_shows_the_script_s_commands_each_whole_and_no_other() -> None:
    typed = [line[2:] for line in lines_of(TEXT) if line.startswith("$ ")]
    commands = commands_of_the_script()
    assert [line for line in dict.fromkeys(typed) if line in commands] == commands
    assert [line for line in typed if not any(c.startswith(line) for c in commands)] == []


def test_without_motion_the_last_screen_stands_alone() -> None:
    shown = [line for classes, line in lines_with_groups(TEXT) if "z" in classes]
    first, *_, last = commands_of_the_script()
    assert f"$ {last}" in shown
    assert f"$ {first}" not in shown
    assert "@media(prefers-reduced-motion:reduce){.s{animation:none}}" in TEXT


@pytest.mark.model
@pytest.mark.timeout(240)
def test_the_film_can_be_made_again(tmp_path: Path) -> None:
    film = tmp_path / "film.svg"
    made = subprocess.run(
        [sys.executable, str(SCRIPT), str(film)], capture_output=True, text=True, timeout=220
    )
    assert made.returncode == 0, made.stderr
    lines = lines_of(film.read_text(encoding="utf-8"))
    assert any("Tokyo" in line for line in lines)
    assert any("cache hit" in line for line in lines)
    assert any("asking local/smollm2-135m instead" in line for line in lines)
    assert [c for c in commands_of_the_script() if f"$ {c}" not in lines] == []
