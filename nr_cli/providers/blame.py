"""Says what kind of failure an HTTP error response is, by status first, by phrase where it pays."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nr_cli.errors import FailureKind
from nr_cli.providers.codec import Blame

BY_STATUS: dict[int, FailureKind] = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.AUTH,
    402: FailureKind.QUOTA,
    403: FailureKind.AUTH,
    404: FailureKind.MODEL_NOT_FOUND,
    405: FailureKind.MODEL_NOT_FOUND,
    408: FailureKind.TIMEOUT,
    409: FailureKind.SERVER,
    410: FailureKind.MODEL_NOT_FOUND,
    413: FailureKind.CONTEXT_LENGTH,
    415: FailureKind.UNSUPPORTED,
    422: FailureKind.BAD_REQUEST,
    425: FailureKind.TIMEOUT,
    429: FailureKind.RATE_LIMIT,
    451: FailureKind.UNSUPPORTED,
    501: FailureKind.UNSUPPORTED,
    503: FailureKind.OVERLOADED,
    529: FailureKind.OVERLOADED,
}

# Phrases of the vendors' error codes and messages, lower case, most telling first.
BY_PHRASE: tuple[tuple[str, FailureKind], ...] = (
    ("insufficient_quota", FailureKind.QUOTA),
    ("exceeded your current quota", FailureKind.QUOTA),
    ("billing", FailureKind.QUOTA),
    ("context_length_exceeded", FailureKind.CONTEXT_LENGTH),
    ("maximum context length", FailureKind.CONTEXT_LENGTH),
    ("exceed_context_size", FailureKind.CONTEXT_LENGTH),
    ("exceeds the available context size", FailureKind.CONTEXT_LENGTH),
    ("prompt is too long", FailureKind.CONTEXT_LENGTH),
    ("content_filter", FailureKind.CONTENT_FILTER),
    ("content_policy_violation", FailureKind.CONTENT_FILTER),
    ("responsibleaipolicyviolation", FailureKind.CONTENT_FILTER),
    ("overloaded_error", FailureKind.OVERLOADED),
    ("rate_limit", FailureKind.RATE_LIMIT),
    ("model_not_found", FailureKind.MODEL_NOT_FOUND),
    ("invalid_api_key", FailureKind.AUTH),
    ("authentication_error", FailureKind.AUTH),
)

LONGEST_WAIT = 366 * 86400.0  # seconds; a server that names more has stated nothing

# A phrase may sharpen only what the status leaves open: a 401 stays a matter of the key.
OPEN_STATUSES = frozenset({200, 400, 403, 404, 413, 422, 429, 500})


def blame_response(status: int, headers: Mapping[str, str], body: bytes) -> Blame:
    """Returns the failure an error response stands for; redirects are refused by name."""
    if 300 <= status < 400:
        target = headers.get("location", "an unnamed place").split("?")[0]
        detail = f"redirected to {target}, which nr never follows (correct base_url)"
        return Blame(FailureKind.NETWORK, detail)
    message, code = server_words(headers, body)
    kind = BY_STATUS.get(status) or (FailureKind.SERVER if status >= 500 else None)
    if kind is None:
        kind = FailureKind.BAD_REQUEST
    if status in OPEN_STATUSES:
        kind = phrase_kind(f"{code} {message}") or kind
    return Blame(kind, message, retry_after(headers))


def blame_error(error: object) -> Blame:
    """Returns the failure of an error object that came inside a successful response."""
    message, code = error_words(error)
    status = error.get("code") if isinstance(error, dict) else None
    kind = phrase_kind(f"{code} {message}")
    if kind is None and isinstance(status, int) and not isinstance(status, bool):
        kind = BY_STATUS.get(status)
    return Blame(kind or FailureKind.SERVER, message)


def phrase_kind(words: str) -> FailureKind | None:
    """Returns the kind that a vendor's phrase names, if one is there."""
    words = words.lower()
    return next((kind for phrase, kind in BY_PHRASE if phrase in words), None)


def server_words(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Returns (message, code) of an error body; an HTML page is named rather than shown."""
    if "html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<":
        return "an HTML page instead of an error message", ""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return body[:300].decode("utf-8", "replace").strip() or "no message", ""
    error = document.get("error", document) if isinstance(document, dict) else document
    return error_words(error)


def error_words(error: object) -> tuple[str, str]:
    """Returns (message, code) of an error object in any of the shapes seen."""
    if isinstance(error, str):
        return error[:300], ""
    if not isinstance(error, dict):
        return "no message", ""
    message = error.get("message") or error.get("detail") or error.get("error")
    codes = (error.get("code"), error.get("type"), error.get("status"))
    code = " ".join(part for part in codes if isinstance(part, str))
    return (message[:300] if isinstance(message, str) else code or "no message"), code


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds a server asks to wait: `retry-after-ms`, seconds, or an HTTP date.

    Anything that is not a finite, non-negative time of at most a year is no statement.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "").strip()
    seconds = _seconds(text)
    if seconds is None and "," in text:
        seconds = _until(text)
    return seconds


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_WAIT else None


def _until(date: str) -> float | None:
    import time
    from email.utils import parsedate_to_datetime

    try:
        seconds = parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if seconds <= LONGEST_WAIT else None
