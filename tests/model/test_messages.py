"""The Messages protocol as llama.cpp's own server speaks it, with the embedded model behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.model.test_embedded import QUESTION, run

pytest.importorskip("xllamacpp", reason="the embedded runtime is not installed")
pytestmark = [pytest.mark.model, pytest.mark.timeout(240)]


@pytest.fixture
def rules(tmp_path: Path, llama: str) -> str:
    path = tmp_path / "p.yaml"
    path.write_text(
        f'version: 1\nproviders: {{llama: {{kind: anthropic, base_url: "{llama}/v1"}}}}\n'
        "models: {smol: {id: llama/smol, price: {in: 10, out: 30, cached_in: 1}}}\n"
        "default: {use: smol}\n"
    )
    return str(path)


def asked(home: Path, data: Path, rules: str, *words: str) -> dict:
    done = run(home, data, "ask", "--policy", rules, "--no-cache", "--json", *words)
    document: dict = json.loads(done.stdout)
    return {**document, "exit": done.returncode}


def test_an_answer_is_whole_with_tokens_counted(tmp_path: Path, data: Path, rules: str) -> None:
    document = asked(tmp_path, data, rules, "-o", "temperature", "0", QUESTION)
    assert document["exit"] == 0, document
    assert "Tokyo" in document["answer"]
    assert document["finish"] == "stop"
    assert document["usage"]["input_tokens"] > 5
    assert document["usage"]["output_tokens"] > 3


def test_tokens_read_from_the_server_s_cache_are_input_too_at_their_own_price(
    tmp_path: Path, data: Path, rules: str
) -> None:
    words = ("-s", "You answer in one word. " * 20, "-o", "max_tokens", "5", QUESTION)
    first = asked(tmp_path, data, rules, *words)
    again = asked(tmp_path, data, rules, *words)
    spent, usage = again["cost"]["usd"], again["usage"]
    assert usage["input_tokens"] == first["usage"]["input_tokens"]
    assert usage["cached_input_tokens"] > 50, "the server keeps the longest common beginning"
    fresh = usage["input_tokens"] - usage["cached_input_tokens"]
    cents = fresh * 10 + usage["cached_input_tokens"] * 1 + usage["output_tokens"] * 30
    assert spent == pytest.approx(cents / 1_000_000)


def test_a_limit_that_cuts_the_answer_is_told(tmp_path: Path, data: Path, rules: str) -> None:
    document = asked(tmp_path, data, rules, "-o", "max_tokens", "3", "Tell a long story.")
    assert (document["exit"], document["finish"]) == (3, "length")


def test_a_prompt_beyond_the_server_s_window_is_blamed_on_its_length(
    tmp_path: Path, data: Path, rules: str
) -> None:
    document = asked(tmp_path, data, rules, "word " * 4000)
    assert document["error"]["code"] == "context_length", document["error"]
