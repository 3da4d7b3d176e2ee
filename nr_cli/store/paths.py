"""Where nr keeps its files on this machine."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["config", "cache", "state", "data"]

NAME = "nr"
HOME_PLACES: dict[Kind, str] = {
    "config": ".config",
    "cache": ".cache",
    "state": ".local/state",
    "data": ".local/share",
}
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Paths(NamedTuple):
    """The four directories, absolute; None where this user has no place for one."""

    config: str | None
    cache: str | None
    state: str | None
    data: str | None


def find_paths(env: Mapping[str, str]) -> Paths:
    """Returns the directories: NR_*_DIR, then XDG_*, then the platform's custom; creates none."""
    return Paths(_find(env, "config"), _find(env, "cache"), _find(env, "state"), _find(env, "data"))


def ensure_private(path: str) -> str | None:
    """Returns `path` once it is a directory that only its owner may write, else None.

    A missing directory is created, with its parents, for its owner alone under any umask.
    """
    try:
        _create(path)
    except OSError:
        return None  # no directory costs cache and history, never the answer; doctor tells why
    return None if find_fault(path) else path


def find_fault(path: str) -> str | None:
    """Returns why this directory is not to be trusted with private files, or None."""
    try:
        seen = os.lstat(path)
    except OSError as error:
        return error.strerror or "cannot be read"
    if stat.S_ISLNK(seen.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(seen.st_mode):
        return "is not a directory"
    if hasattr(os, "geteuid"):
        if seen.st_uid != os.geteuid():
            return "belongs to another user"
        if seen.st_mode & OTHERS_MAY_WRITE:
            return "can be written by others (chmod 700 it)"
    return None


def create_private(path: str) -> None:
    """Creates an empty file for its owner alone; raises FileExistsError, OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # a umask of 0777 would take the owner's bits too
    finally:
        os.close(descriptor)


def _find(env: Mapping[str, str], kind: Kind) -> str | None:
    chosen = env.get(f"NR_{kind.upper()}_DIR")
    if chosen:
        return os.path.abspath(chosen)
    xdg = env.get(f"XDG_{kind.upper()}_HOME", "")
    if os.path.isabs(xdg):  # the XDG specification: a relative path is invalid, ignore it
        return os.path.join(xdg, NAME)
    if sys.platform in ("darwin", "win32"):
        return _ask_platform(kind)
    home = env.get("HOME", "")
    # "/" is what containers call the home of a user without one.
    if not os.path.isabs(home) or os.path.normpath(home) in ("/", "//"):
        return None
    return os.path.join(home, HOME_PLACES[kind], NAME)


def _ask_platform(kind: Kind) -> str | None:
    import platformdirs

    ask = {
        "config": platformdirs.user_config_dir,
        "cache": platformdirs.user_cache_dir,
        "state": platformdirs.user_state_dir,
        "data": platformdirs.user_data_dir,
    }[kind]
    path = ask(NAME, appauthor=False)
    return path if os.path.isabs(path) else None  # "~/…" when there is no home


def _create(path: str) -> None:
    if os.path.lexists(path):
        return
    parent = os.path.dirname(path)
    if parent and parent != path:
        _create(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return  # another process was first; find_fault judges what it made
    os.chmod(path, 0o700)
