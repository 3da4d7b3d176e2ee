"""Replaces what must not be sent by a word that says what stood there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar, cast

from nr_cli.features import shapes
from nr_cli.types.json import Json
from nr_cli.types.prompt import Ask

JsonT = TypeVar("JsonT", bound="Json")

MAILBOX = 64  # characters that may stand before the @ (RFC 5321)
_BEFORE = re.compile(r"[A-Za-z0-9._%+-]")


def mask(text: str, kinds: Collection[str]) -> tuple[str, int]:
    """Returns the text without these kinds (api_key, private_key, pii), and how many there were."""
    count = 0
    for kind in ("private_key", "api_key", "pii"):
        if kind in kinds:
            for hide in _HIDERS[kind]:
                text, found = hide(text, f"[redacted {kind}]")
                count += found
    return text, count


def _private_keys(text: str, word: str) -> tuple[str, int]:
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File-" not in text:
        return text, 0
    count = 0
    for pattern in shapes.PRIVATE_KEYS:
        text, found = re.subn(pattern, word, text, flags=re.DOTALL)
        count += found
    return text, count


def _api_keys(text: str, word: str) -> tuple[str, int]:
    count = 0
    for prefix, rest in shapes.SECRET_PREFIXES:
        if prefix in text:
            pattern = f"(?<![A-Za-z0-9_-]){re.escape(prefix)}{rest}[A-Za-z0-9_.-]*"
            text, found = re.subn(pattern, word, text)
            count += found
    return text, count


def _mails(text: str, word: str) -> tuple[str, int]:
    """Replaces addresses; each is found by its @, then read backwards to where it begins."""
    parts: list[str] = []
    done = 0
    for match in re.finditer(shapes.EMAIL, text):
        start = match.start()
        while start > max(done, match.start() - MAILBOX) and _BEFORE.match(text[start - 1]):
            start -= 1
        if start < match.start():
            parts += (text[done:start], word)
            done = match.end()
    return "".join((*parts, text[done:])), len(parts) // 2


def _numbers(pattern: str, holds: Callable[[str], bool]) -> Callable[[str, str], tuple[str, int]]:
    def hide(text: str, word: str) -> tuple[str, int]:
        count = 0

        def swap(match: re.Match[str]) -> str:
            nonlocal count
            if not holds(match[0]):
                return match[0]
            count += 1
            return word

        return re.sub(pattern, swap, text), count

    return hide


_HIDERS: dict[str, tuple[Callable[[str, str], tuple[str, int]], ...]] = {
    "private_key": (_private_keys,),
    "api_key": (_api_keys,),
    "pii": (
        _mails,
        _numbers(shapes.IBAN, shapes.is_iban),
        _numbers(shapes.CARD, shapes.is_card),
        _numbers(shapes.SSN, lambda _: True),
        _numbers(shapes.PHONE, lambda _: True),
    ),
}


def redact(ask: Ask, kinds: Collection[str]) -> tuple[Ask, int]:
    """Returns the ask with these kinds replaced in every text of it, and how many there were.

    Names of options, keys of a schema stay.
    """
    prompt = ask.prompt
    text, count = mask(prompt.text, kinds)
    system = prompt.system
    if system is not None:
        system, found = mask(system, kinds)
        count += found
    turns = []
    for turn in prompt.turns:
        said, found = mask(turn.text, kinds)
        count += found
        turns.append(turn._replace(text=said))
    prompt = prompt._replace(text=text, system=system, turns=tuple(turns))
    params, found = mask_json(ask.params, kinds)
    schema, more = mask_json(ask.schema, kinds)
    ask = ask._replace(prompt=prompt, params=params, schema=schema)
    return ask, count + found + more


def mask_json(node: JsonT, kinds: Collection[str]) -> tuple[JsonT, int]:
    """Returns a value with these kinds replaced in each text of it, and how many there were."""
    masked: Json = node
    count = 0
    if isinstance(node, str):
        masked, count = mask(node, kinds)
    elif isinstance(node, Mapping):
        pairs = {key: mask_json(value, kinds) for key, value in node.items()}
        masked = {key: value for key, (value, _) in pairs.items()}
        count = sum(found for _, found in pairs.values())
    elif isinstance(node, list | tuple):
        items = [mask_json(value, kinds) for value in node]
        masked = [value for value, _ in items]
        count = sum(found for _, found in items)
    return cast(JsonT, masked), count
