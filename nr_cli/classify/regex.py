"""A policy's own classifier by patterns: the first label one of whose patterns matches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.types.json import JsonObject

Search = Callable[[str, str], bool | None]


def compile(spec: JsonObject, search: Search) -> Callable[[str], str | None]:
    """Returns the classifier of `{labels: {label: [patterns]}}`.

    `search` is the bounded search of the policy's regular expressions. Where it cannot tell (None),
    no label after that one is given, since that one may be the first.
    """
    labels = spec.get("labels")
    tests = [
        (label, [str(pattern) for pattern in patterns])
        for label, patterns in (labels.items() if isinstance(labels, Mapping) else ())
        if isinstance(patterns, list | tuple)
    ]

    def classify(text: str) -> str | None:
        for label, patterns in tests:
            found = [search(pattern, text) for pattern in patterns]
            if any(found):
                return label
            if None in found:
                return None
        return None

    return classify
