"""What `nr doctor` finds, and that it stays at home unless it is sent out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import KEY, Done, Nr

MODELS = json.dumps({"data": [{"id": "ok"}, {"id": "dated-2025-01-01"}]}).encode()
ANSWERS = {
    "/fine/models": (200, MODELS),
    "/odd/models": (200, b"<html>"),
    "/none/models": (404, b""),
    "/shut/models": (401, b"{}"),
    "/away/models": (302, b""),
}


class Lists(BaseHTTPRequestHandler):
    """Answers a question for models as its path says; remembers who came with what."""

    seen: list[tuple[str, str | None]] = []  # noqa: RUF012 # one server a module, cleared by each test

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("authorization")))
        status, body = ANSWERS.get(self.path, (500, b""))
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/fine/models")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def lists() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_model_s_place_that_others_may_write_is_a_problem(nr: Nr, home: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the embedded runtime is not installed")
    place = home / "data" / "models"
    place.mkdir(parents=True)
    place.parent.chmod(0o700)
    place.chmod(0o777)
    found = states(nr("doctor", "--json", env={"NR_DATA_DIR": str(place.parent)}))
    assert found["embedded"][0] == "problem"
    assert "written by others" in found["embedded"][1]


@pytest.fixture
def seen() -> list[tuple[str, str | None]]:
    Lists.seen.clear()
    return Lists.seen


def states(done: Done) -> dict[str, tuple[str, str]]:
    return {one["area"]: (one["state"], one["words"]) for one in done.document["findings"]}


def policy_of(home: Path, port: int, place: str, model: str = "ok") -> None:
    (home / "policy.yaml").write_text(
        f"""version: 1
providers:
  srv: {{kind: openai, base_url: "http://127.0.0.1:{port}/{place}", api_key_env: FS_KEY}}
default: {{use: srv/{model}}}
"""
    )


def test_a_sound_place_has_no_problem(nr: Nr) -> None:
    done = nr("doctor")
    assert done.exit == 0, done.out
    assert done.out.endswith(b"no problems found\n")
    found = states(nr("doctor", "--json"))
    assert found["fs"][1].startswith("FS_KEY, http://127.0.0.1:")
    assert "NR_POLICY" in found["variables"][1]
    assert {"nr", "python", "config", "cache", "state", "data", "policy", "embedded"} <= set(found)


@pytest.mark.parametrize(
    ("place", "model", "state", "words"),
    [
        ("fine", "ok", "ok", "reachable, 2 models"),
        ("fine", "dated", "ok", "reachable, 2 models"),
        ("fine", "gone", "problem", "does not list gone"),
        ("odd", "ok", "ok", "reachable"),
        ("none", "ok", "note", "gives no list of models (HTTP 404)"),
        ("shut", "ok", "problem", "the key is refused (HTTP 401)"),
        ("away", "ok", "problem", "not followed"),
    ],
)
def test_net_tells_what_a_server_says(
    nr: Nr, home: Path, lists: int, seen: list, place: str, model: str, state: str, words: str
) -> None:
    policy_of(home, lists, place, model)
    done = nr("doctor", "--net", "--json")
    found = states(done)["srv (net)"]
    assert found[0] == state
    assert words in found[1]
    assert done.exit == (state == "problem")
    assert seen == [(f"/{place}/models", f"Bearer {KEY}")]


def test_nothing_is_asked_without_net(nr: Nr, home: Path, lists: int, seen: list) -> None:
    policy_of(home, lists, "fine")
    assert nr("doctor").exit == 0
    assert seen == []


def test_a_server_that_is_not_there_is_a_problem(nr: Nr, home: Path) -> None:
    policy_of(home, 1, "fine")
    done = nr("doctor", "--net", "--json")
    assert done.exit == 1
    assert "refused the connection" in states(done)["srv (net)"][1]


def test_a_broken_policy_is_told_with_its_place(nr: Nr, home: Path) -> None:
    (home / "policy.yaml").write_text("version: 1\ndefalt: x\n")
    done = nr("doctor", "--json")
    assert done.exit == 1
    assert "policy.yaml:2:1" in states(done)["policy"][1]


def test_a_missing_policy_file_is_told(nr: Nr) -> None:
    done = nr("doctor", "--json", env={"NR_POLICY": "/nowhere.yaml"})
    assert done.exit == 1
    assert "/nowhere.yaml" in states(done)["policy"][1]


@pytest.mark.parametrize("name", ["cache", "state"])
def test_a_damaged_store_is_named(nr: Nr, home: Path, name: str) -> None:
    folder = home / name
    folder.mkdir(mode=0o700)
    file = folder / {"cache": "cache.db", "state": "history.db"}[name]
    file.write_bytes(b"SQLite format 3\0" + b"\x07" * 9000)
    done = nr("doctor", "--json", env={f"NR_{name.upper()}_DIR": str(folder)})
    assert done.exit == 1
    area = {"cache": "cache file", "state": "history"}[name]
    assert states(done)[area][0] == "problem"
    assert file.exists()


def test_a_directory_that_others_may_write_is_named(nr: Nr, home: Path) -> None:
    folder = home / "open"
    folder.mkdir()
    folder.chmod(0o777)
    done = nr("doctor", "--json", env={"NR_STATE_DIR": str(folder)})
    assert done.exit == 1
    assert states(done)["state"] == ("problem", f"{folder} can be written by others (chmod 700 it)")


def test_a_whole_store_is_found_whole(nr: Nr) -> None:
    assert nr("ask", "-m", "cat/x", "hi").exit == 0
    found = states(nr("doctor", "--json"))
    assert found["history"][1].endswith("whole)")
    assert found["cache file"][0] == "ok"
