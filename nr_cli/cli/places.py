"""A table from names to numbers that stays small however many names it holds."""

from __future__ import annotations

from array import array
from hashlib import blake2b

FIRST = 1024  # slots; always a power of two


class Places:
    """Numbers by name in 16 bytes a slot, by a 64-bit digest of the name.

    A million names take 32 MB, a dict of them four times that. Two of a million names share a
    digest once in thirty million such tables.
    """

    def __init__(self) -> None:
        self._marks = array("Q", bytes(8 * FIRST))
        self._numbers = array("Q", bytes(8 * FIRST))
        self._count = 0

    def __len__(self) -> int:
        """Returns how many names there are."""
        return self._count

    def get(self, name: str) -> int | None:
        """Returns the number of a name."""
        slot = self._find(mark_of(name))
        return self._numbers[slot] if self._marks[slot] else None

    def put(self, name: str, number: int) -> int | None:
        """Gives a name its number; returns the one it has already, which stays."""
        mark = mark_of(name)
        slot = self._find(mark)
        if self._marks[slot]:
            return self._numbers[slot]
        self._marks[slot], self._numbers[slot] = mark, number
        self._count += 1
        if self._count * 3 > len(self._marks) * 2:
            self._grow()
        return None

    def _find(self, mark: int) -> int:
        """Returns the slot of a mark, or the free one where it belongs."""
        last = len(self._marks) - 1
        slot = mark & last
        while self._marks[slot] not in (0, mark):
            slot = slot + 1 & last
        return slot

    def _grow(self) -> None:
        marks, numbers = self._marks, self._numbers
        self._marks = array("Q", bytes(16 * len(marks)))
        self._numbers = array("Q", bytes(16 * len(marks)))
        for mark, number in zip(marks, numbers, strict=True):
            if mark:
                slot = self._find(mark)
                self._marks[slot], self._numbers[slot] = mark, number


def mark_of(name: str) -> int:
    """Returns a digest of the name that is never 0."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1
