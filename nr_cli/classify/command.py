"""A policy's own classifier by a program: the prompt goes in, one label comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.types.json import JsonObject
from nr_cli.types.opinion import ABSTAIN, Question

TIMEOUT = 2.0  # seconds


def compile(spec: JsonObject, search: object = None) -> Callable[[str], Question]:
    """Returns what runs the program of `{command, labels?, timeout?, if_fails?}`."""
    labels, words, timeout = spec.get("labels"), spec.get("command"), spec.get("timeout")
    argv = tuple(map(str, words)) if isinstance(words, list | tuple) else ()

    def classify(text: str) -> Question:
        return Question(
            about="",
            labels=tuple(labels) if isinstance(labels, Mapping) else (),
            text=text,
            timeout=timeout if isinstance(timeout, int | float) else TIMEOUT,
            argv=argv,
            if_fails=str(spec.get("if_fails") or ABSTAIN),
        )

    return classify
