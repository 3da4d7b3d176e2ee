"""Finds a provider's key; says where it came from, never what it is.

The first source that has one wins: the variable that the provider names, the second one that a
vendor's own tools know, then `keys.json`, where a key is bound to the address it was set
for. The file is opened only where no variable has a key, and never for a provider without one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nr_cli.catalog.vendors import SECOND_KEYS, VENDORS
from nr_cli.errors import ConfigError
from nr_cli.store.paths import ensure_private, find_fault, find_paths
from nr_cli.types.json import JsonObject
from nr_cli.types.policy import Provider
from nr_cli.types.request import Credential

NAME = "keys.json"
LARGEST = 1 << 20  # bytes of a file that holds keys
OTHERS_MAY_LOOK = 0o077


class Kept(NamedTuple):
    """One key of `keys.json` with the origin it may be sent to."""

    key: str
    origin: str


def find_credential(
    provider: Provider, environ: Mapping[str, str], fingerprint: Callable[[str], str]
) -> Credential:
    """Returns a provider's key from the first source that has one, or the reason for none.

    Raises: ConfigError for a key that no header can carry, no wire may, or others can read.
    """
    for name in variables_of(provider):
        key = environ.get(name, "").strip()
        if key:
            flaw = key_flaw(key)
            if flaw:
                raise ConfigError(f"{name}: {flaw[0]}", flaw[1])
            return Credential(key, name, fingerprint(key))
    if may_have_kept(provider):
        kept = read_keys(keys_path(environ)).get(provider.name)
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
            kept = read_keys(keys_path(environ)) if kept is None else kept
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


def read_keys(path: str | None) -> dict[str, Kept]:
    """Returns the kept keys by provider, none where there is no file.

    Raises: ConfigError for a file that others may read, or that is damaged.
    """
    if path is None:
        return {}
    try:
        with open(path, "rb") as file:
            refuse_open_file(path, os.fstat(file.fileno()))
            content = file.read(LARGEST)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}  # a home that cannot be looked into costs the keys in it, as doctor says
    except OSError as error:
        raise ConfigError(f"{path}: {os.strerror(error.errno or 0)}", "check the file") from None
    import json

    try:
        return {name: Kept(*read_entry(entry)) for name, entry in json.loads(content).items()}
    except (ValueError, AttributeError, TypeError, KeyError):
        raise ConfigError(
            f"{path}: damaged, no key can be read from it",
            "remove it, then set each key again: nr keys set PROVIDER",
        ) from None


def read_entry(entry: JsonObject) -> tuple[str, str]:
    """Returns an entry's key with its origin. Raises: ValueError, KeyError, TypeError."""
    key, origin = entry["key"], entry["origin"]
    if not (isinstance(key, str) and isinstance(origin, str) and key) or key_flaw(key):
        raise ValueError("not an entry of keys")
    return key, origin


def refuse_open_file(path: str, seen: os.stat_result) -> None:
    """Raises: ConfigError for a file of keys that anybody but this user may look into."""
    if hasattr(os, "geteuid") and seen.st_uid != os.geteuid():
        raise ConfigError(f"{path}: belongs to another user", "remove it, or make it your own")
    if seen.st_mode & OTHERS_MAY_LOOK:
        raise ConfigError(
            f"{path}: others may read the keys in it ({seen.st_mode & 0o777:o})",
            f"chmod 600 {path}",
        )


def keep_key(environ: Mapping[str, str], provider: Provider, key: str) -> str:
    """Keeps a key for a provider's present address; returns the file.

    Two at once do not lose one another's. Raises: ConfigError.
    """
    import fcntl

    path = keys_path(environ)
    if path is None:
        raise ConfigError("keys: there is no directory for them", "set HOME or NR_CONFIG_DIR")
    folder = os.path.dirname(path)
    if not ensure_private(folder):
        raise ConfigError(f"{folder}: {find_fault(folder) or 'cannot be used'}", "correct it first")
    try:
        turn = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            keys = {**read_keys(path), provider.name: Kept(key, origin_of(provider.base_url))}
            write_keys(path, keys)
        finally:
            os.close(turn)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise ConfigError(f"{path}: {words}", "the key was not kept") from None
    return path


def write_keys(path: str, keys: Mapping[str, Kept]) -> None:
    """Replaces the file in one step, for its owner alone. Raises: OSError."""
    import json

    scratch = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)
            entries = {name: kept._asdict() for name, kept in sorted(keys.items())}
            json.dump(entries, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
