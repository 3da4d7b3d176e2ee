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
    ("insufficient balance", FailureKind.QUOTA),  # DeepSeek
    ("insufficient credits", FailureKind.QUOTA),  # OpenRouter
    ("available credits", FailureKind.QUOTA),  # xAI
    ("any credits", FailureKind.QUOTA),  # xAI, a new team
    ("spending limit", FailureKind.QUOTA),  # Fireworks, xAI
    ("included credits", FailureKind.QUOTA),  # Hugging Face
    ("context_length_exceeded", FailureKind.CONTEXT_LENGTH),
    ("maximum context length", FailureKind.CONTEXT_LENGTH),  # vLLM, Mistral, OpenRouter
    ("longer than the maximum model length", FailureKind.CONTEXT_LENGTH),  # vLLM
    ("exceed_context_size", FailureKind.CONTEXT_LENGTH),  # llama.cpp
    ("exceeds the available context size", FailureKind.CONTEXT_LENGTH),
    ("context size has been exceeded", FailureKind.CONTEXT_LENGTH),  # LM Studio
    ("greater than the context length", FailureKind.CONTEXT_LENGTH),  # LM Studio
    ("exceeds the context length", FailureKind.CONTEXT_LENGTH),  # Ollama
    ("exceeds the context window", FailureKind.CONTEXT_LENGTH),  # OpenAI Responses
    ("exceed context window", FailureKind.CONTEXT_LENGTH),  # llama-cpp-python
    ("max_new_tokens` must be", FailureKind.CONTEXT_LENGTH),  # text-generation-inference
    ("tokens_limit_reached", FailureKind.CONTEXT_LENGTH),  # GitHub Models
    # Groq, OpenAI: more tokens than a whole minute allows, so that no waiting helps
    ("request too large for", FailureKind.CONTEXT_LENGTH),
    ("prompt is too long", FailureKind.CONTEXT_LENGTH),
    ("content_filter", FailureKind.CONTENT_FILTER),
    ("content_policy_violation", FailureKind.CONTENT_FILTER),
    ("responsibleaipolicyviolation", FailureKind.CONTENT_FILTER),  # Azure
    ("requires moderation", FailureKind.CONTENT_FILTER),  # OpenRouter
    ("was flagged", FailureKind.CONTENT_FILTER),  # OpenRouter, OpenAI
    ("content violates usage guidelines", FailureKind.CONTENT_FILTER),  # xAI
    ("overloaded_error", FailureKind.OVERLOADED),
    ("is currently loading", FailureKind.OVERLOADED),  # Hugging Face
    ("loading model", FailureKind.OVERLOADED),  # llama.cpp
    ("is currently overloaded", FailureKind.OVERLOADED),
    ("rate_limit", FailureKind.RATE_LIMIT),
    ("rate limit", FailureKind.RATE_LIMIT),
    ("ratelimitreached", FailureKind.RATE_LIMIT),  # GitHub Models, Azure
    ("model_not_found", FailureKind.MODEL_NOT_FOUND),
    ("model_decommissioned", FailureKind.MODEL_NOT_FOUND),  # Groq
    ("model_not_supported", FailureKind.MODEL_NOT_FOUND),  # Hugging Face
    ("invalid_model", FailureKind.MODEL_NOT_FOUND),  # Mistral, Perplexity
    ("unknown_model", FailureKind.MODEL_NOT_FOUND),  # GitHub Models
    ("deploymentnotfound", FailureKind.MODEL_NOT_FOUND),  # Azure
    ("not a valid model id", FailureKind.MODEL_NOT_FOUND),  # OpenRouter
    ("model not exist", FailureKind.MODEL_NOT_FOUND),  # DeepSeek
    ("try pulling it first", FailureKind.MODEL_NOT_FOUND),  # Ollama
    ("does not support image", FailureKind.UNSUPPORTED),  # Ollama, vLLM
    ("does not support response format", FailureKind.UNSUPPORTED),  # Groq
    ("does not support thinking", FailureKind.UNSUPPORTED),  # Ollama
    ("does not support chat", FailureKind.UNSUPPORTED),  # Ollama
    ("endpoints found that support", FailureKind.UNSUPPORTED),  # OpenRouter
    ("image input is not supported", FailureKind.UNSUPPORTED),  # llama.cpp
    ("audio input is not supported", FailureKind.UNSUPPORTED),  # llama.cpp
    ("json_validate_failed", FailureKind.INVALID_RESPONSE),  # Groq: the model's JSON is broken
    ("invalid_api_key", FailureKind.AUTH),
    ("incorrect api key", FailureKind.AUTH),  # xAI, with a 400
    ("authentication_error", FailureKind.AUTH),
)

LONGEST_WAIT = 366 * 86400.0  # seconds; a server that names more has stated nothing

# A phrase may sharpen only what the status leaves open: a 401 stays a matter of the key.
OPEN_STATUSES = frozenset({200, 400, 403, 404, 412, 413, 422, 429, 500})


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
    wait = retry_after(headers)
    return Blame(kind, message, loading_time(body) if wait is None else wait)


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
        return body.decode("utf-8", "replace").strip() or "no message", ""
    error = document.get("error", document) if isinstance(document, dict) else document
    return error_words(error)


def error_words(error: object) -> tuple[str, str]:
    """Returns (message, code) of an error object in any of the shapes seen."""
    if isinstance(error, str):
        return error or "no message", ""
    if not isinstance(error, dict):
        return "no message", ""
    message = error.get("message") or error.get("detail") or error.get("error")
    codes = (error.get("code"), error.get("type"), error.get("status"))
    code = " ".join(part for part in codes if isinstance(part, str))
    words = message if isinstance(message, str) else flaws_of(message) or code
    return words + upstream_of(error.get("metadata")) or "no message", code


def flaws_of(detail: object) -> str:
    """Returns a list of flaws as pydantic writes it, each with its place; else nothing.

    Mistral wraps the list in one more object.
    """
    if isinstance(detail, dict):
        detail = detail.get("detail")
    if not isinstance(detail, list):
        return ""
    flaws = [flaw for flaw in detail if isinstance(flaw, dict) and isinstance(flaw.get("msg"), str)]
    return "; ".join(f"{_place_of(flaw.get('loc'))}: {flaw['msg']}" for flaw in flaws)


def _place_of(location: object) -> str:
    parts = location if isinstance(location, list) else []
    return ".".join(str(part) for part in parts if part != "body") or "the request"


def upstream_of(metadata: object) -> str:
    """Returns what OpenRouter adds of the provider behind it, in brackets, else nothing."""
    if not isinstance(metadata, dict):
        return ""
    name, raw = metadata.get("provider_name"), metadata.get("raw")
    reasons = metadata.get("reasons")
    found = [part for part in (name, raw) if isinstance(part, str) and part]
    found += [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    return f" ({': '.join(found)})" if found else ""


def loading_time(body: bytes) -> float | None:
    """Returns the seconds that Hugging Face says a model still needs to load."""
    if b'"estimated_time"' not in body:
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return _seconds(str(document.get("estimated_time"))) if isinstance(document, dict) else None


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
