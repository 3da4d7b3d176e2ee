"""Words for what failed: one line an attempt, one error for a spent chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nr_cli.errors import Exhausted, FailureKind
from nr_cli.types.events import Failed
from nr_cli.types.record import Attempt

MOST = 3

HINTS: dict[FailureKind, str] = {
    FailureKind.RATE_LIMIT: "try again later, or add another model to the route",
    FailureKind.OVERLOADED: "try again later, or add another model to the route",
    FailureKind.TIMEOUT: "try again later, or raise --timeout",
    FailureKind.QUOTA: "check the account's plan, or add another model to the route",
    FailureKind.SERVER: "try again later, or add another model to the route",
    FailureKind.NETWORK: "check base_url and that the server is running",
    FailureKind.MODEL_NOT_FOUND: "check the model's name and base_url",
    FailureKind.UNSUPPORTED: "choose a model that can do this",
    FailureKind.AUTH: "check the key: its variable is named under providers in the policy",
    FailureKind.BAD_REQUEST: "check -o options and params",
    FailureKind.CONTEXT_LENGTH: "shorten the input, or choose a model with a larger window",
    FailureKind.CONTENT_FILTER: "reword the prompt",
    FailureKind.INVALID_RESPONSE: "check base_url: is this an API address?",
    FailureKind.STREAM_BROKEN: "try again",
}


def exhausted(failures: Sequence[Failed], attempts: Sequence[Attempt]) -> Exhausted:
    """Returns the error of a spent chain: the last failures of three models, then what to do."""
    last = {failed.model.name: failed for failed in failures}
    tried = Counter(attempt.model for attempt in attempts)
    lines = [
        describe(failed) + (f" ({tried[name]} attempts)" if tried[name] > 1 else "")
        for name, failed in list(last.items())[-MOST:]
    ]
    if len(last) > len(lines):
        lines[0] = f"{len(last)} models failed; the last: {lines[0]}"
    error = Exhausted(failures, "\n".join(lines))
    error.hint = HINTS[error.kind]
    error.attempts = tuple(attempts)
    return error


def describe(failed: Failed) -> str:
    """Returns one failure in one line: model, provider, kind, status, the server's words."""
    status = f" (HTTP {failed.status})" if failed.status else ""
    wait = f"; retry after {failed.retry_after:g} s" if failed.retry_after is not None else ""
    detail = " ".join(failed.detail.split())[:300]
    return f"{failed.model.id}: {failed.kind.value}{status}: {detail}{wait}"
