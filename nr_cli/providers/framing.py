"""Cuts a byte stream into server-sent events, to the letter of the WHATWG standard.

Works on bytes because `str.splitlines` also splits on U+2028, U+0085 and others that are
ordinary characters inside an event.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_LINE = 8 * 1024 * 1024


class Frame(NamedTuple):
    """One event: its type ("" when none was given) with its data, lines joined by LF."""

    event: str
    payload: bytes


class LineTooLong(ValueError):
    """A line grew past MAX_LINE bytes without an end."""


class Frames:
    """An incremental parser: feed chunks cut anywhere, receive whole events.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._after_cr = False
        self._first_line = True
        self._event = ""
        self._lines: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Frame]:
        """Returns the events that this chunk completes.

        Raises: LineTooLong.
        """
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # the second half of a CRLF cut in two
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ended, rest = chunk.split(b"\n")
        frames: list[Frame] = []
        for piece in ended:
            self._hold(piece)
            self._take_line(b"".join(self._pieces), frames)
            self._pieces.clear()
            self._held = 0
        self._hold(rest)
        return frames

    def end(self) -> list[Frame]:
        """Returns a last event whose blank line never came.

        The standard drops it. Servers that forget the blank line are common, and the codec
        still demands a terminal marker, so taking it loses nothing.
        """
        frames: list[Frame] = []
        if self._pieces:
            self._take_line(b"".join(self._pieces), frames)
        self._take_line(b"", frames)
        return frames

    def _hold(self, piece: bytes) -> None:
        if piece:
            self._held += len(piece)
            if self._held > MAX_LINE:
                raise LineTooLong
            self._pieces.append(piece)

    def _take_line(self, line: bytes, frames: list[Frame]) -> None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            if self._lines:
                frames.append(Frame(self._event, b"\n".join(self._lines)))
            self._event, self._lines = "", []
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._lines.append(value)
        elif field == b"event":
            self._event = value.decode("utf-8", "replace")
        # a comment has an empty field name; id, retry and unknown fields carry nothing for us
