"""Refuses what a project's policy may not do, trusted or not.

A key belongs to the address it is for. What a repository brings along may choose among the user's
providers and add its own, but never send a key elsewhere, nor read the user's environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nr_cli.policy.document import Document, is_list
from nr_cli.policy.policy import Catalog
from nr_cli.policy.suggest import quote
from nr_cli.policy.variables import variables_in
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Finding, Path

PUBLIC = "NR_PUBLIC_"  # how variables begin that any project may read
DETOURS = ("proxy", "ca_file", "headers")


def find_trespasses(project: Document, user: Document | None, catalog: Catalog) -> list[Finding]:
    """Returns every place where a project's policy reaches for what is the user's."""
    found = [
        project.finding(
            path, "NR144",
            f"a project's policy may not read ${{{name}}} (only variables named {PUBLIC}…;"
            " others belong into your own routes.yaml)",
        )
        for path, name in _variables(project.tree, ())
        if not name.startswith(PUBLIC)
    ]  # fmt: skip
    providers = project.tree.get("providers")
    homes = _homes(user, catalog)
    for name, entry in providers.items() if isinstance(providers, Mapping) else ():
        if isinstance(entry, Mapping):
            found += _judge(project, ("providers", name), {**_known(catalog, name), **entry}, homes)
    return found


def _judge(
    project: Document, path: Path, entry: JsonObject, homes: Mapping[str, frozenset[str]]
) -> Iterator[Finding]:
    """Yields what is wrong with one provider."""
    if "api_key_cmd" in entry:
        message = "a project's policy may not run a program for a key (put it into your own)"
        yield project.finding((*path, "api_key_cmd"), "NR143", message)
    variable = entry.get("api_key_env")
    if not isinstance(variable, str) or variable.startswith(PUBLIC):
        return
    place = origin_of(entry.get("base_url"))
    allowed = homes.get(variable, frozenset())
    if place not in allowed:
        where = f"it belongs to {', '.join(sorted(allowed))}" if allowed else "it is not known"
        message = (
            f"a project's policy may not send the key in {quote(variable)} to"
            f" {place or 'this address'}: {where} (put the provider into your own routes.yaml)"
        )
        yield project.finding(path, "NR143", message)
    for detour in DETOURS:
        if detour in entry:
            message = f"a project's policy may not set {detour} where a key of yours is sent"
            yield project.finding((*path, detour), "NR143", f"{message} (remove it)")


def _homes(user: Document | None, catalog: Catalog) -> dict[str, frozenset[str]]:
    """Returns the addresses that each variable's key belongs to: the vendor's, the user's own."""
    homes: dict[str, frozenset[str]] = {}
    entries = [catalog.provider(name) or {} for name in catalog.names()]
    own = user.tree.get("providers") if user is not None else None
    for name, entry in own.items() if isinstance(own, Mapping) else ():
        if isinstance(entry, Mapping):
            entries.append({**_known(catalog, name), **entry})
    for entry in entries:
        variable, place = entry.get("api_key_env"), origin_of(entry.get("base_url"))
        if isinstance(variable, str) and place:
            homes[variable] = homes.get(variable, frozenset()) | {place}
    return homes


def _known(catalog: Catalog, name: str) -> JsonObject:
    return catalog.provider(name) or {}


def origin_of(url: Json) -> str:
    """Returns scheme, host with port of an address, in lower case; empty for none."""
    return "/".join(url.split("/", 3)[:3]).lower() if isinstance(url, str) else ""


def _variables(node: Json, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, str):
        yield from ((path, name) for name in sorted(variables_in(node)))
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _variables(value, (*path, key))
    elif is_list(node):
        for index, value in enumerate(node):
            yield from _variables(value, (*path, index))
