"""Turns asks into rows of the history."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.store.history import HistoryRow, Status, new_id

if TYPE_CHECKING:
    from nr_cli.errors import NrError
    from nr_cli.types.decision import Decision
    from nr_cli.types.json import Json
    from nr_cli.types.prompt import Ask
    from nr_cli.types.record import Record


class Ended(NamedTuple):
    """An ask that is over: what came of it, `partial` being the text where there is no record."""

    ask: Ask
    decision: Decision
    record: Record | None
    status: Status
    error: NrError | None
    partial: str


def rows_of(ended: Ended, cwd: str | None) -> list[HistoryRow]:
    """Returns what the history keeps of the opinions before an ask, then of the ask itself."""
    own = ask_row(ended, cwd)
    return [*opinion_rows(ended.decision, cwd), own]


def opinion_rows(decision: Decision, cwd: str | None) -> list[HistoryRow]:
    """Returns what the history keeps of the models that were asked before a decision.

    Their route is named after the part of the policy that has them asked; they belong to no
    conversation. What the cache had, or what never left, is no row.
    """
    rows = []
    for opinion in decision.opinions:
        error, ask, own = opinion.error, opinion.ask, opinion.decision
        sent = opinion.record is not None or bool(error and error.attempts)
        if ask is None or own is None or opinion.is_cached or not sent:
            continue
        status: Status = "error" if error else "ok"
        row = ask_row(Ended(ask, own, opinion.record, status, error, ""), cwd)
        about = opinion.question.about.removeprefix("label.")
        rows.append(row._replace(route=f"classify.{about}", conversation=None, ms=opinion.ms))
    return rows


def ask_row(ended: Ended, cwd: str | None) -> HistoryRow:
    """Returns what the history keeps of an ask."""
    ask, decision, record, status, error, partial = ended
    told = decision.record()
    if decision.redact:
        from nr_cli.features.masking import mask_json, redact

        ask, _ = redact(ask, decision.redact)
        told["facts"], _ = mask_json(told["facts"], decision.redact)
    model = record.model if record else decision.chain[0] if decision.chain else None
    usage = record.usage if record else None
    moment = record.started if record else time.time()
    id = new_id(moment)
    return HistoryRow(
        id=id,
        time=moment,
        prompt=ask.prompt.text,
        system=ask.prompt.system,
        answer=record.text if record else partial,
        route=decision.route,
        model=model.name if model else None,
        model_id=model.id if model else None,
        provider=model.provider.name if model else None,
        status=status,
        exit=int(error.exit) if error else 0,
        error=error.message if error else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cost=record.cost if record else None,
        cache=record.cache if record else "off",
        ms=record.total_ms if record else 0.0,
        decision=json.dumps({**told, **files_record(ask)}),
        cwd=cwd,
        conversation=ask.conversation or (None if ask.prompt.source == "batch" else id),
    )


def files_record(ask: Ask) -> dict[str, Json]:
    """Returns which files went along, as the history keeps them: names with hashes alone."""
    files = ask.prompt.attachments
    if not files:
        return {}
    return {"attachments": [{"name": file.name, "sha256": file.digest} for file in files]}
