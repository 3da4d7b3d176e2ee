"""Shows an answer as plain text: byte for byte in a pipe, harmless on a terminal."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Protocol

from nr_cli.cli.env import Outside
from nr_cli.cli.screen import Neutraliser
from nr_cli.errors import OutputError


class Sink(Protocol):
    """Where the text of an answer goes."""

    def text(self, piece: str) -> None:
        """Takes the next piece of the answer."""
        ...

    def end(self, complete: bool) -> None:
        """Ends the answer; an incomplete one keeps what stands."""
        ...


class PipeSink:
    """Passes the bytes on as they come, with one newline at the end if there is none."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._last = ""

    def text(self, piece: str) -> None:
        """Writes the piece at once."""
        if piece:
            self._outside.write(encode(piece))
            self._last = piece[-1]

    def end(self, complete: bool) -> None:
        """Writes the final newline."""
        if self._last not in ("", "\n"):
            self._outside.write(b"\n")


class TerminalSink(PipeSink):
    """Streams plain text to a terminal, control characters made visible."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside)
        self._neutral = Neutraliser()

    def text(self, piece: str) -> None:
        """Writes the piece at once."""
        super().text(self._neutral.feed(piece))

    def end(self, complete: bool) -> None:
        """Writes what was held back with the final newline."""
        super().text(self._neutral.end())
        super().end(complete)


class WholeSink:
    """Keeps the answer until it is whole, then hands it on; a partial goes elsewhere."""

    def __init__(self, done: Callable[[str, bool], None]) -> None:
        self._pieces: list[str] = []
        self._done = done

    def text(self, piece: str) -> None:
        """Keeps the piece."""
        self._pieces.append(piece)

    def end(self, complete: bool) -> None:
        """Hands the text on."""
        self._done("".join(self._pieces), complete)


class SilentSink:
    """Shows nothing: the answer appears elsewhere."""

    def text(self, piece: str) -> None:
        """Drops the piece."""

    def end(self, complete: bool) -> None:
        """Has nothing to end."""


def encode(text: str) -> bytes:
    """Returns UTF-8; what cannot be encoded becomes the replacement character."""
    return text.encode("utf-8", "replace")


def with_newline(text: str) -> str:
    """Returns the text with one newline added if it ends without."""
    return text if text.endswith("\n") or not text else text + "\n"


def replaceable(path: str, flag: str = "-O") -> str:
    """Returns the file that a whole answer may replace; a symbolic link keeps pointing there.

    A device, a FIFO, a socket or a directory is never replaced: whoever may rename over it (root
    over /dev/null) would destroy it for the whole machine.

    Raises: OutputError.
    """
    target = os.path.realpath(path)
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(target)
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(
                f"{flag} {path}: its folder is missing or closed", "make it"
            ) from None
        return target
    except (OSError, ValueError) as error:
        words = os.strerror(getattr(error, "errno", 0) or 0)
        raise OutputError(f"{flag} {path}: {words}", "name a file") from None
    if not stat.S_ISREG(mode):
        hint = "name a file" + (", or redirect stdout" if flag == "-O" else "")
        raise OutputError(f"{flag} {path}: not a regular file", hint)
    return target


def beside(path: str, ending: str, flag: str) -> str:
    """Returns the name with this ending, which nobody gave: a link there leads nowhere.

    Raises: OutputError.
    """
    folder, name = os.path.split(path + ending)
    target = os.path.join(os.path.realpath(folder), name)
    return target if os.path.islink(target) else replaceable(target, flag)


def write_file(path: str, text: str, complete: bool, flag: str = "-O", mode: int = 0o666) -> None:
    """Replaces a file by the answer in one step; a partial answer goes to `path`.partial.

    `flag` is what named the file, `mode` what a new one gets at most.

    Raises: OutputError.
    """
    target = replaceable(path, flag) if complete else beside(path, ".partial", flag)
    # in a container every run may have the same number: what a killed one left is not in the way
    scratch = os.path.join(os.path.dirname(target), f".nr-{os.urandom(4).hex()}.tmp")
    try:
        try:
            made = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, mode)
            with open(made, "wb") as file:
                if os.path.exists(target) and not os.path.islink(target):  # a private one stays so
                    os.fchmod(file.fileno(), stat.S_IMODE(os.stat(target).st_mode))
                file.write(encode(with_newline(text)))
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, target)
        except BaseException:
            if os.path.lexists(scratch):
                os.unlink(scratch)
            raise
    except OSError as error:
        raise OutputError(f"{flag} {path}: {os.strerror(error.errno or 0)}") from None
