"""The generateContent codec: what it sends, what it makes of transcripts cut at every place."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind, UsageError
from nr_cli.pipeline.cost import cost_of
from nr_cli.providers import gemini
from nr_cli.providers.codec import Blame, Malformed
from nr_cli.types.events import Finished, Text, ToolCall
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Price
from nr_cli.types.record import Usage
from nr_cli.types.request import Credential
from tests.providers.wire import KEY, body_of, decode, file, request, told


def sent(*args, **kwargs) -> dict[str, Json]:
    return body_of(gemini.encode(request("gemini", *args, **kwargs), KEY))


def frame(*parts: object, finish: str | None = None, **extra: object) -> bytes:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    body = json.dumps({"candidates": [candidate], **extra}, ensure_ascii=False)
    return f"data: {body}\r\n\r\n".encode()


def alone(**fields: object) -> bytes:
    return f"data: {json.dumps(fields)}\r\n\r\n".encode()


def said(words: str) -> dict[str, object]:
    return {"text": words}


def thought(words: str) -> dict[str, object]:
    return {"text": words, "thought": True}


COUNTS = {"promptTokenCount": 12, "cachedContentTokenCount": 3, "candidatesTokenCount": 5,
          "thoughtsTokenCount": 4, "totalTokenCount": 21}  # fmt: skip
HELLO = frame(said("héllo "), usageMetadata={"promptTokenCount": 12, "totalTokenCount": 12})
LAST = frame(said("日本🗼"), finish="STOP", usageMetadata=COUNTS)
STREAM = HELLO + LAST
DONE = Finished("stop", Usage(12, 9, 3))


def array(stream: bytes) -> bytes:
    """Returns the events as the JSON array that a server sends which knows no `alt=sse`."""
    pieces = [line.removeprefix(b"data: ") for line in stream.split(b"\r\n\r\n") if line]
    return b"[" + b",\r\n".join(pieces) + b"]"


TRANSCRIPTS: dict[str, tuple[bytes, str, str, object]] = {
    "stream": (STREAM, "héllo 日本🗼", "", DONE),
    "lf": (STREAM.replace(b"\r\n", b"\n"), "héllo 日本🗼", "", DONE),
    "bom and comments": (b"\xef\xbb\xbf: hi\n\n" + STREAM, "héllo 日本🗼", "", DONE),
    "last blank line missing": (STREAM.rstrip(b"\r\n"), "héllo 日本🗼", "", DONE),
    "a gateway's end marker": (STREAM + b"data: [DONE]\n\n", "héllo 日本🗼", "", DONE),
    "an array of pieces": (array(STREAM), "héllo 日本🗼", "", DONE),
    "one document": (LAST.removeprefix(b"data: "), "日本🗼", "", DONE),
    "thinking": (
        frame(thought("hm, ")) + frame(thought("ok"), said("yes"), {"thoughtSignature": "x"})
        + frame(finish="STOP", usageMetadata=COUNTS), "yes", "hm, ok", DONE,
    ),
    "a reason without content": (
        HELLO + alone(candidates=[{"finishReason": "STOP"}], usageMetadata=COUNTS), "héllo ", "",
        DONE,
    ),
    "counts after the reason": (
        HELLO + frame(finish="STOP") + alone(usageMetadata=COUNTS), "héllo ", "", DONE,
    ),
    "parts that are no text": (
        frame({"inlineData": {"mimeType": "image/png", "data": "AAE="}}, {"executableCode": {}},
              said("a"), finish="STOP", usageMetadata=COUNTS), "a", "", DONE,
    ),
    "a second candidate": (
        alone(candidates=[{"content": {"parts": [said("a")]}, "finishReason": "STOP"},
                          {"content": {"parts": [said("EVIL")]}}], usageMetadata=COUNTS),
        "a", "", DONE,
    ),
    "no counts": (frame(said("a"), finish="STOP"), "a", "", Finished("stop", None)),
    "counts that make no sense": (
        frame(said("a"), finish="STOP", usageMetadata={**COUNTS, "promptTokenCount": -1}), "a", "",
        Finished("stop", None),
    ),
    "counts that are no object": (
        frame(said("a"), finish="STOP", usageMetadata=[1]), "a", "", Finished("stop", None),
    ),
    "counts that say nothing was made though text came": (
        frame(said("a"), finish="STOP", usageMetadata={"promptTokenCount": 12}), "a", "",
        Finished("stop", None),
    ),
    "only thoughts up to the limit": (
        frame(finish="MAX_TOKENS", usageMetadata={"promptTokenCount": 12, "thoughtsTokenCount": 4,
                                                  "totalTokenCount": 16}),
        "", "", Finished("length", Usage(12, 4)),
    ),
    "an empty answer": (frame(finish="STOP", usageMetadata=COUNTS), "", "", DONE),
    "no candidates at all": (alone(usageMetadata=COUNTS), "", "", None),
    "cut": (HELLO, "héllo ", "", None),
    "cut inside a frame": (HELLO + b'data: {"candidates": [{"con', "héllo ", "", None),
    "an unfinished array": (array(HELLO), "héllo ", "",
                            Malformed("a response without a finished candidate")),
    "a blocked prompt": (
        alone(promptFeedback={"blockReason": "SAFETY"}, usageMetadata=COUNTS), "", "",
        Blame(FailureKind.CONTENT_FILTER, "the prompt was blocked: SAFETY"),
    ),
    "a blocked prompt as a document": (
        b'{"promptFeedback": {"blockReason": "OTHER"}}', "", "",
        Blame(FailureKind.CONTENT_FILTER, "the prompt was blocked: OTHER"),
    ),
    "feedback that blocks nothing": (
        frame(said("a"), finish="STOP", promptFeedback={"safetyRatings": []},
              usageMetadata=COUNTS), "a", "", DONE,
    ),
    "a spoilt tool call": (
        HELLO + alone(candidates=[{"finishReason": "MALFORMED_FUNCTION_CALL",
                                   "finishMessage": "print(x"}]),
        "héllo ", "",
        Malformed("the model spoilt its answer (MALFORMED_FUNCTION_CALL: print(x)"),
    ),
    "an error after text": (
        HELLO + alone(error={"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}),
        "héllo ", "", Blame(FailureKind.OVERLOADED, "overloaded"),
    ),
    "an error first": (
        alone(error={"code": 500, "message": "Internal", "status": "INTERNAL"}) + STREAM, "", "",
        Blame(FailureKind.SERVER, "Internal"),
    ),
    "an error in an array": (
        b'[{"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}]', "", "",
        Blame(FailureKind.RATE_LIMIT, "slow"),
    ),
    "broken JSON": (HELLO + b"data: {nope\n\n" + STREAM, "héllo ", "",
                    Malformed("a frame of broken JSON in the stream")),
    "a frame that is a list": (HELLO + b"data: []\n\n" + STREAM, "héllo ", "",
                               Malformed("a frame that is not a JSON object in the stream")),
    "another protocol": (b'{"choices": []}', "", "",
                         Malformed("a response without a finished candidate")),
    "an array of words": (b'["a"]', "", "", Malformed("a JSON response that is not an object")),
    "content that is a number": (frame({"text": 5}, finish="STOP"), "", "",
                                 Malformed("content that is not text")),
    "candidates of an odd shape": (
        alone(candidates=["x"]) + alone(candidates={}) + alone(candidates=[{"content": []}])
        + alone(candidates=[{"content": {"parts": ["x", 5]}}]) + LAST, "日本🗼", "", DONE,
    ),
    "an emoji in two halves": (
        HELLO.replace("héllo ".encode(), rb"a\ud83d")
        + LAST.replace("日本🗼".encode(), rb"\ude00b"), "a\U0001f600b", "", DONE,
    ),
    "half an emoji at the very end": (
        LAST.replace("日本🗼".encode(), rb"a\ud83d"), "a\ufffd", "", DONE,
    ),
    "an endless nesting": (b"[" * 9000, "", "", Malformed("a response that is not JSON")),
    "html": (b"<!DOCTYPE html><p>log in</p>", "", "", Malformed("HTML instead of JSON")),
    "empty": (b"", "", "", Malformed("an empty response")),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_transcript_gives_text_thinking_verdict_wherever_it_is_cut(name: str) -> None:
    transcript, *expected = TRANSCRIPTS[name]
    assert told(decode(gemini, [transcript])) == tuple(expected)
    for place in range(0, len(transcript), 1 + len(transcript) // 2000):
        deltas = decode(gemini, [transcript[:place], transcript[place:]])
        assert told(deltas) == tuple(expected), place
    singly = [transcript[at : at + 1] for at in range(len(transcript))]
    assert told(decode(gemini, singly)) == tuple(expected)


@given(st.lists(st.text(max_size=8), max_size=6), st.lists(st.integers(0, 2000), max_size=6))
@settings(deadline=None)
def test_any_text_in_any_pieces_comes_out_whole(words: list[str], cuts: list[int]) -> None:
    raw = b"".join(frame(said(word)) for word in words)
    raw += frame(finish="STOP", usageMetadata=COUNTS)
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    for whole in (raw, array(raw)):
        chunks = [whole[left:right] for left, right in pairwise([*places[:-1], len(whole)])]
        assert told(decode(gemini, chunks)) == ("".join(words), "", DONE)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_break_the_decoder(raw: bytes) -> None:
    decode(gemini, [raw])
    decode(gemini, [HELLO, b"data: ", raw, b"\n\n"])


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"), ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"), ("MODEL_ARMOR", "content_filter"),
        ("OTHER", None), ("LANGUAGE", None),
        ("FINISH_REASON_UNSPECIFIED", None), ("BRAND_NEW", None),
    ],
)  # fmt: skip
def test_each_reason_to_stop_has_its_finish(reason: str, finish: str | None) -> None:
    last = frame(finish=reason, usageMetadata=COUNTS)
    assert told(decode(gemini, [HELLO + last]))[2] == Finished(finish, Usage(12, 9, 3))


@pytest.mark.parametrize(
    "reason",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
     "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE"],
)  # fmt: skip
def test_an_answer_that_the_server_gave_up_on_is_invalid(reason: str) -> None:
    words = f"the model spoilt its answer ({reason})"
    assert told(decode(gemini, [HELLO + frame(finish=reason)]))[2] == Malformed(words)


def test_a_tool_call_is_a_delta_of_its_own() -> None:
    calls = (
        {"functionCall": {"name": "rm", "args": {"path": "/"}}},
        {"functionCall": {"name": "ls"}},
    )
    deltas = decode(gemini, [frame(*calls, finish="STOP", usageMetadata=COUNTS)])
    assert deltas == [ToolCall("rm", '{"path": "/"}'), ToolCall("ls", "{}"), DONE]


@pytest.mark.parametrize(
    ("counts", "dollars"),
    [
        ({"promptTokenCount": 1_000_000, "candidatesTokenCount": 1}, 1.25001),
        ({"promptTokenCount": 1, "candidatesTokenCount": 1_000_000}, 10.00000125),
        (
            {"promptTokenCount": 1_000_000, "cachedContentTokenCount": 400_000,
             "candidatesTokenCount": 1},
            0.6 * 1.25 + 0.4 * 0.31 + 0.00001,
        ),
        ({"promptTokenCount": 1, "candidatesTokenCount": 500_000, "thoughtsTokenCount": 500_000},
         10.00000125),
        ({"promptTokenCount": 1, "toolUsePromptTokenCount": 999_999, "candidatesTokenCount": 1},
         1.25001),
    ],
    ids=["given", "made", "cached", "thoughts", "a tool's words"],
)  # fmt: skip
def test_cached_tokens_that_the_vendor_counts_within_cost_what_it_bills(
    counts: dict[str, int], dollars: float
) -> None:
    price = Price(input=1.25, output=10, cached_input=0.31)
    last = frame(said("a"), finish="STOP", usageMetadata=counts)
    finished = told(decode(gemini, [last]))[2]
    assert isinstance(finished, Finished)
    assert cost_of(finished.usage, price) == pytest.approx(dollars, abs=1e-12)


def test_the_body_holds_turns_with_the_system_text_apart() -> None:
    turns = (
        Message("system", "be brief"),
        Message("user", "a"),
        Message("user", "b"),
        Message("assistant", "c"),
        Message("assistant", ""),
        Message("user", "d"),
    )
    assert sent(turns) == {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
            {"role": "user", "parts": [{"text": "d"}]},
        ],
    }


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ("gemini-2.5-pro", "/models/gemini-2.5-pro"),
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro"),
        ("tunedModels/mine", "/tunedModels/mine"),
        ("odd?key=1#x", "/models/odd%3Fkey%3D1%23x"),
    ],
)
def test_the_model_is_in_the_address_and_the_key_is_not(wire: str, path: str) -> None:
    asked = request("gemini", wire=wire, base_url="http://127.0.0.1:1/v1beta/")
    call = gemini.encode(asked, KEY)
    assert call.url == f"http://127.0.0.1:1/v1beta{path}:streamGenerateContent?alt=sse"
    assert dict(call.headers)["x-goog-api-key"] == "sk-1"
    assert "authorization" not in dict(call.headers)
    assert "x-goog-api-key" not in dict(gemini.encode(asked, Credential(None, "none")).headers)


def test_files_go_before_their_text_as_inline_data() -> None:
    files = (
        file("image", "image/png"),
        file("audio", "audio/wav", b"RIFF"),
        file("pdf", "application/pdf", b"%PDF"),
    )
    assert sent((Message("user", "what?", files),))["contents"] == [
        {
            "role": "user",
            "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "AAE="}},
                {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
                {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
                {"text": "what?"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("params", "config"),
    [
        (
            {"temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 1},
            {"temperature": 0.5, "topP": 0.9, "topK": 40, "seed": 1},
        ),
        ({"max_tokens": 5}, {"maxOutputTokens": 5}),
        ({"max_completion_tokens": 5}, {"maxOutputTokens": 5}),
        ({"stop": "END"}, {"stopSequences": ["END"]}),
        ({"stop": ["A", "B"]}, {"stopSequences": ["A", "B"]}),
        (
            {"presence_penalty": 1, "frequency_penalty": 2},
            {"presencePenalty": 1, "frequencyPenalty": 2},
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"mediaResolution": "LOW"}, {"mediaResolution": "LOW"}),
        ({"topK": 1, "generationConfig": {"topK": 2, "x": 1}}, {"topK": 2, "x": 1}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_an_option_goes_under_the_name_the_protocol_knows(
    params: dict[str, Json], config: dict[str, Json]
) -> None:
    assert sent(params=params)["generationConfig"] == config


def test_the_vendor_s_options_beside_the_configuration_stay_beside_it() -> None:
    settings: Json = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    found = sent(params={"safetySettings": settings, "cachedContent": "c"})
    assert found["safetySettings"] == settings
    assert found["cachedContent"] == "c"
    assert "generationConfig" not in found


@pytest.mark.parametrize(
    ("wire", "effort", "thinking"),
    [
        ("gemini-2.5-pro", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        ("gemini-2.5-flash", "high", {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", "high", {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3.1-flash", "minimal", {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-20-pro", "low", {"thinkingLevel": "low", "includeThoughts": True}),
    ],
)
def test_an_effort_is_a_budget_for_older_models_and_a_word_for_later_ones(
    wire: str, effort: str, thinking: dict[str, Json]
) -> None:
    found = sent(params={"reasoning_effort": effort}, wire=wire)
    assert found["generationConfig"] == {"thinkingConfig": thinking}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"logit_bias": {}}, "-o logit_bias: the gemini protocol has no such option"),
        ({"user": "u"}, "-o user: the gemini protocol has no such option"),
        ({"response_format": {}}, r"-o response_format: .*JSON Schema"),
        ({"model": "x"}, "-o model: nr sets this itself"),
        ({"contents": []}, "-o contents: nr sets this itself"),
        ({"systemInstruction": {}}, "-o systemInstruction: nr sets this itself"),
        ({"stream": False}, "-o stream: nr sets this itself"),
        ({"n": 2}, "-o n: nr sets this itself"),
        ({"candidateCount": 2}, "-o candidateCount: nr sets this itself"),
        ({"reasoning_effort": "max"}, "-o reasoning_effort: must be one of none, minimal"),
        ({"generationConfig": 5}, "-o generationConfig: must be a JSON object"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_option_that_cannot_be_sent_is_refused_by_name(
    params: dict[str, Json], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        sent(params=params)


def test_a_schema_is_enforced_by_the_protocol() -> None:
    schema: dict[str, Json] = {"type": "object", "properties": {"age": {"type": "integer"}}}
    assert sent(schema=schema, params={"temperature": 0})["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
        "temperature": 0,
    }


def test_a_lone_surrogate_in_a_prompt_never_breaks_the_request() -> None:
    assert sent((Message("user", "a\ud800b"),))["contents"][0]["parts"] == [{"text": "a?b"}]


def reason(name: str) -> dict[str, Json]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name}


def exhausted(*quotas: str) -> dict[str, Json]:
    violations: list[Json] = [{"quotaId": quota} for quota in quotas]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}


RETRY: dict[str, Json] = {
    "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s",
}  # fmt: skip
PLAN = "You exceeded your current quota, please check your plan and billing details."
MINUTE = exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
DAY = exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier")

ERRORS: dict[str, tuple[int, str, str, list[Json], str, float | None]] = {
    "bad request": (400, "INVALID_ARGUMENT", "Invalid value", [], "bad_request", None),
    "a wrong key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
                    [reason("API_KEY_INVALID")], "auth", None),
    "a key by its reason alone": (400, "INVALID_ARGUMENT", "no", [reason("API_KEY_INVALID")],
                                  "auth", None),
    "too long": (400, "INVALID_ARGUMENT",
                 "The input token count (9) exceeds the maximum number of tokens allowed (8).", [],
                 "context_length", None),
    "a wrong country": (400, "FAILED_PRECONDITION",
                        "User location is not supported for the API use.", [], "unsupported", None),
    "forbidden": (403, "PERMISSION_DENIED", "denied", [], "auth", None),
    "no such model": (404, "NOT_FOUND", "models/x is not found", [], "model_not_found", None),
    "a minute's limit": (429, "RESOURCE_EXHAUSTED", PLAN, [MINUTE, RETRY], "rate_limit", 34.07),
    "a wait alone": (429, "RESOURCE_EXHAUSTED", PLAN, [RETRY], "rate_limit", 34.07),
    "a day's limit": (429, "RESOURCE_EXHAUSTED", PLAN, [DAY, MINUTE, RETRY], "quota", 34.07),
    "no plan": (429, "RESOURCE_EXHAUSTED", PLAN, [], "quota", None),
    "exhausted": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted", [], "rate_limit", None),
    "internal": (500, "INTERNAL", "Internal error", [], "server", None),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded", [], "overloaded", None),
    "too slow": (504, "DEADLINE_EXCEEDED", "Deadline expired", [], "timeout", None),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_blamed_alike_as_object_array_or_event(name: str) -> None:
    status, code, message, details, kind, wait = ERRORS[name]
    error = {"code": status, "status": code, "message": message, "details": details}
    whole = json.dumps({"error": error}).encode()
    expected = Blame(FailureKind(kind), message, wait)
    assert gemini.blame(status, {}, whole) == expected
    assert gemini.blame(status, {}, b"[" + whole + b"]") == expected
    assert told(decode(gemini, [alone(error=error)]))[2] == expected


def test_a_header_s_wait_wins_over_the_body_s() -> None:
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x", "details": [RETRY]}
    body = json.dumps({"error": error}).encode()
    assert gemini.blame(429, {"retry-after": "7"}, body).retry_after == 7.0


@pytest.mark.parametrize(
    "details",
    [None, 5, "x", {}, [5], [{"retryDelay": 5}], [{"retryDelay": "soon"}],
     [{"retryDelay": "-1s"}], [{"retryDelay": "999999999s"}], [{"violations": 5}],
     [{"violations": [5]}], [{"reason": []}]],
    ids=str,
)  # fmt: skip
def test_details_of_any_shape_break_nothing(details: object) -> None:
    error = {"code": [], "status": {}, "message": "words", "details": details}
    found = gemini.blame(429, {}, json.dumps({"error": error}).encode())
    assert found == Blame(FailureKind.RATE_LIMIT, "words")
    assert told(decode(gemini, [alone(error=error)]))[2] == Blame(FailureKind.SERVER, "words")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"[5]", b"{", b"\xff", b'{"error": 1}', b"[{}]"]
)
@pytest.mark.parametrize(("status", "kind"), [(400, "bad_request"), (504, "server")])
def test_a_status_has_its_kind_whatever_the_body_looks_like(
    status: int, kind: str, body: bytes
) -> None:
    assert gemini.blame(status, {}, body).kind == kind


def test_text_is_passed_on_as_soon_as_its_event_is_whole() -> None:
    assert gemini.decoder({}).feed(HELLO) == [Text("héllo ")]
