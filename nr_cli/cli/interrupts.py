"""Lets Ctrl-C break off what can be broken off, nothing else.

Theory. Python raises KeyboardInterrupt wherever the program happens to be. A command that ends by
it may be anywhere; a chat goes on, so it must not be left with half a module imported, half an
entry in the cache or a terminal half set. So an interrupt only leaves a mark, unless the chat is at
a place where waiting is all that it does. An answer looks for the mark between its events; once it
is whole there is nothing left to stop. A second interrupt during the tidying up changes nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nr_cli.cli.answering import Answering, Shape
from nr_cli.cli.env import Outside, signal_behind
from nr_cli.transport.sync import Hands, drive
from nr_cli.types.events import Event, Served
from nr_cli.types.prompt import Ask
from nr_cli.types.record import Record
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from nr_cli.app import Router


class Interrupts:
    """What Ctrl-C does while a person chats."""

    def __init__(self) -> None:
        self._waiting = False
        self._marked = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Takes Ctrl-C over; where it is ignored it stays so."""
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Lets an interrupt break off what stands inside."""
        self._waiting = True
        try:
            yield
        except RuntimeError as error:
            if signal_behind(error) == signal.SIGINT:
                raise KeyboardInterrupt from None
            raise
        finally:
            self._waiting = False

    def forget(self) -> None:
        """Forgets an interrupt that came when there was nothing to stop."""
        self._marked = False

    def look(self) -> None:
        """Raises: KeyboardInterrupt for one that came in the meantime."""
        if self._marked:
            self._marked = False
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: object) -> None:
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt
        self._marked = True


class PatientHands:
    """Hands that an interrupt may break off while they wait."""

    def __init__(self, hands: Hands, interrupts: Interrupts) -> None:
        """Takes the hands that do it."""
        self._hands = hands
        self._interrupts = interrupts

    def do(self, step: Step) -> Reply:
        """Carries out one step. Raises: KeyboardInterrupt."""
        self._interrupts.look()
        with self._interrupts.heeded():
            return self._hands.do(step)

    def finish(self) -> None:
        """Ends whatever is still open."""
        self._hands.finish()


class Stoppable(Answering):
    """An answer that Ctrl-C stops, with all that is around it left in order."""

    def __init__(
        self, outside: Outside, router: Router, ask: Ask, shape: Shape, interrupts: Interrupts
    ) -> None:
        """Takes what every answer takes, with the interrupts that stop it."""
        super().__init__(outside, router, ask, shape)
        self.interrupts = interrupts

    def events(self, flow: Generator[Step | Event, Reply, Record]) -> Iterator[Event]:
        """Yields what happens. Raises: KeyboardInterrupt, before the answer is whole."""
        self.interrupts.forget()
        hands = PatientHands(self.router.hands(self.ask.offline), self.interrupts)
        for event in drive(flow, hands):
            yield event
            if not isinstance(event, Served):
                self.interrupts.look()
