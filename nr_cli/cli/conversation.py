"""Goes on with a conversation that the history holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nr_cli.errors import InputError, UsageError
from nr_cli.types.message import Message
from nr_cli.types.prompt import Ask

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.store.history import HistoryRow

MOST_NAMES = 5  # of files that a notice names
SPOKEN = ("ok", "truncated")  # how an ask ended that left an answer to go on from


def go_on(router: Router, ask: Ask, last: bool, cid: str | None, say: Callable[[str], None]) -> Ask:
    """Returns the ask with the turns of the last conversation, or of `cid`, before it.

    The system text of the conversation stays unless the ask has its own.

    Raises: InputError without such a conversation, UsageError for both flags at once.
    """
    if last and cid is not None:
        raise UsageError("-c and --cid both name a conversation", "give one of them")
    found = router.history.last_conversation() if last else cid
    rows = router.history.conversation(found) if found else ()
    if not rows:
        raise no_conversation(router, cid)
    turns = turns_of(rows, say)
    tell_left_files(rows, ask, say)
    system = ask.prompt.system
    if system is None:
        kept = [row.system for row in rows if not row.prompt_hashed]
        system = kept[-1] if kept else None
    prompt = ask.prompt._replace(turns=turns, system=system)
    return ask._replace(prompt=prompt, conversation=rows[0].conversation)


def no_conversation(router: Router, cid: str | None) -> InputError:
    """Returns the error for a conversation that is not there, with why the history is silent."""
    what = "-c: there is no conversation yet" if cid is None else f"--cid {cid}: no such one"
    trouble = router.history.trouble
    return InputError(what + (f" ({trouble})" if trouble else ""), "nr log list shows what is kept")


def turns_of(rows: Sequence[HistoryRow], say: Callable[[str], None]) -> tuple[Message, ...]:
    """Returns the turns, oldest first; one that is no longer whole is left out, and said."""
    turns: list[Message] = []
    lost = 0
    for row in rows:
        if row.status not in SPOKEN or not row.answer:
            continue
        if row.prompt_hashed or row.answer_digest:
            lost += 1
            continue
        turns += [Message("user", row.prompt), Message("assistant", row.answer)]
    if lost:
        say(f"nr: {lost} of the conversation's turns is kept as a digest alone, and is left out")
    return tuple(turns)


def tell_left_files(rows: Sequence[HistoryRow], ask: Ask, say: Callable[[str], None]) -> None:
    """Says which files of earlier turns the model will not see, unless the ask has them again."""
    again = {file.digest for file in ask.prompt.attachments}
    names = {
        name: None
        for row in rows
        if row.status in SPOKEN
        for name, digest in files_of(row)
        if digest not in again
    }
    if names:
        shown = ", ".join(list(names)[:MOST_NAMES])
        more = f" with {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        say(f"nr: earlier attachments are not sent again: {shown}{more} (add them with -a)")


def files_of(row: HistoryRow) -> list[tuple[str, str]]:
    """Returns the files that went along with an ask: names with hashes."""
    import json

    try:
        record = json.loads(row.decision)
    except (ValueError, RecursionError):
        return []  # a row written without one
    files = record.get("attachments") if isinstance(record, dict) else None
    return [
        (str(file.get("name")), str(file.get("sha256")))
        for file in (files if isinstance(files, list) else [])
        if isinstance(file, dict)
    ]
