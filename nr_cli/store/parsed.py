"""Keeps parsed policies by content, so that YAML is read once for each change of a file."""

from __future__ import annotations

import os
from contextlib import suppress

from nr_cli.store.paths import ensure_private

MOST = 64  # entries kept; beyond that all are dropped, since each is made anew in milliseconds


class Parsed:
    """Small texts by name in a directory of nr's own; any trouble is a miss."""

    def __init__(self, cache_dir: str | None) -> None:
        """Takes the cache directory, None where there is none."""
        self._folder = cache_dir and os.path.join(cache_dir, "policy")

    def get(self, name: str) -> str | None:
        """Returns a kept text, or None."""
        if self._folder is None:
            return None
        try:
            with open(os.path.join(self._folder, name), encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                return file.read()
        except (OSError, ValueError):
            return None  # it is parsed again, which is all that a missing entry costs

    def put(self, name: str, text: str) -> None:
        """Keeps a text if it can."""
        if self._folder is None or not ensure_private(self._folder):
            return
        scratch = os.path.join(self._folder, f".{name}.{os.getpid()}")
        with suppress(OSError):  # a full or read-only disk costs the next run a few milliseconds
            self._make_room()
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(scratch, os.path.join(self._folder, name))

    def _make_room(self) -> None:
        assert self._folder is not None, "called only where there is a folder"
        names = os.listdir(self._folder)
        if len(names) >= MOST:
            for name in names:
                os.unlink(os.path.join(self._folder, name))
