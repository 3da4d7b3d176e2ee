"""Finds a provider's key; says where it came from, never what it is.

The first source that has one wins: the variable that the provider names, the second one that a
vendor's own tools know, the program that the provider names, then `keys.json`, where a key is bound
to the address it was set for. The file is opened only where no variable has a key, and never for a
provider without one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nr_cli.catalog.vendors import SECOND_KEYS, VENDORS
from nr_cli.errors import ConfigError
from nr_cli.store.paths import find_paths
from nr_cli.types.json import JsonObject
from nr_cli.types.policy import Provider
from nr_cli.types.request import Credential

if TYPE_CHECKING:
    from nr_cli.store.keyfile import Kept

NAME = "keys.json"


def find_credential(
    provider: Provider,
    environ: Mapping[str, str],
    fingerprint: Callable[[str], str],
    seen: Callable[[], Mapping[str, str]] = dict,
) -> Credential:
    """Returns a provider's key from the first source that has one, or the reason for none.

    `seen` is the environment that a program sees which is asked for a key.

    Raises: ConfigError for a key that no header can carry, no wire may, or others can read.
    """
    for name in variables_of(provider):
        key = environ.get(name, "").strip()
        if key:
            flaw = key_flaw(key)
            if flaw:
                raise ConfigError(f"{name}: {flaw[0]}", flaw[1])
            return Credential(key, name, fingerprint(key))
    if provider.api_key_cmd:
        return _ask_program(provider, fingerprint, seen())
    if may_have_kept(provider):
        kept = kept_keys(environ).get(provider.name)
        if kept is not None and kept.origin == origin_of(provider.base_url):
            return Credential(kept.key, NAME, fingerprint(kept.key))
        if kept is not None:
            there = f"the key in {NAME} is for {kept.origin} (nr keys set {provider.name})"
            return Credential(None, NAME, problem=there)
    first, *second = variables_of(provider) or ("",)
    if not first:
        return Credential(None, "no key declared")
    problem = f"{first} is not set" + "".join(f", nor is {name}" for name in second)
    return Credential(None, first, problem=problem)


def _ask_program(
    provider: Provider, fingerprint: Callable[[str], str], seen: Mapping[str, str]
) -> Credential:
    from nr_cli.store.keycmd import ask_for_key

    key, problem = ask_for_key(provider.api_key_cmd, seen)
    flaw = key_flaw(key) if key else None
    if flaw:
        raise ConfigError(f"api_key_cmd of {provider.name}: {flaw[0]}", flaw[1])
    if problem:
        return Credential(None, "api_key_cmd", problem=problem)
    return Credential(key, "api_key_cmd", fingerprint(key))


def find_keyed(vendors: Mapping[str, JsonObject], environ: Mapping[str, str]) -> list[str]:
    """Returns the vendors that a key is at hand for. Raises: ConfigError for a file others read."""
    kept: Mapping[str, Kept] | None = None
    found = []
    for name, vendor in vendors.items():
        variable, address = vendor.get("api_key_env"), vendor.get("base_url")
        if not isinstance(variable, str) or not isinstance(address, str):
            continue  # it needs no key, or an address that only the user knows
        variables = variables_of(Provider(name, "", address, variable))
        if not any(environ.get(one, "").strip() for one in variables):
            kept = kept_keys(environ) if kept is None else kept
            if name not in kept or kept[name].origin != origin_of(address):
                continue
        found.append(name)
    return found


def vendor_variables() -> frozenset[str]:
    """Returns every variable that holds the key of a known vendor."""
    named = (vendor.get("api_key_env") for vendor in VENDORS.values())
    return frozenset(SECOND_KEYS.values()) | {name for name in named if isinstance(name, str)}


def variables_of(provider: Provider) -> tuple[str, ...]:
    """Returns the variables that may hold a provider's key, in the order they are looked at."""
    name = provider.api_key_env
    if not name:
        return ()
    second = SECOND_KEYS.get((provider.base_url, name))
    return (name, second) if second else (name,)


def may_have_kept(provider: Provider) -> bool:
    """Tells whether `keys.json` may hold a key for a provider.

    The check of the policy has seen to TLS where a variable is named; elsewhere it must be TLS.
    """
    return bool(provider.api_key_env) or provider.base_url.startswith("https://")


def origin_of(url: str) -> str:
    """Returns scheme, host with port of a URL, in lower case."""
    return "/".join(url.split("/", 3)[:3]).lower()


def key_flaw(key: str) -> tuple[str, str] | None:
    """Returns what is wrong with a key, with what to do, or None."""
    if all("!" <= character <= "~" for character in key):
        return None
    return (
        "the key holds characters that no header can carry",
        "copy the key again; white space or a typographic dash is a common cause",
    )


def keys_path(environ: Mapping[str, str]) -> str | None:
    """Returns where `keys.json` lies, or would."""
    folder = find_paths(environ).config
    return folder and os.path.join(folder, NAME)


def kept_keys(environ: Mapping[str, str]) -> Mapping[str, Kept]:
    """Returns the keys that are kept, by provider. Raises: ConfigError for a file of no use."""
    path = keys_path(environ)
    if path is None or not os.path.exists(path):
        return {}  # the usual case, which costs no import
    from nr_cli.store.keyfile import read_keys

    return read_keys(path)
