"""Writes a first policy for what was found on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nr_cli.policy.builtin import EMBEDDED, Choice, builtin
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from nr_cli.catalog.lookup import Catalog
    from nr_cli.transport.neighbours import Neighbour

Preference: TypeAlias = Literal["cheap", "between", "best"]
HEAD = """# Which model answers which prompt. Written by nr init on {date}; it is yours to change.
# nr policy check names every mistake with its place; nr route "…" shows what a prompt would do.
version: 1
"""
SERVERS = """
# Servers that answered on this machine. `local` ones may be used under --offline.
providers:
"""
NAMES = """
# Short names for models; the catalog knows the windows and prices of the vendors' own.
models:
"""
ROUTES = """
# Read from top to bottom, the first that matches counts. `use` is tried in order: a model that
# lacks what the prompt needs, or its key, is left out; one that fails hands on to the next.
routes:
"""
DEFAULT = """
# What answers when no route matches.
default:
  use:
"""
MORE = """
# More that a policy may say: pools, your own labels, conditions on tag, file, time, repository.
#  - {name: commits, when: {has: [diff]}, use: MODEL, system: "Write one commit message."}
"""


class Plan(NamedTuple):
    """What the policy is to hold: models by route in order of trying, servers by name."""

    hard: tuple[str, ...]
    easy: tuple[str, ...]
    default: tuple[str, ...]
    servers: Mapping[str, tuple[str, str]]


def make_plan(
    found: Sequence[Choice],
    neighbours: Sequence[Neighbour],
    preference: Preference,
    easy_stays: bool,
) -> Plan:
    """Returns a plan: the vendors' models by strength with cost, this machine's for easy prompts.

    Without a vendor's key this machine answers everything, the embedded model where no server is.
    """
    here = tuple(f"{one.name}/{one.models[0]}" for one in neighbours)
    servers = {one.name: (one.base_url, one.models[0]) for one in neighbours}
    if not found:
        return Plan((), (), here or (EMBEDDED,), servers)
    tree = builtin(found).fallback
    routes = tree["routes"]
    assert isinstance(routes, list), "the built-in policy has routes for models that were found"
    hard, easy = (texts(route.get("use")) for route in routes if isinstance(route, Mapping))
    default = tree["default"]
    between = texts(default.get("use")) if isinstance(default, Mapping) else ()
    first = {"cheap": easy, "between": between, "best": hard}[preference]
    behind = here if not easy_stays else ()
    return Plan(
        (*hard, *here),
        (*(here if easy_stays else ()), *easy, *behind),
        (*first, *here),
        servers,
    )


def texts(value: Json) -> tuple[str, ...]:
    """Returns a list of texts."""
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def write_policy(plan: Plan, catalog: Catalog, date: str) -> str:
    """Returns the policy as commented YAML."""
    parts = [HEAD.format(date=date)]
    if plan.servers:
        parts.append(SERVERS)
        parts += [
            f"  {name}: {server_of(catalog, name, base)}\n"
            for name, (base, _) in plan.servers.items()
        ]
        parts.append(NAMES)
        parts += [
            f"  {name}-here: {{id: {json.dumps(f'{name}/{model}')}, price: {{in: 0, out: 0}}}}\n"
            for name, (_, model) in plan.servers.items()
        ]
    names = {f"{name}/{model}": f"{name}-here" for name, (_, model) in plan.servers.items()}
    if plan.hard:
        parts.append(ROUTES)
        for name, when, chain in (("hard", ">=hard", plan.hard), ("easy", "<=easy", plan.easy)):
            parts.append(f'  - name: {name}\n    when: {{complexity: "{when}"}}\n    use:\n')
            parts += [f"      - {line_of(one, names, catalog)}\n" for one in chain]
    parts.append(DEFAULT)
    parts += [f"    - {line_of(one, names, catalog)}\n" for one in plan.default]
    return "".join([*parts, MORE if plan.hard else ""])


def server_of(catalog: Catalog, name: str, base: str) -> str:
    """Returns a server's entry: in its own protocol where nr knows one, else chat completions."""
    known = catalog.provider(name) or {}
    if "kind" in known and not str(known.get("base_url", "/v1")).endswith("/v1"):
        base = base.removesuffix("/v1")
    kind = known.get("kind", "openai")
    return f"{{kind: {kind}, base_url: {json.dumps(base)}, local: true}}"


def line_of(model: str, names: Mapping[str, str], catalog: Catalog) -> str:
    """Returns a model as an item of a list, with its rank and price in a comment."""
    if model in names:
        return f"{names[model]}  # on this machine"
    provider, _, wire = model.partition("/")
    known = catalog.model(provider, wire) or {}
    words = [f"rank {known['quality']}"] if known.get("quality") is not None else []
    price = known.get("price")
    if isinstance(price, Mapping) and provider != EMBEDDED.partition("/")[0]:
        words.append(f"${price['in']:g} in, ${price['out']:g} out a million tokens")
    return json.dumps(model) + (f"  # {', '.join(words)}" if words else "")
