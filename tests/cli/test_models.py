"""What `nr models` shows of the policy with the catalog, what it fetches, what it refreshes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pexpect
import pytest

from nr_cli.catalog.lookup import FOLDER
from tests.conftest import KEY, Nr, command

POLICY = """version: 1
models:
  quick: {id: openai/gpt-5-mini, context: 9k, price: {in: 1, out: 2}}
  ghost: {id: openai/gpt-none}
default: {use: [quick, openai/gpt-5]}
"""
KEYED = {"OPENAI_API_KEY": KEY}


@pytest.fixture
def policy(home: Path) -> Path:
    path = home / "models.yaml"
    path.write_text(POLICY)
    return path


def rows(out: bytes) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in out.decode().splitlines()]


def test_a_list_names_alias_id_key_window_price_rank(nr: Nr) -> None:
    found = rows(nr("models", "list", env=KEYED).out)
    assert found[0] == ["model", "id", "key", "window", "abilities", "$/M in, out", "rank"]
    assert found[1][:4] == ["quick", "openai/gpt-5-mini", "OPENAI_API_KEY", "9k"]
    assert found[1][5:] == ["1, 2", "65"]
    assert found[2][:4] == ["ghost", "openai/gpt-none", "OPENAI_API_KEY", "-"]
    assert any(row[0] == "openai/gpt-4o" for row in found)


def test_json_says_what_is_not_known_with_null(nr: Nr) -> None:
    listed = {row["name"]: row for row in nr("models", "list", "--json").document}
    assert listed["ghost"]["price"] is listed["ghost"]["caps"] is None
    assert listed["quick"]["price"]["in"] == 1
    assert listed["quick"]["key"] == {"source": None, "problem": "OPENAI_API_KEY is not set"}
    assert listed["quick"]["in_policy"] is True
    assert listed["openai/gpt-4o"]["in_policy"] is False


def test_all_lists_every_known_provider(nr: Nr) -> None:
    known = {row["provider"] for row in nr("models", "list", "--all", "--json").document}
    assert known == {"local", *(file.stem for file in Path(FOLDER).glob("[a-z]*.json"))}


def test_show_tells_where_each_value_comes_from(nr: Nr) -> None:
    shown = nr("models", "show", "quick", "--json").document
    assert shown["from"]["context"] == shown["from"]["price"] == "policy"
    assert shown["from"]["quality"].startswith("catalog, genai-prices")
    text = nr("models", "show", "quick").out.decode()
    assert re.search(r"^window +9k tokens +\(policy\)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("quik", "quick"), ("openai/gpt-4o", ""), ("gpt-4o", "openai/gpt-4o"),
     ("opnai/gpt-5-mini", "openai/gpt-5-mini")],
)  # fmt: skip
def test_a_name_that_is_near_is_suggested(nr: Nr, name: str, meant: str) -> None:
    done = nr("models", "show", name)
    assert done.exit == (2 if meant else 0)
    assert (f'did you mean "{meant}"' in done.err) == bool(meant)


def test_a_broken_policy_leaves_the_catalog(nr: Nr, policy: Path) -> None:
    policy.write_text("version: 1\ndefalt: x\n")
    done = nr("models", "list", env=KEYED)
    assert done.exit == 0
    assert b"openai/gpt-4o" in done.out
    assert "the policy is passed by" in done.err


def test_update_writes_private_dated_tables_that_then_count(nr: Nr, home: Path) -> None:
    pytest.importorskip("genai_prices")
    folder = home / ".local" / "share" / "nr" / "catalog"
    done = nr("models", "update")
    assert done.exit == 0
    assert str(folder).encode() in done.out
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {0o600}
    table = json.loads((folder / "openai.json").read_text())
    table["models"]["gpt-4o"]["context"] = 4321
    (folder / "openai.json").write_text(json.dumps(table))
    assert nr("models", "show", "openai/gpt-4o", "--json").document["context"] == 4321
    (folder / "openai.json").write_text("{")
    done = nr("models", "show", "openai/gpt-4o", "--json")
    assert done.document["context"] == 128_000
    assert "damaged" in done.err
    assert nr("route", "hi", env=KEYED).exit == 0


def test_update_without_its_package_names_what_to_install(nr: Nr, home: Path) -> None:
    (home / "blind").mkdir()
    (home / "blind" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'genai_prices' else find(name, *rest)\n"
    )
    done = nr("models", "update", env={"PYTHONPATH": str(home / "blind")})
    assert done.exit == 78
    assert "pip install genai-prices" in done.err


def test_pull_offline_fetches_nothing(nr: Nr) -> None:
    done = nr("models", "pull", "--offline")
    assert done.exit == 69
    assert done.out == b""


def test_a_terminal_gets_a_table_that_fits(environ, policy: Path, home: Path) -> None:
    line = command(("models", "list"))
    child = pexpect.spawn(
        line[0], line[1:], env={**environ, "NR_POLICY": str(policy), "TERM": "xterm"},
        cwd=str(home), encoding="utf-8", timeout=20, dimensions=(40, 100),
    )  # fmt: skip
    child.expect(pexpect.EOF)
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", child.before or "")
    assert "─" in drawn
    assert max(len(line.rstrip("\r")) for line in drawn.split("\n")) <= 100
    child.close()
