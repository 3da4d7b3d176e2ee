"""Writes the JSON documents of `nr ask`: one for a whole answer, one a line for events."""

from __future__ import annotations

import json

from nr_cli.errors import NrError
from nr_cli.types.decision import Decision
from nr_cli.types.events import (
    Decided,
    Event,
    Failed,
    Finished,
    Held,
    Reasoning,
    Served,
    Started,
    Switched,
    Text,
    ToolCall,
    Waiting,
)
from nr_cli.types.json import Json
from nr_cli.types.policy import Model
from nr_cli.types.record import Attempt, Record, Usage


def dump(document: Json) -> bytes:
    """Returns one line of inert ASCII JSON."""
    return json.dumps(document, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def error_document(error: NrError | None) -> Json:
    """Returns the `error` object of every JSON output."""
    if error is None:
        return None
    return {
        "code": error.code,
        "exit": int(error.exit),
        "message": error.message,
        "hint": error.hint or None,
    }


def usage_document(usage: Usage | None) -> Json:
    """Returns token counts as JSON."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
    }


def attempts_document(attempts: tuple[Attempt, ...]) -> Json:
    """Returns the requests that were made."""
    return [
        {
            "model": attempt.model,
            "provider": attempt.provider,
            "kind": attempt.kind.value if attempt.kind else None,
            "status": attempt.status,
            "wait_s": attempt.wait_s,
            "ms": round(attempt.ms, 1),
        }
        for attempt in attempts
    ]


# Every key of an ask's document, in its order, as it stands where nothing is known.
UNKNOWN: dict[str, Json] = {
    "version": 1,
    "answer": None,
    "reasoning": None,
    "finish": None,
    "route": None,
    "model": None,
    "model_id": None,
    "provider": None,
    "usage": None,
    "cost": {"usd": None, "known": False},
    "cache": {"status": "off", "age_s": None, "key": None},
    "attempts": [],
    "decision": None,
    "overhead_ms": None,
    "error": None,
}


def decided_fields(decision: Decision, model: Model | None) -> dict[str, Json]:
    """Returns what a decision says of an ask, with the model that was or would be asked."""
    return {
        "route": decision.route,
        "model": model.name if model else None,
        "model_id": model.id if model else None,
        "provider": model.provider.name if model else None,
        "decision": decision.record(),
    }


def failure_document(error: NrError, decision: Decision | None, partial: str) -> Json:
    """Returns the document of an ask without a record."""
    known: dict[str, Json] = {}
    if decision is not None:
        known = decided_fields(decision, decision.chain[0] if decision.chain else None)
    return {
        **UNKNOWN,
        **known,
        **cache_fields(error),
        "answer": partial or None,
        "attempts": attempts_document(error.attempts),
        "error": error_document(error),
    }


def cache_fields(error: NrError | None) -> dict[str, Json]:
    """Returns what the cache had to do with an ask that failed, where that is known."""
    if error is None or error.cache is None:
        return {}
    status, key = error.cache
    return {"cache": {"status": status, "age_s": None, "key": key}}


def answer_document(record: Record, error: NrError | None) -> dict[str, Json]:
    """Returns the document of an answered ask, whole or partial."""
    return {
        **UNKNOWN,
        **decided_fields(record.decision, record.model),
        "answer": record.text or None,
        "reasoning": record.reasoning or None,
        **served_fields(record),
        "attempts": attempts_document(record.attempts),
        "overhead_ms": round(record.total_ms - record.waited_ms, 2),
        "error": error_document(error),
    }


def served_fields(record: Record) -> dict[str, Json]:
    """Returns how an answer ended, what it used, what it cost, what the cache had to do with it."""
    return {
        "finish": record.finish,
        "usage": usage_document(record.usage),
        "cost": {"usd": record.spent, "known": record.spent is not None},
        "cache": {
            "status": record.cache,
            "age_s": None if record.cache_age is None else round(record.cache_age, 1),
            "key": record.cache_key,
        },
    }


# Every key of a batch's row, in its order.
ROW_KEYS = ("answer", "model", "route", "usage", "cost", "cache", "finish", "error")


def row_document(
    id: str | int, decision: Decision | None, record: Record | None, error: NrError | None
) -> Json:
    """Returns one row of a batch's output: the document of an ask, the parts that rows keep."""
    known: dict[str, Json] = {**UNKNOWN, **cache_fields(error), "error": error_document(error)}
    if decision is not None:
        model = record.model if record else decision.chain[0] if decision.chain else None
        known |= {"route": decision.route, "model": model.name if model else None}
    if record is not None:
        known |= {"answer": record.text or None, **served_fields(record)}
    return {"id": id, **{key: known[key] for key in ROW_KEYS}}


def event_document(event: Event) -> Json:
    """Returns one event as a JSON object with its name, None for one that is not told."""
    match event:
        case Decided(decision):
            return {"event": "decided", "decision": decision.record()}
        case Started(model):
            return {"event": "started", "model": model.name, "model_id": model.id}
        case Text(text):
            return {"event": "text", "text": text}
        case Held():
            return None
        case Reasoning(text):
            return {"event": "reasoning", "text": text}
        case ToolCall(name, arguments):
            return {"event": "tool_call", "name": name, "arguments": arguments}
        case Failed(model, kind, detail, status, wait):
            return {
                "event": "failed",
                "model": model.name,
                "kind": kind.value,
                "detail": detail,
                "status": status,
                "retry_after": wait,
            }
        case Waiting(seconds, reason):
            return {"event": "waiting", "seconds": seconds, "reason": reason}
        case Switched(failed, to):
            return {"event": "switched", "from": failed.model.name, "to": to.name}
        case Finished(finish, usage):
            return {"event": "finished", "finish": finish, "usage": usage_document(usage)}
        case Served(record):
            return {"event": "served", **_without_answer(record)}


def _without_answer(record: Record) -> dict[str, Json]:
    """Returns the answer's document without the text, which came as events."""
    document = answer_document(record, None)
    skipped = ("answer", "reasoning", "decision", "error", "version")
    return {name: value for name, value in document.items() if name not in skipped}
