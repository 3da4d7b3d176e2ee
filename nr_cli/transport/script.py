"""The scripted driver's hands: replies from a list, so that a flow runs without a world."""

from __future__ import annotations

from collections.abc import Iterable

from nr_cli.types.steps import Open, Reply, Sleep, Step


class ScriptedHands:
    """Answers each Open or Read with the next reply; keeps every step for inspection."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        """Takes the replies in the order in which they will be asked for."""
        self._replies = iter(replies)
        self.steps: list[Step] = []

    @property
    def opened(self) -> list[Open]:
        """Returns the requests that were made."""
        return [step for step in self.steps if isinstance(step, Open)]

    def do(self, step: Step) -> Reply:
        """Returns the next reply; a Sleep needs none. Raises: AssertionError past the end."""
        self.steps.append(step)
        if isinstance(step, Sleep):
            return None
        try:
            return next(self._replies)
        except StopIteration:
            raise AssertionError(f"the script has no reply left for {step!r}") from None

    def finish(self) -> None:
        """Has nothing to end."""
