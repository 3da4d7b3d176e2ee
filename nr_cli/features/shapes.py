"""Finds the shapes a text holds: code, diffs, traces, tables, addresses, secrets."""

from __future__ import annotations

import re
from collections.abc import Callable

SAMPLE = 65536  # characters looked at from each end of a long text

CODE = (
    r"```|^\s*(?:def|class|import|from|func|fn|public|private|const|let|var|#include|SELECT)\b"
    r".*[;:({=]|[;{]\s*$"
)
DIFF = r"^(?:diff --git |@@ -\d+|--- [^\n]+\n\+\+\+ )"
TRACE = (
    r"Traceback \(most recent call last\)|^\s+at [\w.$<>]+\(.*\)\s*$|^\s+File \".+\", line \d+"
    r"|^Exception in thread|^panic: |^goroutine \d+"
)
TABLE = r"^\s*\|.+\|.+\|\s*$\n^\s*\|[\s:|-]+\|\s*$|^(?:[^,\n]+,){2,}[^,\n]+\n(?:[^,\n]*,){2,}"
URL = r"\bhttps?://[^\s<>\"']+"
API_KEY = (
    r"\b(?:AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9_-]{20,200}|gh[pousr]_[A-Za-z0-9]{20,200}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,200}|AIza[0-9A-Za-z_-]{35}|glpat-[A-Za-z0-9_-]{20})"
)
PRIVATE_KEY = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
EMAIL = r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b"
SSN = r"\b\d{3}-\d{2}-\d{4}\b"
IBAN = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"
CARD = r"\b\d(?:[ -]?\d){12,18}\b"


def find(text: str) -> frozenset[str]:
    """Returns the names of the shapes found; of a long text both ends are read."""
    if len(text) > 2 * SAMPLE:
        text = text[:SAMPLE] + "\n" + text[-SAMPLE:]
    return frozenset(name for name, holds in SHAPES.items() if holds(text))


def holds_secret(text: str) -> bool:
    """Tells whether a text shows the shape of a key, looking at all of it."""
    return SHAPES["api_key"](text) or SHAPES["private_key"](text)


def _matches(pattern: str, *needles: str) -> Callable[[str], bool]:
    """Returns a test that looks for cheap substrings before it runs the pattern."""

    def holds(text: str) -> bool:
        if needles and not any(needle in text for needle in needles):
            return False
        return re.search(pattern, text, re.MULTILINE) is not None

    return holds


def _holds_pii(text: str) -> bool:
    """Tells of e-mail addresses, national numbers, bank accounts or card numbers."""
    if "@" in text and re.search(EMAIL, text):
        return True
    if re.search(SSN, text) or re.search(IBAN, text):
        return True
    return any(_is_card(match) for match in re.findall(CARD, text))


def _is_card(digits: str) -> bool:
    """Tells whether a number passes the check of ISO/IEC 7812-1 (Luhn)."""
    numbers = [int(digit) for digit in digits if digit.isdigit()][::-1]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[1::2]]
    return len(numbers) >= 13 and (sum(numbers[::2]) + sum(doubled)) % 10 == 0


SHAPES: dict[str, Callable[[str], bool]] = {
    "code": _matches(CODE, "```", ";", "{", "(", "=", ":"),
    "diff": _matches(DIFF, "diff --git", "@@ -", "--- "),
    "stacktrace": _matches(TRACE, "Traceback", "at ", "File ", "Exception", "panic", "goroutine"),
    "table": _matches(TABLE, "|", ","),
    "url": _matches(URL, "http"),
    "api_key": _matches(API_KEY, "AKIA", "sk-", "gh", "xox", "AIza", "glpat"),
    "private_key": _matches(PRIVATE_KEY, "PRIVATE KEY-----"),
    "pii": _holds_pii,
}
