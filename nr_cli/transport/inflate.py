"""Undoes a response's content encoding within bounds, since servers compress unasked."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MAX_INFLATED = 64 * 1024 * 1024
PIECE = 256 * 1024


class Undecodable(ValueError):
    """The encoding is unknown, damaged, cut, or swells past MAX_INFLATED bytes."""


class Inflater:
    """Decodes gzip or deflate as it comes, in pieces of at most 256 KiB."""

    def __init__(self, encoding: str) -> None:
        """Takes the Content-Encoding header's value. Raises: Undecodable for an unknown one."""
        names = [name.strip() for name in encoding.lower().split(",") if name.strip()]
        names = [name for name in names if name != "identity"]
        if names not in ([], ["gzip"], ["x-gzip"], ["deflate"]):
            raise Undecodable(f"a content encoding nr did not ask for: {encoding[:40]}")
        self._machine = zlib.decompressobj(47 if names != ["deflate"] else 15) if names else None
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yields the decoded bytes of a chunk."""
        machine = self._machine
        if machine is None:
            yield chunk
            return
        if machine.eof:
            self._refuse_rest(chunk)
            return
        while chunk:
            try:
                piece = machine.decompress(chunk, PIECE)
            except zlib.error:
                raise Undecodable("a damaged compressed response") from None
            self._size += len(piece)
            if self._size > MAX_INFLATED:
                raise Undecodable("a compressed response of more than 64 MiB")
            if piece:
                yield piece
            chunk = machine.unconsumed_tail
            if machine.eof:
                self._refuse_rest(machine.unused_data)
                return

    def _refuse_rest(self, rest: bytes) -> None:
        """Refuses what follows the compressed stream: it would be lost without a word."""
        if rest.strip(b"\0"):
            raise Undecodable("a compressed response of several parts")

    def end(self) -> None:
        """Checks that the compressed stream is whole. Raises: Undecodable."""
        if self._machine is not None and self._size and not self._machine.eof:
            raise Undecodable("a compressed response that was cut")
