"""Finds what other installed packages add to nr by entry point.

It stands on the lowest floor because four rooms that must stay strangers ask it: `providers/`,
`classify/`, `policy/`, `cli/`. Each does so only for a name that nr itself does not know, since
reading the metadata of all packages takes longer than a whole cached answer.

A plugin never replaces what nr has: its name is looked for after nr's own. Two packages that offer
one name are both refused, as the order of installation must not decide where a prompt goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache, wraps
from typing import Literal, NamedTuple, ParamSpec, TypeAlias, TypeVar

from nr_cli.errors import ConfigError, NrError

Group: TypeAlias = Literal["providers", "classifiers", "conditions", "commands"]

GROUPS: tuple[Group, ...] = ("providers", "classifiers", "conditions", "commands")
# What a plugin's object must have, and whether that is called.
INTERFACE: Mapping[Group, Mapping[str, bool]] = {
    "providers": {"encode": True, "decoder": True, "blame": True},
    "classifiers": {"compile": True},
    "conditions": {"NEEDS": False, "SCHEMA": False, "compile": True},
    "commands": {"app": False},
}
LONGEST_REASON = 200

P = ParamSpec("P")
R = TypeVar("R")


class Plugin(NamedTuple):
    """One offer of an installed package; `problem` says why it is not used, where it is not."""

    name: str
    group: Group
    distribution: str
    version: str
    problem: str | None = None

    @property
    def label(self) -> str:
        """Returns how messages name the offer."""
        return f"plugin {self.name} of {self.distribution} {self.version}"


class Loaded(NamedTuple):
    """A plugin with the object it offers, None where there is a problem."""

    plugin: Plugin
    offer: object


class _Entry(NamedTuple):
    """An offer as the metadata has it, with what imports it."""

    plugin: Plugin
    load: Callable[[], object]


@cache
def find(group: Group, name: str) -> Loaded | None:
    """Returns the plugin of this name, imported; None when no package offers one."""
    entries = [entry for entry in _entries() if entry.plugin[:2] == (name, group)]
    if not entries:
        return None
    plugin = entries[0].plugin
    if len(entries) > 1:
        return Loaded(plugin._replace(problem=_rivals(entries)), None)
    if plugin.problem:
        return Loaded(plugin, None)
    return _load(entries[0])


def names(group: Group) -> tuple[str, ...]:
    """Returns the names that packages offer, usable or not, in alphabetical order."""
    return tuple(sorted({entry.plugin.name for entry in _entries() if entry.plugin.group == group}))


def problem_of(group: Group, name: str) -> str | None:
    """Returns why the plugin of this name cannot be used; None if it can or there is none."""
    found = find(group, name)
    if found is None or found.offer is not None:
        return None
    return f"{found.plugin.label}: {found.plugin.problem}"


def installed(reserved: Mapping[Group, Collection[str]]) -> tuple[Plugin, ...]:
    """Returns every offer, each imported to see whether it works; `reserved` holds nr's own names.

    Sorted by group, name, package.
    """
    plugins = []
    for entry in _entries():
        plugin = entry.plugin
        if plugin.name in reserved.get(plugin.group, ()):
            plugin = plugin._replace(problem="nr has this name itself (a plugin cannot replace it)")
        else:
            found = find(plugin.group, plugin.name)
            plugin = plugin._replace(problem=found.plugin.problem if found else None)
        plugins.append(plugin)
    return tuple(sorted(plugins, key=lambda plugin: (plugin.group, plugin[0], plugin[2])))


def guarded(plugin: Plugin, function: Callable[P, R]) -> Callable[P, R]:
    """Returns a plugin's function such that its exceptions are nr's own errors, without traceback.

    The result raises ConfigError, since a rule that cannot be judged must not be passed by.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except NrError:
            raise
        except Exception as error:
            raise failure(plugin, error) from error

    return call


def failure(plugin: Plugin, error: BaseException) -> ConfigError:
    """Returns the error for a plugin that failed while it ran."""
    return ConfigError(f"{plugin.label} failed: {reason(error)}", "update it, or uninstall it")


def reason(error: BaseException) -> str:
    """Returns an exception in one short line."""
    words = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    return words if len(words) <= LONGEST_REASON else words[: LONGEST_REASON - 1] + "…"


@cache
def _entries() -> tuple[_Entry, ...]:
    """Returns all offers of all packages; of one package installed twice, the first on the path."""
    from importlib.metadata import distributions

    seen: set[str] = set()
    entries: list[_Entry] = []
    for distribution in distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, ValueError):
            continue  # not readable for anybody, so nobody counts on it
        if "[nr." not in text:
            continue
        package = str(distribution.metadata["Name"])
        if package not in seen:
            seen.add(package)
            entries += _read(text, package, distribution.version or "?")
    return tuple(entries)


def _read(text: str, package: str, version: str) -> Iterator[_Entry]:
    """Yields the offers in a package's entry_points.txt; a line without a target is one too."""
    from importlib.metadata import EntryPoint

    group: Group | None = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = next((known for known in GROUPS if line == f"[nr.{known}]"), None)
        elif group and line and not line.startswith(("#", ";")):
            name, _, target = (part.strip() for part in line.partition("="))
            good = name.isascii() and name.replace("-", "_").isidentifier() and bool(target)
            problem = None if good else "its entry point cannot be read"
            entry_point = EntryPoint(name, target, f"nr.{group}")
            yield _Entry(Plugin(name, group, package, version, problem), entry_point.load)


def _load(entry: _Entry) -> Loaded:
    """Returns the plugin imported and held against its interface."""
    import sys
    from contextlib import redirect_stdout

    plugin = entry.plugin
    try:
        with redirect_stdout(sys.stderr):  # stdout is the product: what an import says is not
            offer = entry.load()
            missing = _lacks(offer, INTERFACE[plugin.group])
    except (Exception, SystemExit) as error:
        # Whatever a stranger's import raises, the user is told by `problem` wherever it matters.
        return Loaded(plugin._replace(problem=reason(error)), None)
    if missing:
        problem = f"it lacks {', '.join(missing)}"
        return Loaded(plugin._replace(problem=problem), None)
    return Loaded(plugin, offer)


def _lacks(offer: object, interface: Mapping[str, bool]) -> list[str]:
    return [
        name + "()" * called
        for name, called in interface.items()
        if not hasattr(offer, name) or (called and not callable(getattr(offer, name)))
    ]


def _rivals(entries: list[_Entry]) -> str:
    packages = sorted(f"{entry.plugin.distribution} {entry.plugin.version}" for entry in entries)
    return f"{' and '.join(packages)} offer the same name (uninstall one)"
