"""Ollama's and the Responses protocol through the whole command, at a server nobody here wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Nr
from tests.real.conftest import Aimock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ANSWER = "The capital of Japan is Tokyo: 東京, naïve café 🗼."
LLAMA, GPT = "here/llama3.2:1b", "gpt/gpt-5"
MODELS = pytest.mark.parametrize("model", [LLAMA, GPT], ids=["ollama", "responses"])
PATHS = {LLAMA: "/api/chat", GPT: "/v1/responses"}


@pytest.fixture
def rules(home: Path, aimock: Aimock) -> str:
    """Returns a policy with both protocols at aimock."""
    path = home / "dialects.yaml"
    path.write_text(
        f"""version: 1
providers:
  here: {{kind: ollama, base_url: "{aimock.url}", local: true}}
  gpt: {{kind: openai-responses, base_url: "{aimock.url}/v1", api_key_env: FS_KEY}}
default: {{use: [{LLAMA}, {GPT}]}}
"""
    )
    return str(path)


@MODELS
def test_an_answer_comes_out_byte_for_byte(nr: Nr, rules: str, model: str) -> None:
    done = nr("ask", "--policy", rules, "-m", model, "--json", "What is the capital of Japan?")
    assert done.exit == 0, done.err
    assert done.document["answer"] == ANSWER
    assert done.document["finish"] == "stop"
    piped = nr("ask", "--policy", rules, "-m", model, "--no-cache", "the capital of Japan")
    assert (piped.out.decode(), piped.err) == (ANSWER + "\n", "")


def test_a_summary_of_the_thinking_is_kept_apart(nr: Nr, rules: str) -> None:
    done = nr("ask", "--policy", rules, "-m", GPT, "--json", "What is the capital of Japan?")
    assert done.document["reasoning"] == "The user asks for a city."


@MODELS
def test_the_server_understands_system_text_and_options(
    nr: Nr, rules: str, model: str, aimock: Aimock
) -> None:
    done = nr(
        "ask", "--policy", rules, "-m", model, "--no-cache", "-s", "be brief", "-o", "max_tokens",
        "77", "-o", "temperature", "0.5", "the capital of Japan",
    )  # fmt: skip
    assert done.exit == 0, done.err
    received = aimock.journal(PATHS[model])[-1]["body"]
    assert received["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "the capital of Japan"},
    ]
    assert (received["max_tokens"], received["temperature"]) == (77, 0.5)


def test_counted_tokens_are_read(nr: Nr, rules: str) -> None:
    usage = nr("ask", "--policy", rules, "-m", GPT, "--json", "count my tokens").document["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (120, 45)


@MODELS
@pytest.mark.parametrize(
    ("prompt", "exit", "words"),
    [
        ("call a tool", 3, "asked for a tool"),
        ("too many at once", 75, "rate_limit (HTTP 429): Rate limited, slow down; retry after 7 s"),
        ("who are you", 77, "auth (HTTP 401): invalid x-api-key"),
        ("too busy", 75, "overloaded (HTTP 529): Overloaded"),
        ("words that no fixture knows", 69, "model_not_found (HTTP 404): No fixture matched"),
    ],
    ids=["tool", "rate", "auth", "overload", "missing"],
)
def test_each_way_to_fail_has_its_exit(
    nr: Nr, rules: str, model: str, prompt: str, exit: int, words: str
) -> None:
    done = nr("ask", "--policy", rules, "-m", model, "--no-cache", prompt)
    assert done.exit == exit
    assert words in done.err


def test_an_answer_cut_at_the_limit_is_incomplete(nr: Nr, rules: str) -> None:
    done = nr("ask", "--policy", rules, "-m", GPT, "--no-cache", "write without end")
    assert (done.exit, done.out) == (3, b"once upon a time\n")
    assert "the response is incomplete" in done.err, "this server names no reason"
