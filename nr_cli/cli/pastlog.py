"""Opens the log of past asks, finds an ask in it, shows one in a line, for whoever reads it."""

from __future__ import annotations

import os

from nr_cli.cli.figures import format_time
from nr_cli.cli.screen import neutralise
from nr_cli.errors import ExitCode, InputError, NrError
from nr_cli.store.history import History, HistoryRow, history_path
from nr_cli.store.paths import find_paths

PROMPT_WIDTH = 60
MARKS = {"good": "+", "bad": "-"}


def find_file() -> str | None:
    """Returns where the log lies, None where there is no place for one."""
    return history_path(find_paths(os.environ).state)


def open_log() -> History:
    """Returns the log of past asks."""
    return History(find_file())


class Unreadable(NrError):
    """The log is there, but cannot be read: now (75) or at all (1)."""

    code = "no_input"

    def __init__(self, trouble: str) -> None:
        super().__init__(f"log: {trouble}", "nr log path names the file")
        self.exit = ExitCode.TRY_LATER if "locked" in trouble else ExitCode.NO


def find_row(log: History, id: str | None, answered: bool = False) -> HistoryRow:
    """Returns the ask with this id or beginning of one; without one the last, or last answered.

    Raises: InputError when there is none, Unreadable.
    """
    row = log.last(answered) if id is None else log.show(id)
    check(log)
    if row is None and id is None:
        wanted = "answer" if answered else "ask"
        raise InputError(f"log: there is no last {wanted}", "ask something first, or name an id")
    if row is None:
        raise InputError(f"log: no single ask has the id {neutralise(id or '')}", "see nr log list")
    return row


def check(log: History) -> None:
    """Raises: Unreadable if the log could not be read; what is not there is no trouble."""
    if log.trouble:
        raise Unreadable(log.trouble)


def line_of(row: HistoryRow) -> str:
    """Returns an ask in one line: `+` or `-` beside its status where somebody judged it."""
    when = format_time(row.time, "%Y-%m-%d %H:%M")
    prompt = " ".join(row.prompt[: PROMPT_WIDTH * 4].split())
    if len(prompt) > PROMPT_WIDTH:
        prompt = prompt[: PROMPT_WIDTH - 1] + "…"
    mark = MARKS.get(row.rating or "", " ")
    return (
        f"{row.id}  {when}  {row.status:<11}{mark} {row.route or '-':<12}  {row.model or '-':<16}"
        f"  {prompt}"
    )
