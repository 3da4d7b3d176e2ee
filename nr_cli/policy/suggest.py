"""Suggests the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(wrong: str, names: Iterable[str], alike: float = 0.6) -> str:
    """Returns ' (did you mean "x"?)' for the closest name, or an empty string when none is close.

    `alike` is how close it must be, from 0 to 1; case counts for nothing. Only the first 40
    characters of `wrong` are compared, so that no input makes this slow.
    """
    from difflib import get_close_matches

    spelled = {name.casefold(): name for name in reversed(list(names))}
    close = get_close_matches(wrong[:40].casefold(), list(spelled), n=1, cutoff=alike)
    return f" (did you mean {quote(spelled[close[0]])}?)" if close else ""


def did_you_mean_model(wrong: str, names: Iterable[str], ids: Iterable[str]) -> str:
    """Returns the like for a model: one of the policy's names, or "provider/model" of all known.

    An id whose model bears exactly this name comes first, the earliest of several.
    """
    by_wire: dict[str, str] = {}
    for known in ids:
        by_wire.setdefault(known.partition("/")[2].casefold(), known)
    exact = by_wire.get(wrong.casefold())
    if exact is not None:
        return f" (did you mean {quote(exact)}?)"
    hint = did_you_mean(wrong, names)
    if hint:
        return hint
    from difflib import get_close_matches

    close = get_close_matches(wrong[:40].casefold(), list(by_wire), n=1)
    return f" (did you mean {quote(by_wire[close[0]])}?)" if close else ""


def quote(text: str) -> str:
    """Returns the text in double quotes, cut at 60 characters, control characters escaped.

    A name in a policy may hold an escape sequence; no message carries one to a terminal.
    """
    shown = text if len(text) <= 60 else text[:59] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown) + '"'
