"""What is sent to a chat-completions server, and which kinds of provider there are."""

from __future__ import annotations

import json

import pytest

from nr_cli.errors import UsageError
from nr_cli.providers import openai
from nr_cli.providers.codec import codec_for
from nr_cli.providers.strict import fit
from nr_cli.types.json import Json
from nr_cli.types.message import Attachment, Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

NO_KEY = Credential(None, "none")
KEY = Credential("sk-1", "env")
HERE = "http://127.0.0.1:1/v1"


def sent(
    base_url: str = HERE,
    params: dict[str, Json] | None = None,
    headers: dict[str, str] | None = None,
    credential: Credential = NO_KEY,
    prompt: str = "hi",
) -> HttpCall:
    provider = Provider("p", "openai", base_url, headers=headers or {})
    messages = (Message("system", "s"), Message("user", prompt))
    return openai.encode(
        Request(Model("m", provider, "org/wire"), messages, params or {}, Timeouts()), credential
    )


def turns(*messages: Message) -> HttpCall:
    provider = Provider("p", "openai", HERE)
    return openai.encode(Request(Model("m", provider, "w"), messages, {}, Timeouts()), NO_KEY)


def body(call: HttpCall) -> dict[str, Json]:
    document: dict[str, Json] = json.loads(call.body)
    return document


def test_the_body_is_a_streamed_chat_with_usage_asked_for() -> None:
    assert body(sent(params={"temperature": 0.5})) == {
        "model": "org/wire",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
    }


@pytest.mark.parametrize("base_url", [HERE, HERE + "/"])
def test_the_path_follows_the_base_url(base_url: str) -> None:
    assert sent(base_url).url == HERE + "/chat/completions"


def test_a_key_is_a_bearer_token_and_without_one_there_is_no_header() -> None:
    assert dict(sent(credential=KEY).headers)["authorization"] == "Bearer sk-1"
    assert "authorization" not in dict(sent().headers)


def test_a_header_of_the_policy_is_sent_once_under_its_lower_case_name() -> None:
    names = [name for name, _ in sent(headers={"X-Org": "a", "Accept": "b"}).headers]
    assert names.count("x-org") == names.count("accept") == 1
    assert len(names) == len({name.lower() for name in names})


@pytest.mark.parametrize("name", ["model", "messages", "stream", "stream_options", "n"])
def test_a_parameter_that_nr_sets_itself_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"-o {name}:"):
        sent(params={name: 1})


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        (HERE, "max_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
    ],
    ids=["openai", "another", "look-alike"],
)
def test_the_token_limit_goes_under_the_name_the_server_knows(base_url: str, name: str) -> None:
    found = body(sent(base_url, {"max_tokens": 9})).keys() & {"max_tokens", "max_completion_tokens"}
    assert found == {name}


def test_a_lone_surrogate_in_a_prompt_never_breaks_the_request() -> None:
    messages = body(sent(prompt="a\ud800b"))["messages"]
    assert "a?b" in str(messages) or "a\ufffdb" in str(messages)


def file(medium: str, media_type: str, name: str = "my secret.bin") -> Attachment:
    return Attachment(name, medium, media_type, b"bytes", "d")  # type: ignore[arg-type] # any


@pytest.mark.parametrize(
    ("attached", "part"),
    [
        (
            file("image", "image/png"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,Ynl0ZXM="}},
        ),
        (
            file("audio", "audio/x-wav"),
            {"type": "input_audio", "input_audio": {"data": "Ynl0ZXM=", "format": "wav"}},
        ),
        (
            file("audio", "audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "Ynl0ZXM=", "format": "mp3"}},
        ),
        (
            file("pdf", "application/pdf"),
            {
                "type": "file",
                "file": {
                    "filename": "file.pdf",
                    "file_data": "data:application/pdf;base64,Ynl0ZXM=",
                },
            },
        ),
    ],
    ids=["image", "wav", "mp3", "pdf"],
)
def test_a_file_is_a_part_before_the_text_and_its_name_stays_here(
    attached: Attachment, part: Json
) -> None:
    call = turns(Message("user", "what?", (attached,)))
    assert body(call)["messages"] == [
        {"role": "user", "content": [part, {"type": "text", "text": "what?"}]}
    ]
    assert b"secret" not in call.body


def test_a_file_alone_needs_no_text() -> None:
    messages = body(turns(Message("user", "", (file("image", "image/png"),))))["messages"]
    assert len(messages[0]["content"]) == 1  # type: ignore[index,call-overload,arg-type] # JSON


def test_a_sound_that_the_protocol_cannot_carry_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"a\.ogg: .*audio/ogg"):
        turns(Message("user", "hi", (file("audio", "audio/ogg", "a.ogg"),)))


def test_neighbouring_turns_of_one_role_are_one_and_empty_ones_are_none() -> None:
    call = turns(
        Message("user", "a"), Message("assistant", ""), Message("user", "b"),
        Message("assistant", "c"), Message("user", "d"),
    )  # fmt: skip
    assert body(call)["messages"] == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d"},
    ]


NUMBER: dict[str, Json] = {"type": "integer", "minimum": 0}
PERSON: dict[str, Json] = {
    "type": "object", "properties": {"age": NUMBER}, "required": ["age"],
}  # fmt: skip
CLOSED = {**PERSON, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, CLOSED),
        (PERSON, CLOSED),
        ({"$schema": "x", "title": "t", **PERSON}, {"title": "t", **CLOSED}),
        (
            {**PERSON, "properties": {"age": {"type": "array", "items": PERSON}}},
            {**CLOSED, "properties": {"age": {"type": "array", "items": CLOSED}}},
        ),
        (
            {**PERSON, "properties": {"age": {"anyOf": [PERSON, {"type": "null"}]}}},
            {**CLOSED, "properties": {"age": {"anyOf": [CLOSED, {"type": "null"}]}}},
        ),
        (
            {**PERSON, "properties": {"age": {"$ref": "#/$defs/a"}}, "$defs": {"a": PERSON}},
            {**CLOSED, "properties": {"age": {"$ref": "#/$defs/a"}}, "$defs": {"a": CLOSED}},
        ),
        (
            {**PERSON, "properties": {"age": {"const": None}}},
            {**CLOSED, "properties": {"age": {"const": None}}},
        ),
    ],
    ids=["closed", "open", "notes", "items", "any of", "definitions", "null"],
)
def test_a_schema_that_strict_mode_can_carry_is_closed_and_strict(
    schema: dict[str, Json], closed: dict[str, Json]
) -> None:
    assert fit(schema) == (closed, True)


@pytest.mark.parametrize(
    "schema",
    [
        {**PERSON, "required": []},
        {**PERSON, "additionalProperties": True},
        {**PERSON, "additionalProperties": NUMBER},
        {**PERSON, "properties": {"age": {"type": "object"}}},
        {**PERSON, "properties": {"age": {**PERSON, "required": []}}},
        {**PERSON, "properties": {"age": True}},
        {**PERSON, "properties": {"age": {"oneOf": [NUMBER]}}},
        {**PERSON, "properties": {"age": {"type": "string", "minLength": 2}}},
        {**PERSON, "properties": {"age": {"type": "string", "format": "uri"}}},
        {"type": "array", "items": PERSON},
        {"anyOf": [PERSON]},
        {},
    ],
    ids=["optional", "open", "map", "any object", "deep optional", "true", "one of", "length",
         "format", "array", "any of", "empty"],
)  # fmt: skip
def test_a_schema_that_strict_mode_would_change_is_sent_as_it_is(schema: dict[str, Json]) -> None:
    assert fit(schema) == (schema, False)


def test_a_schema_is_the_response_format() -> None:
    provider = Provider("p", "openai", HERE)
    request = Request(Model("m", provider, "w"), (Message("user", "hi"),), {}, Timeouts(), PERSON)
    assert body(openai.encode(request, NO_KEY))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
    }


@pytest.mark.parametrize(
    "kind",
    ["codec", "framing", "blame", "nobody", "", "../x", "os.path", "chat", "strict", "lines"],
)
def test_what_is_no_protocol_has_no_codec(kind: str) -> None:
    with pytest.raises(LookupError):
        codec_for(kind)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [{"a": float("-inf")}]])
def test_a_number_that_json_lacks_is_refused_rather_than_sent(value: Json) -> None:
    with pytest.raises(UsageError, match="NaN"):
        sent(params={"custom": value})
