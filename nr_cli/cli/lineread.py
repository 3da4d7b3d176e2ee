"""Reads a chat's entries line by line, from a pipe or a plain terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from nr_cli.cli.chatting import QUOTES, is_open
from nr_cli.cli.env import write_all
from nr_cli.cli.intake import MAX_INPUT, decode
from nr_cli.cli.sources import too_large
from nr_cli.errors import ExitCode, InputError

PROMPT, MORE = "> ", ". "


class Entries(Protocol):
    """Where a chat's entries come from."""

    def read(self) -> str | None:
        """Returns the next entry, None at the end. Raises: InputError, KeyboardInterrupt."""
        ...

    def is_blank(self) -> bool:
        """Tells whether nothing stood there when a reading was broken off."""
        ...


class Lines:
    """Entries from stdin, a line each, or a block of lines between triple quotes."""

    def __init__(
        self,
        show: int | None,
        say: Callable[[str], None],
        heeded: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Takes the descriptor of the terminal that shows where to type, what takes warnings.

        Within `heeded` an interrupt breaks a reading off.
        """
        self._show = show
        self._say = say
        self._heeded = heeded
        self._file = open(0, "rb", closefd=False)  # noqa: SIM115 # open as long as the chat

    def read(self) -> str | None:
        """Returns the next entry, None at the end.

        Raises: InputError for more than nr reads, for a block that nothing ends.
        """
        entry = self._line(PROMPT)
        if entry is None:
            return None
        pieces = [entry]
        while is_open("\n".join(pieces)):
            line = self._line(MORE)
            if line is None:
                raise InputError(
                    f"stdin ended within a block, which was not sent (end it with {QUOTES})",
                    exit=ExitCode.BAD_DATA,
                )
            pieces.append(line)
            if sum(map(len, pieces)) > MAX_INPUT:
                raise too_large("stdin", MAX_INPUT)
        return "\n".join(pieces)

    def is_blank(self) -> bool:
        """Tells that nothing stood there: a terminal forgets a line that is broken off."""
        return True

    def _line(self, prompt: str) -> str | None:
        self._mark(prompt)
        try:
            with self._heeded():
                raw = self._file.readline(MAX_INPUT + 1)
        except KeyboardInterrupt:
            self._mark("\n")
            raise
        if not raw:
            self._mark("\n")
            return None
        return decode(raw, "stdin", self._say).removesuffix("\n").removesuffix("\r")

    def _mark(self, text: str) -> None:
        """Shows on the terminal where to type."""
        if self._show is not None:
            with suppress(OSError):  # it is gone, which the next reading finds
                write_all(self._show, text.encode())


def as_text(typed: str, say: Callable[[str], None]) -> str:
    """Returns what a terminal sent as text; bytes that are not UTF-8 are replaced, once warned."""
    return decode(typed.encode("utf-8", "surrogateescape"), "what was typed", say)
