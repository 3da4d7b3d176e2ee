"""Checks what the parts of a policy say of each other: names, addresses, edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from nr_cli.policy.addresses import url_flaw
from nr_cli.policy.check import Checking
from nr_cli.policy.document import is_list
from nr_cli.policy.judges import check_judges, judge_paths
from nr_cli.policy.schema import SERVED, STEPS
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.facts import BAND_EDGES
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

# Vendors that need no entry under `providers`; the catalog may know more.
BUILT_IN_VENDORS = ("openai", "local")


def check_references(checking: Checking) -> None:
    """Reports names that nothing bears, names that two things bear, values that contradict."""
    _check_names_differ(checking)
    for name, entry in checking.entries("providers").items():
        if isinstance(entry, Mapping):
            _check_provider(checking, name, entry)
    for name in checking.entries("models"):
        _check_model_id(checking, ("models", name, "id"))
    for name in checking.entries("pools"):
        for path in texts_at(checking, ("pools", name, "models")):
            _check_pool_member(checking, path)
    for path in uses(checking):
        _check_use_name(checking, path)
    for path in follow_ups(checking):
        _check_follow_up(checking, path)
    _check_guards(checking)
    _check_budgets(checking)
    _check_bands(checking)
    _check_calibration(checking)
    _check_patterns(checking)
    for path in judge_paths(checking):
        _check_use_name(checking, path)
    check_judges(checking)


def uses(checking: Checking) -> Iterator[Path]:
    """Yields the path of every name in every `use`."""
    starts: list[Path] = [("routes", at, "use") for at in range(count_routes(checking))]
    starts.append(("default", "use"))
    for start in starts:
        node = checking.document.get(start)
        yield from texts_at(checking, (*start, "models") if isinstance(node, Mapping) else start)


def _check_guards(checking: Checking) -> None:
    """Reports guards that forbid nothing, or that bear the name of another."""
    listed, names = checking.document.tree.get("guards"), set()
    for index, guard in enumerate(listed if is_list(listed) else ()):
        path: Path = ("guards", index)
        name = checking.document.text((*path, "name")) or ""
        if isinstance(guard, Mapping) and not guard.keys() & {"require", "block"}:
            message = f"guard {quote(name)} forbids nothing (add require, or block: true)"
            checking.report(path, "NR115", message)
        if name in names:
            message = f"duplicate guard {quote(name)} (rename it: a guard is never replaced)"
            checking.report((*path, "name"), "NR125", message)
        names.add(name)


def _check_budgets(checking: Checking) -> None:
    """Reports budgets that bear one name, or that name nobody to answer instead."""
    listed, names = checking.document.tree.get("budgets"), set()
    for index, budget in enumerate(listed if is_list(listed) else ()):
        path: Path = ("budgets", index)
        name = checking.document.text((*path, "name")) or ""
        if name in names:
            checking.report((*path, "name"), "NR125", f"duplicate budget {quote(name)} (rename it)")
        names.add(name)
        for place in texts_at(checking, (*path, "downgrade_to")):
            _check_use_name(checking, place)
        at = budget.get("at") if isinstance(budget, Mapping) else None
        downgrades = isinstance(at, Mapping) and "downgrade" in at.values()
        if downgrades and isinstance(budget, Mapping) and "downgrade_to" not in budget:
            message = f'budget {quote(name)} needs "downgrade_to": who answers instead'
            checking.report(path, "NR115", message)


def follow_ups(checking: Checking) -> Iterator[Path]:
    """Yields the path of what is to follow each kind of failure, in every `fallback`."""
    starts: list[Path] = [("routes", at) for at in range(count_routes(checking))]
    for start in ((), ("default",), *starts):
        table = checking.document.get((*start, "fallback"))
        for kind, follow in table.items() if isinstance(table, Mapping) else ():
            inside = ("before_output",) if isinstance(follow, Mapping) else ()
            yield (*start, "fallback", kind, *inside)


def _check_follow_up(checking: Checking, path: Path) -> None:
    """Checks the steps of one kind of failure: words of the language, else models or pools."""
    places = list(texts_at(checking, path))
    words = [checking.document.text(place) or "" for place in places]
    for place, word in zip(places, words, strict=True):
        meant = did_you_mean(word, STEPS)
        if word not in STEPS and meant and word not in checking.entries("models"):
            checking.report(place, "NR133", f"{path[-1]} cannot be {quote(word)}{meant}")
        elif word not in STEPS:
            _check_use_name(checking, place)
    if "fail" in words and len(words) > 1:
        checking.report(path, "NR133", "fail stands alone: nothing follows it (keep one of them)")


def count_routes(checking: Checking) -> int:
    """Returns how many routes the policy lists."""
    routes = checking.document.tree.get("routes")
    return len(routes) if is_list(routes) else 0


def texts_at(checking: Checking, path: Path) -> Iterator[Path]:
    """Yields the path of each text in a list of texts, or of the one text that stands for it."""
    node = checking.document.get(path)
    if is_list(node):
        yield from ((*path, index) for index in range(len(node)))
    elif node is not None and not isinstance(node, Mapping):
        yield path


def _check_names_differ(checking: Checking) -> None:
    bearers: dict[str, str] = {"default": "the policy's default"}
    named: list[tuple[Path, str, str]] = [
        (("models", name), "a model", name) for name in checking.entries("models")
    ]
    named += [(("pools", name), "a pool", name) for name in checking.entries("pools")]
    for index in range(count_routes(checking)):
        path: Path = ("routes", index, "name")
        name = checking.document.text(path)
        if name:
            named.append((path, "a route", name))
    for path, kind, name in named:
        if name not in bearers:
            bearers[name] = kind
        elif bearers[name] == kind == "a route":
            message = f"duplicate route {quote(name)} (rename it, or write override: true)"
            checking.report(path, "NR125", message)
        else:
            message = f"{quote(name)} is {bearers[name]} already (names must differ)"
            checking.report(path, "NR124", message)


def _check_provider(checking: Checking, name: str, entry: JsonObject) -> None:
    path: Path = ("providers", name)
    known = checking.catalog.provider(name) if checking.catalog is not None else None
    whole: JsonObject = {**(known or {}), **entry}
    kind = whole.get("kind")
    if kind is None and not (known is None and name in BUILT_IN_VENDORS):
        checking.report(path, "NR115", f'provider {quote(name)} needs "kind": the protocol')
    if kind in SERVED and "base_url" not in whole and not (known is None and name == "openai"):
        checking.report(path, "NR115", f'provider {quote(name)} needs "base_url": its address')
    if kind == "command" and "command" not in whole:
        checking.report(path, "NR115", f'provider {quote(name)} needs "command": the program')
    _check_address(checking, name, entry, whole)


def _check_address(checking: Checking, name: str, entry: JsonObject, whole: JsonObject) -> None:
    path: Path = ("providers", name)
    base_url, kind = whole.get("base_url"), whole.get("kind")
    if isinstance(base_url, str) and not has_variables(base_url):
        keyed = bool(whole.keys() & {"api_key_env", "api_key_cmd"}) or name == "openai"
        wrong = url_flaw(base_url, keyed, whole.get("local") is True)
        if wrong is not None:
            place = (*path, "base_url") if "base_url" in entry else path
            checking.report(place, "NR142", f"base_url {wrong}")
    elif whole.get("local") is True and kind in SERVED and "base_url" not in whole:
        checking.report((*path, "local"), "NR142", "local needs a base_url on this machine")


def _check_model_id(checking: Checking, path: Path) -> None:
    model_id = checking.document.text(path)
    if not model_id or has_variables(model_id):
        return
    provider, slash, wire = model_id.partition("/")
    if not (provider and slash and wire):
        message = f"{quote(model_id)} is not a model id (write provider/model)"
        checking.report(path, "NR120", message)
    else:
        _check_vendor(checking, path, provider)


def _check_vendor(checking: Checking, path: Path, provider: str) -> None:
    configured = checking.entries("providers")
    catalog = checking.catalog
    known = catalog.provider(provider) if catalog is not None else None
    by_itself = catalog is None and provider in BUILT_IN_VENDORS
    if provider in configured or by_itself:
        return
    if known is None:
        vendors = BUILT_IN_VENDORS if catalog is None else catalog.names()
        hint = did_you_mean(provider, (*configured, *vendors))
        message = f"unknown provider {quote(provider)}{hint or ' (add it under providers)'}"
        checking.report(path, "NR122", message)
    elif known.get("kind") in SERVED and "base_url" not in known:
        message = f'provider {quote(provider)} needs "base_url": its address (under providers)'
        checking.report(path, "NR115", message)


def _check_pool_member(checking: Checking, path: Path) -> None:
    name = checking.document.text(path) or ""
    if name in checking.entries("pools"):
        checking.report(path, "NR121", f"{quote(name)} is a pool (a pool holds models only)")
    else:
        _check_name(checking, path, name, "model", tuple(checking.entries("models")))


def _check_use_name(checking: Checking, path: Path) -> None:
    name = checking.document.text(path) or ""
    known = (*checking.entries("models"), *checking.entries("pools"))
    _check_name(checking, path, name, "model or pool", known)


def _check_name(
    checking: Checking, path: Path, name: str, kind: str, known: tuple[str, ...]
) -> None:
    if not name or name in known or has_variables(name):
        return
    provider, slash, wire = name.partition("/")
    if provider and slash and wire:
        _check_vendor(checking, path, provider)
    else:
        hint = did_you_mean(name, known) or " (write provider/model, or add it under models)"
        checking.report(path, "NR120", f"unknown {kind} {quote(name)}{hint}")


def _check_bands(checking: Checking) -> None:
    path: Path = ("classify", "complexity", "bands")
    bands = checking.document.get(path)
    own: Mapping[str, Json] = bands if isinstance(bands, Mapping) else {}
    edges = [own.get(band, edge) for band, edge in BAND_EDGES.items()]
    numbers = [edge for edge in edges if isinstance(edge, int | float)]
    if len(numbers) == len(edges) and any(a >= b for a, b in pairwise(numbers)):
        checking.report(path, "NR134", "the edges must rise from trivial to hard")


def _check_calibration(checking: Checking) -> None:
    """Reports a calibration that cannot be read; what is in it is for its reader to say."""
    path: Path = ("classify", "complexity", "calibration")
    name = checking.document.text(path)
    if name and not has_variables(name):
        from nr_cli.policy.include import read_beside

        try:
            read_beside(checking.document.place(path).file, name)
        except ValueError as error:
            checking.report(path, "NR136", f"{error}: make it with nr calibrate --out")


def _check_patterns(checking: Checking) -> None:
    for name, entry in checking.entries("classify").items():
        labels = entry.get("labels") if isinstance(entry, Mapping) else None
        if not (isinstance(entry, Mapping) and entry.get("use") == "regex"):
            continue
        for label in labels if isinstance(labels, Mapping) else {}:
            for path in texts_at(checking, ("classify", name, "labels", label)):
                _check_pattern(checking, path)


def _check_pattern(checking: Checking, path: Path) -> None:
    from nr_cli.policy.regex import find_flaw

    wrong = find_flaw(checking.document.text(path) or "")
    if wrong is not None:
        checking.report(path, "NR132", wrong)
