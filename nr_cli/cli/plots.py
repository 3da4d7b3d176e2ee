"""Draws numbers as characters: a bar, a line of bars."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS, PLAIN_LEVELS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(value: float, most: float, width: int, blocks: bool) -> str:
    """Returns a bar of at most `width` characters; any value but zero shows at least a trace."""
    if value <= 0 or most <= 0:
        return ""
    if not blocks:
        return "#" * max(1, round(width * value / most))
    whole, rest = divmod(max(1, round(width * 8 * value / most)), 8)
    return "█" * whole + EIGHTHS[rest].strip()


def sparkline(values: Sequence[float], wide: int, blocks: bool) -> str:
    """Returns so many characters a value, as high as its share of the largest; zero is a space."""
    most = max(values, default=0)
    levels = LEVELS if blocks else PLAIN_LEVELS
    last = len(levels) - 1
    return "".join(
        wide * (levels[min(last, int(value / most * len(levels)))] if value > 0 else " ")
        for value in values
    )
