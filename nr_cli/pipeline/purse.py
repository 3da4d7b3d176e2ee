"""Holds what the budgets of a policy allow one ask, one request at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from nr_cli.errors import Refused
from nr_cli.types.budget import Budget

R = TypeVar("R")


class Book(Protocol[R]):
    """What counts budgets over all processes; both raise OSError where they cannot."""

    def reserve(self, budgets: Sequence[Budget], dollars: float, seconds: float) -> R | Budget:
        """Sets a sum aside in all budgets; returns the one that it would exceed, if one is."""
        ...

    def settle(self, reserved: R, dollars: float) -> None:
        """Puts what was spent in its place."""
        ...


class LedgerPurse(Generic[R]):
    """Some budgets of one book."""

    def __init__(self, book: Book[R], budgets: tuple[Budget, ...]) -> None:
        """Takes the book with the budgets that count for the ask."""
        self._book = book
        self._budgets = budgets
        self._held: R | None = None

    def reserve(self, dollars: float, seconds: float) -> str:
        """Sets a sum aside for so long; returns why it cannot be, an empty text if it is.

        Raises: Refused where a budget cannot be counted: one that must hold is not passed by.
        """
        try:
            found = self._book.reserve(self._budgets, dollars, seconds)
        except OSError as error:
            raise Refused(str(error), "mend it, or take the budget out of the policy") from None
        if isinstance(found, Budget):
            return f"budget {found.name}: ${dollars:.4f} more would exceed ${found.limit:g}"
        self._held = found
        return ""

    def settle(self, dollars: float) -> None:
        """Puts what was spent in its place; what cannot be counted stays reserved."""
        held, self._held = self._held, None
        if held is not None:
            try:
                self._book.settle(held, dollars)
            except OSError:
                return  # the answer was paid: the reservation counts until it expires
