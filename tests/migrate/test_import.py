"""`nr import`: what other tools were told, carried over once, keys by reference alone."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from nr_cli.errors import ExitCode
from tests.conftest import KEY, Nr

LOG = Path(__file__).parent / "llm_log.sql"
pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="the places are those of XDG")

AICHAT = f"""\
model: claude:claude-3-5-sonnet-latest
temperature: null
clients:
- type: openai
  api_key: {KEY}
- type: claude
  api_key: {KEY}
- type: openai-compatible
  name: local
  api_base: http://localhost:8080/v1
  api_key: {KEY}
  models:
  - name: llama3
    max_input_tokens: 8192
  - name: small-embed
    type: embedding
- type: openai-compatible
  name: groq
  api_key: {KEY}
- type: openai-compatible
  name: far
  api_base: http://far.example/v1
  api_key: {KEY}
- type: bedrock
  access_key_id: {KEY}
"""
MODS = f"""\
default-model: 4o
roles:
  "default": []
  shell:
  - you are a shell expert
  - it costs $5 to explain
  far:
  - https://example.com/role.txt
apis:
  openai:
    base-url: https://api.openai.com/v1
    api-key:
    api-key-env: OPENAI_API_KEY
    models: # a note
      gpt-4o-mini:
        aliases: ["4o-mini"]
        max-input-chars: 392000
        fallback: gpt-4o
      gpt-4o:
        aliases: ["4o"]
        max-input-chars: 392000
  anthropic:
    base-url: https://api.anthropic.com/v1
    api-key: {KEY}
    api-key-env: ANTHROPIC_API_KEY
    models:
      claude-3-7-sonnet-latest:
        aliases: ["sonnet", "4o"]
  groq:
    base-url: https://api.groq.com/openai/v1
    api-key-env: GROQ_API_KEY
    models: {{gemma2-9b-it: {{aliases: ["gemma"]}}}}
  ollama:
    base-url: http://localhost:11434/api
    models:
      "llama3.2:3b":
        aliases: ["llama3.2"]
        max-input-chars: 650000
  azure:
    base-url: https://YOUR_RESOURCE_NAME.openai.azure.com
    api-key: {KEY}
    models: {{gpt-4: {{aliases: ["az4"]}}}}
"""


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def llm(home: Path) -> Path:
    """A configuration of llm, in the files that its own commands write."""
    folder = home / ".config" / "io.datasette.llm"
    put(folder / "keys.json", json.dumps({"// Note": "x", "openai": KEY, "small": KEY, "odd": KEY}))
    put(
        folder / "aliases.json",
        json.dumps({"cheap": "gpt-4o-mini", "mine": "small", "a/b": "small", "gone": "nothing"}),
    )
    put(folder / "default_model.txt", "small")
    put(
        folder / "extra-openai-models.yaml",
        "- model_id: small\n  model_name: small-1\n  api_base: 'http://127.0.0.1:8931/v1'\n"
        "  api_key_name: small\n  aliases: [s1]\n  can_stream: true\n",
    )
    put(
        folder / "templates" / "brief.yaml",
        "model: small\nsystem: 'Put it in $style words: '\ndefaults:\n    style: short\n",
    )
    put(
        folder / "templates" / "summary.yaml",
        "model: 4o\nprompt: 'Summarize: $input'\nextract: true\noptions:\n    temperature: 0.2\n"
        "schema_object: {type: object}\ntools: [llm_time]\n",
    )
    put(folder / "templates" / "text.yaml", "just a text")
    with sqlite3.connect(folder / "logs.db") as con:
        con.executescript(LOG.read_text())
    con.close()
    return folder  # fmt: skip


@pytest.fixture
def aichat(home: Path) -> Path:
    folder = home / ".config" / "aichat"
    put(folder / "config.yaml", AICHAT)
    put(folder / "roles" / "shout.md", "---\nmodel: openai:gpt-4o\ntemperature: 0\n---\nShout!\n")
    put(folder / "roles" / "wrap.md", "It costs $5: __INPUT__ for __ARG1__\n")
    session = put(
        folder / "sessions" / "temp.yaml",
        "model: openai:gpt-4o\nmessages:\n- role: system\n  content: Be brief.\n- role: user\n"
        "  content: |\n    Why?\n- role: assistant\n  content: Because.\n- role: user\n  content:\n"
        "  - type: text\n    text: And?\n  - type: image_url\n- role: assistant\n  content: So.\n",
    )
    os.utime(session, (1_700_000_000, 1_700_000_000))
    return folder


@pytest.fixture
def mods(home: Path) -> Path:
    put(home / ".local" / "share" / "mods" / "conversations" / "ab" / "c1.gob", "")
    return put(home / ".config" / "mods" / "mods.yml", MODS)


def kept(home: Path) -> dict[str, str]:
    """Returns the text of every file below nr's configuration directory."""
    folder = home / ".config" / "nr"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}


def routes(nr: Nr, prompt: str, *arguments: str, **env: str) -> dict:
    return nr("route", "--json", *arguments, prompt, env={"NR_POLICY": "", **env}).document


def test_llm_s_models_templates_log_are_carried(nr: Nr, llm: Path, home: Path) -> None:
    done = nr("import", "llm")
    assert (done.exit, done.err) == (0, "")
    out = done.out.decode()
    assert 'key of openai: export OPENAI_API_KEY="$(llm keys get openai)"' in out
    for left in (
        "alias gone: nothing is no model", "model a/b: not a name", "key odd: no provider",
        "key small: its server is on this machine", "template summary: without its tools",
        "text.yaml:1: the file is a map of settings, not text",
    ):  # fmt: skip
        assert f"not carried: {left}" in out.replace(f"{llm}/templates/", "")
    routed = routes(nr, "hi")
    assert (routed["model"], routed["model_id"]) == ("small", "small/small-1")
    assert routes(nr, "hi", "-m", "cheap", OPENAI_API_KEY="x")["model_id"] == "openai/gpt-4o-mini"
    brief = nr("template", "show", "brief", "--json").document
    assert (brief["system"], brief["defaults"]) == ("Put it in $style words: ", {"style": "short"})
    summary = nr("template", "show", "summary", "--json").document
    assert summary["extract"] == "first"
    assert summary["model"] == "openai/gpt-4o"
    assert summary["schema"] == '{"type": "object"}'


def test_llm_s_log_is_read_in_both_its_formats(nr: Nr, llm: Path) -> None:
    nr("import", "llm")
    rows = nr("log", "list", "--json").document
    assert [(row["prompt"], row["system"], row["answer"], row["model_id"]) for row in rows] == [
        ("third", None, "Tokyo.", "small/small-1"),
        ("And its river?", None, "Tokyo.", "small/small-1"),
        ("What is the capital of Japan?", "Be brief.", "Tokyo.", "small/small-1"),
        ("And its river?", "Be brief.", "Tokyo.", "small/small-1"),
        ("What is the capital of Japan?", "Be brief.", "Tokyo.", "small/small-1"),
    ]
    assert (rows[0]["input_tokens"], rows[0]["output_tokens"], rows[0]["ms"]) == (9, 2, 76.0)
    assert rows[0]["decision"]["imported"]["from"] == "llm"
    assert rows[0]["time"] == pytest.approx(1_795_425_102.47, abs=0.01)
    assert len(nr("log", "search", "capital", "--json").document) == 2


def test_aichat_s_clients_roles_sessions_are_carried(nr: Nr, aichat: Path, home: Path) -> None:
    done = nr("import", "aichat")
    assert (done.exit, done.err) == (0, "")
    out = done.out.decode()
    assert f"key of anthropic: set ANTHROPIC_API_KEY (it stays in {aichat}/config.yaml)" in out
    assert "not carried: client bedrock: nr does not speak to it" in out
    assert "not carried: provider far: its address " in out
    policy = kept(home)["routes.yaml"]
    assert "use: anthropic/claude-3-5-sonnet-latest" in policy
    assert routes(nr, "hi", "-m", "llama3")["model_id"] == "local/llama3"
    shout = nr("template", "show", "shout", "--json").document
    assert (shout["system"], shout["model"]) == ("Shout!", "openai/gpt-4o")
    assert shout["options"] == {"temperature": 0}
    wrap = nr("template", "show", "wrap", "--json").document
    assert wrap["prompt"] == "It costs $$5: ${input} for ${arg1}"
    rows = nr("log", "list", "--json").document
    assert [(row["prompt"], row["answer"], row["time"]) for row in rows] == [
        ("And?", "So.", 1_700_000_001.0), ("Why?\n", "Because.", 1_700_000_000.0),
    ]  # fmt: skip


def test_mods_apis_with_a_key_roles_are_carried(nr: Nr, mods: Path, home: Path) -> None:
    done = nr("import", "mods")
    assert (done.exit, done.err) == (0, "")
    out = done.out.decode()
    for left in (
        "model 4o: the name stands for openai/gpt-4o already", "API azure: nr does not speak to it",
        "APIs without a key here: groq", "role far: it is read from elsewhere",
        "1 conversation: only programs in Go can read",
    ):  # fmt: skip
        assert f"not carried: {left}" in out
    assert f"key of anthropic: set ANTHROPIC_API_KEY (it stays in {mods})" in out
    found = routes(nr, "hi", OPENAI_API_KEY="x")
    assert found["model_id"] == "openai/gpt-4o"
    assert routes(nr, "hi", "-m", "llama3.2")["model_id"] == "ollama/llama3.2:3b"
    shell = nr("template", "show", "shell", "--json").document
    assert shell["system"] == "you are a shell expert\nit costs $$5 to explain"
    assert "groq" not in kept(home)["routes.yaml"]


@pytest.mark.parametrize("tool", ["llm", "aichat", "mods"])
def test_a_second_import_changes_nothing(nr: Nr, home: Path, tool: str, request) -> None:
    request.getfixturevalue(tool)
    assert nr("import", tool).exit == 0
    before, rows = kept(home), nr("log", "list", "--json").document
    again = nr("import", tool, "--json").document
    assert not any(step["new"] for step in again["steps"])
    assert kept(home) == before
    assert nr("log", "list", "--json").document == rows


@pytest.mark.parametrize("tool", ["llm", "aichat", "mods"])
def test_a_dry_run_writes_nothing(nr: Nr, home: Path, tool: str, request) -> None:
    request.getfixturevalue(tool)
    before = sorted(home.rglob("*"))
    done = nr("import", tool, "--dry-run")
    assert done.exit == 0
    assert done.out.startswith(b"would write ")
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("tool", ["llm", "aichat", "mods"])
def test_no_key_is_copied_anywhere(nr: Nr, home: Path, tool: str, request) -> None:
    request.getfixturevalue(tool)
    assert nr("import", tool, "--json").exit == 0  # `nr` itself looks for the key in the output
    written = [path for path in home.rglob("*") if path.is_file() and "nr" in path.parts]
    assert written
    for path in written:
        assert KEY.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("tool", ["llm", "aichat", "mods"])
def test_what_is_written_passes_the_check(nr: Nr, home: Path, tool: str, request) -> None:
    request.getfixturevalue(tool)
    nr("import", tool)
    done = nr("policy", "check", str(home / ".config" / "nr" / "routes.yaml"))
    assert done.exit == 0, done.out


def test_nothing_of_the_user_s_is_overwritten(nr: Nr, llm: Path, home: Path) -> None:
    own = put(home / ".config" / "nr" / "routes.yaml", "version: 1\n")
    template = put(home / ".config" / "nr" / "templates" / "brief.yaml", "prompt: mine\n")
    out = nr("import", "llm").out.decode()
    assert (own.read_text(), template.read_text()) == ("version: 1\n", "prompt: mine\n")
    assert "brief.yaml: there already with other content, left alone" in out
    assert "routes.llm.yaml: providers: 2, models: 4" in out
    own.write_text("version: 1\ninclude: [routes.llm.yaml]\n")
    assert routes(nr, "hi")["model_id"] == "small/small-1"
    put(home / ".config" / "nr" / "routes.llm.yaml", "# changed\n")
    assert b"routes.llm.yaml: there already with other content" in nr("import", "llm").out


@pytest.mark.parametrize("tool", ["llm", "aichat", "mods"])
def test_a_tool_that_is_not_there_is_said_so(nr: Nr, tool: str) -> None:
    done = nr("import", tool)
    assert (done.exit, done.out) == (ExitCode.NO_INPUT, b"")
    assert f"no configuration of {tool} was found" in done.err


def test_files_that_cannot_be_read_are_named_the_rest_is_carried(nr: Nr, llm: Path) -> None:
    (llm / "keys.json").write_text("{")
    (llm / "logs.db").write_bytes(b"no database at all" * 100)
    (llm / "extra-openai-models.yaml").write_text("- {")
    (llm / "default_model.txt").unlink()
    (llm / "default_model.txt").mkdir()
    out = nr("import", "llm").out.decode()
    for name in ("keys.json: not a JSON object", "logs.db: cannot be read", "models.yaml:"):
        assert name in out
    assert nr("template", "show", "brief").exit == 0


def test_the_place_may_be_named_as_the_tools_name_it(nr: Nr, llm: Path, aichat: Path) -> None:
    for tool, variable, folder in (
        ("llm", "LLM_USER_PATH", llm), ("aichat", "AICHAT_CONFIG_DIR", aichat)
    ):  # fmt: skip
        moved = folder.rename(folder.parent / f"moved-{tool}")
        done = nr("import", tool, "--dry-run", "--json", env={variable: str(moved)})
        assert done.exit == 0
        assert all(str(moved) in file for file in done.document["read"])


def test_a_secret_in_an_imported_prompt_is_kept_as_a_digest(nr: Nr, llm: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    with sqlite3.connect(llm / "logs.db") as con:
        con.execute("UPDATE responses SET prompt = ?", [f"my token is {secret}"])
    con.close()
    nr("import", "llm")
    rows = nr("log", "list", "--json").document
    assert sum(row["prompt"].startswith("sha256:") for row in rows) == 2
    assert secret not in json.dumps(rows)


def test_control_characters_of_other_tools_files_stay_off_the_terminal(nr: Nr, llm: Path) -> None:
    (llm / "aliases.json").write_text(json.dumps({"a\x1b[31m/b": "small", "\x9bx": "gone"}))
    out = nr("import", "llm").out
    assert b"\x1b" not in out
    assert b"\x9b" not in out
