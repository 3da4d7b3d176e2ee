"""Laws of every codec that speaks to a server: no JSON breaks it, its verdict is one and last."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.errors import FailureKind
from nr_cli.policy.schema import SERVED
from nr_cli.providers.codec import Blame, Malformed, codec_for
from nr_cli.types.events import Finished
from nr_cli.types.steps import Ended

CODECS = pytest.mark.parametrize("kind", sorted(SERVED))
WORDS = (
    "choices", "delta", "message", "content", "text", "thinking", "reasoning", "refusal", "error",
    "code", "type", "detail", "metadata", "raw", "reasons", "loc", "msg", "tool_calls", "function",
    "name", "arguments", "finish_reason", "usage", "prompt_tokens", "completion_tokens",
    "input_tokens", "output_tokens", "prompt_tokens_details", "input_tokens_details", "done",
    "done_reason", "response", "output", "item", "summary", "summary_index", "incomplete_details",
    "reason", "status", "innererror", "content_filter_result", "hate", "filtered",
    "estimated_time", "candidates", "parts", "content_block", "index", "stop_reason",
    "usageMetadata", "promptFeedback",
)  # fmt: skip
TYPES = (
    "response.completed", "response.incomplete", "response.failed", "response.output_text.delta",
    "response.refusal.delta", "response.output_item.done", "error", "message", "output_text",
    "refusal", "reasoning", "function_call", "message_start", "message_delta", "message_stop",
    "content_block_start", "content_block_delta", "content_block_stop", "text_delta", "tool_use",
    "content_filter", "stop", "length",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 600) | st.floats() | st.sampled_from(TYPES)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip
EVENTS = st.lists(
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5)
    | st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(TYPES),
                st.dictionaries(st.sampled_from(WORDS), JSON, max_size=5)),
    max_size=4,
)  # fmt: skip


@CODECS
@given(EVENTS, st.booleans())
@settings(deadline=None, max_examples=50)
def test_no_json_breaks_a_decoder_and_a_verdict_is_one_and_last(
    kind: str, events: list[dict], is_stream: bool
) -> None:
    decoder = codec_for(kind).decoder({})
    lines = [json.dumps(event).encode() for event in events]
    if not is_stream:
        raw = b"\n".join(lines)
    else:
        raw = b"".join(b"data: " + line + b"\n\n" for line in lines)
    deltas = decoder.feed(raw) + decoder.end(Ended())
    verdicts = [delta for delta in deltas if isinstance(delta, Finished | Blame | Malformed)]
    assert verdicts in ([], deltas[-1:])
    assert not any(delta.text == "" for delta in deltas if hasattr(delta, "text"))


@CODECS
@given(JSON, st.sampled_from([200, 400, 401, 403, 404, 412, 413, 422, 429, 500, 503, 599]))
@settings(deadline=None, max_examples=50)
def test_every_error_response_has_a_kind_and_words(kind: str, body: object, status: int) -> None:
    blamed = codec_for(kind).blame(status, {}, json.dumps(body).encode())
    assert isinstance(blamed.kind, FailureKind)
    assert isinstance(blamed.detail, str)
    assert blamed.detail
    assert len(blamed.detail) < 1000
