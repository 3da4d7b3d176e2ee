"""The outside world as one object: environment, standard streams, surroundings."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from nr_cli.cli.screen import neutralise
from nr_cli.errors import OutputError
from nr_cli.types.facts import FactValue

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


class ClosedOutput(BaseException):
    """The reader of stdout went away; the process ends by SIGPIPE after its bookkeeping."""


class Stopped(BaseException):
    """A signal asks the process to end; it does so by that signal after its bookkeeping."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Outside:
    """What a command may know of its surroundings, with the two ways it can speak."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Takes the environment; the streams are the process's own file descriptors."""
        self.environ = environ
        self.out_is_terminal = is_terminal(1)
        self.err_is_terminal = is_terminal(2)

    @property
    def plain(self) -> bool:
        """Tells whether colours and cursor movements are unwelcome."""
        dumb = self.environ.get("TERM", "dumb") in ("dumb", "")
        return dumb or bool(self.environ.get("NO_COLOR"))

    def write(self, payload: bytes) -> None:
        """Writes bytes to stdout, all of them.

        Raises: ClosedOutput when nobody reads any more, OutputError when they cannot be written.
        """
        try:
            write_all(1, payload)
        except BrokenPipeError:
            raise ClosedOutput from None
        except OSError as error:
            raise OutputError(f"stdout: write error: {os.strerror(error.errno or 0)}") from None

    def say(self, line: str) -> None:
        """Writes one line to stderr, harmless whatever it quotes; a closed stderr is no matter."""
        try:
            write_all(2, neutralise(line).encode("utf-8", "replace") + b"\n")
        except OSError:
            return  # there is nobody left to tell

    def surroundings(self) -> dict[str, Callable[[], FactValue | None]]:
        """Returns the facts of place and time by name, each found when asked for."""
        environ = dict(self.environ)
        return {
            "env": lambda: environ,
            "cwd": working_directory,
            "host": lambda: os.uname().nodename.lower(),
            "clock": clock,
            "tty": lambda: self.out_is_terminal,
            "git_branch": lambda: git("rev-parse", "--abbrev-ref", "HEAD"),
            "git_remote": git_remote,
        }


class RawStdout(io.RawIOBase):
    """stdout as `print` and Typer need it, with the errors of `Outside.write`."""

    def __init__(self, outside: Outside) -> None:
        """Takes the outside world, which owns the descriptor."""
        self._outside = outside

    def writable(self) -> bool:
        """Tells that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Tells whether it is a terminal."""
        return self._outside.out_is_terminal

    def write(self, payload: Buffer) -> int:
        """Writes all bytes at once. Raises: ClosedOutput, OutputError."""
        written = bytes(payload)
        self._outside.write(written)
        return len(written)


def open_stdout(outside: Outside) -> io.TextIOWrapper:
    """Returns a stdout that is UTF-8 in any locale, unbuffered, there even where fd 1 is closed."""
    raw = cast("io.BufferedWriter", RawStdout(outside))  # a raw stream serves when written through
    return io.TextIOWrapper(raw, encoding="utf-8", errors="replace", write_through=True)


def clock() -> float:
    """Returns the seconds since the epoch."""
    import time

    return time.time()


def working_directory() -> str | None:
    """Returns the current directory, or None when it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def git(*arguments: str) -> str | None:
    """Returns what git prints, or None without git, a repository or an answer in 2 s."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, timeout=2, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() or None if done.returncode == 0 else None


def git_remote() -> str | None:
    """Returns the address of origin, without a user or token that may stand in it."""
    import re

    address = git("remote", "get-url", "origin")
    return address and re.sub(r"//[^/@]*@", "//", address)


def is_terminal(descriptor: int) -> bool:
    """Tells whether a descriptor is open on a terminal."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def is_open(descriptor: int) -> bool:
    """Tells whether a descriptor is open at all."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def write_all(descriptor: int, payload: bytes) -> None:
    """Writes every byte, waiting where the descriptor is non-blocking. Raises: OSError."""
    view = memoryview(payload)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise
            import select

            select.select([], [descriptor], [], 1)


def signal_behind(error: BaseException) -> int | None:
    """Returns the signal that an error came of, None for an error of its own.

    A signal that comes while Python's own locks are taken or let go leaves them in disorder, and
    what is raised then is a RuntimeError about that (Condition.__exit__, Python 3.11).
    """
    import signal as signals

    cause: BaseException | None = error if isinstance(error, RuntimeError) else None
    while cause is not None:
        if isinstance(cause, Stopped):
            return cause.signal
        if isinstance(cause, KeyboardInterrupt):
            return signals.SIGINT
        cause = cause.__context__
    return None


def die_by(signal: int) -> None:
    """Ends the process by a signal, so that the shell sees what ended it."""
    import signal as signals

    signals.signal(signal, signals.SIG_DFL)
    os.kill(os.getpid(), signal)
    sys.exit(128 + signal)  # only where the signal is blocked
