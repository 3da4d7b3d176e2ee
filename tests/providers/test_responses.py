"""The Responses codec: what is sent, then whole transcripts with the bytes cut at every place."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers import openai_responses
from nr_cli.providers.codec import Blame, Delta, Malformed, Refusal, codec_for
from nr_cli.types.events import Finished, Reasoning, Text, ToolCall
from nr_cli.types.json import Json
from nr_cli.types.message import Attachment, Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.record import Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

HERE = "http://127.0.0.1:1/v1"
PNG = Attachment("cat.png", "image", "image/png", b"\x89PNG", "d1")
PDF = Attachment("secret name.pdf", "pdf", "application/pdf", b"%PDF", "d2")
WAV = Attachment("a.wav", "audio", "audio/wav", b"RIFF", "d3")
WHOLE: dict[str, Json] = {
    "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
}  # fmt: skip


def sent(
    params: dict[str, Json] | None = None,
    messages: tuple[Message, ...] = (Message("user", "hi"),),
    schema: dict[str, Json] | None = None,
    key: str | None = None,
    quirks: frozenset[str] = frozenset(),
) -> HttpCall:
    provider = Provider("p", "openai-responses", HERE, quirks=quirks)
    request = Request(Model("m", provider, "gpt-5"), messages, params or {}, Timeouts(), schema)
    return openai_responses.encode(request, Credential(key, "env"))


def body(call: HttpCall) -> dict:
    return json.loads(call.body)


def test_the_kind_has_its_codec() -> None:
    assert codec_for("openai-responses") is openai_responses


def test_the_body_is_streamed_and_nothing_is_stored_by_the_vendor() -> None:
    call = sent(messages=(Message("system", "s"), Message("user", "hi")), key="k")
    assert call.url == HERE + "/responses"
    assert dict(call.headers)["authorization"] == "Bearer k"
    assert body(call) == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "hi"}],
        "instructions": "s",
        "stream": True,
        "store": False,
    }


def test_without_a_key_or_a_system_text_neither_is_named() -> None:
    assert "authorization" not in dict(sent().headers)
    assert "instructions" not in body(sent())


@pytest.mark.parametrize(
    ("params", "written"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_output_tokens": 9}),
        ({"reasoning_effort": "low"}, {"reasoning": {"effort": "low"}}),
        ({"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
         {"reasoning": {"effort": "low", "summary": "auto"}}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"temperature": 0.5, "top_p": 0.1}, {"temperature": 0.5, "top_p": 0.1}),
        ({"store": True}, {"store": True}),
    ],
    ids=["limit", "its other name", "effort", "both", "verbosity", "shared", "store"],
)  # fmt: skip
def test_options_go_under_the_names_of_the_protocol(
    params: dict[str, Json], written: dict[str, Json]
) -> None:
    plain = body(sent())
    assert body(sent(params)) == {**plain, **written}


@pytest.mark.parametrize(
    "name",
    ["stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "response_format",
     "model", "messages", "input", "instructions", "stream", "background", "n"],
)  # fmt: skip
def test_an_option_that_the_protocol_lacks_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"-o {name}:"):
        sent({name: 1})


def test_a_setting_that_is_no_object_is_refused() -> None:
    with pytest.raises(UsageError, match="-o reasoning: must be a JSON object"):
        sent({"reasoning": "much"})


def test_files_are_parts_before_the_text_under_no_name_of_their_own() -> None:
    assert body(sent(messages=(Message("user", "what?", (PNG, PDF)),)))["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw=="},
                {"type": "input_file", "filename": "file.pdf",
                 "file_data": "data:application/pdf;base64,JVBERg=="},
                {"type": "input_text", "text": "what?"},
            ],
        }
    ]  # fmt: skip


def test_audio_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"a\.wav: .* no audio"):
        sent(messages=(Message("user", "hi", (WAV,)),))


def test_a_conversation_keeps_its_order() -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert body(sent(messages=turns))["input"] == [
        {"role": "user", "content": "a"},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "b"}],
        },
        {"role": "user", "content": "c"},
    ]


def test_a_schema_is_enforced_strictly_where_strict_mode_can_carry_it() -> None:
    assert body(sent(schema=WHOLE))["text"] == {
        "format": {
            "type": "json_schema",
            "name": "answer",
            "strict": True,
            "schema": {**WHOLE, "additionalProperties": False},
        }
    }
    loose = {key: value for key, value in WHOLE.items() if key != "required"}
    written = body(sent({"verbosity": "low"}, schema=loose))["text"]
    assert written["verbosity"] == "low"
    assert (written["format"]["strict"], written["format"]["schema"]) == (False, loose)


def test_a_server_that_knows_no_schema_is_told_it_in_words() -> None:
    written = body(sent(schema=WHOLE, quirks=frozenset({"no_json_schema"})))
    assert written["text"] == {"format": {"type": "json_object"}}
    assert json.dumps(WHOLE) in written["instructions"]


def event(kind: str, **fields: object) -> bytes:
    document = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {document}\n\n".encode()


def text(delta: str) -> bytes:
    return event("response.output_text.delta", item_id="i", delta=delta)


def ended(status: str = "completed", **fields: object) -> bytes:
    return event(f"response.{status}", response={"status": status, **fields})


USAGE = {"input_tokens": 7, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 3}}
HELLO = event("response.created", response={"status": "in_progress"}) + text("héllo ")
STREAM = HELLO + text("日本") + ended(usage=USAGE)
STOP = Finished("stop", Usage(7, 2, 3))
SAID = {"type": "message", "content": [{"type": "output_text", "text": "whole"}]}
CUT = {"incomplete_details": {"reason": "max_output_tokens"}}

TRANSCRIPTS: dict[str, tuple[bytes, str, object]] = {
    "stream": (STREAM, "héllo 日本", STOP),
    "crlf": (STREAM.replace(b"\n", b"\r\n"), "héllo 日本", STOP),
    "data alone": (STREAM.replace(b"event: ", b": "), "héllo 日本", STOP),
    "another marker after the end": (STREAM + b"data: [DONE]\n\n", "héllo 日本", STOP),
    "last blank line missing": (STREAM.rstrip(b"\n"), "héllo 日本", STOP),
    "unheard-of events": (event("response.new_thing.delta", delta="x") + STREAM, "héllo 日本",
                          STOP),
    "length": (HELLO + ended("incomplete", **CUT), "héllo ", Finished("length", None)),
    "content filter": (
        HELLO + ended("incomplete", incomplete_details={"reason": "content_filter"}), "héllo ",
        Finished("content_filter", None),
    ),
    "incomplete for no reason": (
        HELLO + ended("incomplete"), "héllo ",
        Blame(FailureKind.SERVER, "the response is incomplete (no reason is given)"),
    ),
    "failed": (
        HELLO + ended("failed", error={"code": "server_error", "message": "sorry"}), "héllo ",
        Blame(FailureKind.SERVER, "sorry"),
    ),
    "failed for no reason": (
        ended("failed"), "", Blame(FailureKind.SERVER, "the response ended without an answer"),
    ),
    "rate limited": (
        ended("failed", error={"code": "rate_limit_exceeded", "message": "slow down"}), "",
        Blame(FailureKind.RATE_LIMIT, "slow down"),
    ),
    "error event": (
        HELLO + event("error", code="context_length_exceeded", message="too long") + STREAM,
        "héllo ", Blame(FailureKind.CONTEXT_LENGTH, "too long"),
    ),
    "error event with an object": (
        event("error", error={"type": "overloaded_error", "message": "busy"}), "",
        Blame(FailureKind.OVERLOADED, "busy"),
    ),
    "error without a type": (b'data: {"error": {"message": "bad"}}\n\n', "",
                             Blame(FailureKind.SERVER, "bad")),
    "no usage": (HELLO + ended(), "héllo ", Finished("stop", None)),
    "a usage that makes no sense": (
        HELLO + ended(usage={"input_tokens": -1, "output_tokens": "2"}), "héllo ",
        Finished("stop", None),
    ),
    "text that comes with the end alone": (ended(output=[SAID], usage=USAGE), "whole", STOP),
    "an empty answer": (ended(output=[], usage=USAGE), "", STOP),
    "text that came before is not said twice": (
        text("whole") + ended(output=[SAID], usage=USAGE), "whole", STOP,
    ),
    "a delta that is a number": (
        event("response.output_text.delta", delta=5) + STREAM, "",
        Malformed("content that is not text"),
    ),
    "an emoji in two halves": (
        rb'data: {"type":"response.output_text.delta","delta":"a\ud83d"}' + b"\n\n"
        rb'data: {"type":"response.output_text.delta","delta":"\ude00b"}' + b"\n\n" + ended(),
        "a\U0001f600b", Finished("stop", None),
    ),
    "cut": (HELLO, "héllo ", None),
    "cut inside a frame": (HELLO + b'data: {"type": "resp', "héllo ", None),
    "broken frame": (HELLO + b"data: {nope\n\n" + STREAM, "héllo ",
                     Malformed("a frame of broken JSON in the stream")),
    "no type": (b'data: {"choices": []}\n\n', "",
                Malformed("an event without a type in the stream")),
    "one document": (
        json.dumps({"status": "completed", "output": [SAID], "usage": USAGE}).encode(), "whole",
        STOP,
    ),
    "a document cut short": (
        json.dumps({"status": "incomplete", "output": [SAID], **CUT}).encode(), "whole",
        Finished("length", None),
    ),
    "an error document": (b'{"error": {"code": "model_not_found", "message": "who?"}}', "",
                          Blame(FailureKind.MODEL_NOT_FOUND, "who?")),
    "a document of another protocol": (b'{"choices": []}', "",
                                       Malformed("a response without output")),
    "a list": (b"[1]", "", Malformed("a JSON response that is not an object")),
    "html": (b"<!DOCTYPE html><p>log in</p>", "", Malformed("HTML instead of JSON")),
    "empty": (b"", "", Malformed("an empty response")),
}  # fmt: skip


def decode(chunks: list[bytes]) -> list[Delta]:
    decoder = openai_responses.decoder({})
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    return deltas + decoder.end(Ended())


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


def verdict_of(deltas: list[Delta]) -> Delta | None:
    last = [delta for delta in deltas if isinstance(delta, Finished | Blame | Malformed)]
    assert len(last) <= 1, "one verdict at most"
    return last[-1] if last else None


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_gives_its_text_and_its_verdict_wherever_it_is_cut(name: str) -> None:
    transcript, said, verdict = TRANSCRIPTS[name]
    for place in range(0, len(transcript) + 1, 1 + len(transcript) // 1000):
        deltas = decode([transcript[:place], transcript[place:]])
        assert (text_of(deltas), verdict_of(deltas)) == (said, verdict), place
    deltas = decode([transcript[at : at + 1] for at in range(len(transcript))])
    assert (text_of(deltas), verdict_of(deltas)) == (said, verdict)


@given(st.sampled_from(sorted(TRANSCRIPTS)), st.lists(st.integers(0, 2000), max_size=12))
@settings(deadline=None)
def test_every_chunking_gives_the_same_deltas(name: str, cuts: list[int]) -> None:
    raw = TRANSCRIPTS[name][0]
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    assert decode([raw[start:end] for start, end in pairwise(places)]) == decode([raw])


CALL = {"type": "function_call", "name": "rm", "arguments": "{}"}


@pytest.mark.parametrize(
    ("transcript", "deltas"),
    [
        (event("response.reasoning_summary_text.delta", delta="hm"), [Reasoning("hm")]),
        (event("response.reasoning_text.delta", delta="hm"), [Reasoning("hm")]),
        (event("response.reasoning_summary_part.added", summary_index=1), [Reasoning("\n\n")]),
        (event("response.reasoning_summary_part.added", summary_index=0), []),
        (event("response.refusal.delta", delta="no"), [Refusal("no")]),
        (event("response.output_item.done", item=CALL), [ToolCall("rm", "{}")]),
        (
            json.dumps(
                {"output": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                    {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]},
                    CALL,
                ]}
            ).encode(),
            [ToolCall("rm", "{}"), Reasoning("hm"), Refusal("no"), Finished("stop", None)],
        ),
    ],
    ids=["summary", "reasoning", "next part", "first part", "refusal", "call", "document"],
)  # fmt: skip
def test_thinking_refusals_and_tool_calls_are_deltas_of_their_own(
    transcript: bytes, deltas: list[Delta]
) -> None:
    found = decode([transcript])
    assert found == deltas
    assert [type(delta) for delta in found] == [type(delta) for delta in deltas]


def test_a_refusal_cut_in_the_middle_of_a_character_is_shown_to_its_end() -> None:
    half = rb'data: {"type":"response.refusal.delta","delta":"no\ud83d"}' + b"\n\n"
    deltas = decode([half + ended()])
    assert "".join(d.text for d in deltas if isinstance(d, Refusal)) == "no\ufffd"


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(raw: bytes) -> None:
    verdict_of(decode([raw]))


def test_an_error_response_is_blamed_by_status_and_phrase() -> None:
    words = b'{"error": {"message": "Your input exceeds the context window of this model."}}'
    assert openai_responses.blame(400, {}, words).kind == FailureKind.CONTEXT_LENGTH
    assert openai_responses.blame(401, {}, b"").kind == FailureKind.AUTH
