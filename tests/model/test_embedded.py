"""The embedded model under llama.cpp's real server, from a fresh home to a warm answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.conftest import SERVER

pytest.importorskip("xllamacpp", reason="the embedded runtime is not installed")
pytestmark = [pytest.mark.model, pytest.mark.timeout(240)]

QUESTION = "What is the capital of Japan?"


def run(home: Path, data: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NR_")}
    kept.pop("OPENAI_API_KEY", None)
    return subprocess.run(
        [sys.executable, "-m", "nr_cli", *arguments],
        env={**kept, "HOME": str(home), "NR_DATA_DIR": str(data), "CI": "true", **env},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=200,
    )


def test_a_newcomer_gets_an_answer_then_the_same_from_the_cache(tmp_path: Path, data: Path) -> None:
    first = run(tmp_path, data, "ask", QUESTION)
    assert first.returncode == 0, first.stderr
    assert b"Tokyo" in first.stdout
    again = run(tmp_path, data, "ask", "-v", QUESTION)
    assert again.stdout == first.stdout
    assert b"cache hit" in again.stderr


def test_an_answer_is_held_to_a_schema(tmp_path: Path, data: Path) -> None:
    fields = {"city": {"enum": ["Oslo", "Lima"]}, "size": {"type": "integer"}}
    schema = {"type": "object", "properties": fields, "required": ["city", "size"]}
    asked = ["ask", "--schema", json.dumps({**schema, "additionalProperties": False}), QUESTION]
    done = run(tmp_path, data, *asked, "-o", "max_tokens", "60")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == set(fields)
    assert answer["city"] in fields["city"]["enum"]  # neither is the truth: the server decides


def test_eight_asks_at_once_on_a_fresh_machine_all_succeed(tmp_path: Path, data: Path) -> None:
    run(tmp_path, data, "ask", "-n", "--no-cache", QUESTION)  # the weights are here from now on
    environ = {**os.environ, "HOME": str(tmp_path), "NR_DATA_DIR": str(data)}
    environ.pop("CI", None)
    asks = [
        subprocess.Popen(
            [sys.executable, "-m", "nr_cli", "ask", "--no-cache", f"{QUESTION} ({number})"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(8)
    ]
    ended = [(ask.communicate(timeout=200), ask.returncode) for ask in asks]
    assert [status for _, status in ended] == [0] * 8, ended
    listed = run(tmp_path, data, "log", "list", "--json")
    assert listed.stdout.count(b'"prompt"') >= 8
    stop_server(tmp_path)


def stop_server(home: Path) -> None:
    """Ends the shared server of this home by the process id in its state file."""
    import json
    import signal

    state = json.loads((home / ".local/state/nr/embedded/server.json").read_text())
    os.kill(state["pid"], signal.SIGTERM)


def test_a_file_that_is_no_model_is_named(tmp_path: Path, data: Path) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_text("not a model")
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"version: 1\nproviders: {{mine: {{kind: local, local: true, model_path: {fake}}}}}\n"
        "default: {use: mine/x}\n"
    )
    done = run(tmp_path, data, "ask", "--policy", str(policy), "hi")
    assert done.returncode == 69
    assert b"not a GGUF model file" in done.stderr


def test_a_prompt_larger_than_the_window_is_refused_before_it_is_sent(
    tmp_path: Path, data: Path
) -> None:
    done = run(tmp_path, data, "ask", "word " * 20_000)
    assert done.returncode == 80
    assert b"2048" in done.stderr


def test_a_real_server_answers_through_the_openai_codec_once_it_has_loaded(
    tmp_path: Path, data: Path
) -> None:
    """While it is not there yet the failure says whether to try again; then it answers."""
    import socket

    from nr_cli.store.weights import fetch

    weights = fetch(str(data), lambda what, done, total: None, offline=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f'version: 1\nproviders: {{llama: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1"}}}}'
        "\ndefault: {use: llama/smol}\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, weights, str(port)], stdin=subprocess.PIPE
    ) as server:
        for _ in range(100):
            done = run(
                tmp_path, data, "ask", "--policy", str(policy), "-u", "-o", "temperature", "0",
                QUESTION,
            )  # fmt: skip
            if done.returncode == 0:
                break
            assert done.returncode in (69, 75), done.stderr
        assert b"Tokyo" in done.stdout
        assert b" out" in done.stderr, "the server's own token counts are shown"
        server.kill()
