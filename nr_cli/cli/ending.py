"""Names how an ask ended that brought no whole, natural answer."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from nr_cli.cli.env import ClosedOutput, Stopped
from nr_cli.errors import ExitCode, FailureKind, NrError
from nr_cli.types.events import Failed
from nr_cli.types.record import Record

if TYPE_CHECKING:
    from nr_cli.store.history import Status


class Incomplete(NrError):
    """The backend ended the answer, but not naturally."""

    code = "incomplete"
    exit = ExitCode.INCOMPLETE


class Interrupted(NrError):
    """A signal ended the ask; the exit is the shell's number for that."""

    code = "interrupted"

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit = 128 + number


def signal_of(end: BaseException) -> int:
    """Returns the signal by which the process will end for this, 0 for anything else."""
    if isinstance(end, Stopped):
        return end.signal
    if isinstance(end, ClosedOutput):
        return signal.SIGPIPE
    return signal.SIGINT if isinstance(end, KeyboardInterrupt) else 0


def error_of(record: Record, failed: Failed | None) -> NrError | None:
    """Returns why a record is not a whole, natural answer, if it is not."""
    if not record.complete and failed is not None:
        from nr_cli.pipeline.failure import exhausted

        return exhausted([failed], record.attempts)
    if record.finish == "length":
        return Incomplete("the answer was cut at the token limit", "raise it: -o max_tokens N")
    if record.finish == "tool_calls":
        return Incomplete("the model asked for a tool; nr runs none", "ask for text instead")
    return None


def status_of(record: Record) -> Status:
    """Returns the word under which an answered ask is kept in the history."""
    if record.complete:
        return "ok" if record.finish in ("stop", None) else "truncated"
    filtered = record.attempts and record.attempts[-1].kind == FailureKind.CONTENT_FILTER
    return "filtered" if filtered else "truncated"
