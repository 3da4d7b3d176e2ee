"""Writes answers to a file that another cache can take in: JSON Lines, the same bytes for the same.

An answer travels under a key that holds no trace of whoever paid for it, so that `--cache only`
finds it on a machine without any key. Nothing is in the file that was not sent or answered; what
was sent is there as digests alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from nr_cli.store.cache import MAX_BODY, MAX_LABELS, Cache

VERSION = 1
HEAD = {"nr_cassette": VERSION}
TRAVELS = "travels_as"  # the label that holds an entry's key without a payer
PRIVATE = frozenset((TRAVELS, "credential"))
LONGEST = 2 * (MAX_BODY + MAX_LABELS)  # bytes of a line
EVERYTHING = 2**31


class Loaded(NamedTuple):
    """What came of an import: how many answers were taken in, (line number, flaw) of the others."""

    taken: int
    flaws: tuple[tuple[int, str], ...]


def dump_lines(
    cache: Cache, wanted: Callable[[Mapping[str, str]], bool]
) -> tuple[list[bytes], int]:
    """Returns the lines of all answers that are wanted, and how many cannot travel.

    Those were kept by an older version, which did not say how.
    """
    lines: dict[str, bytes] = {}
    left_out = 0
    for key, _, labels in cache.recent(EVERYTHING):
        if not wanted(labels):
            continue
        name, entry = labels.get(TRAVELS, ""), cache.get(key, float("inf"))
        if not is_key(name) or entry is None:
            left_out += 1
            continue
        told = {label: value for label, value in labels.items() if label not in PRIVATE}
        body = entry.body.decode("utf-8", "replace")
        sealed = {"key": name, "body": body, "labels": told, "sha256": _seal(name, body)}
        lines.setdefault(name, _line(sealed))
    return [_line(HEAD), *(lines[name] for name in sorted(lines))], left_out


def load_lines(cache: Cache, lines: Iterable[bytes]) -> Loaded:
    """Puts every good line's answer into a cache, as if it were kept now."""
    taken = 0
    flaws: list[tuple[int, str]] = []
    for number, flaw, row in _rows(lines):
        if flaw or row is None:
            flaws.append((number, flaw))
        elif cache.put(row.key, row.body.encode(), {**row.labels, TRAVELS: row.key}):
            taken += 1
        else:
            flaws.append((number, f"cannot be kept: {cache.trouble}"))
    return Loaded(taken, tuple(flaws))


def is_key(text: str) -> bool:
    """Tells whether a text is 64 hex digits."""
    return len(text) == 64 and all(sign in "0123456789abcdef" for sign in text)


class _Row(NamedTuple):
    key: str
    body: str
    labels: Mapping[str, str]


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[int, str, _Row | None]]:
    """Yields the number of each line with its flaw, or with what it holds."""
    number = 0
    for number, line in enumerate(lines, 1):
        if number == 1:
            flaw = _head_flaw(line)
            if flaw:
                yield 1, flaw, None
                return
        elif line.strip():
            yield number, *_read(line)
    if not number:
        yield 1, "is empty", None


def _head_flaw(line: bytes) -> str:
    try:
        head = json.loads(line) if len(line) <= LONGEST else None
    except (ValueError, RecursionError):
        head = None
    version = head.get("nr_cassette") if isinstance(head, dict) else None
    if version is None:
        return "is no cassette of nr's (the first line says so)"
    return "" if version == VERSION else f"is of version {version}, this nr reads {VERSION}"


def _read(line: bytes) -> tuple[str, _Row | None]:
    if len(line) > LONGEST:
        return f"is longer than {LONGEST:,} bytes", None
    try:
        row = json.loads(line)
        key, body, labels, seal = row["key"], row["body"], row["labels"], row["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "is no answer (it was cut or edited)", None
    told = isinstance(labels, dict) and all(isinstance(one, str) for one in labels.values())
    if not (isinstance(key, str) and is_key(key) and isinstance(body, str) and told):
        return "is no answer (it was cut or edited)", None
    if seal != _seal(key, body):
        return "has another checksum than its answer (it was edited)", None
    return "", _Row(key, body, labels)


def _seal(key: str, body: str) -> str:
    return hashlib.sha256(f"{key}\0{body}".encode("utf-8", "surrogatepass")).hexdigest()


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
