"""The Messages codec: what it sends, what it makes of transcripts cut at every place."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind, UsageError
from nr_cli.pipeline.cost import cost_of
from nr_cli.providers import anthropic
from nr_cli.providers.codec import Blame, Malformed
from nr_cli.types.events import Finished, Text, ToolCall
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Price
from nr_cli.types.record import Usage
from nr_cli.types.request import Credential
from tests.providers.wire import KEY, body_of, decode, file, request, told


def sent(*args, **kwargs) -> dict[str, Json]:
    return body_of(anthropic.encode(request("anthropic", *args, **kwargs), KEY))


def event(name: str, **fields: object) -> bytes:
    body = json.dumps({"type": name, **fields}, ensure_ascii=False)
    return f"event: {name}\ndata: {body}\n\n".encode()


def start(**usage: object) -> bytes:
    return event("message_start", message={"id": "msg_1", "content": [], "usage": usage})


def opened(index: int, **block: object) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def piece(index: int, **delta: object) -> bytes:
    return event("content_block_delta", index=index, delta=delta)


def closed(index: int) -> bytes:
    return event("content_block_stop", index=index)


def text(words: str, index: int = 0) -> bytes:
    return piece(index, type="text_delta", text=words)


def ended(reason: str | None = "end_turn", **usage: object) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage) + STOP


STOP = event("message_stop")
START = start(input_tokens=7, cache_read_input_tokens=3, cache_creation_input_tokens=2,
              output_tokens=1)  # fmt: skip
OPEN = opened(0, type="text", text="")
HELLO = START + OPEN + text("héllo ")
STREAM = HELLO + event("ping") + text("日本🗼") + closed(0) + ended(output_tokens=5)
DONE = Finished("stop", Usage(12, 5, 3, 2))
THINKING = (
    START
    + opened(0, type="thinking", thinking="", signature="")
    + piece(0, type="thinking_delta", thinking="hm, ")
    + piece(0, type="thinking_delta", thinking="ok")
    + piece(0, type="signature_delta", signature="abc")
    + closed(0)
    + opened(1, type="redacted_thinking", data="xyz")
    + closed(1)
    + opened(2, type="text", text="")
    + text("yes", 2)
    + closed(2)
    + ended(output_tokens=5)
)
MESSAGE = {
    "type": "message",
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "whole"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 3,
              "cache_creation_input_tokens": 2},
}  # fmt: skip

TRANSCRIPTS: dict[str, tuple[bytes, str, str, object]] = {
    "stream": (STREAM, "héllo 日本🗼", "", DONE),
    "crlf": (STREAM.replace(b"\n", b"\r\n"), "héllo 日本🗼", "", DONE),
    "bom and comments": (b"\xef\xbb\xbf: hi\n\n" + STREAM, "héllo 日本🗼", "", DONE),
    "without event lines": (
        b"".join(line + b"\n\n" for line in STREAM.split(b"\n") if line.startswith(b"data")),
        "héllo 日本🗼", "", DONE,
    ),
    "last blank line missing": (STREAM.rstrip(b"\n"), "héllo 日本🗼", "", DONE),
    "a gateway's end marker": (STREAM + b"data: [DONE]\n\n", "héllo 日本🗼", "", DONE),
    "junk after the end": (STREAM + text("EVIL"), "héllo 日本🗼", "", DONE),
    "thinking": (THINKING, "yes", "hm, ok", DONE),
    "text in the opening of a block": (
        START + opened(0, type="text", text="a") + text("b") + ended(output_tokens=5),
        "ab", "", DONE,
    ),
    "events nobody knows": (
        START + event("brand_new", x=1) + OPEN + piece(0, type="new_delta") + text("a")
        + opened(1, type="new_block") + closed(1) + ended(output_tokens=5), "a", "", DONE,
    ),
    "counts that come late win": (
        start(input_tokens=1, output_tokens=1) + OPEN + text("a")
        + ended(input_tokens=9, cache_read_input_tokens=4, output_tokens=5),
        "a", "", Finished("stop", Usage(13, 5, 4, 0)),
    ),
    "counts named only at the start are inherited": (
        start(input_tokens=9, output_tokens=5) + OPEN + text("a") + ended(), "a", "",
        Finished("stop", Usage(9, 5)),
    ),
    "counts of null": (
        start(input_tokens=9, cache_read_input_tokens=None) + OPEN + text("a")
        + ended(output_tokens=5, input_tokens=None), "a", "", Finished("stop", Usage(9, 5)),
    ),
    "no counts": (start() + OPEN + text("a") + ended(), "a", "", Finished("stop", None)),
    "counts that make no sense": (
        start(input_tokens=-9) + OPEN + text("a") + ended(output_tokens="many"), "a", "",
        Finished("stop", None),
    ),
    "an empty answer": (START + ended(output_tokens=5), "", "", DONE),
    "an unheard-of reason": (HELLO + ended("brand_new", output_tokens=5), "héllo ", "",
                             Finished(None, Usage(12, 5, 3, 2))),
    "no reason": (HELLO + STOP, "héllo ", "", Finished(None, Usage(12, 1, 3, 2))),
    "cut": (HELLO, "héllo ", "", None),
    "cut after the reason": (STREAM.removesuffix(STOP), "héllo 日本🗼", "", None),
    "cut inside a frame": (HELLO + b'data: {"type": "content_bl', "héllo ", "", None),
    "an error after text": (
        HELLO + event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        "héllo ", "", Blame(FailureKind.OVERLOADED, "Overloaded"),
    ),
    "an error first": (
        event("error", error={"type": "api_error", "message": "Internal server error"}) + STREAM,
        "", "", Blame(FailureKind.SERVER, "Internal server error"),
    ),
    "an error without words": (event("error"), "", "", Blame(FailureKind.SERVER, "error")),
    "broken JSON": (HELLO + b"data: {nope\n\n" + STREAM, "héllo ", "",
                    Malformed("a frame of broken JSON in the stream")),
    "a frame that is a list": (HELLO + b"data: []\n\n" + STREAM, "héllo ", "",
                               Malformed("a frame that is not a JSON object in the stream")),
    "another protocol": (b'data: {"choices": []}\n\n', "", "",
                         Malformed("an event without a type in the stream")),
    "content that is a number": (START + OPEN + piece(0, type="text_delta", text=5), "", "",
                                 Malformed("content that is not text")),
    "an emoji in two halves": (
        START + OPEN + text("a").replace(b'"a"', rb'"a\ud83d"')
        + text("b").replace(b'"b"', rb'"\ude00b"') + ended(output_tokens=5),
        "a\U0001f600b", "", DONE,
    ),
    "half an emoji at the very end": (
        START + OPEN + text("a").replace(b'"a"', rb'"a\ud83d"') + ended(output_tokens=5),
        "a\ufffd", "", DONE,
    ),
    "half an emoji in the thinking": (
        THINKING.replace(b'"ok"', rb'"ok\ud83d"'), "yes", "hm, ok\ufffd", DONE,
    ),
    "one document": (json.dumps(MESSAGE).encode(), "whole", "hm", DONE),
    "a document without content": (b'{"choices": []}', "", "",
                                   Malformed("a response without content")),
    "a document that is a list": (b"[]", "", "",
                                  Malformed("a JSON response that is not an object")),
    "an error document": (
        b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "", "",
        Blame(FailureKind.OVERLOADED, "Overloaded"),
    ),
    "an endless nesting": (b'{"content":' + b"[" * 9000, "", "",
                           Malformed("a response that is not JSON")),
    "html": (b"<!DOCTYPE html><p>log in</p>", "", "", Malformed("HTML instead of JSON")),
    "empty": (b"", "", "", Malformed("an empty response")),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_gives_text_thinking_verdict_wherever_it_is_cut(name: str) -> None:
    transcript, *expected = TRANSCRIPTS[name]
    assert told(decode(anthropic, [transcript])) == tuple(expected)
    for place in range(0, len(transcript), 1 + len(transcript) // 2000):
        deltas = decode(anthropic, [transcript[:place], transcript[place:]])
        assert told(deltas) == tuple(expected), place
    singly = [transcript[at : at + 1] for at in range(len(transcript))]
    assert told(decode(anthropic, singly)) == tuple(expected)


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.integers(0, 2000), max_size=6))
@settings(deadline=None)
def test_any_text_in_any_pieces_comes_out_whole(words: list[str], cuts: list[int]) -> None:
    raw = START + OPEN + b"".join(map(text, words)) + ended(output_tokens=5)
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[left:right] for left, right in pairwise(places)]
    assert told(decode(anthropic, chunks)) == ("".join(words), "", DONE)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_break_the_decoder(raw: bytes) -> None:
    decode(anthropic, [raw])
    decode(anthropic, [HELLO, b"data: ", raw, b"\n\n"])


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("pause_turn", "length"),
        ("tool_use", "tool_calls"), ("refusal", "content_filter"), ("brand_new", None),
    ],
)  # fmt: skip
def test_each_reason_to_stop_has_its_finish(reason: str, finish: str | None) -> None:
    verdict = told(decode(anthropic, [HELLO + ended(reason, output_tokens=5)]))[2]
    assert verdict == Finished(finish, Usage(12, 5, 3, 2))
    document = json.dumps({**MESSAGE, "stop_reason": reason}).encode()
    assert told(decode(anthropic, [document]))[2] == verdict


def test_a_tool_call_is_told_once_it_is_whole_also_between_others() -> None:
    deltas = decode(
        anthropic,
        [
            START
            + opened(0, type="tool_use", id="t", name="rm", input={})
            + opened(1, type="tool_use", id="u", name="ls", input={})
            + piece(0, type="input_json_delta", partial_json='{"path"')
            + piece(0, type="input_json_delta", partial_json=': "/"}')
            + closed(1)
            + closed(0)
            + ended("tool_use", output_tokens=5)
        ],
    )
    assert deltas == [
        ToolCall("ls", "{}"),
        ToolCall("rm", '{"path": "/"}'),
        Finished("tool_calls", Usage(12, 5, 3, 2)),
    ]
    block = {"type": "tool_use", "id": "t", "name": "rm", "input": {"path": "/"}}
    document = json.dumps({**MESSAGE, "content": [block]}).encode()
    assert decode(anthropic, [document])[0] == ToolCall("rm", '{"path": "/"}')


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({"input_tokens": 1_000_000, "output_tokens": 0}, 3.00),
        ({"input_tokens": 0, "output_tokens": 1_000_000}, 15.00),
        ({"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 1_000_000}, 0.30),
        ({"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 1_000_000}, 3.75),
        (
            {"input_tokens": 21, "output_tokens": 393, "cache_read_input_tokens": 188_086,
             "cache_creation_input_tokens": 1_055},
            0.06634005,
        ),
    ],
    ids=["fresh", "made", "read", "written", "all"],
)  # fmt: skip
def test_cached_tokens_that_the_vendor_counts_apart_cost_what_it_bills(
    usage: dict[str, int], dollars: float
) -> None:
    price = Price(input=3, output=15, cached_input=0.3, cache_write=3.75)
    finished = told(decode(anthropic, [start(**usage) + OPEN + text("a") + ended(**usage)]))[2]
    assert isinstance(finished, Finished)
    assert cost_of(finished.usage, price) == pytest.approx(dollars, abs=1e-12)


def test_the_body_is_a_streamed_message_with_the_system_text_apart() -> None:
    turns = (
        Message("system", "be brief"),
        Message("user", "a"),
        Message("assistant", "b"),
        Message("user", "c"),
    )
    assert sent(turns, {"temperature": 0.5}) == {
        "model": "wire",
        "max_tokens": 8192,
        "system": "be brief",
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"},
            {"role": "user", "content": "c"},
        ],
        "stream": True,
        "temperature": 0.5,
    }


def test_neighbouring_turns_of_one_role_become_one_and_empty_ones_go() -> None:
    turns = (
        Message("user", "a"),
        Message("assistant", ""),
        Message("user", "b"),
        Message("system", "late"),
        Message("assistant", "c"),
    )
    found = sent(turns)
    assert found["system"] == "late"
    assert found["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
    ]


def test_a_key_has_its_own_header_and_the_policy_s_headers_win() -> None:
    asked = request("anthropic", headers={"Anthropic-Version": "2030-01-01", "X-Org": "o"})
    call = anthropic.encode(asked, KEY)
    headers = dict(call.headers)
    assert call.url == "http://127.0.0.1:1/v1/messages"
    assert headers["x-api-key"] == "sk-1"
    assert headers["anthropic-version"] == "2030-01-01"
    assert headers["x-org"] == "o"
    assert "authorization" not in headers
    assert len(call.headers) == len(headers)
    assert "x-api-key" not in dict(anthropic.encode(asked, Credential(None, "none")).headers)
    plain = dict(anthropic.encode(request("anthropic"), KEY).headers)
    assert plain["anthropic-version"] == "2023-06-01"


def test_files_go_before_their_text_as_base64() -> None:
    files = (file("image", "image/png"), file("pdf", "application/pdf", b"%PDF"))
    found = sent((Message("user", "what?", files),))
    assert found["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image",
                 "source": {"type": "base64", "media_type": "image/png", "data": "AAE="}},
                {"type": "document",
                 "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
                {"type": "text", "text": "what?"},
            ],
        }
    ]  # fmt: skip
    alone = sent((Message("user", "", files[:1]),))["messages"]
    assert len(alone[0]["content"]) == 1


@pytest.mark.parametrize(
    ("medium", "media_type", "words"),
    [
        ("audio", "audio/wav", "a.bin: the anthropic protocol takes no audio"),
        ("image", "image/tiff", "a.bin: the anthropic protocol takes no image/tiff"),
    ],
)
def test_a_file_that_the_protocol_lacks_is_refused_by_name(
    medium, media_type: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sent((Message("user", "x", (file(medium, media_type),)),))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"top_p": 0.9, "top_k": 40}, {"top_p": 0.9, "top_k": 40}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stop_sequences": ["A", "B"]}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"metadata": {"user_id": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        (
            {"reasoning_effort": "high"},
            {"thinking": {"type": "adaptive", "display": "summarized"},
             "output_config": {"effort": "high"}},
        ),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        (
            {"reasoning_effort": "low", "thinking": {"type": "disabled"}},
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
        ),
        ({"output_config": {"effort": "max"}}, {"output_config": {"effort": "max"}}),
    ],
    ids=lambda value: next(iter(value)),
)  # fmt: skip
def test_an_option_goes_under_the_name_the_protocol_knows(
    params: dict[str, Json], expected: dict[str, Json]
) -> None:
    plain = sent()
    assert sent(params=params) == {**plain, **expected}


@pytest.mark.parametrize(
    ("wire", "params", "limit", "budget"),
    [
        ("claude-sonnet-4-5", {"reasoning_effort": "medium"}, 16_384, 8192),
        ("claude-3-7-sonnet-latest", {"reasoning_effort": "minimal"}, 9216, 1024),
        ("us.anthropic.claude-haiku-4-5-v1", {"reasoning_effort": "low"}, 10_240, 2048),
        ("claude-sonnet-4-5", {"reasoning_effort": "max", "max_tokens": 4096}, 4096, 2048),
    ],
    ids=["medium", "minimal", "a gateway's name", "half of the limit"],
)
def test_models_that_know_no_word_for_effort_get_a_budget_below_the_limit(
    wire: str, params: dict[str, Json], limit: int, budget: int
) -> None:
    found = sent(params=params, wire=wire)
    assert found["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert found["max_tokens"] == limit
    assert "output_config" not in found


@pytest.mark.parametrize(
    ("known", "limit"),
    [
        ({}, 8192),
        ({"max_output": 64_000}, 64_000),
        ({"max_output": 64_000, "context": 200_000}, 64_000),
        ({"max_output": 64_000, "context": 200_000, "input_tokens": 120_000}, 50_000),
        ({"max_output": 64_000, "context": 8000, "input_tokens": 8000}, 1024),
    ],
    ids=["nothing", "its most", "room", "little room", "no room"],
)
def test_the_limit_the_protocol_demands_is_the_most_the_model_can_within_its_window(
    known: dict[str, int], limit: int
) -> None:
    assert sent(**known)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"seed": 1}, "-o seed: the anthropic protocol has no such option"),
        ({"frequency_penalty": 1}, "-o frequency_penalty: the anthropic protocol"),
        ({"presence_penalty": 1}, "-o presence_penalty: the anthropic protocol"),
        ({"logit_bias": {}}, "-o logit_bias: the anthropic protocol"),
        ({"response_format": {}}, r"-o response_format: .*JSON Schema"),
        ({"user": "u"}, r"-o user: .*metadata"),
        ({"model": "x"}, "-o model: nr sets this itself"),
        ({"messages": []}, "-o messages: nr sets this itself"),
        ({"system": "x"}, "-o system: nr sets this itself"),
        ({"stream": False}, "-o stream: nr sets this itself"),
        ({"n": 2}, "-o n: nr sets this itself"),
        ({"reasoning_effort": "heroic"}, "-o reasoning_effort: must be one of none, minimal"),
        ({"reasoning_effort": 5}, "-o reasoning_effort: must be one of none, minimal"),
        ({"output_config": "x"}, "-o output_config: must be a JSON object"),
        ({"reasoning_effort": "low", "max_tokens": 500}, "-o max_tokens: 500 leaves no room"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_option_that_cannot_be_sent_is_refused_by_name(
    params: dict[str, Json], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sent(params=params, wire="claude-sonnet-4-5")


def test_a_schema_is_enforced_by_the_protocol_with_what_it_cannot_keep_told() -> None:
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "description": "in years"},
            "minimum": {"type": "array", "items": {"oneOf": [{"type": "string", "maxLength": 3}]}},
            "when": {"type": "string", "format": "date"},
            "odd": {"type": "string", "format": "wine"},
            "open": {"type": "object"},
            "map": {"type": "object", "additionalProperties": {"type": "number", "maximum": 1}},
        },
        "required": ["age"],
        "$defs": {"x": {"type": "object", "properties": {}, "additionalProperties": True}},
    }
    format = sent(schema=schema)["output_config"]["format"]
    assert format == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "age": {"type": "integer", "description": 'in years\n{"minimum": 0}'},
                "minimum": {
                    "type": "array",
                    "items": {"anyOf": [{"type": "string", "description": '{"maxLength": 3}'}]},
                },
                "when": {"type": "string", "format": "date"},
                "odd": {"type": "string", "description": '{"format": "wine"}'},
                "open": {"type": "object"},
                "map": {
                    "type": "object",
                    "additionalProperties": {"type": "number", "description": '{"maximum": 1}'},
                },
            },
            "required": ["age"],
            "$defs": {"x": {"type": "object", "properties": {}, "additionalProperties": False}},
            "additionalProperties": False,
        },
    }
    both = sent(schema={"type": "string"}, params={"reasoning_effort": "low"})["output_config"]
    assert both == {
        "effort": "low", "format": {"type": "json_schema", "schema": {"type": "string"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "reduced"),
    [
        ({"$schema": "x", "$id": "y", "type": "string"}, {"type": "string"}),
        (
            {"$ref": "#/$defs/a", "description": "b", "$defs": {"a": {"type": "null"}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}},
        ),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a", None]}),
        ({"enum": [[1]]}, {"description": '{"enum": [[1]]}'}),
        ({"const": 5}, {"const": 5}),
        ({"const": {}}, {"description": '{"const": {}}'}),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 1},
            {"type": "array", "items": {"type": "null"}, "minItems": 1},
        ),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": '{"minItems": 2}'}),
        ({"title": "t", "pattern": "^é"}, {"title": "t", "description": '{"pattern": "^é"}'}),
        (
            {"anyOf": [{"type": "null"}], "oneOf": [True]},
            {"anyOf": [{"type": "null"}], "description": '{"oneOf": [true]}'},
        ),
        ({"allOf": [{"minimum": 1}]}, {"allOf": [{"description": '{"minimum": 1}'}]}),
        ({"anyOf": "odd", "items": True}, {"anyOf": "odd", "items": True}),
        ({"format": []}, {"description": '{"format": []}'}),
    ],
    ids=lambda value: next(iter(value)),
)  # fmt: skip
def test_each_keyword_of_a_schema_is_kept_or_told(
    schema: dict[str, Json], reduced: dict[str, Json]
) -> None:
    assert sent(schema=schema)["output_config"]["format"]["schema"] == reduced


def test_a_lone_surrogate_in_a_prompt_never_breaks_the_request() -> None:
    assert sent((Message("user", "a\ud800b"),))["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "invalid_request_error", "max_tokens: Field required", "bad_request"),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum",
         "context_length"),
        (400, "invalid_request_error",
         "input length and `max_tokens` exceed context limit: 1 + 2 > 2", "context_length"),
        (400, "invalid_request_error", "Output blocked by content filtering policy",
         "content_filter"),
        (400, "invalid_request_error", "Your credit balance is too low to access the API", "quota"),
        (400, "invalid_request_error", "You have reached your specified API usage limits.",
         "quota"),
        (401, "authentication_error", "invalid x-api-key", "auth"),
        (401, "authentication_error", "credit balance is too low", "auth"),
        (402, "billing_error", "check your payment details", "quota"),
        (403, "permission_error", "not allowed", "auth"),
        (404, "not_found_error", "model: claude-nine", "model_not_found"),
        (413, "request_too_large", "Request exceeds the maximum size", "context_length"),
        (429, "rate_limit_error", "Number of request tokens has exceeded your limit",
         "rate_limit"),
        (500, "api_error", "Internal server error", "server"),
        (504, "timeout_error", "The request timed out", "timeout"),
        (504, "", "Gateway Time-out", "server"),
        (529, "overloaded_error", "Overloaded", "overloaded"),
    ],
)  # fmt: skip
def test_an_error_response_is_blamed_by_status_and_phrase(
    status: int, code: str, message: str, kind: str
) -> None:
    body = json.dumps({"type": "error", "error": {"type": code, "message": message}}).encode()
    found = anthropic.blame(status, {"retry-after": "7"}, body)
    assert (found.kind, found.detail, found.retry_after) == (kind, message, 7.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b"{", b"\xff", b'{"error": 1}'])
@pytest.mark.parametrize(("status", "kind"), [(400, "bad_request"), (504, "server")])
def test_a_status_has_its_kind_whatever_the_body_looks_like(
    status: int, kind: str, body: bytes
) -> None:
    assert anthropic.blame(status, {}, body).kind == kind


@pytest.mark.parametrize(("code", "kind"), [
    ("invalid_request_error", "bad_request"), ("authentication_error", "auth"),
    ("billing_error", "quota"), ("permission_error", "auth"),
    ("not_found_error", "model_not_found"), ("request_too_large", "context_length"),
    ("rate_limit_error", "rate_limit"), ("timeout_error", "timeout"), ("api_error", "server"),
    ("overloaded_error", "overloaded"), ("brand_new_error", "server"), ([], "server"),
])  # fmt: skip
def test_an_error_event_has_no_status_and_is_blamed_by_its_type(code: object, kind: str) -> None:
    raw = event("error", error={"type": code, "message": "words"})
    assert told(decode(anthropic, [raw]))[2] == Blame(FailureKind(kind), "words")


def test_a_tool_call_without_end_is_given_up() -> None:
    decoder = anthropic.decoder({})
    decoder.feed(START + opened(0, type="tool_use", name="rm", input={}))
    long = piece(0, type="input_json_delta", partial_json="x" * (8_000_000))
    verdicts = [delta for _ in range(10) for delta in decoder.feed(long)]
    assert verdicts == [Malformed("a tool call of more than 64 MiB")]


def test_text_is_passed_on_as_soon_as_its_event_is_whole() -> None:
    decoder = anthropic.decoder({})
    decoder.feed(START + OPEN)
    assert decoder.feed(text("now")) == [Text("now")]
