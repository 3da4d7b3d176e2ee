"""A policy's own classifier by words: the first label one of whose words is in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nr_cli.types.json import JsonObject

DENSE = "\u0e00"  # from here on scripts do not put spaces between words


def compile(spec: JsonObject, search: object = None) -> Callable[[str], str | None]:
    """Returns the classifier of `{labels: {label: [words]}}`; case does not matter.

    `search` is what every classifier is offered; plain words need none.
    """
    labels = spec.get("labels")
    tests = [
        (label, _pattern([str(word) for word in words]))
        for label, words in (labels.items() if isinstance(labels, Mapping) else ())
        if isinstance(words, list | tuple) and words
    ]

    def classify(text: str) -> str | None:
        folded = text.casefold()
        return next((label for label, pattern in tests if pattern.search(folded)), None)

    return classify


def _pattern(words: list[str]) -> re.Pattern[str]:
    parts = []
    for word in words:
        escaped = re.escape(word.casefold())
        dense = any(character >= DENSE for character in word)
        parts.append(escaped if dense else rf"(?<!\w){escaped}(?!\w)")
    return re.compile("|".join(parts))
