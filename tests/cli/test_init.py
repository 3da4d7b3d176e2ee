"""What `nr init` finds, asks, writes."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.conftest import KEY, Nr, command

MODELS = ["nomic-embed-text", "llama3.2:3b", "evil ${HOME} name", "qwen3:8b"]
KEYED = {"OPENAI_API_KEY": KEY, "NR_POLICY": ""}
BARE = {"NR_POLICY": ""}


class Ollama(BaseHTTPRequestHandler):
    """Lists models as the local servers do."""

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": name} for name in MODELS]}).encode()
        self.send_response(200 if self.path == "/v1/models" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def ollama() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Ollama) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def written(home: Path) -> Path:
    return home / ".config" / "nr" / "routes.yaml"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Looks where nobody listens: whatever runs on the test's machine is none of its business."""
    return {**environ, "OLLAMA_HOST": "127.0.0.1:1"}


@pytest.mark.parametrize("keyed", [False, True], ids=["no key", "a key"])
@pytest.mark.parametrize("served", [False, True], ids=["no server", "a server"])
def test_what_is_written_passes_the_check(
    nr: Nr, home: Path, written: Path, ollama: str, keyed: bool, served: bool
) -> None:
    env = {**(KEYED if keyed else BARE), **({"OLLAMA_HOST": ollama} if served else {})}
    done = nr("init", env=env)
    assert (done.exit, done.out.decode()) == (0, f"{written}\n")
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    check = nr("policy", "check", "--strict", env=BARE)
    assert check.exit == 0, check.out
    text = written.read_text()
    assert ("openai/" in text) == keyed
    assert ("llama3.2:3b" in text) == served
    assert "nomic" not in text
    assert "evil" not in text
    first = nr("route", "--json", "hi", env=env).document["model"]
    assert first.startswith("ollama-here" if served else "openai/" if keyed else "local/")


def test_a_policy_that_is_there_stays(nr: Nr, written: Path) -> None:
    written.parent.mkdir(parents=True)
    written.write_text("# mine\n")
    done = nr("init", env=BARE)
    assert done.exit == 2
    assert str(written) in done.err
    assert written.read_text() == "# mine\n"


def test_output_names_another_file_which_stays_too(nr: Nr, home: Path, written: Path) -> None:
    assert nr("init", "--output", "mine.yaml", env=BARE).exit == 0
    before = (home / "mine.yaml").read_text()
    assert nr("init", "--output", "mine.yaml", env=KEYED).exit == 2
    assert (home / "mine.yaml").read_text() == before
    assert nr("init", "--output", "no/where.yaml", env=BARE).exit == 74
    assert not written.exists()


def test_json_says_what_was_found(nr: Nr, written: Path, ollama: str) -> None:
    done = nr("init", "--json", env={**KEYED, "OLLAMA_HOST": f"http://{ollama}"})
    assert done.document["file"] == str(written)
    assert done.document["keys"] == ["openai"]
    server = next(one for one in done.document["servers"] if one["name"] == "ollama")
    assert server["base_url"] == f"http://{ollama}/v1"
    assert server["models"] == ["llama3.2:3b", "qwen3:8b"]


@pytest.mark.parametrize(
    "said", ["http://192.0.2.7:11434", "example.com", "[::", "ftp://127.0.0.1"]
)
def test_no_other_host_is_asked(nr: Nr, said: str) -> None:
    began = time.monotonic()
    done = nr("init", "--json", env={**BARE, "OLLAMA_HOST": said})
    assert done.exit == 0
    assert all("127.0.0.1" in one["base_url"] for one in done.document["servers"])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("answers", "default", "easy"),
    [(["cheap", ""], "cheap", "ollama-here"), (["best", "no"], "best", "openai/"),
     (["", ""], "between", "ollama-here")],
)  # fmt: skip
def test_a_terminal_is_asked_two_questions(
    nr: Nr, environ, home: Path, written: Path, ollama: str, answers, default: str, easy: str
) -> None:
    line = command(("init",))
    child = pexpect.spawn(
        line[0], line[1:], env={**environ, **KEYED, "OLLAMA_HOST": ollama, "TERM": "xterm"},
        cwd=str(home), encoding="utf-8", timeout=20,
    )  # fmt: skip
    child.expect("cheap/best/Enter")
    child.sendline(answers[0])
    child.expect("Enter/no")
    child.sendline(answers[1])
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert nr("route", "--json", "hi", env=BARE | KEYED).document["chain"][0].startswith(easy)
    policy = yaml.safe_load(written.read_text())
    strongest, cheapest = (
        next(one for one in route["use"] if one.startswith("openai/")) for route in policy["routes"]
    )
    chosen = policy["default"]["use"][0]
    assert {cheapest: "cheap", strongest: "best"}.get(chosen, "between") == default
