"""A policy's own classifier by patterns: the first label one of whose patterns matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.types.json import JsonObject

Search = Callable[[str, str], bool | None]


def compile(spec: JsonObject, search: Search) -> Callable[[str], str | None]:
    """Returns the classifier of `{labels: {label: [patterns]}}`.

    `search` is the bounded search of the policy's regular expressions; a pattern that ran out of
    time counts as no match.
    """
    labels = spec.get("labels")
    tests = [
        (label, [str(pattern) for pattern in patterns])
        for label, patterns in (labels.items() if isinstance(labels, Mapping) else ())
        if isinstance(patterns, list | tuple)
    ]

    def classify(text: str) -> str | None:
        for label, patterns in tests:
            if any(search(pattern, text) for pattern in patterns):
                return label
        return None

    return classify
