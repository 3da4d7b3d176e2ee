"""Checks the labels of classifiers with the intents of a policy's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nr_cli.policy.check import Checking
from nr_cli.policy.document import as_texts, conditions_in, is_list
from nr_cli.policy.globs import matches_glob
from nr_cli.policy.judges import KEYS, labels_of
from nr_cli.policy.references import count_routes, texts_at
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.facts import INTENTS
from nr_cli.types.json import Json
from nr_cli.types.policy import Path

FEW = 2  # a label with fewer examples is hardly ever found


def check_labels(checking: Checking) -> None:
    """Reports labels and intents that rules ask for in vain, examples that contradict."""
    for name, entry in checking.entries("classify").items():
        if isinstance(entry, Mapping):
            _check_examples(checking, name, entry)
    intents = known_intents(checking.entries("classify"))
    places: list[Path] = [("routes", at) for at in range(count_routes(checking))]
    for section in ("guards", "budgets"):
        listed = checking.document.tree.get(section)
        places += [(section, at) for at in range(len(listed) if is_list(listed) else 0)]
    for place in places:
        when: Path = (*place, "when")
        for path, asked in conditions_in(checking.document.get(when), when, "label"):
            for name in asked if isinstance(asked, Mapping) else ():
                _check_asked(checking, (*path, name))
        texts = as_texts(checking.document, when)
        for path, message in unknown_intents(texts, when, intents):
            checking.report(path, "NR133", message)


def known_intents(classify: Mapping[str, Json]) -> tuple[str, ...]:
    """Returns the intents that rules may name: nr's own with the policy's."""
    own = classify.get("intent")
    labels = own.get("labels") if isinstance(own, Mapping) else None
    return tuple(dict.fromkeys((*INTENTS, *(labels if isinstance(labels, Mapping) else ()))))


def unknown_intents(node: Json, path: Path, known: Collection[str]) -> Iterator[tuple[Path, str]]:
    """Yields the place of each intent in a condition that nobody knows, with what to say of it."""
    for place, value in conditions_in(node, path, "intent"):
        for word in value if is_list(value) else [value]:
            if not isinstance(word, str) or word in known or has_variables(word):
                continue
            hint = did_you_mean(word, known) or f" (they are {', '.join(known)})"
            yield place, f"{quote(word)} is not an intent{hint}"


def _check_asked(checking: Checking, path: Path) -> None:
    """Reports a classifier that is not there, or a label that it never gives."""
    name = str(path[-1])
    own = [known for known in checking.entries("classify") if known not in ("intent", "complexity")]
    if name not in own:
        hint = did_you_mean(name, own) or " (add it under classify)"
        checking.report(path, "NR133", f"no classifier is called {quote(name)}{hint}")
        return
    labels = labels_of(checking, name)
    use = checking.document.get(("classify", name, "use"))
    if not labels or use not in KEYS:
        return  # which labels a plugin gives, only the plugin knows
    for at in texts_at(checking, path):
        wanted = checking.document.text(at) or ""
        if not has_variables(wanted) and not any(matches_glob(wanted, one) for one in labels):
            hint = did_you_mean(wanted, labels) or f" (they are {', '.join(labels)})"
            message = f"classifier {quote(name)} has no label {quote(wanted)}{hint}"
            checking.report(at, "NR133", message)


def _check_examples(checking: Checking, name: str, entry: Mapping[str, Json]) -> None:
    """Reports what keeps a classifier by example from telling its labels apart."""
    path: Path = ("classify", name)
    if name != "intent" and entry.get("use") != "examples":
        return
    labels = entry.get("labels")
    if not isinstance(labels, Mapping):
        return
    if not labels:
        checking.report((*path, "labels"), "NR135", "labels is empty (name one, with examples)")
    _check_twice(checking, path, labels)
    lone = len(labels) == 1 and name != "intent"
    for label, form in labels.items():
        at: Path = (*path, "labels", label)
        mapped = isinstance(form, Mapping)
        count = len(list(texts_at(checking, (*at, "examples") if mapped else at)))
        if 0 < count < FEW:
            message = f"label {quote(label)} has one example (three or more find what is alike)"
            checking.report(at, "NR305", message, "warning")
        if lone and not (isinstance(form, Mapping) and "not" in form):
            message = f"{quote(label)} is the only label (add another, or prompts under not)"
            checking.report(at, "NR306", message, "warning")


def _check_twice(checking: Checking, path: Path, labels: Mapping[str, Json]) -> None:
    """Reports an example that two labels have, or that a label both has and refuses."""
    bearers: dict[str, str] = {}
    for label, form in labels.items():
        at: Path = (*path, "labels", label)
        for place in texts_at(checking, (*at, "examples") if isinstance(form, Mapping) else at):
            text = _folded(checking.document.text(place))
            bearer = bearers.setdefault(text, label)
            if bearer != label:
                message = f"this is an example of {quote(bearer)} too (leave it in one label)"
                checking.report(place, "NR135", message)
    for label in labels:
        for place in texts_at(checking, (*path, "labels", label, "not")):
            if bearers.get(_folded(checking.document.text(place))) == label:
                message = f"this is an example of {quote(label)} itself (leave it in one of them)"
                checking.report(place, "NR135", message)


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
