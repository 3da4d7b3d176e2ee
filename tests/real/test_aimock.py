"""Anthropic's and Gemini's protocols through the whole command, at a server nobody here wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Nr
from tests.real.conftest import Aimock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ANSWER = "The capital of Japan is Tokyo: 東京, naïve café 🗼."
CLAUDE, GEMINI = "claude/claude-sonnet-4-6", "google/gemini-2.5-flash"
MODELS = pytest.mark.parametrize("model", [CLAUDE, GEMINI], ids=["anthropic", "gemini"])
PATHS = {CLAUDE: "/v1/messages", GEMINI: "/v1beta/models/gemini-2.5-flash"}


@pytest.fixture
def rules(home: Path, aimock: Aimock) -> str:
    """Returns a policy with both protocols at aimock, prices included."""
    path = home / "aimock.yaml"
    path.write_text(
        f"""version: 1
providers:
  claude: {{kind: anthropic, base_url: "{aimock.url}/v1", api_key_env: FS_KEY}}
  google: {{kind: gemini, base_url: "{aimock.url}/v1beta", api_key_env: FS_KEY}}
models:
  sonnet: {{id: {CLAUDE}, caps: [reasoning], price: {{in: 3, out: 15}}}}
  flash: {{id: {GEMINI}, caps: [reasoning], price: {{in: 3, out: 15}}}}
default: {{use: [sonnet, flash]}}
"""
    )
    return str(path)


@MODELS
def test_an_answer_comes_out_byte_for_byte_with_its_thinking_apart(
    nr: Nr, rules: str, model: str
) -> None:
    done = nr("ask", "--policy", rules, "-m", model, "--json", "What is the capital of Japan?")
    assert done.exit == 0, done.err
    assert done.document["answer"] == ANSWER
    assert done.document["reasoning"] == "The user asks for a city."
    assert done.document["finish"] == "stop"
    piped = nr("ask", "--policy", rules, "-m", model, "--no-cache", "the capital of Japan")
    assert (piped.out.decode(), piped.err) == (ANSWER + "\n", "")


@MODELS
def test_the_server_understands_system_text_options_turns(
    nr: Nr, rules: str, model: str, aimock: Aimock
) -> None:
    done = nr(
        "ask", "--policy", rules, "-m", model, "--no-cache", "-s", "be brief", "-o", "max_tokens",
        "77", "-o", "temperature", "0.5", "-o", "stop", "END", "the capital of Japan",
    )  # fmt: skip
    assert done.exit == 0, done.err
    received = aimock.journal(PATHS[model])[-1]["body"]
    assert received["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "the capital of Japan"},
    ]
    assert (received["max_tokens"], received["temperature"]) == (77, 0.5)
    assert received["stream"] is True


@MODELS
def test_counted_tokens_become_their_cost(nr: Nr, rules: str, model: str) -> None:
    alias = "sonnet" if model == CLAUDE else "flash"
    done = nr("ask", "--policy", rules, "-m", alias, "--json", "count my tokens")
    usage = done.document["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (120, 45)
    assert done.document["cost"] == {"usd": pytest.approx(0.001035), "known": True}


@MODELS
@pytest.mark.parametrize(
    ("prompt", "exit", "words"),
    [
        ("write without end", 3, "cut at the token limit"),
        ("call a tool", 3, "asked for a tool"),
        ("too many at once", 75, "rate_limit (HTTP 429): Rate limited, slow down; retry after 7 s"),
        ("who are you", 77, "auth (HTTP 401): invalid x-api-key"),
        ("too busy", 75, "overloaded (HTTP 529): Overloaded"),
        ("words that no fixture knows", 69, "model_not_found (HTTP 404): No fixture matched"),
    ],
    ids=["length", "tool", "rate", "auth", "overload", "missing"],
)
def test_each_way_to_fail_has_its_exit(
    nr: Nr, rules: str, model: str, prompt: str, exit: int, words: str
) -> None:
    done = nr("ask", "--policy", rules, "-m", model, "--no-cache", prompt)
    assert done.exit == exit
    assert words in done.err


def test_a_model_that_fails_hands_over_to_one_that_speaks_another_protocol(
    nr: Nr, rules: str, aimock: Aimock
) -> None:
    done = nr("ask", "--policy", rules, "--no-cache", "--json", "too busy")
    asked = [attempt["provider"] for attempt in done.document["attempts"]]
    assert asked == ["claude", "google"] * 3  # each has a turn before either has another
    assert done.exit == 75


@pytest.mark.parametrize(
    ("model", "option"), [(CLAUDE, "seed"), (GEMINI, "logit_bias")], ids=["anthropic", "gemini"]
)
def test_an_option_that_the_protocol_lacks_is_refused_before_anything_is_sent(
    nr: Nr, rules: str, aimock: Aimock, model: str, option: str
) -> None:
    before = len(aimock.journal())
    done = nr("ask", "--policy", rules, "-m", model, "-o", option, "1", "the capital of Japan")
    assert (done.exit, done.out) == (2, b"")
    assert f"-o {option}: the " in done.err
    assert len(aimock.journal()) == before
