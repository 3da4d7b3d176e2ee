"""Warns of policies that are right in form but will not do what they seem to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nr_cli.policy.check import Checking
from nr_cli.policy.document import as_texts, is_list
from nr_cli.policy.references import texts_at
from nr_cli.policy.suggest import quote
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path


def lint(checking: Checking) -> None:
    """Reports warnings on a document that has no errors."""
    listed = checking.document.tree.get("routes")
    routes = [route for route in listed if isinstance(route, Mapping)] if is_list(listed) else []
    _warn_unreachable(checking, routes)
    if routes and "default" not in checking.document.tree:
        message = "no default: a prompt that matches no route is refused (add default)"
        checking.report(("routes",), "NR302", message, "warning")
    for index, route in enumerate(routes):
        _warn_incapable(checking, index, route)


def _warn_unreachable(checking: Checking, routes: Sequence[JsonObject]) -> None:
    seen: list[tuple[Json, str]] = []
    for index, route in enumerate(routes):
        if route.get("enabled") is False:
            continue
        when = as_texts(checking.document, ("routes", index, "when"))
        name = checking.document.text(("routes", index, "name")) or ""
        for earlier, earlier_name in seen:
            if not earlier or earlier == when:
                why = "always matches" if not earlier else "has the same condition"
                message = f"route {quote(name)} is never reached: {quote(earlier_name)} above {why}"
                checking.report(("routes", index), "NR301", message, "warning")
                break
        if route.get("enabled", True) is True:  # else a variable says it, so only a run knows
            seen.append((when, name))


def _warn_incapable(checking: Checking, index: int, route: JsonObject) -> None:
    """Warns of a route whose every model is known to lack what its condition asks for."""
    when = route.get("when")
    needs = when.get("needs") if isinstance(when, Mapping) else None
    wanted = {needs} if isinstance(needs, str) else set(needs) if is_list(needs) else set()
    path: Path = ("routes", index, "use")
    start = (*path, "models") if isinstance(route.get("use"), Mapping) else path
    names = [checking.document.text(at) or "" for at in texts_at(checking, start)]
    models = [model for name in names for model in _members(checking, name)]
    for need in sorted(str(need) for need in wanted):
        if models and all(_lacks(checking, model, need) for model in models):
            name = checking.document.text(("routes", index, "name")) or ""
            message = f"no model of route {quote(name)} has what it needs: {quote(need)}"
            checking.report(path, "NR304", message, "warning")


def _members(checking: Checking, name: str) -> list[str]:
    if name not in checking.entries("pools"):
        return [name]
    paths = texts_at(checking, ("pools", name, "models"))
    return [checking.document.text(path) or "" for path in paths]


def _lacks(checking: Checking, name: str, need: str) -> bool:
    entry = checking.entries("models").get(name)
    own = entry.get("caps") if isinstance(entry, Mapping) else None
    model_id = entry.get("id") if isinstance(entry, Mapping) else name
    if own is None and checking.catalog is not None and isinstance(model_id, str):
        provider, _, wire = model_id.partition("/")
        own = (checking.catalog.model(provider, wire) or {}).get("caps")
    if isinstance(own, str):
        own = [own]
    # Long context is a matter of the window, which routing measures against each prompt.
    return is_list(own) and need not in own and need != "long_context"
