"""Remembers which project policies the user has vouched for: by path, content, includes.

A record holds for exactly the bytes that were read when it was made (the approach of direnv);
whatever changes afterwards is asked about again. A record that is damaged vouches for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from nr_cli.store.states import States

FOLDER = "trust"


class Trusted(NamedTuple):
    """One policy that was vouched for: its real path, the digest of all that was read, when."""

    path: str
    digest: str
    at: float


class Trust:
    """The records in the state directory; without one nothing is trusted."""

    def __init__(self, state_dir: str | None) -> None:
        """Takes the state directory."""
        self._states = States(state_dir, FOLDER)
        self._state_dir = state_dir

    def find(self, path: str) -> Trusted | None:
        """Returns the record of a policy, whatever it holds now."""
        return _parse(self._states.read(_name(path)))

    def vouches(self, path: str, digest: str) -> bool:
        """Tells whether a policy is trusted as it is now; `digest` is that of all its files."""
        record = self.find(path)
        return record is not None and record[:2] == (os.path.realpath(path), _sealed(path, digest))

    def add(self, path: str, digest: str) -> bool:
        """Vouches for a policy as it is now; tells whether that could be kept."""
        record = Trusted(os.path.realpath(path), _sealed(path, digest), time.time())
        content = json.dumps(record._asdict()).encode()
        self._states.change(_name(path), lambda _: (content, None))
        return Trust(self._state_dir).vouches(path, digest)

    def revoke(self, path: str) -> bool:
        """Takes back what was said of a policy; tells whether there was anything."""
        known = self.find(path) is not None
        self._states.drop(_name(path))
        return known

    def all(self) -> Iterator[Trusted]:
        """Yields every record."""
        for name in self._states.names():
            record = _parse(self._states.read(name))
            if record is not None:
                yield record


def find_danger(path: str) -> tuple[str, str] | None:
    """Returns why a file may have been written by somebody else, with what to do, or None.

    Looked at are the file that a name leads to, and the directory which holds that.
    """
    real = os.path.realpath(path)
    for place in (real, os.path.dirname(real)):
        try:
            seen = os.stat(place)
        except OSError as error:
            return f"{place} cannot be looked at: {error.strerror}", "check the path"
        if seen.st_uid not in (os.geteuid(), 0):
            return f"{place} belongs to another user", "copy the policy to a place of your own"
        if seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{place} can be written by others", f"chmod go-w {place}"
    return None


def _name(path: str) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]


def _sealed(path: str, digest: str) -> str:
    whole = os.fsencode(os.path.realpath(path)) + b"\0" + digest.encode()
    return hashlib.sha256(whole).hexdigest()


def _parse(content: bytes | None) -> Trusted | None:
    try:
        document = json.loads(content or b"null")
        return Trusted(str(document["path"]), str(document["digest"]), float(document["at"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
