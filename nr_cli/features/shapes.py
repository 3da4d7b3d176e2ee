"""Finds the shapes a text holds: code, diffs, traces, tables, addresses, secrets.

Every pattern runs in time linear in the text: a plain search for a telling substring comes
first, then a pattern whose repeats are bounded or cannot overlap.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence

# Characters read from each end of a long text. Keys and e-mail addresses are looked for in all of
# it, since one that is missed would be sent where it must not go.
SAMPLE = 16 * 1024

CODE = (
    r"^[ \t]*(?:def \w+\(|class \w+[:({ ]|import [\w.]+[ \t]*;?$|from [\w.]+ import |func \w*\(|"
    r"fn \w+|(?:pub|public|private|protected|static) [\w<>\[\] ]{1,80}[({;=]|"
    r"(?:const|let|var) \w+[^\n=]{0,80}=|#include ?[<\"]|package [\w.]+;?$|"
    r"(?:if|for|while|switch) ?\([^\n]{1,200}\{|return [^\n]{1,200};$|"
    r"(?i:select [^\n]{1,300} from \w|create (?:table|index) |insert into \w)|#!/)"
)
CODE_ENDS = r"[;{}][ \t]*$"
DIFF = r"^(?:diff --git |@@ -\d+|--- [^\n]+\n\+\+\+ )"
TRACE = (
    r"^Traceback \(most recent call last\)|^[ \t]+at [^\s(]{1,200} ?\([^\n)]{0,300}\)|"
    r"^[ \t]+File \"[^\n\"]{1,300}\", line \d+|^Exception in thread|^panic: |^goroutine \d+ \[|"
    r"^thread '[^\n']{1,80}' panicked at|^Caused by: |^\S{1,120}\.rb:\d+:in [`']"
)
TABLE_RULE = r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+\|?[ \t]*$"
URL = r"\b(?:https?|ftp)://[^\s<>\"']"
SECRET_PREFIXES: tuple[tuple[str, str], ...] = (
    ("AKIA", r"[0-9A-Z]{16}(?![0-9A-Z])"),
    ("ASIA", r"[0-9A-Z]{16}(?![0-9A-Z])"),
    # A key always holds a digit; without one it is a name such as sk-some-long-project.
    ("sk-", r"(?=[A-Za-z_-]{0,40}\d)[A-Za-z0-9_-]{20}"),
    ("sk_live_", r"[A-Za-z0-9]{16}"),
    ("rk_live_", r"[A-Za-z0-9]{16}"),
    ("ghp_", r"[A-Za-z0-9]{20}"),
    ("gho_", r"[A-Za-z0-9]{20}"),
    ("ghu_", r"[A-Za-z0-9]{20}"),
    ("ghs_", r"[A-Za-z0-9]{20}"),
    ("ghr_", r"[A-Za-z0-9]{20}"),
    ("github_pat_", r"[A-Za-z0-9_]{22}"),
    ("glpat-", r"[A-Za-z0-9_-]{20}"),
    ("xox", r"[abeoprs]-[A-Za-z0-9-]{10}"),
    ("AIza", r"[0-9A-Za-z_-]{35}"),
    ("hf_", r"[A-Za-z0-9]{30}"),
    ("npm_", r"[A-Za-z0-9]{36}"),
    ("SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{20}"),
    ("eyJ", r"[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10}"),
)
PRIVATE_KEY = r"-----BEGIN (?:[A-Z]{2,12} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
PRIVATE_KEYS = (
    PRIVATE_KEY + r".*?(?:-----END [^\n-]{0,60}-----|\Z)",
    r"PuTTY-User-Key-File-.*",
)
HIDDEN = "***"
EMAIL = r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,4}\.[A-Za-z]{2,24}(?![A-Za-z0-9])"
SSN = r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"
IBAN = r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"
CARD = r"(?<![\d.,-])\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\d-])|(?<![\d-])3\d{3}[ -]\d{6}[ -]\d{5}"
PHONE = (
    r"(?<![\w.+])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}-\d{3}-\d{4})(?![\w-])"
)


def find(text: str) -> frozenset[str]:
    """Returns the names of the shapes found; of a long text mostly both ends are read."""
    ends = text
    if len(text) > 2 * SAMPLE:
        ends = f"{text[:SAMPLE]}\n{text[-SAMPLE:]}"
    found = [name for name, holds in SHAPES.items() if holds(ends)]
    found += [name for name, holds in SECRETS.items() if holds(text)]
    if _holds_email(text) or _holds_numbers(ends):
        found.append("pii")
    return frozenset(found)


def holds_secret(text: str) -> bool:
    """Tells whether a text shows the shape of a key, looking at all of it."""
    return any(holds(text) for holds in SECRETS.values())


def redact(words: str, secrets: Sequence[str], may_be_cut: bool = False) -> str:
    """Returns words without these secrets, be they plain or in base64.

    What `may_be_cut` may end with the beginning of a secret, which goes too.
    """
    for secret in secrets:
        encoded = binascii.b2a_base64(secret.encode("utf-8", "replace"), newline=False).decode()
        words = words.replace(secret, HIDDEN).replace(encoded, HIDDEN)
        for length in range(len(secret) - 1, 5, -1) if may_be_cut else ():
            if words.endswith(secret[:length]):
                words = words[:-length] + HIDDEN
                break
    return words


def hide(text: str, secrets: Sequence[str]) -> str:
    """Returns a text without these secrets, without anything else of a key's shape.

    A short word without a digit, such as the key that a local server wants, is no secret.
    """
    text = redact(text, [word for word in secrets if is_telling(word)])
    if not holds_secret(text):
        return text
    for prefix, rest in SECRET_PREFIXES:
        if prefix in text:
            shape = f"(?<![A-Za-z0-9_-]){re.escape(prefix)}{rest}[A-Za-z0-9_-]*"
            text = re.sub(shape, HIDDEN, text)
    for shape in PRIVATE_KEYS:
        text = re.sub(shape, HIDDEN, text, flags=re.DOTALL)
    return text


def may_hold_secret(document: str, secrets: Sequence[str]) -> bool:
    """Tells whether a document may hold a secret, at the price of a look for some words."""
    marks = (*(prefix for prefix, _ in SECRET_PREFIXES), "PRIVATE KEY", "PuTTY-User-Key-File-")
    return any(word in document for word in (*marks, *secrets))


def is_telling(secret: str) -> bool:
    """Tells whether a key is too odd a word to stand in a text by chance."""
    return len(secret) >= 16 or (len(secret) >= 8 and any(sign.isdigit() for sign in secret))


def _search(pattern: str, text: str) -> re.Match[str] | None:
    return re.search(pattern, text, re.MULTILINE)


def _holds_code(text: str) -> bool:
    if "```" in text or "~~~" in text:
        return True
    if _search(CODE, text):
        return True
    if ";" not in text and "{" not in text and "}" not in text:
        return False
    return len(re.findall(CODE_ENDS, text, re.MULTILINE)) >= 3


def _holds_diff(text: str) -> bool:
    if "diff --git" not in text and "@@ -" not in text and "\n+++ " not in text:
        return False
    return _search(DIFF, text) is not None


def _holds_trace(text: str) -> bool:
    hints = ("Traceback (", " at ", "\tat ", 'File "', "Exception in", "panic: ", "goroutine ",
             "panicked at", "Caused by: ", ".rb:")  # fmt: skip
    return any(hint in text for hint in hints) and _search(TRACE, text) is not None


def _holds_table(text: str) -> bool:
    """Tells of a Markdown table, or of three lines in a row with the same cells."""
    if "--" in text and "|" in text and _search(TABLE_RULE, text):
        return True
    return any(mark in text and _has_columns(text, mark) for mark in ("\t", "|", ",", ";"))


def _has_columns(text: str, mark: str) -> bool:
    run, last = 0, 0
    for line in text.split("\n"):
        cells = line.count(mark)
        # Prose has commas too, but a space follows them; code ends its lines with semicolons.
        if mark in ",;" and cells and 2 * line.count(f"{mark} ") > cells:
            cells = 0
        run = (run + 1 if cells == last else 1) if cells >= 2 else 0
        last = cells
        if run == 3:
            return True
    return False


def _holds_url(text: str) -> bool:
    return "://" in text and _search(URL, text) is not None


def _holds_api_key(text: str) -> bool:
    return any(
        prefix in text and re.search(f"(?<![A-Za-z0-9_-]){re.escape(prefix)}{rest}", text)
        for prefix, rest in SECRET_PREFIXES
    )


def _holds_private_key(text: str) -> bool:
    if "PuTTY-User-Key-File-" in text:
        return True
    return "PRIVATE KEY" in text and re.search(PRIVATE_KEY, text) is not None


def _holds_email(text: str) -> bool:
    """Tells of an e-mail address; the search starts at each @, never at what may stand before."""
    if "@" not in text:
        return False
    before = (text[match.start() - 1 : match.start()] for match in re.finditer(EMAIL, text))
    return any(sign.isalnum() or (sign and sign in "._%+-") for sign in before)


def _holds_numbers(text: str) -> bool:
    """Tells of phone, social security, bank account or card numbers."""
    if len(re.findall(r"\d", text[:4096])) < 9 and not re.search(r"\d[\d ().-]{6}", text):
        return False
    if re.search(SSN, text) or re.search(PHONE, text):
        return True
    if any(is_iban(match) for match in re.findall(IBAN, text)):
        return True
    return any(is_card(match) for match in re.findall(CARD, text))


def is_iban(account: str) -> bool:
    """Tells whether an account number passes the check of ISO 13616 (remainder 1 of 97)."""
    account = account.replace(" ", "")
    if not 15 <= len(account) <= 34:
        return False
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1


def is_card(digits: str) -> bool:
    """Tells whether a number passes the check of ISO/IEC 7812-1 (Luhn)."""
    numbers = [int(digit) for digit in digits if digit.isdecimal()][::-1]
    doubled = [sum(divmod(2 * number, 10)) for number in numbers[1::2]]
    if not 13 <= len(numbers) <= 19 or len(set(numbers)) == 1:
        return False
    return (sum(numbers[::2]) + sum(doubled)) % 10 == 0


SHAPES: dict[str, Callable[[str], bool]] = {
    "code": _holds_code,
    "diff": _holds_diff,
    "stacktrace": _holds_trace,
    "table": _holds_table,
    "url": _holds_url,
}
SECRETS: dict[str, Callable[[str], bool]] = {
    "api_key": _holds_api_key,
    "private_key": _holds_private_key,
}
