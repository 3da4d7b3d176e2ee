"""Chat completions with a schema, Responses, errors: as llama.cpp's own server speaks them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from nr_cli.errors import FailureKind
from nr_cli.providers import openai, openai_responses
from nr_cli.providers.codec import Blame, Codec, Delta
from nr_cli.types.events import Finished, Text
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall
from tests.model.test_embedded import QUESTION, run

pytest.importorskip("xllamacpp", reason="the embedded runtime is not installed")
pytestmark = [pytest.mark.model, pytest.mark.timeout(240)]

CITY: dict[str, Json] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "is_large": {"type": "boolean"}},
    "required": ["city", "is_large"],
}
LOOSE = {**CITY, "required": ["city"]}
KINDS = pytest.mark.parametrize("kind", ["openai", "openai-responses"])
CODECS: dict[str, Codec] = {"openai": openai, "openai-responses": openai_responses}


def asked(
    url: str,
    kind: str,
    *turns: Message,
    schema: dict[str, Json] | None = None,
    quirks: frozenset[str] = frozenset(),
) -> list[Delta]:
    """Sends one request by hand, since this is about the codec alone; returns all its deltas."""
    codec = CODECS[kind]
    provider = Provider("llama", kind, f"{url}/v1", quirks=quirks)
    params: dict[str, Json] = {"temperature": 0, "max_tokens": 60}
    request = Request(Model("m", provider, "smol"), turns, params, Timeouts(), schema)
    call = codec.encode(request, Credential(None, "none"))
    assert isinstance(call, HttpCall)
    sent = urllib.request.Request(call.url, call.body, dict(call.headers), method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=200) as answer:
            decoder = codec.decoder(dict(answer.headers))
            deltas = [delta for chunk in iter(answer.read1, b"") for delta in decoder.feed(chunk)]
            return deltas + decoder.end(Ended())
    except urllib.error.HTTPError as error:
        return [codec.blame(error.code, dict(error.headers), error.read())]


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


@KINDS
def test_the_whole_command_gets_an_answer_with_its_tokens_counted(
    tmp_path: Path, data: Path, llama: str, kind: str
) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f'version: 1\nproviders: {{llama: {{kind: {kind}, base_url: "{llama}/v1"}}}}\n'
        "default: {use: llama/smol}\n"
    )
    done = run(tmp_path, data, "ask", "--policy", str(policy), "--json", "-s", "Be brief.",
               "-o", "temperature", "0", "-o", "max_tokens", "40", QUESTION)  # fmt: skip
    document = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "Tokyo" in document["answer"]
    assert document["finish"] == "stop"
    assert document["usage"]["input_tokens"] > 10
    assert document["usage"]["output_tokens"] > 2


def test_the_whole_command_prints_json_that_the_server_was_held_to(
    tmp_path: Path, data: Path, llama: str
) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f'version: 1\nproviders: {{llama: {{kind: openai, base_url: "{llama}/v1"}}}}\n'
        "models: {smol: {id: llama/smol, caps: [json]}}\ndefault: {use: smol}\n"
    )
    done = run(tmp_path, data, "ask", "--policy", str(policy), "--schema", json.dumps(CITY),
               "-o", "temperature", "0", "-o", "max_tokens", "60", QUESTION)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"city", "is_large"}


@KINDS
def test_a_conversation_is_understood_turn_by_turn(llama: str, kind: str) -> None:
    turns = (
        Message("system", "You are a helpful assistant."),
        Message("user", QUESTION),
        Message("assistant", "The capital of Japan is Tokyo."),
        Message("user", "Say the name of that city again."),
    )
    assert "Tokyo" in text_of(asked(llama, kind, *turns))


@pytest.mark.parametrize("schema", [CITY, LOOSE], ids=["strict", "as it is"])
def test_an_answer_keeps_to_a_schema(llama: str, schema: dict[str, Json]) -> None:
    deltas = asked(llama, "openai", Message("user", QUESTION), schema=schema)
    answer = json.loads(text_of(deltas))
    assert isinstance(answer["city"], str)
    assert set(answer) <= {"city", "is_large"}
    assert isinstance(deltas[-1], Finished)


def test_a_schema_in_words_goes_with_the_mode_for_any_object(llama: str) -> None:
    quirks = frozenset({"no_json_schema", "no_system_role"})
    deltas = asked(llama, "openai", Message("user", QUESTION), schema=CITY, quirks=quirks)
    finished = deltas[-1]
    assert isinstance(finished, Finished)
    if finished.finish == "stop":
        assert isinstance(json.loads(text_of(deltas)), dict)
    else:
        assert text_of(deltas).lstrip().startswith("{")


@KINDS
def test_a_prompt_beyond_the_window_is_blamed_on_the_window(llama: str, kind: str) -> None:
    deltas = asked(llama, kind, Message("user", "word " * 4000))
    assert [type(delta) for delta in deltas] == [Blame]
    assert deltas[0].kind == FailureKind.CONTEXT_LENGTH  # type: ignore[union-attr] # just seen
