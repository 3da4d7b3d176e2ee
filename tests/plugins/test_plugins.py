"""Plugins: found by entry point where nr knows no such name, named where they are broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import pytest

from nr_cli.errors import ExitCode
from tests.conftest import Nr
from tests.house.rooms import ROOT

EXAMPLE = ROOT / "docs" / "plugin-example"
GROUPS = ("providers", "conditions", "classifiers", "commands")


class Server(NamedTuple):
    """A loopback server of the example's protocol, with the bodies it was sent."""

    port: int
    bodies: list[dict]


@pytest.fixture
def server() -> Iterator[Server]:
    bodies: list[dict] = []

    class Reply(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            last = {"content": "", "stop": True, "tokens_evaluated": 5, "tokens_predicted": 2}
            events = [{"content": "To"}, {"content": "kyo"}, last]
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for event in events:
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Reply) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield Server(http.server_port, bodies)
        http.shutdown()


class Shelf:
    """A directory on the path of Python, onto which packages are put as an installer would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def env(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder)}

    def put(self, name: str, entries: str, **modules: str) -> None:
        record = self.folder / f"{name}-0.1.dist-info"
        record.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n"
        (record / "METADATA").write_text(metadata)
        (record / "entry_points.txt").write_text(entries)
        for module, text in modules.items():
            (self.folder / f"{module}.py").write_text(text)

    def put_example(self) -> None:
        groups = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
        entries = [
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in names.items())
            for group, names in groups.items()
        ]
        self.put("nr-example", "\n".join(entries))
        shutil.copytree(
            EXAMPLE / "nr_example",
            self.folder / "nr_example",
            ignore=shutil.ignore_patterns("__pycache__"),
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def example_policy(path: Path, port: int) -> Path:
    path.write_text(
        f"""version: 1
providers:
  llama: {{kind: completion, base_url: "http://127.0.0.1:{port}", local: true}}
  echo: {{kind: command, command: [cat], local: true}}
classify:
  act: {{use: opening, labels: {{explain: [explain, why], fix: [fix]}}}}
routes:
  - {{name: long, when: {{words: ">6"}}, use: echo/cat}}
  - {{name: explaining, when: {{label: {{act: explain}}}}, use: llama/any}}
default: {{use: echo/cat}}
"""
    )
    return path


def use_the_example(nr: Nr, policy: Path, server: Server, env: dict[str, str]) -> None:
    """Uses each plugin of the example once."""
    env = {**env, "NR_POLICY": str(policy)}
    checked = nr("policy", "check", "--strict", str(policy), env=env)
    assert (checked.exit, checked.err) == (0, ""), checked.out
    asked = nr("ask", "--json", "-o", "max_tokens", "9", "explain capitals", env=env)
    assert asked.exit == 0, asked.out
    assert (asked.document["answer"], asked.document["route"]) == ("Tokyo", "explaining")
    assert asked.document["usage"]["output_tokens"] == 2
    assert server.bodies == [{"n_predict": 9, "prompt": "explain capitals", "stream": True}]
    assert nr("ask", "fix this", env=env).out == b"fix this\n"
    routed = nr("route", "--json", "explain one two three four five six", env=env).document
    assert routed["route"] == "long"
    assert routed["rules"][0]["because"] == "words 7 is > 6"
    assert nr("count", "one", "two", env=env).out == b"2\n"
    assert b"\n  count " in nr("--help", env=env).out


def test_each_kind_of_the_example_is_used_by_its_name(
    nr: Nr, shelf: Shelf, server: Server, home: Path
) -> None:
    shelf.put_example()
    use_the_example(nr, example_policy(home / "p.yaml", server.port), server, shelf.env)


@pytest.mark.slow
def test_the_example_installed_by_pip_is_used_by_its_names(
    nr: Nr, tmp_path: Path, server: Server, home: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(EXAMPLE, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, source],
        check=True, timeout=50,
    )  # fmt: skip
    policy = example_policy(home / "p.yaml", server.port)
    use_the_example(nr, policy, server, {"PYTHONPATH": str(target)})


def test_without_the_package_its_words_are_unknown(nr: Nr, home: Path) -> None:
    done = nr("policy", "check", str(example_policy(home / "p.yaml", 1)))
    assert done.exit == ExitCode.CONFIG
    assert b'3:11: NR133 kind cannot be "completion"' in done.out
    assert b'6:9: NR133 use cannot be "opening"' in done.out
    assert b'8:25: NR112 unknown condition "words"' in done.out
    done = nr("count", "one")
    assert done.exit == ExitCode.USAGE
    assert 'no command "count"' in done.err


def test_a_word_close_to_a_plugin_s_is_suggested(nr: Nr, shelf: Shelf, home: Path) -> None:
    shelf.put_example()
    policy = example_policy(home / "p.yaml", 1)
    policy.write_text(policy.read_text().replace("words:", "wrods:").replace("use: op", "use: opp"))
    out = nr("policy", "check", str(policy), env=shelf.env).out
    assert b'unknown condition "wrods" (did you mean "words"?)' in out
    assert b'use cannot be "oppening" (did you mean "opening"?)' in out


def test_the_schema_for_editors_knows_the_plugins_words(nr: Nr, shelf: Shelf) -> None:
    shelf.put_example()
    schema = nr("policy", "schema", env=shelf.env).document["$defs"]
    assert "completion" in schema["provider"]["properties"]["kind"]["anyOf"][0]["enum"]
    assert "opening" in schema["classifier"]["properties"]["use"]["anyOf"][0]["enum"]
    assert "words" in schema["when"]["properties"]


BROKEN = {
    "import": ("import a_module_that_nobody_has\n", "ModuleNotFoundError"),
    "exit": ("raise SystemExit('bye')\n", "SystemExit: bye"),
    "syntax": ("def broken(:\n", "SyntaxError"),
    "raises": ("raise RuntimeError('two\\nlines \\x1b[31m')\n", "RuntimeError: two lines"),
    "empty": ("", "it lacks "),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_named_where_its_word_stands(
    nr: Nr, shelf: Shelf, home: Path, fault: str
) -> None:
    text, words = BROKEN[fault]
    entries = "".join(f"[nr.{group}]\nsad = sad\n" for group in GROUPS)
    shelf.put("nr-sad", entries, sad=text)
    policy = home / "p.yaml"
    policy.write_text(
        "version: 1\nproviders: {a: {kind: sad}}\nclassify: {b: {use: sad, labels: {c: [d]}}}\n"
        "routes: [{name: e, when: {sad: 1}, use: a/x}]\n"
    )
    done = nr("policy", "check", str(policy), env=shelf.env)
    assert done.exit == ExitCode.CONFIG
    assert done.out.decode().count(f"plugin sad of nr-sad 0.1: {words}") == 3
    assert b"\x1b" not in done.out
    done = nr("sad", env=shelf.env)
    assert (done.exit, done.out) == (ExitCode.CONFIG, b"")
    assert f"plugin sad of nr-sad 0.1: {words}" in done.err


def test_a_broken_plugin_is_named_once_in_the_help_and_skipped(nr: Nr, shelf: Shelf) -> None:
    fine = "import typer\napp = typer.Typer()\n\n@app.command()\ndef fine(): 'Is fine.'\n"
    shelf.put("nr-sad", "[nr.commands]\nsad = nowhere\nodd\nfine = fine\n", fine=fine)
    done = nr("--help", env=shelf.env)
    assert done.exit == 0
    assert b"  ask " in done.out
    assert b"  fine " in done.out
    assert b"sad" not in done.out
    assert done.err.count("plugin sad of nr-sad 0.1: ModuleNotFoundError") == 1
    assert done.err.count("plugin odd of nr-sad 0.1: its entry point cannot be read") == 1


def test_a_command_close_to_a_plugin_s_is_suggested(nr: Nr, shelf: Shelf) -> None:
    shelf.put_example()
    assert 'no command "cuont" (did you mean "count"?)' in nr("cuont", env=shelf.env).err


def test_a_plugin_s_command_has_its_own_short_flags(nr: Nr, shelf: Shelf) -> None:
    lines = "import typer\napp = typer.Typer()\n\n@app.command()\n"
    lines += "def put(word: str, o: str = typer.Option('', '-o')): print(word, o)\n"
    shelf.put("nr-put", "[nr.commands]\nput = put\n", put=lines)
    assert nr("put", "-o", "file", "word", env=shelf.env).out == b"word file\n"


def test_an_ask_without_plugins_reads_no_metadata(
    nr: Nr, shelf: Shelf, environ: dict[str, str], policy: Path
) -> None:
    shelf.put_example()
    policy.write_text(
        "version: 1\nproviders: {cat: {kind: command, command: [cat]}}\n"
        "routes: [{name: all, when: {tokens: '>0'}, use: cat/cat}]\n"
    )
    code = (
        "import sys\nfrom nr_cli.cli.main import run\nrun(['ask', 'hi'])\n"
        "print([name for name in sys.modules if 'metadata' in name or name == 'nr_cli.plugins'])\n"
    )
    env = {**environ, **shelf.env, "NR_POLICY": str(policy)}
    for _ in range(2):  # asked for, then from the cache
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, stdin=subprocess.DEVNULL, capture_output=True
        )
        assert done.stdout == b"hi\n[]\n"


def test_a_broken_plugin_that_nothing_names_is_not_noticed(nr: Nr, shelf: Shelf) -> None:
    shelf.put("nr-sad", "[nr.providers]\nsad = sad\n", sad="raise RuntimeError\n")
    done = nr("ask", "words", env=shelf.env)
    assert (done.exit, done.err) == (0, "")


def test_a_name_of_two_packages_is_refused_by_both_their_names(nr: Nr, shelf: Shelf) -> None:
    good = "import typer\napp = typer.Typer()\n\n@app.command()\ndef twice(): print('ran')\n"
    shelf.put("nr-one", "[nr.commands]\ntwice = one\n", one=good)
    shelf.put("nr-two", "[nr.commands]\ntwice = two\n", two=good)
    done = nr("twice", env=shelf.env)
    assert (done.exit, done.out) == (ExitCode.CONFIG, b"")
    assert "nr-one 0.1 and nr-two 0.1 offer the same name (uninstall one)" in done.err


def test_a_plugin_never_replaces_what_nr_has(nr: Nr, shelf: Shelf, policy: Path) -> None:
    names = {"providers": "command", "conditions": "tag", "classifiers": "keywords",
             "commands": "route"}  # fmt: skip
    entries = "".join(f"[nr.{group}]\n{name} = thief\n" for group, name in names.items())
    shelf.put("nr-thief", entries, thief="raise RuntimeError('stolen')\n")
    policy.write_text(
        "version: 1\nproviders: {cat: {kind: command, command: [cat]}}\n"
        "classify: {act: {use: keywords, labels: {fix: [fix]}}}\n"
        "routes: [{name: mine, when: {tag: mine, label: {act: fix}}, use: cat/cat}]\n"
    )
    routed = nr("route", "--json", "--tag", "mine", "fix it", env=shelf.env)
    assert routed.document["route"] == "mine"
    assert nr("ask", "--tag", "mine", "fix it", env=shelf.env).out == b"fix it\n"


RAISES = "def {0}(*given):\n    raise ZeroDivisionError('oops')\n"
FAILING = {
    "condition, compiling": (
        "conditions", "NEEDS = ()\nSCHEMA = {}\n" + RAISES.format("compile"), ExitCode.CONFIG),
    "condition, judging": (
        "conditions",
        "NEEDS = ()\nSCHEMA = {}\n" + RAISES.format("test") + "def compile(*given): return test\n",
        ExitCode.CONFIG),
    "condition, no verdict": (
        "conditions", "NEEDS = ()\nSCHEMA = {}\ndef compile(*given): return lambda facts: True\n",
        ExitCode.CONFIG),
    "classifier, compiling": ("classifiers", RAISES.format("compile"), ExitCode.CONFIG),
    "classifier, reading": (
        "classifiers", RAISES.format("read") + "def compile(*given): return read\n",
        ExitCode.CONFIG),
    "provider, encoding": (
        "providers", "".join(map(RAISES.format, ("encode", "decoder", "blame"))), ExitCode.CONFIG),
    "provider, decoding": (
        "providers",
        "from nr_cli.types.steps import ProcessCall\n"
        "def encode(*given): return ProcessCall(('echo', 'hello'), b'')\n"
        "class decoder:\n    def __init__(self, headers): pass\n"
        "    def feed(self, chunk): raise ZeroDivisionError('oops')\n    end = feed\n"
        + RAISES.format("blame"),
        ExitCode.UNINTELLIGIBLE),
    "command": (
        "commands",
        "import typer\napp = typer.Typer()\n@app.command()\n" + RAISES.format("sad").replace(
            "*given", ""),
        ExitCode.CONFIG),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_a_plugin_that_fails_at_work_is_named_with_no_traceback(
    nr: Nr, shelf: Shelf, policy: Path, case: str
) -> None:
    group, text, exit = FAILING[case]
    shelf.put("nr-sad", f"[nr.{group}]\nsad = sad\n", sad=text)
    when = {"conditions": "when: {sad: 1}, ", "classifiers": "when: {label: {act: x}}, "}
    kind = "sad" if group == "providers" else "command"
    policy.write_text(
        f"version: 1\nproviders: {{a: {{kind: {kind}, command: [cat]}}}}\n"
        + ("classify: {act: {use: sad, labels: {x: [y]}}}\n" if group == "classifiers" else "")
        + f"routes: [{{name: e, {when.get(group, '')}use: a/x}}]\ndefault: {{use: a/x}}\n"
    )
    done = nr(*(("sad",) if group == "commands" else ("ask", "words")), env=shelf.env)
    assert (done.exit, done.out) == (exit, b"")
    assert "plugin sad of nr-sad 0.1 failed: " in done.err
    assert len(done.err.splitlines()) <= 5


def test_what_a_plugin_prints_at_import_stays_off_stdout(nr: Nr, shelf: Shelf) -> None:
    shelf.put_example()
    (shelf.folder / "nr_example" / "__init__.py").write_text("print('hello')\n")
    done = nr("count", "one", env=shelf.env)
    assert (done.out, done.err) == (b"1\n", "hello\n")


def test_a_cached_answer_of_a_plugin_needs_the_plugin_no_more(
    nr: Nr, shelf: Shelf, server: Server, policy: Path
) -> None:
    shelf.put_example()
    policy.write_text(
        f"version: 1\nproviders: {{a: {{kind: completion, base_url: 'http://127.0.0.1:"
        f"{server.port}', local: true}}}}\ndefault: {{use: a/x}}\n"
    )
    assert nr("ask", "words", env=shelf.env).out == b"Tokyo\n"
    assert nr("ask", "words").out == b"Tokyo\n"
    done = nr("ask", "other words")
    assert (done.exit, done.out) == (ExitCode.CONFIG, b"")
    assert "no plugin offers the provider kind completion" in done.err


def test_installed_names_every_offer_with_its_problem(
    shelf: Shelf, environ: dict[str, str]
) -> None:
    shelf.put_example()
    shelf.put("nr-sad", "[nr.commands]\nask = sad\nworse = sad\n", sad="raise RuntimeError('oh')\n")
    code = (
        "from nr_cli.cli.main import own_commands\n"
        "from nr_cli.cli.plugged import installed_plugins\n"
        "for plugin in installed_plugins(own_commands()): print('|'.join(map(str, plugin)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**environ, **shelf.env}, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "opening|classifiers|nr-example|0.1|None",
        "ask|commands|nr-sad|0.1|nr has this name itself (a plugin cannot replace it)",
        "count|commands|nr-example|0.1|None",
        "worse|commands|nr-sad|0.1|RuntimeError: oh",
        "words|conditions|nr-example|0.1|None",
        "completion|providers|nr-example|0.1|None",
    ]
