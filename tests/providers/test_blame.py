"""Every status has its kind, phrases sharpen only what a status leaves open, waits are bounded."""

from __future__ import annotations

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
