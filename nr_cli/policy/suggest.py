"""Suggests the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(wrong: str, names: Iterable[str], alike: float = 0.6) -> str:
    """Returns ' (did you mean "x"?)' for the closest name, or an empty string when none is close.

    `alike` is how close it must be, from 0 to 1. Only the first 40 characters of `wrong` are
    compared, so that no input makes this slow.
    """
    from difflib import get_close_matches

    close = get_close_matches(wrong[:40], list(names), n=1, cutoff=alike)
    return f" (did you mean {quote(close[0])}?)" if close else ""


def quote(text: str) -> str:
    """Returns the text in double quotes, cut at 60 characters, control characters escaped.

    A name in a policy may hold an escape sequence; no message carries one to a terminal.
    """
    shown = text if len(text) <= 60 else text[:59] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown) + '"'
