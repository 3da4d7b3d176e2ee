"""Refuses what would loosen a guard of the user's in a project's policy.

A guard is written in names: of models, providers, classifiers, with a price behind each model. A
project may bring its own, but none that a guard of the user's would take for what the user meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from nr_cli.policy.addresses import host_of, is_loopback
from nr_cli.policy.document import Document, conditions_in, is_list
from nr_cli.policy.globs import matches_glob
from nr_cli.policy.policy import Catalog
from nr_cli.policy.project import origin_of
from nr_cli.policy.suggest import quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Finding, Path

PRICING = ("price", "max_output")  # what the estimate of a request is made of


class Bounds(NamedTuple):
    """What the user's guards go by, taken together."""

    read: frozenset[str]
    local_only: bool
    max_cost: bool
    allow_models: Sequence[str]
    allow_providers: Sequence[str]
    deny_models: Sequence[str]
    deny_providers: Sequence[str]


def find_loosenings(project: Document, user: Document, catalog: Catalog) -> list[Finding]:
    """Returns every place where a project's policy would loosen a guard of the user's."""
    guards = user.tree.get("guards")
    bounds = _bounds(guards if is_list(guards) else ())
    known = _origins(user, catalog)
    found: list[Finding] = []
    for section, flaws in (
        ("classify", lambda name, entry: _judge_classifier(name, bounds)),
        ("providers", lambda name, entry: _judge_provider(name, entry, bounds, catalog, known)),
        ("models", lambda name, entry: _judge_model(name, entry, bounds)),
    ):
        found += _judge_section(project, section, flaws)
    return found


def _judge_section(
    project: Document, section: str, flaws: Callable[[str, JsonObject], Iterator[str]]
) -> Iterator[Finding]:
    entries = project.tree.get(section)
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        path: Path = (section, name)
        for flaw in flaws(name, entry if isinstance(entry, Mapping) else {}):
            yield project.finding(path, "NR145", f"a guard of yours {flaw}")


def _judge_classifier(name: str, bounds: Bounds) -> Iterator[str]:
    if name in bounds.read:
        yield f"goes by {quote(name)}: a project's policy may not define it (give it another name)"


def _judge_provider(
    name: str,
    entry: JsonObject,
    bounds: Bounds,
    catalog: Catalog,
    known: Mapping[str, frozenset[str]],
) -> Iterator[str]:
    whole: JsonObject = {**(catalog.provider(name) or {}), **entry}
    url = whole.get("base_url")
    is_usual = name in known.get(origin_of(url), ()) and "proxy" not in whole
    if _may_name(name, bounds.allow_providers, bounds.allow_models) and not is_usual:
        yield f"allows the name {quote(name)}: a project's policy may not take it (choose another)"
    if bounds.local_only and whole.get("local") is True and not _stays_here(whole):
        yield (
            "keeps prompts local: in a project's policy only a server on a loopback address,"
            " without a proxy, counts as such (put the provider into your own routes.yaml)"
        )
    if not (bounds.deny_models or bounds.deny_providers):
        return
    if isinstance(url, str) and has_variables(url):
        yield "denies names: a project's policy must write its addresses out (no variable)"
    for other in sorted(known.get(origin_of(url), frozenset()) - {name}):
        if _may_name(other, bounds.deny_providers, bounds.deny_models):
            yield f"denies {quote(other)}, which is at this address (use that name)"


def _judge_model(name: str, entry: JsonObject, bounds: Bounds) -> Iterator[str]:
    model_id = entry.get("id")
    if _is_among(name, bounds.allow_models) and not (
        isinstance(model_id, str)
        and not has_variables(model_id)
        and any(matches_glob(pattern, model_id) for pattern in bounds.allow_models)
    ):
        yield f"allows the name {quote(name)}: a project's policy may not take it (choose another)"
    for key in PRICING if bounds.max_cost else ():
        if key in entry:
            yield f"limits the cost: a project's policy may not set {key} (remove it)"


def _stays_here(provider: JsonObject) -> bool:
    """Tells whether a provider's prompts stay on this machine whatever a program does."""
    if provider.get("kind") == "local":
        return True
    url = provider.get("base_url")
    return isinstance(url, str) and is_loopback(host_of(url)) and "proxy" not in provider


def _bounds(guards: Sequence[Json]) -> Bounds:
    entries = [guard for guard in guards if isinstance(guard, Mapping)]
    requires = [req for guard in entries if isinstance(req := guard.get("require"), Mapping)]

    def texts(key: str) -> list[str]:
        lists = [require.get(key) for require in requires]
        flat = [text for one in lists for text in (one if is_list(one) else [one])]
        return [text for text in flat if isinstance(text, str)]

    return Bounds(
        frozenset(name for guard in entries for name in _read_by(guard.get("when"))),
        any(require.get("local_only") not in (None, False) for require in requires),
        any("max_cost" in require for require in requires),
        texts("allow_models"),
        texts("allow_providers"),
        texts("deny_models"),
        texts("deny_providers"),
    )


def _read_by(when: Json) -> Iterator[str]:
    """Yields the names of the classifiers that a condition goes by."""
    for wanted in ("intent", "complexity", "label"):
        for path, value in conditions_in(when, (), wanted):
            if wanted != "label":
                yield str(path[-1])
            elif isinstance(value, Mapping):
                yield from value


def _origins(user: Document, catalog: Catalog) -> dict[str, frozenset[str]]:
    """Returns the names of the providers at each address: the vendors, the user's own."""
    own = user.tree.get("providers")
    mine: Mapping[str, Json] = own if isinstance(own, Mapping) else {}
    names: dict[str, frozenset[str]] = {}
    for name in {*catalog.names(), *mine}:
        entry = mine.get(name)
        written = entry if isinstance(entry, Mapping) else {}
        place = origin_of({**(catalog.provider(name) or {}), **written}.get("base_url"))
        if place:
            names[place] = names.get(place, frozenset()) | {name}
    return names


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(has_variables(pattern) or matches_glob(pattern, name) for pattern in patterns)


def _may_name(provider: str, patterns: Sequence[str], of_models: Sequence[str]) -> bool:
    """Tells whether patterns of providers or of models may mean a provider, or a model of its."""
    if _is_among(provider, patterns):
        return True
    start = f"{provider}/"
    for pattern in of_models:
        head = pattern.replace("?", "*").partition("*")[0]  # what any match begins with
        if has_variables(pattern) or head.startswith(start):
            return True
        if head != pattern and start.startswith(head):
            return True
    return False
