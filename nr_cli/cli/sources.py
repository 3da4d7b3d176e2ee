"""Reads the bytes of what a command line names, within bounds of size, of time."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from typing import NamedTuple

from nr_cli.cli.screen import neutralise
from nr_cli.errors import ExitCode, InputError, TooSlow

BLOCK = 1 << 16
ONE_LINE = {ord("\n"): "^J", ord("\t"): "^I"}


class Bounds(NamedTuple):
    """How much is read for which flag; `end` is when, by the monotonic clock, None for never."""

    flag: str
    largest: int
    end: float | None = None

    @property
    def left(self) -> float | None:
        """Returns the seconds that are left, None for any number."""
        return None if self.end is None else max(0.0, self.end - time.monotonic())


def until(timeout: float | None) -> float | None:
    """Returns when so many seconds are over, by the monotonic clock."""
    return None if timeout is None else time.monotonic() + timeout


def is_url(path: str) -> bool:
    """Tells whether a path is a URL that can be fetched."""
    return path[:8].lower().startswith(("http://", "https://"))


def bytes_of(path: str) -> bytes:
    """Returns the bytes that an argument had, whatever the locale made of them."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")  # it came from JSON, which can name half a character


def name_of(path: str) -> str:
    """Returns a path or URL as it may be told: one line, without a password, nothing hidden."""
    text = bytes_of(path).decode("utf-8", "replace")
    if is_url(text):
        from nr_cli.policy.addresses import without_user

        text = without_user(text)
    return neutralise(text).translate(ONE_LINE)


def read_source(path: str, environ: Mapping[str, str], bounds: Bounds, accept: str) -> bytes:
    """Returns the bytes at a path or a URL; a pipe, a device is read like a file.

    `accept` names the media types that a URL may have.

    Raises: InputError when it is missing, unreadable (66) or too large (65), TooSlow.
    """
    if is_url(path):
        from nr_cli.transport.fetch import fetch

        return fetch(path, environ, bounds.flag, accept, bounds.largest, bounds.left)
    place = f"{bounds.flag} {name_of(path)}"
    try:
        # a pipe that nobody writes to yet must not hold the process before time is looked at
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"{place}: {os.strerror(error.errno or 0)}", "check the path") from None
    except ValueError:
        raise InputError(f"{place}: this cannot be a path", "check it for odd characters") from None
    try:
        return drain(descriptor, place, bounds)
    finally:
        os.close(descriptor)


def drain(descriptor: int, place: str, bounds: Bounds) -> bytes:
    """Returns all that can be read. Raises: InputError (unreadable, too large), TooSlow."""
    chunks: list[bytes] = []
    size = 0
    try:
        waits = not stat.S_ISREG(os.fstat(descriptor).st_mode)
        while True:
            if waits:
                wait_for(descriptor, place, bounds)
            try:
                chunk = os.read(descriptor, BLOCK)
            except BlockingIOError:
                continue  # another reader of the pipe was faster: there is more to wait for
            if not chunk:
                return b"".join(chunks)
            size += len(chunk)
            if size > bounds.largest:
                raise too_large(place, bounds.largest)
            chunks.append(chunk)
    except OSError as error:
        raise InputError(f"{place}: {os.strerror(error.errno or 0)}", "check the path") from None


def wait_for(descriptor: int, place: str, bounds: Bounds) -> None:
    """Waits for bytes or the end of them. Raises: TooSlow."""
    import select

    if not select.select([descriptor], [], [], bounds.left)[0]:
        raise TooSlow(f"{place}: its end did not come within --timeout", "raise --timeout")


def too_large(place: str, largest: int) -> InputError:
    """Returns the error for input past what is read."""
    limit = f"{largest >> 20} MiB"
    return InputError(f"{place}: more than {limit} of input", "send less", ExitCode.BAD_DATA)
