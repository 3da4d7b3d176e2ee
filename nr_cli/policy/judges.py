"""Checks that a classifier has the keys that its use asks for, none besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nr_cli.policy.document import is_list
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.json import Json
from nr_cli.types.opinion import ABSTAIN
from nr_cli.types.policy import Path

if TYPE_CHECKING:
    from nr_cli.policy.check import Checking

# What each use needs, then what it may have beside `use` with `labels`.
KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "keywords": (("labels",), ()),
    "regex": (("labels",), ()),
    "examples": (("labels",), ("min_confidence",)),
    "llm": (("model", "labels"), ("prompt", "timeout", "if_fails")),
    "command": (("command",), ("timeout", "if_fails")),
}
# What a label holds where it is written out in the policy.
WRITTEN: Mapping[str, str] = {"keywords": "words", "regex": "patterns", "examples": "examples"}
OWN = ("model", "prompt", "command", "timeout", "if_fails", "min_confidence")


def check_judges(checking: Checking) -> None:
    """Reports keys that a classifier's use lacks or has no use for, labels that leave no choice."""
    for name, entry in _classifiers(checking):
        _check_classifier(checking, name, entry)


def judge_paths(checking: Checking) -> Iterator[Path]:
    """Yields the path of each model or pool that is named as a judge."""
    paths: list[Path] = [("classify", "complexity", "second_opinion", "model")]
    paths += [("classify", name, "model") for name, _ in _classifiers(checking)]
    yield from (path for path in paths if checking.document.get(path) is not None)


def _classifiers(checking: Checking) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for name, entry in checking.entries("classify").items():
        if name not in ("intent", "complexity") and isinstance(entry, Mapping):
            yield name, entry


def labels_of(checking: Checking, name: str) -> tuple[str, ...]:
    """Returns the labels that a classifier of the policy names, none where it names none."""
    path: Path = ("classify", name, "labels")
    labels = checking.document.get(path)
    if isinstance(labels, Mapping):
        return tuple(labels)
    count = len(labels) if is_list(labels) else 0
    return tuple(checking.document.text((*path, index)) or "" for index in range(count))


def _check_classifier(checking: Checking, name: str, entry: Mapping[str, Json]) -> None:
    path: Path = ("classify", name)
    use = str(entry.get("use"))
    if use not in KEYS:
        return  # a plugin knows what it needs; another word has been reported
    needed, further = KEYS[use]
    for key in needed:
        if key not in entry:
            message = f"classifier {quote(name)} needs {quote(key)} (use: {use})"
            checking.report(path, "NR115", message)
    for key in OWN:
        if key in entry and key not in (*needed, *further):
            message = f"{quote(key)} means nothing to use: {use} (remove it)"
            checking.report((*path, key), "NR112", message)
    if use in WRITTEN and is_list(entry.get("labels")):
        kind = WRITTEN[use]
        message = f"labels must be a map: the {kind} of each label"
        checking.report((*path, "labels"), "NR111", message)
    if use == "llm":
        _check_llm(checking, name)
    _check_fallback(checking, name)


def _check_llm(checking: Checking, name: str) -> None:
    path: Path = ("classify", name)
    labels = labels_of(checking, name)
    if len(labels) == 1:
        message = "one label alone leaves nothing to judge (name another, such as other)"
        checking.report((*path, "labels"), "NR131", message)
    if len({label.casefold() for label in labels}) < len(labels):
        message = "two labels are the same but for letter case (rename one)"
        checking.report((*path, "labels"), "NR131", message)


def _check_fallback(checking: Checking, name: str) -> None:
    path: Path = ("classify", name, "if_fails")
    fallback = checking.document.text(path)
    labels = labels_of(checking, name)
    if fallback is None or has_variables(fallback) or fallback == ABSTAIN or not labels:
        return
    if fallback not in labels:
        known = (*labels, ABSTAIN)
        hint = did_you_mean(fallback, known) or f" (known: {', '.join(known)})"
        checking.report(path, "NR133", f"if_fails cannot be {quote(fallback)}{hint}")
