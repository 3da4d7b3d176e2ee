"""Keeps keys in a private file, each bound to the address it may be sent to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from typing import NamedTuple

from nr_cli.errors import ConfigError
from nr_cli.store.keys import key_flaw, keys_path, origin_of
from nr_cli.store.paths import ensure_private, find_fault
from nr_cli.types.json import JsonObject
from nr_cli.types.policy import Provider

LARGEST = 1 << 20  # bytes that are read of the file
OTHERS_MAY_LOOK = 0o077


class Kept(NamedTuple):
    """One key of `keys.json` with the origin it may be sent to."""

    key: str
    origin: str


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
