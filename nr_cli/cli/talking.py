"""Carries a chat on: answers each message, obeys each command."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.cli.answering import Answering, Shape
from nr_cli.cli.chatting import Order, Said, Talk, read_entry
from nr_cli.cli.conversation import SPOKEN, Anchor, Exchange, stick
from nr_cli.cli.ending import status_of
from nr_cli.cli.env import Outside
from nr_cli.cli.interrupts import Interrupts, Stoppable
from nr_cli.cli.lineread import Entries
from nr_cli.cli.obeying import Orders
from nr_cli.cli.report import error_lines
from nr_cli.cli.request import Form
from nr_cli.errors import (
    ExitCode,
    NrError,
    OutputError,
    TooLong,
    UsageError,
)
from nr_cli.types.decision import Decision
from nr_cli.types.message import Message
from nr_cli.types.prompt import Ask, CacheMode, Prompt

if TYPE_CHECKING:
    from nr_cli.app import Router


class Manner(NamedTuple):
    """What stays the same for all messages of a chat.

    `ask` holds the flags that shape each request; `form` makes a message of the user's words.
    With a `person` at the keyboard a failure is told and the chat goes on whatever happens.
    """

    ask: Ask
    form: Form
    shape: Shape
    sticky: bool = False
    person: bool = False
    edited: bool = False


class Talking:
    """One chat while it lasts."""

    def __init__(self, outside: Outside, router: Router, manner: Manner, talk: Talk) -> None:
        """Takes the world, a router, what stays the same, what the chat begins with."""
        self.outside = outside
        self.router = router
        self.manner = manner
        self.talk = talk
        self.interrupts = Interrupts()
        self.decision: Decision | None = None
        self.leaving = False
        self.heard = False

    def run(self, entries: Entries, first: str | None = None) -> int:
        """Answers what is entered until the end; returns the status of the last failure.

        A person leaves with 0: each failure was told when it happened, an interrupt ends no more
        than what it interrupts.

        Raises: UsageError where nothing was entered at all, InputError, OutputError.
        """
        if self.manner.person:
            with self.interrupts.caught():
                self._go_on(entries, first)
            return ExitCode.OK
        status = self._go_on(entries, first)
        if not self.heard:
            hint = "type in a terminal, or give one message a line on stdin"
            raise UsageError("no prompt: stdin is blank", hint)
        return status

    def _go_on(self, entries: Entries, first: str | None) -> int:
        """Answers all that is entered; returns the status of the last failure."""
        status = 0 if first is None else self._heed(Said(first))
        while not self.leaving:
            entry = self._next(entries)
            if entry is None:
                break
            status = self.take(entry) or status
        return status

    def take(self, entry: str) -> int:
        """Answers a message, or obeys a command; returns its status, having told what failed.

        Raises: OutputError where answers cannot be shown, KeyboardInterrupt without a person.
        """
        try:
            said = read_entry(entry)
        except UsageError as error:
            self.heard = True
            return self._tell(error)
        return 0 if said is None else self._heed(said)

    def await_file(self, path: str) -> None:
        """Puts a text file, or the text at a URL, into the next message.

        Raises: InputError, TooSlow.
        """
        from nr_cli.cli.intake import fence, read_text
        from nr_cli.cli.sources import name_of, until

        content = read_text(path, self.outside.environ, until(self.manner.ask.timeout))
        block = fence(path, content, self.warn)
        self.talk = self.talk.with_waiting(name_of(path), blocks=[block])

    def await_attached(self, path: str) -> None:
        """Sends a file along with the next message. Raises: InputError, TooSlow."""
        from nr_cli.cli.attach import read_attachments
        from nr_cli.cli.intake import fence
        from nr_cli.cli.sources import name_of, until

        end = until(self.manner.ask.timeout)
        found = read_attachments([path], self.outside.environ, lambda: b"", end)
        blocks = [fence(name, content, self.warn) for name, content in found.texts]
        self.talk = self.talk.with_waiting(name_of(path), blocks, found.files)

    def _next(self, entries: Entries) -> str | None:
        """Returns the next entry, None at the end; Ctrl-C there is told how to leave."""
        while True:
            try:
                return entries.read()
            except KeyboardInterrupt:
                if not self.manner.person:
                    raise
                if entries.is_blank():
                    self.notify("Ctrl-D or /quit leaves")

    def _heed(self, said: Said | Order) -> int:
        self.heard = True
        try:
            if isinstance(said, Order):
                return Orders(self).obey(said)
            prompt = self._formed(self.talk.prompt(said.text))
            self.talk = self.talk.without_waiting()
            return self.ask(prompt, self.manner.ask.cache)
        except NrError as error:
            if isinstance(error, OutputError) and isinstance(said, Said):
                raise
            return self._tell(error)
        except KeyboardInterrupt:
            if not self.manner.person:
                raise
            return 0  # it is told what was stopped

    def _formed(self, prompt: Prompt) -> Prompt:
        """Returns the message as the template makes it; one that asks by itself does so once."""
        form = self.manner.form
        if form.asks_by_itself and self.talk.exchanges:
            return prompt
        return form.fill(prompt)._replace(system=prompt.system)

    def ask(self, prompt: Prompt, cache: CacheMode) -> int:
        """Asks; returns how that went, having told it. Raises: OutputError, KeyboardInterrupt."""
        self.talk = self.talk._replace(failed=prompt)
        ask = self._request(prompt, cache)
        answering = Stoppable(self.outside, self.router, ask, self.manner.shape, self.interrupts)
        status = 0
        try:
            with self._keys_unseen():
                status = answering.run()
        except OutputError:
            raise
        except NrError as error:
            self.decision = error.decision or self.decision
            status = self._tell(error)
        except KeyboardInterrupt:
            if self.manner.person:
                self._stopped(answering)
            raise
        finally:
            self.decision = answering.decision or self.decision
            self._keep(answering, prompt)
        if self.manner.person and status:
            self.notify("/retry sends the message again")
        elif self.manner.person and self.outside.out_is_terminal:
            self.outside.write(b"\n")
        return status

    def _request(self, prompt: Prompt, cache: CacheMode) -> Ask:
        talk = self.talk
        ask = self.manner.ask._replace(
            prompt=talk.behind_turns(prompt),
            model=talk.model,
            route=talk.route,
            conversation=talk.conversation,
            cache=cache,
        )
        if self.manner.sticky and talk.held is not None:
            return stick(self.router, ask, talk.held, self.outside.say)
        return ask

    def _keys_unseen(self) -> AbstractContextManager[None]:
        if not self.manner.edited:
            return nullcontext()
        from nr_cli.cli.lineedit import keys_unseen

        return keys_unseen()

    def _stopped(self, answering: Answering) -> None:
        if not (self.manner.edited or answering.partial):
            self.outside.say("")  # the terminal has shown ^C
        if not answering.partial:
            self.talk = self.talk._replace(spent=self.talk.spent.plus(None))
        what = "; what came stays in the conversation" if answering.partial else ""
        self.notify(f"stopped{what}; /retry asks again")

    def _keep(self, answering: Answering, prompt: Prompt) -> None:
        """Adds what was answered to the conversation, as `-c` would find it in the log."""
        record, row, decision = answering.record, answering.kept, answering.decision
        text = record.text if record else answering.partial
        if decision is None or not text:
            return
        self.talk = self.talk._replace(spent=self.talk.spent.plus(record))
        if record and status_of(record) not in SPOKEN:
            return
        model = record.model if record else decision.chain[0]
        exchange = Exchange(
            Message("user", prompt.text, prompt.attachments),
            text,
            model.id if model else None,
            row.id if row else None,
            decision.bound,
        )
        held = Anchor(decision.route, model.name if model else None)
        self.talk = self.talk.answered(exchange, row.conversation if row else None, held)

    def _tell(self, error: NrError) -> int:
        """Tells what failed, with what a chat can do about it; returns its exit status."""
        for line in error_lines(error):
            self.outside.say(line)
        too_long = isinstance(error, TooLong) or error.code == "context_length"
        if too_long and self.talk.exchanges:
            self.notify("/undo drops the last exchange, /new begins another conversation")
        return int(error.exit)

    @property
    def name(self) -> str | None:
        """Returns the conversation's id, None where nobody could go on with it."""
        talk = self.talk
        return talk.conversation if self.manner.shape.keeps_history and talk.exchanges else None

    def warn(self, line: str) -> None:
        """Says what is odd in the input, unless -q keeps it quiet."""
        if not self.manner.shape.quiet:
            self.outside.say(line)

    def notify(self, words: str) -> None:
        """Says one line of nr's own, unless -q keeps it quiet."""
        self.warn(f"nr: {words}")
