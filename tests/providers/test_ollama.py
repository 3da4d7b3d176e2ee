"""The Ollama codec: what is sent, then whole transcripts with the same bytes cut at every place."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind, UsageError
from nr_cli.providers import ollama
from nr_cli.providers.codec import Blame, Delta, Malformed
from nr_cli.types.events import Finished, Reasoning, Text, ToolCall
from nr_cli.types.json import Json
from nr_cli.types.message import Attachment, Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.record import Usage
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

HERE = "http://127.0.0.1:11434"
NO_KEY = Credential(None, "none")
PNG = Attachment("cat.png", "image", "image/png", b"\x89PNG", "d1")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def sent(
    params: dict[str, Json] | None = None,
    messages: tuple[Message, ...] = (Message("user", "hi"),),
    base_url: str = HERE,
    context: int | None = None,
    max_output: int | None = None,
    tokens: int = 10,
    schema: dict[str, Json] | None = None,
    key: str | None = None,
) -> HttpCall:
    model = Model("m", Provider("ollama", "ollama", base_url), "llama3.2:1b", None, context,
                  max_output)  # fmt: skip
    request = Request(model, messages, params or {}, Timeouts(), schema, tokens)
    return ollama.encode(request, Credential(key, "env") if key else NO_KEY)


def body(call: HttpCall) -> dict:
    return json.loads(call.body)


def test_the_body_is_a_streamed_chat_that_may_not_be_cut() -> None:
    call = sent({"temperature": 0}, (Message("system", "s"), Message("user", "hi")))
    assert call.url == "http://127.0.0.1:11434/api/chat"
    assert body(call) == {
        "model": "llama3.2:1b",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"temperature": 0, "num_ctx": 4096},
    }


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/api", "/api/"])
def test_the_address_carries_no_version_and_one_that_does_is_understood(tail: str) -> None:
    assert sent(base_url=HERE + tail).url == HERE + "/api/chat"


def test_no_key_is_asked_for_and_one_that_is_there_is_a_bearer_token() -> None:
    assert "authorization" not in dict(sent().headers)
    assert dict(sent(key="k").headers)["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({"max_tokens": 9}, {"num_predict": 9}),
        ({"max_completion_tokens": 9}, {"num_predict": 9}),
        ({"stop": "x"}, {"stop": ["x"]}),
        ({"stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4},
         {"temperature": 0.1, "top_p": 0.2, "top_k": 3, "seed": 4}),
        ({"mirostat": 2, "repeat_penalty": 1.1}, {"mirostat": 2, "repeat_penalty": 1.1}),
        ({"options": {"num_gpu": 1}, "min_p": 0.1}, {"num_gpu": 1, "min_p": 0.1}),
        ({"num_ctx": 512}, {"num_ctx": 512}),
    ],
    ids=["limit", "its other name", "one stop", "stops", "shared", "its own", "nested", "window"],
)  # fmt: skip
def test_options_go_under_the_names_of_the_protocol(
    params: dict[str, Json], options: dict[str, Json]
) -> None:
    assert body(sent(params))["options"] == {"num_ctx": 4096, **options}


@pytest.mark.parametrize(
    ("params", "name", "value"),
    [
        ({"think": True}, "think", True),
        ({"reasoning_effort": "none"}, "think", False),
        ({"reasoning_effort": "high"}, "think", "high"),
        ({"reasoning_effort": "minimal"}, "think", "low"),
        ({"keep_alive": "10m"}, "keep_alive", "10m"),
        ({"format": "json"}, "format", "json"),
        ({"truncate": True}, "truncate", True),
    ],
    ids=["think", "no effort", "effort", "least effort", "keep_alive", "format", "truncate"],
)
def test_what_is_no_option_of_the_model_stands_beside_them(
    params: dict[str, Json], name: str, value: Json
) -> None:
    written = body(sent(params))
    assert written[name] == value
    assert written["options"] == {"num_ctx": 4096}


@pytest.mark.parametrize(
    "name", ["logit_bias", "logprobs", "response_format", "user", "model", "messages", "stream"]
)
def test_an_option_that_the_protocol_lacks_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"-o {name}:"):
        sent({name: 1})


def test_an_effort_that_nobody_knows_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="none, minimal, low"):
        sent({"reasoning_effort": "a lot"})


@pytest.mark.parametrize(
    ("tokens", "limit", "context", "max_output", "window"),
    [
        (10, None, None, None, 4096),
        (1600, None, None, None, 4096),
        (1700, None, None, None, 8192),
        (10, 5000, None, None, 8192),
        (10, -1, None, None, 4096),
        (10, None, None, 16_000, 16_384),
        (20_000, None, None, None, 32_768),
        (20_000, None, 30_000, None, 30_000),
        (10, None, 2048, None, 2048),
        (100_000, None, 131_072, None, 131_072),
    ],
    ids=["small", "fits", "just not", "limit", "no limit", "model's limit", "large", "window",
         "small window", "huge"],
)  # fmt: skip
def test_the_window_is_set_to_fit_in_coarse_steps_within_the_model_s_own(
    tokens: int, limit: int | None, context: int | None, max_output: int | None, window: int
) -> None:
    params: dict[str, Json] = {} if limit is None else {"max_tokens": limit}
    call = sent(params, tokens=tokens, context=context, max_output=max_output)
    assert body(call)["options"]["num_ctx"] == window


@given(st.integers(0, 200_000), st.integers(1, 20_000))
def test_the_window_always_holds_input_and_answer(tokens: int, limit: int) -> None:
    window = body(sent({"max_tokens": limit}, tokens=tokens))["options"]["num_ctx"]
    assert max(4096, tokens + limit) <= window <= 4 * (tokens + limit) + 4096


def test_images_are_base64_beside_the_text() -> None:
    written = body(sent(messages=(Message("user", "what?", (PNG,) * 3),)))
    assert written["messages"] == [{"role": "user", "content": "what?", "images": [PNG.base64] * 3}]


@pytest.mark.parametrize(("medium", "word"), [("pdf", "PDF"), ("audio", "audio")])
def test_other_files_are_refused_by_name(medium: str, word: str) -> None:
    file = Attachment("a.bin", medium, "x/y", b"1", "d")  # type: ignore[arg-type] # a parameter
    with pytest.raises(UsageError, match=rf"a\.bin: .* {word}"):
        sent(messages=(Message("user", "hi", (file,)),))


def test_neighbouring_turns_of_one_role_are_one() -> None:
    turns = (Message("user", "a"), Message("user", "b"), Message("assistant", "c"))
    assert body(sent(messages=turns))["messages"] == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c"},
    ]


def test_a_schema_is_the_format() -> None:
    assert body(sent(schema=SCHEMA))["format"] == SCHEMA


def line(message: dict | None = None, **extra: object) -> bytes:
    said = {} if message is None else {"message": {"role": "assistant", **message}}
    event = {"model": "m", **said, "done": False, **extra}
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


HELLO = line({"content": "héllo "})
DONE = line({"content": ""}, done=True, done_reason="stop", prompt_eval_count=7, eval_count=2)
STREAM = HELLO + line({"content": "日本"}) + DONE
STOP = Finished("stop", Usage(7, 2))

TRANSCRIPTS: dict[str, tuple[bytes, str, object]] = {
    "stream": (STREAM, "héllo 日本", STOP),
    "crlf": (STREAM.replace(b"\n", b"\r\n"), "héllo 日本", STOP),
    "blank lines": (b"\n\n" + STREAM.replace(b"\n", b"\n\n"), "héllo 日本", STOP),
    "bom": (b"\xef\xbb\xbf" + STREAM, "héllo 日本", STOP),
    "last line not ended": (STREAM.rstrip(b"\n"), "héllo 日本", STOP),
    "one document": (
        line({"content": "whole"}, done=True, done_reason="stop", prompt_eval_count=7,
             eval_count=2), "whole", STOP,
    ),
    "length": (
        HELLO + line({"content": ""}, done=True, done_reason="length"),
        "héllo ", Finished("length", None),
    ),
    "load": (line({"content": ""}, done=True, done_reason="load"), "", Finished(None, None)),
    "no reason": (HELLO + line({"content": ""}, done=True), "héllo ", Finished(None, None)),
    "an unheard-of reason": (
        HELLO + line({"content": ""}, done=True, done_reason="new"), "héllo ",
        Finished(None, None),
    ),
    "done without a message": (HELLO + line(done=True, done_reason="stop"), "héllo ",
                               Finished("stop", None)),
    "input not counted": (
        HELLO + line({"content": ""}, done=True, done_reason="stop", eval_count=2), "héllo ",
        Finished("stop", None),
    ),
    "a count that makes no sense": (
        HELLO + line({"content": ""}, done=True, done_reason="stop", eval_count=-2,
                     prompt_eval_count="7"), "héllo ", Finished("stop", None),
    ),
    "an empty answer": (DONE, "", STOP),
    "null content": (line({"content": None}) + DONE, "", STOP),
    "content that is a number": (
        line({"content": 5}) + DONE, "", Malformed("content that is not text"),
    ),
    "line separators are text": (line({"content": "a\u2028b\u0085c"}) + DONE, "a\u2028b\u0085c",
                                 STOP),
    "an emoji in two halves": (
        rb'{"message":{"content":"a\ud83d"}}' + b"\n" + rb'{"message":{"content":"\ude00b"}}'
        + b"\n" + DONE, "a\U0001f600b", STOP,
    ),
    "half an emoji at the very end": (
        rb'{"message":{"content":"a\ud83d"}}' + b"\n" + DONE, "a\ufffd", STOP,
    ),
    "cut": (HELLO, "héllo ", None),
    "cut inside a line": (HELLO + b'{"message": {"con', "héllo ", None),
    "junk after the end": (STREAM + line({"content": "EVIL"}) + b"<html>", "héllo 日本", STOP),
    "error first": (
        b'{"error": "model \'x\' not found"}\n', "",
        Blame(FailureKind.MODEL_NOT_FOUND, "model 'x' not found"),
    ),
    "error after text": (
        HELLO + b'{"error": "an unexpected stop of the runner"}\n' + DONE, "héllo ",
        Blame(FailureKind.SERVER, "an unexpected stop of the runner"),
    ),
    "too long": (
        b'{"error": "the input length exceeds the context length"}', "",
        Blame(FailureKind.CONTEXT_LENGTH, "the input length exceeds the context length"),
    ),
    "broken line": (
        HELLO + b"{nope\n" + DONE, "héllo ", Malformed("a line of broken JSON in the stream"),
    ),
    "a list": (b"[1]\n", "", Malformed("a line that is not a JSON object in the stream")),
    "no message": (b'{"model": "m"}\n', "", Malformed("an object without a message in the stream")),
    "another protocol": (
        b'data: {"choices": []}\n\n', "", Malformed("a response that is not JSON"),
    ),
    "an endless nesting": (b"[" * 9000, "", Malformed("a response that is not JSON")),
    "html": (b"<!DOCTYPE html>\n<p>log in</p>", "", Malformed("HTML instead of JSON")),
    "plain words": (b"Ollama is running", "", Malformed("a response that is not JSON")),
    "empty": (b"", "", Malformed("an empty response")),
    "white space": (b"\n \n", "", Malformed("an empty response")),
}  # fmt: skip


def decode(chunks: list[bytes]) -> list[Delta]:
    decoder = ollama.decoder({})
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
    transcript, text, verdict = TRANSCRIPTS[name]
    for place in range(0, len(transcript) + 1, 1 + len(transcript) // 1000):
        deltas = decode([transcript[:place], transcript[place:]])
        assert (text_of(deltas), verdict_of(deltas)) == (text, verdict), place
    deltas = decode([transcript[at : at + 1] for at in range(len(transcript))])
    assert (text_of(deltas), verdict_of(deltas)) == (text, verdict)


@given(st.sampled_from(sorted(TRANSCRIPTS)), st.lists(st.integers(0, 2000), max_size=12))
@settings(deadline=None)
def test_every_chunking_gives_the_same_deltas(name: str, cuts: list[int]) -> None:
    raw = TRANSCRIPTS[name][0]
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    assert decode([raw[start:end] for start, end in pairwise(places)]) == decode([raw])


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(raw: bytes) -> None:
    verdict_of(decode([raw]))


def test_thinking_and_tool_calls_are_deltas_of_their_own() -> None:
    call = {"function": {"name": "rm", "arguments": {"path": "é"}}}
    deltas = decode([line({"content": "", "thinking": "hm"}), line({"tool_calls": [call, 7]})])
    assert deltas == [Reasoning("hm"), ToolCall("rm", '{"path": "é"}')]
    assert [type(delta) for delta in deltas] == [Reasoning, ToolCall]


def test_a_line_without_an_end_is_given_up() -> None:
    deltas = decode([b'{"message": {"content": "'] + [b"a" * (1 << 20)] * 9)
    assert deltas == [Malformed("a line of more than 8 MiB in the stream")]


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (404, "model 'x' not found", "model_not_found"),
        (400, 'model "x" not found, try pulling it first', "model_not_found"),
        (400, "this model does not support images", "unsupported"),
        (400, '"m" does not support thinking', "unsupported"),
        (400, '"m" does not support chat', "unsupported"),
        (400, "the input length exceeds the context length", "context_length"),
        (400, "invalid options: num_ctx", "bad_request"),
        (401, "unauthorized", "auth"),
        (500, "model requires more system memory (9 GiB) than is available", "server"),
        (503, "server busy, please try again", "overloaded"),
    ],
)
def test_an_error_response_is_blamed_by_status_and_phrase(
    status: int, error: str, kind: str
) -> None:
    blamed = ollama.blame(status, {}, json.dumps({"error": error}).encode())
    assert (blamed.kind, blamed.detail) == (kind, error)
