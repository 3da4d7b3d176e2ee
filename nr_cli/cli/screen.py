"""Makes foreign text harmless on a terminal, character by character.

Mapping single characters, rather than matching sequences, is what keeps an escape sequence that
was split over two pieces from slipping through.
"""

from __future__ import annotations

from functools import cache

KEPT = "\n\t"
BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
TAGS = range(0xE0000, 0xE0080)
SURROGATES = range(0xD800, 0xE000)


@cache
def _table() -> dict[int, str]:
    """Returns what stands for each character that could steer a terminal or hide text."""
    table = {code: f"^{chr(code ^ 0x40)}" for code in [*range(0x20), 0x7F]}
    table.update({code: f"<U+{code:04X}>" for code in [*range(0x80, 0xA0), *BIDI, *TAGS]})
    table.update(dict.fromkeys(SURROGATES, "\ufffd"))
    for kept in KEPT:
        del table[ord(kept)]
    return table


def neutralise(text: str) -> str:
    """Returns the text with each control character in caret or `<U+XXXX>` form.

    Line feed and tab stay. CR LF becomes LF; a lone CR is shown.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.replace("\r\n", "\n").translate(_table())


class Neutraliser:
    """Neutralises a stream; only a trailing CR waits, in case its LF is in the next piece."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Returns what may be shown of the text so far."""
        piece = self._held + piece
        self._held = ""
        if piece.endswith("\r"):
            piece, self._held = piece[:-1], "\r"
        return neutralise(piece)

    def end(self) -> str:
        """Returns what was still held."""
        held, self._held = self._held, ""
        return neutralise(held)
