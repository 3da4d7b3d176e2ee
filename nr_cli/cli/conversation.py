"""Goes on with a conversation that the history holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.errors import InputError, UsageError
from nr_cli.types.message import Attachment, Message
from nr_cli.types.prompt import Ask, Prompt

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.store.history import HistoryRow

MOST_NAMES = 5  # of files that a notice names
# How an ask ended that left an answer to go on from; one that a person stopped is one of them.
SPOKEN = ("ok", "truncated", "interrupted")


class Exchange(NamedTuple):
    """What was asked with what was answered; `row` is its id in the log, `model` a model's id.

    `bound` names the guards that applied to it.
    """

    question: Message
    answer: str
    model: str | None = None
    row: str | None = None
    bound: frozenset[str] = frozenset()


class Anchor(NamedTuple):
    """What a sticky conversation keeps to: a route's name, None for a pin, with a model's name."""

    route: str | None
    model: str | None


class Past(NamedTuple):
    """A conversation as the history has it, oldest exchange first."""

    id: str
    exchanges: tuple[Exchange, ...]
    system: str | None
    held: Anchor | None


def go_on(
    router: Router,
    ask: Ask,
    last: bool,
    cid: str | None,
    say: Callable[[str], None],
    sticky: bool = False,
) -> Ask:
    """Returns the ask with the turns of the last conversation, or of `cid`, before it.

    The system text of the conversation stays unless the ask has its own. With `sticky` so do the
    route and the model that began it, unless the ask pins one.

    Raises: InputError without such a conversation, UsageError for both flags at once.
    """
    past = recall(router, last, cid, say, ask.prompt.attachments)
    system = past.system if ask.prompt.system is None else ask.prompt.system
    prompt = behind(ask.prompt, past.exchanges)._replace(system=system)
    ask = ask._replace(prompt=prompt, conversation=past.id)
    return stick(router, ask, past.held, say) if sticky and past.held else ask


def recall(
    router: Router,
    last: bool,
    cid: str | None,
    say: Callable[[str], None],
    attached: Sequence[Attachment] = (),
) -> Past:
    """Returns the last conversation, or that of `cid`; `attached` goes along with what follows.

    Raises: InputError without such a conversation, UsageError for both flags at once.
    """
    if last and cid is not None:
        raise UsageError("-c and --cid both name a conversation", "give one of them")
    found = router.history.last_conversation() if last else cid
    rows = router.history.conversation(found) if found else ()
    if not rows:
        raise no_conversation(router, cid)
    tell_left_files(rows, attached, say)
    kept = [row.system for row in rows if not row.prompt_hashed]
    began = next((row for row in rows if row.status in SPOKEN and row.answer), None)
    return Past(
        rows[0].conversation or rows[0].id,
        exchanges_of(rows, say),
        kept[-1] if kept else None,
        Anchor(began.route, began.model) if began else None,
    )


def stick(router: Router, ask: Ask, held: Anchor, say: Callable[[str], None]) -> Ask:
    """Returns the ask held to a route and its model, where it pins none and the route is there."""
    if ask.model is not None or ask.route is not None:
        return ask
    if held.route is None:
        return ask._replace(model=held.model)
    policy = router.policy
    if held.route in policy.names()["routes"] or (held.route == "default" and policy.default):
        return ask._replace(route=held.route, prefer=held.model)
    say(f"nr: --sticky: the policy has no route {held.route} any more, so this is routed anew")
    return ask


def no_conversation(router: Router, cid: str | None) -> InputError:
    """Returns the error for a conversation that is not there, with why the history is silent."""
    what = "-c: there is no conversation yet" if cid is None else f"--cid {cid}: no such one"
    trouble = router.history.trouble
    return InputError(what + (f" ({trouble})" if trouble else ""), "nr log list shows what is kept")


def exchanges_of(rows: Sequence[HistoryRow], say: Callable[[str], None]) -> tuple[Exchange, ...]:
    """Returns the exchanges; one that is no longer whole is left out, and said."""
    spoken = [row for row in rows if row.status in SPOKEN and row.answer]
    whole = [row for row in spoken if not (row.prompt_hashed or row.answer_digest)]
    lost = len(spoken) - len(whole)
    if lost:
        say(f"nr: {lost} of the conversation's turns is kept as a digest alone, and is left out")
    return tuple(
        Exchange(
            Message("user", row.prompt),
            row.answer,
            row.model_id,
            row.id,
            guards_of(decision_of(row)),
        )
        for row in whole
    )


def behind(prompt: Prompt, exchanges: Sequence[Exchange]) -> Prompt:
    """Returns a prompt behind what was said before, bound by the guards that applied to that."""
    bound = frozenset[str]().union(*(exchange.bound for exchange in exchanges))
    return prompt._replace(turns=turns_of(exchanges), bound=bound)


def turns_of(exchanges: Sequence[Exchange]) -> tuple[Message, ...]:
    """Returns the exchanges as a model is sent them."""

    def turns() -> Iterator[Message]:
        for exchange in exchanges:
            yield exchange.question
            yield Message("assistant", exchange.answer)

    return tuple(turns())


def tell_left_files(
    rows: Sequence[HistoryRow], attached: Sequence[Attachment], say: Callable[[str], None]
) -> None:
    """Says which files of earlier turns the model will not see, unless they go along again."""
    again = {file.digest for file in attached}
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
    files = decision_of(row).get("attachments")
    return [
        (str(file.get("name")), str(file.get("sha256")))
        for file in (files if isinstance(files, list) else [])
        if isinstance(file, dict)
    ]


def guards_of(record: Mapping[str, object]) -> frozenset[str]:
    """Returns the names of the guards that applied, by the record of a decision."""
    listed = record.get("guards")
    guards = [
        guard for guard in (listed if isinstance(listed, list) else ()) if isinstance(guard, dict)
    ]
    return frozenset(str(guard.get("name")) for guard in guards if guard.get("result") != "no")


def decision_of(row: HistoryRow) -> Mapping[str, object]:
    """Returns the record of what was decided, empty for a row written without one."""
    import json

    try:
        record = json.loads(row.decision)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
