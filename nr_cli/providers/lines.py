"""Cuts a byte stream into lines, wherever its chunks were cut."""

from __future__ import annotations

from nr_cli.providers.framing import MAX_LINE, LineTooLong


class Lines:
    """An incremental splitter at LF; a CR before it is white space to whoever reads JSON."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the lines that this chunk completes.

        Raises: LineTooLong.
        """
        *ended, rest = chunk.split(b"\n")
        lines = []
        for piece in ended:
            self._hold(piece)
            lines.append(self.end())
        self._hold(rest)
        return lines

    def end(self) -> bytes:
        """Returns what is held of a line that was not ended, and forgets it."""
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        return line

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held > MAX_LINE:
            raise LineTooLong
        if piece:
            self._pieces.append(piece)
