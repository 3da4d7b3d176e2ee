"""Where the rows of a batch go: stdout, or a file that a later run can go on with.

Theory. A row is one write at the end of the file, so that a process that is killed leaves whole
rows with at most one torn row behind them. A resumed run first brings the file into the state that
such a process would have left had it answered only what stays: rows to be asked again leave by one
rename, a torn row is cut off. Then it appends as the first run did. Only where that ends in another
order than the input's does a last rename put the rows in order. At no moment does the file under
its name hold a row twice, or lack one that it had.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import BinaryIO, NamedTuple, Protocol

from nr_cli.cli.env import Outside, write_all
from nr_cli.cli.places import Places
from nr_cli.errors import ExitCode, InputError, OutputError, UsageError
from nr_cli.types.json import Json

BEGIN = b'{"id"'  # of every row


class Line(NamedTuple):
    """One row of the output, for the input's row that begins on line `number`."""

    number: int
    text: bytes


class Outlet(Protocol):
    """What takes the rows of a batch."""

    def has(self, number: int, id: str | int) -> bool:
        """Tells whether the row's answer stands there already."""
        ...

    def append(self, lines: Sequence[Line]) -> None:
        """Adds rows. Raises: OutputError, ClosedOutput."""
        ...

    def confirm(self) -> None:
        """Makes sure that the rows stand where they were written. Raises: OutputError."""
        ...

    def arrange(self) -> None:
        """Brings all rows into the input's order. Raises: OutputError."""
        ...

    def close(self) -> None:
        """Makes the rows safe from a power cut. Raises: OutputError."""
        ...


class StdoutOutlet:
    """Rows on stdout, as they come."""

    def __init__(self, outside: Outside) -> None:
        """Takes the outside world, which owns stdout."""
        self._outside = outside

    def has(self, number: int, id: str | int) -> bool:
        """Tells that nothing stands there."""
        return False

    def append(self, lines: Sequence[Line]) -> None:
        """Writes the rows. Raises: OutputError, ClosedOutput."""
        self._outside.write(b"".join(line.text for line in lines))

    def confirm(self) -> None:
        """Has nothing to do: who reads them has them."""

    def arrange(self) -> None:
        """Has nothing to do: what is written is written."""

    def close(self) -> None:
        """Leaves stdout open."""


class FileOutlet:
    """Rows in a file."""

    def __init__(self, path: str, resume: bool, force: bool) -> None:
        """Opens the file, for this process alone, and takes over what stays of it.

        Raises: UsageError for one that exists, InputError for one of no batch, OutputError.
        """
        self.path = path
        self.kept = Places()  # where rows that stay begin, by their ids
        self._target = os.path.realpath(path)
        self._starts = array("Q")  # where the rows of an input's lines begin, plus one
        self._matched = 0
        self._size = 0
        self._file = self._open(resume, force)
        if resume:
            self._take_over()

    def has(self, number: int, id: str | int) -> bool:
        """Tells whether the row's answer stands there already, and notes for which line."""
        start = self.kept.get(json.dumps(id)) if len(self.kept) else None
        if start is None:
            return False
        self._matched += 1
        self._note(number, start)
        return True

    def append(self, lines: Sequence[Line]) -> None:
        """Adds rows at the end, all whole or not at all. Raises: OutputError."""
        self.confirm()
        try:
            write_all(self._file, b"".join(line.text for line in lines))
        except OSError as error:
            with suppress(OSError):  # then a torn row is left, which a resumed run cuts off
                os.ftruncate(self._file, self._size)
            raise self._failed(error, "make room, then go on with --resume") from None
        for line in lines:
            if len(self.kept):
                self._note(line.number, self._size)
            self._size += len(line.text)

    def confirm(self) -> None:
        """Makes sure that the file under the name is the one written, as long as it was left.

        Raises: OutputError, for rows in a file without a name are lost.
        """
        mine = os.fstat(self._file)
        try:
            stands = os.path.samestat(os.stat(self._target), mine)
        except OSError:
            stands = False  # said below
        if not stands or mine.st_size != self._size:
            what = "changed by others" if stands else "removed or replaced"
            hint = "nr batch --resume asks the rows that it lacks"
            raise OutputError(f"-o {self.path}: {what} meanwhile", hint)

    def arrange(self) -> None:
        """Brings all rows into the input's order; those of no row of it stand last."""
        starts = [start for start in self._starts if start]
        in_order = all(one < other for one, other in pairwise(starts))
        if not len(self.kept) or (in_order and self._matched == len(self.kept)):
            return
        with open(self._target, "rb") as file:
            self._replace(self._ordered(file, starts))

    def close(self) -> None:
        """Makes the rows safe from a power cut. Raises: OutputError."""
        try:
            os.fsync(self._file)
            os.close(self._file)
        except OSError as error:
            raise self._failed(error, "make room, then go on with --resume") from None

    def _open(self, resume: bool, force: bool) -> int:
        mode = os.O_RDWR | os.O_APPEND | os.O_CREAT
        try:
            if os.path.lexists(self._target):
                if not stat.S_ISREG(os.stat(self._target).st_mode):
                    raise OutputError(f"-o {self.path}: not a regular file", "use -o - for stdout")
                if not (resume or force):
                    hint = "--resume goes on with it, --force replaces it"
                    raise UsageError(f"-o {self.path}: it exists already", hint)
            opened = os.open(self._target, mode, 0o666)
            self._lock(opened)
            if force:
                os.ftruncate(opened, 0)
        except OSError as error:
            raise self._failed(error, "name another file") from None
        return opened

    def _lock(self, opened: int) -> None:
        """Keeps a second batch off the file; where files cannot be locked, nothing does."""
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"-o {self.path}: another nr batch is writing it") from None
        except OSError:
            return  # a file system without locks

    def _take_over(self) -> None:
        """Cuts the file down to the rows that stay, then knows where each begins."""
        place = 0
        with open(self._target, "rb") as file:
            for name, line in survivors(file, self.path):
                self.kept.put(name, place)
                place += len(line)
        if place != os.fstat(self._file).st_size:
            with open(self._target, "rb") as file:
                self._replace(line for _, line in survivors(file, self.path))
        self._size = place

    def _replace(self, lines: Iterator[bytes]) -> None:
        """Puts these lines in place of the file's in one step. Raises: OutputError."""
        draft = f"{self._target}.{os.getpid()}.tmp"
        opened = -1
        try:
            opened = os.open(draft, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            self._lock(opened)
            os.fchmod(opened, stat.S_IMODE(os.fstat(self._file).st_mode))
            with open(opened, "wb", closefd=False) as file:
                file.writelines(lines)
            os.fsync(opened)
            os.replace(draft, self._target)
        except BaseException as error:
            if opened >= 0:
                os.close(opened)
            with suppress(OSError):  # it was not made, or has become the file
                os.unlink(draft)
            if isinstance(error, OSError):
                raise self._failed(error, "make room, then go on with --resume") from None
            raise
        os.close(self._file)
        self._file = opened

    def _ordered(self, file: BinaryIO, starts: list[int]) -> Iterator[bytes]:
        for start in starts:
            file.seek(start - 1)
            yield file.readline()
        known, place = set(starts), 1
        file.seek(0)
        for line in file:
            if place not in known:
                yield line
            place += len(line)

    def _note(self, number: int, start: int) -> None:
        missing = number + 1 - len(self._starts)
        if missing > 0:
            self._starts.extend([0] * max(missing, 1024))
        self._starts[number] = start + 1

    def _failed(self, error: OSError, hint: str) -> OutputError:
        return OutputError(f"-o {self.path}: {os.strerror(error.errno or 0)}", hint)


def survivors(file: BinaryIO, path: str) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the line of each row that a resumed run keeps.

    Raises: InputError for a line that no batch wrote.
    """
    seen = Places()
    for number, line in enumerate(file, 1):
        whole = line.endswith(b"\n")
        row = parse_row(line)
        if row is None:
            if not whole and (line.startswith(BEGIN) or BEGIN.startswith(line)):
                return  # a torn row
            raise InputError(
                f"-o {path}:{number}: not a row of nr batch", "--force replaces the file",
                ExitCode.BAD_DATA,
            )  # fmt: skip
        name = json.dumps(row["id"])
        if not is_to_redo(row) and seen.put(name, number) is None:
            yield name, line if whole else line + b"\n"


def parse_row(line: bytes) -> dict[str, Json] | None:
    """Returns a row of a batch's output; None for anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and {"id", "answer", "error"} <= row.keys() else None


def is_to_redo(row: dict[str, Json]) -> bool:
    """Tells whether a row is asked again: it failed for now, or was never asked at all."""
    error = row["error"]
    if not isinstance(error, dict):
        return False
    unread = error.get("code") in ("bad_request", "no_input") and row.get("model") is None
    return unread or error.get("exit") == ExitCode.TRY_LATER
