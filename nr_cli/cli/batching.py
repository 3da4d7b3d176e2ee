"""Answers the rows of a batch: hands them to a crew, puts what comes back in order, counts it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.cli.document import dump, row_document
from nr_cli.cli.ending import Interrupted, error_of, status_of
from nr_cli.cli.env import Outside, Stopped
from nr_cli.cli.gauge import Gauge
from nr_cli.cli.outlet import Line, Outlet
from nr_cli.cli.rows import Row, Rows, complete
from nr_cli.cli.tally import Fate, Tally
from nr_cli.errors import ExitCode, NrError, UsageError
from nr_cli.store.backlog import Backlog
from nr_cli.store.behind import BehindCache
from nr_cli.types.decision import Decision
from nr_cli.types.events import Decided, Event, Failed, Held, Served, Started
from nr_cli.types.prompt import Ask, Prompt
from nr_cli.types.record import Record
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.store.history import HistoryRow, Status

    Entry = Callable[[], list[HistoryRow]]

AHEAD = 16 * 1024 * 1024  # bytes of answers that wait for an earlier row, or for the disk
LINGER = 0.25  # seconds that a row of the history waits for others to share its transaction
SOON = 0.3  # seconds for the bookkeeping after a signal
TRIES = 3  # times that rows of the history are offered to a log that others are writing


class Plan(NamedTuple):
    """What one run is told: where rows come from and go, how many run at once, in which order."""

    place: str
    path: str | None
    jobs: int
    in_order: bool
    keeps_history: bool
    quiet: bool
    offline: bool


class InOrder:
    """Holds lines back until all earlier ones are there."""

    def __init__(self, give: Callable[[Line], None]) -> None:
        """Takes who gets the lines."""
        self.weight = 0  # bytes held back
        self._give = give
        self._next = 0
        self._held: dict[int, Line] = {}

    def put(self, turn: int, line: Line) -> None:
        """Takes the line of a turn, gives on what is then complete."""
        self._held[turn] = line
        self.weight += weigh(line)
        while self._next in self._held:
            self._pass(self._next)
            self._next += 1

    def end(self) -> None:
        """Gives on what is there, with gaps: those rows were broken off."""
        for turn in sorted(self._held):
            self._pass(turn)

    def _pass(self, turn: int) -> None:
        line = self._held.pop(turn)
        self.weight -= weigh(line)
        self._give(line)


def weigh(line: Line) -> int:
    """Returns about how many bytes of memory a line takes."""
    return len(line.text) + 300


class RowWork:
    """One row while it is answered."""

    def __init__(self, batch: Batch, turn: int, row: Row) -> None:
        """Takes the batch it belongs to, its turn among the rows that are answered."""
        self.turn = turn
        self.row = row
        self.ask = row.ask
        self.decision: Decision | None = None
        self.record: Record | None = None
        self.failed: Failed | None = None
        self.held: list[str] = []
        self._batch = batch

    @property
    def blocks(self) -> bool:
        """Tells whether there are files or a schema to read."""
        return self.row.files is not None or self.row.schema is not None

    def prepare(self) -> None:
        """Reads them. Raises: NrError."""
        assert self.ask is not None, "a bad row names nothing"
        plan, router = self._batch.plan, self._batch.router
        self.ask = complete(self.row, self.ask, plan.place, router.environ)

    def flow(self) -> Generator[Step | Event, Reply, Record]:
        """Returns the flow that answers it. Raises: NrError for a bad row."""
        if self.ask is None:
            raise self.row.error or NrError("a row without an ask")
        return self._batch.router.answer(self.ask, full=False, shelf=self._batch.shelf)

    def hear(self, event: Event) -> None:
        """Takes one event."""
        match event:
            case Decided(decision):
                self.decision = decision
            case Failed():
                self.failed = event
            case Started():
                self.held.clear()
            case Held(text):
                self.held.append(text)
            case Served(record):
                self.record = record
                self.held.clear()
            case _:
                pass

    def end(self, error: NrError | None) -> None:
        """Takes how it ended."""
        self.held.clear()
        if error is None and self.record is not None:
            error = error_of(self.record, self.failed)
        elif error is not None:
            self.decision = self.decision or error.decision
        self._batch.take(self, error)

    def interrupt(self, number: int) -> None:
        """Is told that it was broken off: it has no row, so a resumed run asks it again."""
        self._batch.remember(self, "interrupted", self._batch.ending(number))


class Batch:
    """The state of one run."""

    def __init__(self, outside: Outside, router: Router, outlet: Outlet, plan: Plan) -> None:
        """Takes the world, a router, where rows go, what to do."""
        router.surroundings = {
            name: fact if name == "clock" else cache(fact)
            for name, fact in router.surroundings.items()
        }
        self.outside = outside
        self.router = router
        self.outlet = outlet
        self.plan = plan
        self.tally = Tally()
        live = outside.err_is_terminal and not outside.plain
        both = plan.path is None and outside.out_is_terminal  # rows and progress would mix
        self.gauge = Gauge(outside, self.tally, plan.quiet, live and not both)
        self.shelf = BehindCache(router.cache)
        self._lines = Backlog[Line](outlet.append, weigh=weigh, most=AHEAD)
        self._log = Backlog["Entry"](self._write_log, linger=LINGER)
        self._order = InOrder(self._lines.add)
        self._unlogged = 0
        self._unused: tuple[str, ...] = ()

    def run(self, rows: Rows, ready: Callable[[], None], resume: str) -> ExitCode:
        """Answers all rows; returns the exit status, or ends by the signal that ended it.

        `ready` counts the rows, in the thread that reads them; `resume` says how to go on.

        Raises: NrError, ClosedOutput, Stopped, KeyboardInterrupt.
        """
        from nr_cli.transport.crew import Crew

        plan = self.plan
        crew = Crew(
            plan.jobs,
            self.router.connections(plan.offline),
            is_full=self._is_behind,
            glance=self._glance,
        )
        try:
            ended_by = crew.run(
                self._works(rows, ready),
                lambda: self.gauge.say("nr: ending; what runs has a moment (again: at once)"),
            )
            self.tally.signal = ended_by
        finally:
            self._finish(SOON if self.tally.signal else None)
        return self._verdict(resume)

    def take(self, work: RowWork, error: NrError | None) -> None:
        """Takes an ended row: its line, its count, its history."""
        record, decision, row = work.record, work.decision, work.row
        line = Line(row.number, dump(row_document(row.id, decision, record, error)))
        if self.plan.in_order:
            self._order.put(work.turn, line)
        else:
            self._lines.add(line)
        model = record.model.name if record and record.model else None
        self.tally.add(Fate(record, error, model))
        self.remember(work, status_of(record) if record else "error", error)

    def remember(self, work: RowWork, status: Status, error: NrError | None) -> None:
        """Keeps the row in the history, soon; one that was never decided is not kept."""
        if not self.plan.keeps_history or work.decision is None or work.ask is None:
            return
        from nr_cli.store.entries import Ended, rows_of

        held = "".join(work.held)
        ended = Ended(work.ask, work.decision, work.record, status, error, held)
        # its rows are put together in the thread that writes them
        self._log.add(partial(rows_of, ended, self.router.cwd))

    def ending(self, number: int) -> NrError:
        """Returns why the run is broken off: this signal, or rows that cannot be written."""
        trouble = self._lines.trouble
        return trouble if isinstance(trouble, NrError) else Interrupted(number or signal.SIGPIPE)

    def _works(self, rows: Rows, ready: Callable[[], None]) -> Iterator[RowWork]:
        """Yields the rows that are to be answered, bad ones among them."""
        ready()
        turn = total = 0
        for row in rows:
            total += 1
            if row.error is None and self.outlet.has(row.number, row.id):
                self.tally.kept += 1
                continue
            yield RowWork(self, turn, row)
            turn += 1
        self.tally.rows = total
        self._unused = rows.unused

    def _is_behind(self) -> bool:
        """Tells whether results pile up: then nobody takes a new row."""
        behind = self._lines.is_full or self._log.is_full or self.shelf.is_full
        return behind or self._order.weight > AHEAD

    def _glance(self) -> bool:
        """Shows how things are; tells whether there is no point in going on."""
        self.gauge.show()
        return self._lines.trouble is not None

    def _write_log(self, entries: Sequence[Entry]) -> None:
        history = [row for entry in entries for row in entry()]
        for _ in range(TRIES):
            if self.router.history.add_all(history, self.router.secrets) is not None:
                return
            time.sleep(LINGER)
        self._unlogged += len(history)  # said at the end; no answer waits for the log

    def _finish(self, within: float | None) -> None:
        """Brings everything to the disk, for so many seconds at most."""
        try:
            self._order.end()
            self._lines.close(within)
            if self._lines.trouble is None:
                self._settle(within is None)
        finally:
            self._log.close(within)
            self.shelf.close(within)
            self.gauge.end()

    def _settle(self, has_time: bool) -> None:
        """Leaves the rows as they are to stand."""
        if has_time:
            self.outlet.confirm()
            if self.plan.in_order:
                self.outlet.arrange()
        self.outlet.close()

    def _verdict(self, resume: str) -> ExitCode:
        trouble, tally = self._lines.trouble, self.tally
        if trouble is not None:
            raise trouble
        if not self.plan.quiet:
            from nr_cli.cli.digest import summary_lines

            if self._unused:
                names = ", ".join(self._unused[:8])
                self.outside.say(f"nr: columns that mean nothing here: {names}")
            if self._unlogged:
                self.outside.say(f"nr: {self._unlogged} rows are not in the log (it was locked)")
            if self.shelf.unkept:
                count, why = self.shelf.unkept, self.shelf.trouble
                self.outside.say(f"nr: not kept in the cache: {count} of the answers ({why})")
            open_rows = bool(tally.signal or tally.again)
            for line in summary_lines(tally, resume if open_rows and resume else None):
                self.outside.say(line)
        return ExitCode.INCOMPLETE if tally.failed else ExitCode.OK

    def end_by_signal(self) -> None:
        """Ends the command by the signal that ended the run, if one did."""
        if self.tally.signal == signal.SIGINT:
            raise KeyboardInterrupt
        if self.tally.signal:
            raise Stopped(self.tally.signal)


def refuse_unknown_pin(router: Router, ask: Ask) -> None:
    """Refuses flags that would fail every row, before any is asked. Raises: UsageError."""
    try:
        router.decide(ask._replace(prompt=Prompt("x", source="batch")), reading=True, full=False)
    except UsageError:
        raise
    except NrError:
        return  # a matter of the row: each says so itself
