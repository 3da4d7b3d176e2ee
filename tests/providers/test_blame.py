"""Every status has its kind, phrases sharpen only what a status leaves open, waits are bounded."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.errors import FailureKind
from nr_cli.providers import openai
from nr_cli.providers.blame import blame_error, retry_after

YEAR = 366 * 86400

STATUSES = {
    400: "bad_request", 401: "auth", 402: "quota", 403: "auth", 404: "model_not_found",
    405: "model_not_found", 408: "timeout", 409: "server", 410: "model_not_found",
    413: "context_length", 415: "unsupported", 422: "bad_request", 425: "timeout",
    429: "rate_limit", 451: "unsupported", 500: "server", 501: "unsupported", 502: "server",
    503: "overloaded", 504: "server", 529: "overloaded", 599: "server",
}  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"null", b"[]", b'"word"', b"{", b"\xff", b'{"error": 1}'],
    ids=["empty", "html", "null", "list", "word", "broken", "not utf-8", "number"],
)
def test_a_status_has_its_kind_whatever_the_body_looks_like(
    status: int, kind: str, body: bytes
) -> None:
    assert openai.blame(status, {}, body).kind == kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": {"code": "context_length_exceeded"}}', "context_length"),
        (400, b'{"error": {"message": "Prompt is too long"}}', "context_length"),
        (403, b'{"error": {"code": "insufficient_quota"}}', "quota"),
        (429, b'{"error": {"message": "You exceeded your current quota"}}', "quota"),
        (500, b'{"error": {"type": "overloaded_error"}}', "overloaded"),
        (401, b'{"error": {"code": "insufficient_quota"}}', "auth"),
        (503, b'{"error": {"code": "invalid_api_key"}}', "overloaded"),
        (402, b'{"error": {"code": "content_filter"}}', "quota"),
    ],
    ids=["code", "message", "403", "429", "500", "401 stays", "503 stays", "402 stays"],
)
def test_a_phrase_sharpens_only_what_the_status_leaves_open(
    status: int, body: bytes, kind: str
) -> None:
    assert openai.blame(status, {}, body).kind == kind


VENDORS_WORDS = {
    "OpenRouter moderation": (
        403,
        {"error": {"code": 403, "message": 'Your input was flagged for "hate"',
                   "metadata": {"reasons": ["hate"], "provider_name": "Some"}}},
        "content_filter",
    ),
    "OpenRouter credits": (402, {"error": {"code": 402, "message": "Insufficient credits"}},
                           "quota"),
    "OpenRouter no key": (401, {"error": {"code": 401, "message": "No auth credentials"}}, "auth"),
    "OpenRouter behind it": (
        429,
        {"error": {"code": 429, "message": "Provider returned error",
                   "metadata": {"provider_name": "Some", "raw": "x is rate limited"}}},
        "rate_limit",
    ),
    "OpenRouter window behind it": (
        400,
        {"error": {"code": 400, "message": "Provider returned error",
                   "metadata": {"raw": '{"message":"maximum context length is 4096"}'}}},
        "context_length",
    ),
    "OpenRouter model": (400, {"error": {"message": "x/y is not a valid model ID"}},
                         "model_not_found"),
    "OpenRouter ability": (
        404, {"error": {"message": "No endpoints found that support image input"}}, "unsupported",
    ),
    "Groq tokens a minute": (
        413,
        {"error": {"message": "Request too large for model `x` on tokens per minute (TPM)",
                   "code": "rate_limit_exceeded"}},
        "context_length",
    ),
    "Groq rate": (429, {"error": {"code": "rate_limit_exceeded"}}, "rate_limit"),
    "Groq retired": (400, {"error": {"code": "model_decommissioned"}}, "model_not_found"),
    "Groq broken JSON": (400, {"error": {"code": "json_validate_failed"}}, "invalid_response"),
    "Groq no schema": (
        400, {"error": {"message": "This model does not support response format `json_schema`"}},
        "unsupported",
    ),
    "Mistral model": (400, {"object": "error", "type": "invalid_model", "code": "1500",
                            "message": "Invalid model: x"}, "model_not_found"),
    "Mistral window": (
        400, {"message": "Prompt contains 9 tokens, too large for model with 8 maximum context"
              " length"}, "context_length",
    ),
    "DeepSeek balance": (402, {"error": {"message": "Insufficient Balance"}}, "quota"),
    "DeepSeek balance in a 400": (400, {"error": {"message": "Insufficient Balance"}}, "quota"),
    "DeepSeek model": (400, {"error": {"message": "Model Not Exist"}}, "model_not_found"),
    "xAI key": (400, {"code": "x", "error": "Incorrect API key provided: xa***"}, "auth"),
    "xAI credits": (403, {"error": "Your team has used all available credits"}, "quota"),
    "xAI new": (403, {"error": "Your newly created team doesn't have any credits yet"}, "quota"),
    "xAI filter": (403, {"error": "Content violates usage guidelines."}, "content_filter"),
    "Hugging Face loading": (
        503, {"error": "Model x is currently loading", "estimated_time": 20.5}, "overloaded",
    ),
    "Hugging Face model": (400, {"error": {"code": "model_not_supported"}}, "model_not_found"),
    "Hugging Face window": (422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 2048"},
                            "context_length"),
    "llama.cpp window": (
        400, {"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 256,
                        "message": "the request exceeds the available context size"}},
        "context_length",
    ),
    "llama.cpp loading": (503, {"error": {"code": 503, "message": "Loading model"}}, "overloaded"),
    "llama.cpp images": (500, {"error": {"message": "image input is not supported - hint: x"}},
                         "unsupported"),
    "vLLM window": (
        400, {"object": "error", "message": "This model's maximum context length is 4096 tokens."},
        "context_length",
    ),
    "vLLM model": (404, {"object": "error", "message": "The model `x` does not exist."},
                   "model_not_found"),
    "LM Studio window": (
        400, {"error": "Trying to keep the first 9 tokens when the number is greater than the"
              " context length"}, "context_length",
    ),
    "GitHub model": (400, {"error": {"code": "unknown_model"}}, "model_not_found"),
    "GitHub window": (413, {"error": {"code": "tokens_limit_reached"}}, "context_length"),
    "Perplexity model": (400, {"error": {"type": "invalid_model", "code": 400}},
                         "model_not_found"),
    "Perplexity turns": (400, {"error": {"type": "invalid_message", "code": 400}}, "bad_request"),
    "Fireworks suspended": (412, {"error": {"message": "suspended: monthly spending limit"}},
                            "quota"),
    "Cerebras queue": (429, {"type": "too_many_requests_error", "code": "queue_exceeded"},
                       "rate_limit"),
    "Together overload": (503, {"error": {"message": "The server is overloaded"}}, "overloaded"),
}  # fmt: skip


@pytest.mark.parametrize("name", VENDORS_WORDS)
def test_what_a_vendor_says_has_its_kind(name: str) -> None:
    status, document, kind = VENDORS_WORDS[name]
    assert openai.blame(status, {}, json.dumps(document).encode()).kind == kind


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (
            {"object": "error", "message": {"detail": [
                {"type": "extra_forbidden", "loc": ["body", "stop", 0], "msg": "Not permitted"}]}},
            "stop.0: Not permitted",
        ),
        ({"detail": [{"loc": ["body"], "msg": "bad"}, {"msg": "worse"}, 7]},
         "the request: bad; the request: worse"),
        ({"detail": "Not Found"}, "Not Found"),
        (
            {"error": {"message": "Provider returned error",
                       "metadata": {"provider_name": "Some", "raw": "it broke"}}},
            "Provider returned error (Some: it broke)",
        ),
        ({"error": {"message": "x", "metadata": {"reasons": ["hate", 1]}}}, "x (hate: 1)"),
        ({"error": {"message": "x", "metadata": []}}, "x"),
        ({"error": {}, "message": "x"}, "no message"),
    ],
    ids=["Mistral", "FastAPI", "plain", "upstream", "reasons", "odd", "empty"],
)  # fmt: skip
def test_the_words_are_found_in_every_shape(document: object, detail: str) -> None:
    assert openai.blame(400, {}, json.dumps(document).encode()).detail == detail


@pytest.mark.parametrize(
    ("said", "seconds"), [(20.5, 20.5), (0, 0.0), (-1, None), ("soon", None), (None, None)]
)
def test_the_time_that_loading_takes_is_a_wait(said: object, seconds: float | None) -> None:
    body = json.dumps({"error": "loading", "estimated_time": said}).encode()
    assert openai.blame(503, {}, body).retry_after == seconds
    assert openai.blame(503, {"retry-after": "3"}, body).retry_after == 3.0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_by_its_target_without_the_query(status: int) -> None:
    blamed = openai.blame(status, {"location": "https://other.example/v1?token=abc"}, b"")
    assert blamed.kind == FailureKind.NETWORK
    assert "https://other.example/v1" in blamed.detail
    assert "abc" not in blamed.detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "slow down"}, "rate_limit"),
        ({"code": "rate_limit_exceeded"}, "rate_limit"),
        ({"type": "overloaded_error"}, "overloaded"),
        ({"code": True}, "server"),
        ("words", "server"),
        (7, "server"),
    ],
    ids=["number", "code", "type", "boolean", "words", "junk"],
)
def test_an_error_inside_a_success_has_a_kind_too(error: object, kind: str) -> None:
    assert blame_error(error).kind == kind


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 2 ", 2.0),
        ("1e999", None),
        ("-0.1", None),
        ("", None),
        ("2 seconds", None),
        ("Mon, 99 Foo 2030 99:99:99 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("Mon, 01 Jan 2999 00:00:00 GMT", None),
    ],
)
def test_a_wait_is_a_finite_time_of_at_most_a_year_or_no_statement(
    header: str, seconds: float | None
) -> None:
    assert retry_after({"retry-after": header}) == seconds


def test_a_date_is_a_wait_from_now() -> None:
    wait = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert wait is not None
    assert 27 < wait < 31


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_header_breaks_the_reading_of_a_wait(seconds: str, milliseconds: str) -> None:
    wait = retry_after({"retry-after": seconds, "retry-after-ms": milliseconds})
    assert wait is None or 0 <= wait <= YEAR
