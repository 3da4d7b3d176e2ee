"""Answers one ask at the command line: shows it, tells what matters, keeps its history."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

from nr_cli.cli.ending import Interrupted, error_of, signal_of, status_of
from nr_cli.cli.env import ClosedOutput, Outside, is_open
from nr_cli.cli.narrate import Narrator
from nr_cli.cli.plain import (
    PipeSink,
    SilentSink,
    Sink,
    TerminalSink,
    WholeSink,
    encode,
    replaceable,
    with_newline,
    write_file,
)
from nr_cli.errors import ExitCode, NrError, OutputError, UsageError
from nr_cli.transport.sync import drive
from nr_cli.types.decision import Decision
from nr_cli.types.events import Decided, Event, Failed, Held, Reasoning, Served, Started, Text
from nr_cli.types.prompt import Ask
from nr_cli.types.record import Record
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.store.history import HistoryRow, Status


class Shape(NamedTuple):
    """How the answer is to be shown; `full` says that the whole decision will be asked for."""

    as_json: bool = False
    jsonl: bool = False
    raw: bool = False
    output: str | None = None
    block: Literal["first", "last"] | None = None
    buffered: bool = False
    usage: bool = False
    quiet: bool = False
    verbose: bool = False
    keeps_history: bool = True
    explain: bool = False
    full: bool = False


class Answering:
    """The state of one ask while it is shown."""

    def __init__(self, outside: Outside, router: Router, ask: Ask, shape: Shape) -> None:
        """Takes the world, a router, the ask, how to show it."""
        refuse_contradictions(shape)
        if shape.quiet:
            shape = shape._replace(verbose=False)
        self.outside = outside
        self.router = router
        self.ask = ask._replace(buffered=shape.buffered, stream=not shape.buffered)
        self.shape = shape
        self.narrator = Narrator(outside, shape.quiet, shape.verbose, shape.usage)
        self.sink = self._choose_sink()
        self.decision: Decision | None = None
        self.record: Record | None = None
        self.failed: Failed | None = None
        self.thought = ""
        self.pieces: list[str] = []
        self.held: list[str] = []
        self.sent = False
        self.unwritten: OutputError | None = None
        self.kept: HistoryRow | None = None

    def show_decision(self) -> int:
        """Prints the decision, sends nothing; returns the exit status."""
        from nr_cli.cli.explain import explain

        decision = self.router.preview(self.ask)
        if self.shape.as_json:
            from nr_cli.cli.document import dump

            self.outside.write(dump(decision.record()))
        else:
            self.outside.write(encode(with_newline(explain(decision))))
        return ExitCode.OK

    def run(self) -> int:
        """Answers the ask; returns the exit status.

        Raises: NrError for a failure that left nothing to show, unless --json shows it.
        """
        if self.shape.output is not None:
            replaceable(self.shape.output)  # said before anything is sent, rather than after
        elif not is_open(1):
            raise OutputError("stdout is closed", "nothing was sent")
        try:
            shape = self.shape
            full = shape.full or shape.as_json or shape.jsonl or shape.explain
            flow = self.router.answer(self.ask, full)
            for event in self.events(flow):
                self._hear(event)
        except NrError as error:
            self.held.clear()  # whoever failed after all has no answer, not even a part of one
            self._keep("error", error)
            self._tell_cache()
            if not self.shape.as_json:
                raise
            self._write_failure(error)
            return int(error.exit)
        except BaseException as end:
            self._break_off(end)
            raise
        finally:
            self.router.close()
        return self._end()

    def events(self, flow: Generator[Step | Event, Reply, Record]) -> Iterator[Event]:
        """Yields what happens while the flow is carried out for real."""
        return drive(flow, self.router.hands(self.ask.offline))

    def _hear(self, event: Event) -> None:
        if self.shape.jsonl:
            from nr_cli.cli.document import dump, event_document

            told = event_document(event)
            if told is not None:
                self.outside.write(dump(told))
        match event:
            case Decided(decision):
                self._decided(decision)
            case Started():
                self.sent = True
                self.held.clear()  # another's answer was dropped in favour of this one
            case Held(text):
                self.held.append(text)
            case Text(text):
                self._think("\n")
                self.held.clear()
                self.pieces.append(text)
                self._show(text)
            case Reasoning(text):
                self._think(text)
            case Failed():
                self.failed = event
            case Served(record):
                self._think("\n")
                self.record = record
                self.pieces.clear()  # the record has them: a long answer is not held twice
            case _:
                pass
        self.narrator.hear(event)

    def _think(self, text: str) -> None:
        """Shows the model's thinking by whole lines, where a person may want it."""
        *lines, self.thought = (self.thought + text).split("\n")
        if self.shape.verbose or self._has_reader:
            for line in filter(None, lines):
                self.outside.say(line)

    def _decided(self, decision: Decision) -> None:
        self.decision = decision
        if self.shape.explain:
            from nr_cli.cli.explain import explain

            self.outside.say(explain(decision))

    def _show(self, text: str) -> None:
        """Shows text; after a write error the answer is still read to its end, since it is paid."""
        if self.unwritten is None:
            try:
                self.sink.text(text)
            except OutputError as error:
                self.unwritten = error

    def _end(self) -> int:
        """Ends the answer on every channel; returns the exit status."""
        record = self.record
        assert record is not None, "a flow that ends without an error has served"
        error = error_of(record, self.failed)
        try:
            self._end_showing(record, error)
        finally:  # a closed pipe or a signal while it is written takes nothing from the log
            self._keep(status_of(record), error)
        self.narrator.end(record)
        self._tell_cache()
        if self.unwritten is not None:
            raise self.unwritten
        if error is None:
            return ExitCode.OK
        if not self.shape.as_json:
            self._say(error)
        return int(error.exit)

    def _end_showing(self, record: Record, error: NrError | None) -> None:
        if self.unwritten is not None:
            return
        try:
            self.sink.end(complete=error is None)
            if self.shape.as_json:
                from nr_cli.cli.document import answer_document, dump

                self.outside.write(dump(answer_document(record, error)))
        except OutputError as unwritten:
            self.unwritten = unwritten

    def _tell_cache(self) -> None:
        """Says with -v why the cache had no part in the answer, where it should have had one."""
        if not self.shape.verbose or self.ask.cache == "off":
            return
        trouble = self.router.cache.trouble or self.router.cache.find_trouble()
        if trouble:
            self.outside.say(f"nr: the cache keeps nothing: {trouble}")

    def _tell_log(self) -> None:
        """Says with -v why the ask is not in the log, to a person that earlier ones are lost."""
        trouble, loss = self.router.history.trouble, self.router.history.loss
        if trouble and self.shape.verbose:
            self.outside.say(f"nr: this ask is not in the log: {trouble}")
        elif loss and (self.shape.verbose or self._has_reader):
            self.outside.say(f"nr: {loss}")

    @property
    def _has_reader(self) -> bool:
        """Tells whether a person reads stderr who wants notices."""
        return self.outside.err_is_terminal and not self.shape.quiet

    def _say(self, error: NrError) -> None:
        from nr_cli.cli.report import error_lines

        for line in error_lines(error):
            self.outside.say(line)

    def _break_off(self, end: BaseException) -> None:
        """Leaves what was answered, a clean line, a history entry when a signal ends the answer."""
        number = signal_of(end)
        if not number:  # a bug: it is reported further up
            self._keep("error", NrError(f"a bug in nr: {type(end).__name__}"))
            return
        error = Interrupted(number)
        if self.sent:
            from nr_cli.pipeline.answer import cache_status

            error.cache = (cache_status(self.ask), None)
        if self.record is None and number != signal.SIGPIPE:
            with suppress(OutputError, ClosedOutput):  # the signal is what matters now
                self._show_partial(error)
        self._keep("interrupted", error)

    def _show_partial(self, error: NrError) -> None:
        """Shows what there is of an answer that was broken off.

        In a pipe what was streamed stands; what was held back is for a file, a person, a document:
        a program that reads a code block must not take half of one for the whole.
        """
        if self.shape.as_json:
            self._write_failure(error)
        elif self.partial and (self.outside.out_is_terminal or self.shape.output):
            for piece in self.held:
                self.sink.text(piece)
            self.sink.end(complete=False)

    @property
    def partial(self) -> str:
        """Returns what has come of an answer that has no record."""
        return "".join(self.pieces or self.held)

    def _write_failure(self, error: NrError) -> None:
        from nr_cli.cli.document import dump, failure_document

        decision = self.decision or error.decision
        self.outside.write(dump(failure_document(error, decision, self.partial)))

    def _keep(self, status: Status, error: NrError | None) -> None:
        """Adds the ask to the history, best effort, after everything was shown."""
        refused = error.decision if error is not None and self.decision is None else None
        if not self.shape.keeps_history or (self.decision is None and refused is None):
            return
        from nr_cli.store.entries import Ended, opinion_rows, rows_of

        try:
            cwd = self.router.cwd
            if self.decision is None:  # no ask that the log knows of, but its judge was paid
                rows = opinion_rows(refused, cwd) if refused else []
                if rows:
                    self.router.remember(rows)
                return
            ended = Ended(self.ask, self.decision, self.record, status, error, self.partial)
            rows = rows_of(ended, cwd)
            self.kept = rows[-1] if self.router.remember(rows) else None
            self._tell_log()
        except Exception as trouble:
            # the answer stands, and its exit with it; a row that is missing is told, once
            self.outside.say(f"nr: this ask is not in the log ({type(trouble).__name__})")

    def _choose_sink(self) -> Sink:
        shape = self.shape
        if shape.as_json or shape.jsonl:
            return SilentSink()
        if shape.output is not None:
            return WholeSink(self._write_file)
        if shape.block is not None:
            return WholeSink(self._write_block)
        if not self.outside.out_is_terminal:
            return PipeSink(self.outside)
        if shape.raw or self.outside.plain:
            return TerminalSink(self.outside)
        from nr_cli.cli.render import MarkdownSink

        return MarkdownSink(self.outside)

    def _write_file(self, text: str, complete: bool) -> None:
        assert self.shape.output is not None, "chosen only with -O"
        write_file(self.shape.output, self._block_of(text), complete)
        if not complete and self._has_reader:
            self.outside.say(f"nr: what had come is in {self.shape.output}.partial")

    def _block_of(self, text: str) -> str:
        """Returns the code block that -x or --xl wants of an answer, else the answer."""
        if self.shape.block is None:
            return text
        from nr_cli.cli.blocks import code_block

        return code_block(text, self.shape.block == "last")

    def _write_block(self, text: str, complete: bool) -> None:
        block = with_newline(self._block_of(text))
        if self.outside.out_is_terminal:
            from nr_cli.cli.screen import neutralise

            block = neutralise(block)
        self.outside.write(encode(block))


def refuse_contradictions(shape: Shape) -> None:
    """Refuses two ways of showing one answer, of which one would be ignored. Raises: UsageError."""
    if shape.as_json and shape.jsonl:
        raise UsageError("--json and --jsonl contradict", "give one of them")
    form = "--json" if shape.as_json else "--jsonl" if shape.jsonl else ""
    if form and (shape.output or shape.block):
        other = "-O" if shape.output else "-x"
        raise UsageError(f"{form} and {other} contradict", "redirect stdout, or leave one out")
