"""The chat-completions codec: whole transcripts, then the same bytes cut at every place."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind
from nr_cli.providers import openai
from nr_cli.providers.blame import retry_after
from nr_cli.providers.codec import Blame, Delta, Malformed, Refusal
from nr_cli.providers.framing import Frames
from nr_cli.types.events import Finished, Reasoning, Text, ToolCall
from nr_cli.types.record import Usage
from nr_cli.types.steps import Ended


def frame(delta: dict | None = None, finish: str | None = None, **extra: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = json.dumps({"choices": choices, **extra}, ensure_ascii=False)
    return f"data: {body}\n\n".encode()


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
HELLO = frame({"role": "assistant", "content": ""}) + frame({"content": "héllo "})
STREAM = HELLO + frame({"content": "日本"}) + frame({}, "stop") + frame(usage=USAGE) + DONE
STOP = Finished("stop", Usage(7, 2, 3))

TRANSCRIPTS: dict[str, tuple[bytes, str, object]] = {
    "stream": (STREAM, "héllo 日本", STOP),
    "crlf": (STREAM.replace(b"\n", b"\r\n"), "héllo 日本", STOP),
    "cr": (STREAM.replace(b"\n", b"\r"), "héllo 日本", STOP),
    "bom, comments, other fields": (
        b"\xef\xbb\xbf: hi\n\nid: 1\nretry: 5\nx: y\n\n" + STREAM.replace(b"data: ", b"data:"),
        "héllo 日本",
        STOP,
    ),
    "data over two lines": (STREAM.replace(b': [{"', b":\ndata: [{\""), "héllo 日本", STOP),
    "no end marker": (HELLO + frame({}, "stop"), "héllo ", Finished("stop", None)),
    "no finish reason": (HELLO + DONE, "héllo ", Finished(None, None)),
    "last blank line missing": (STREAM.rstrip(b"\n"), "héllo 日本", STOP),
    "line separators are text": (frame({"content": "a\u2028b\u0085c"}, "stop"), "a\u2028b\u0085c",
                                 Finished("stop", None)),
    "cut": (HELLO, "héllo ", None),
    "cut inside a frame": (HELLO + b'data: {"choices": [{"del', "héllo ", None),
    "junk after the end": (STREAM + frame({"content": "EVIL"}), "héllo 日本", STOP),
    "error after text": (
        HELLO + b'data: {"error": {"type": "overloaded_error", "message": "busy"}}\n\n',
        "héllo ",
        Blame(FailureKind.OVERLOADED, "busy"),
    ),
    "broken frame": (
        HELLO + b"data: {nope\n\n" + DONE,
        "héllo ",
        Malformed("a frame of broken JSON in the stream"),
    ),
    "one document": (
        json.dumps(
            {"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}],
             "usage": USAGE}
        ).encode(),
        "whole",
        STOP,
    ),
    "content that is null until it comes": (
        frame({"role": "assistant", "content": None}) + HELLO + frame({}, "stop") + DONE,
        "héllo ",
        Finished("stop", None),
    ),
    "a usage that makes no sense": (
        HELLO + frame({}, "stop", usage={"prompt_tokens": -5, "completion_tokens": "many"}) + DONE,
        "héllo ",
        Finished("stop", None),
    ),
    "an unheard-of finish": (
        HELLO + frame({}, "brand_new") + DONE, "héllo ", Finished(None, None),
    ),
    "finish of another server": (
        HELLO + frame({}, "eos") + DONE, "héllo ", Finished("stop", None),
    ),
    "length of another server": (
        HELLO + frame({}, "model_length") + DONE, "héllo ", Finished("length", None),
    ),
    "a finish that is a failure": (
        HELLO + frame({}, "error") + DONE, "héllo ",
        Blame(FailureKind.SERVER, "the answer ended with 'error'"),
    ),
    "a server out of resources": (
        HELLO + frame({}, "insufficient_system_resource") + DONE, "héllo ",
        Blame(FailureKind.OVERLOADED, "the answer ended with 'insufficient_system_resource'"),
    ),
    "an error inside a choice": (
        b'data: {"choices": [{"error": {"code": 429, "message": "slow down"}}]}\n\n' + DONE, "",
        Blame(FailureKind.RATE_LIMIT, "slow down"),
    ),
    "tokens from a cache that goes by another name": (
        HELLO + frame({}, "stop", usage={"prompt_tokens": 7, "completion_tokens": 2,
                                         "prompt_cache_hit_tokens": 3}) + DONE, "héllo ", STOP,
    ),
    "parts of thinking and text": (
        frame({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                           {"type": "text", "text": "yes"}]}, "stop") + DONE, "yes",
        Finished("stop", None),
    ),
    "an emoji in two halves": (
        rb'data: {"choices":[{"delta":{"content":"a\ud83d"}}]}' + b"\n\n"
        rb'data: {"choices":[{"delta":{"content":"\ude00b"}}]}' + b"\n\n" + DONE,
        "a\U0001f600b",
        Finished(None, None),
    ),
    "half an emoji at the very end": (
        rb'data: {"choices":[{"delta":{"content":"a\ud83d"},"finish_reason":"stop"}]}'
        + b"\n\n" + DONE,
        "a\ufffd",
        Finished("stop", None),
    ),
    "half an emoji at the end of a document": (
        rb'{"choices":[{"message":{"content":"a\ud83d"},"finish_reason":"stop"}]}',
        "a\ufffd",
        Finished("stop", None),
    ),
    "half an emoji in the thinking": (
        rb'data: {"choices":[{"delta":{"reasoning":"a\ud83d"}}]}' + b"\n\n" + HELLO + DONE,
        "héllo ",
        Finished(None, None),
    ),
    "error first": (
        b'data: {"error": {"code": 429, "message": "slow down"}}\n\n' + HELLO + DONE,
        "",
        Blame(FailureKind.RATE_LIMIT, "slow down"),
    ),
    "a document with null content": (
        b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}',
        "",
        Finished("stop", None),
    ),
    "content that is a number": (
        b'{"choices": [{"message": {"content": 12345}}]}', "", Malformed("content that is not text")
    ),
    "an endless nesting": (
        b'{"choices":' + b"[" * 9000, "", Malformed("a response that is not JSON"),
    ),
    "html": (b"<!DOCTYPE html><p>log in</p>", "", Malformed("HTML instead of JSON")),
    "empty": (b"", "", Malformed("an empty response")),
    "no choices": (b'{"choices": []}', "", Malformed("a response without choices")),
    "error document": (
        b'{"error": {"code": "context_length_exceeded", "message": "too long"}}',
        "",
        Blame(FailureKind.CONTEXT_LENGTH, "too long"),
    ),
}  # fmt: skip


def decode(chunks: list[bytes]) -> list[Delta]:
    decoder = openai.decoder({})
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    return deltas + decoder.end(Ended())


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


def verdict_of(deltas: list[Delta]) -> Delta | None:
    last = [delta for delta in deltas if isinstance(delta, Finished | Blame | Malformed)]
    return last[-1] if last else None


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_gives_its_text_and_its_verdict(name: str) -> None:
    transcript, text, verdict = TRANSCRIPTS[name]
    deltas = decode([transcript])
    assert (text_of(deltas), verdict_of(deltas)) == (text, verdict)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_where_the_bytes_are_cut_changes_nothing(name: str) -> None:
    transcript, text, verdict = TRANSCRIPTS[name]
    for place in range(0, len(transcript), 1 + len(transcript) // 2000):
        deltas = decode([transcript[:place], transcript[place:]])
        assert (text_of(deltas), verdict_of(deltas)) == (text, verdict), place
    deltas = decode([transcript[at : at + 1] for at in range(len(transcript))])
    assert (text_of(deltas), verdict_of(deltas)) == (text, verdict)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
@settings(deadline=None)
def test_framing_gives_the_same_events_for_every_chunking(raw: bytes, cuts: list[int]) -> None:
    def events(chunks: list[bytes]) -> list[tuple[str, bytes]]:
        frames = Frames()
        return [tuple(f) for chunk in chunks for f in frames.feed(chunk)] + [
            tuple(f) for f in frames.end()
        ]

    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[start:end] for start, end in pairwise(places)]
    assert events(chunks) == events([raw])


def test_thinking_refusals_and_tool_calls_are_deltas_of_their_own() -> None:
    call = {"index": 0, "function": {"name": "rm", "arguments": "{}"}}
    deltas = decode(
        [
            frame({"reasoning_content": "hm"}),
            frame({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}]}),
            frame({"refusal": "no"}),
            frame({"tool_calls": [call]}),
        ]
    )
    assert deltas == [Reasoning("hm"), Reasoning("hm"), Refusal("no"), ToolCall("rm", "{}")]
    assert [type(delta) for delta in deltas] == [Reasoning, Reasoning, Refusal, ToolCall]


def test_an_emoji_split_over_two_deltas_is_joined() -> None:
    halves = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n'
    deltas = decode([halves % rb"a\ud83d", halves % rb"\ude00b"])
    assert text_of(deltas) == "a\U0001f600b"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"maximum context length is 10"}}', FailureKind.CONTEXT_LENGTH),
        (400, b'{"error":{"code":"content_filter"}}', FailureKind.CONTENT_FILTER),
        (400, b"", FailureKind.BAD_REQUEST),
        (401, b'{"error":{"message":"rate_limit"}}', FailureKind.AUTH),
        (403, b"<html>", FailureKind.AUTH),
        (404, b"{}", FailureKind.MODEL_NOT_FOUND),
        (418, b"", FailureKind.BAD_REQUEST),
        (425, b"", FailureKind.TIMEOUT),
        (429, b'{"error":{"type":"insufficient_quota"}}', FailureKind.QUOTA),
        (429, b"[]", FailureKind.RATE_LIMIT),
        (451, b"", FailureKind.UNSUPPORTED),
        (520, b"", FailureKind.SERVER),
    ],
)
def test_an_error_response_is_blamed_by_status_and_phrase(
    status: int, body: bytes, kind: FailureKind
) -> None:
    assert openai.blame(status, {}, body).kind == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "99999999999999999999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_every_form_and_junk_is_no_statement(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds
