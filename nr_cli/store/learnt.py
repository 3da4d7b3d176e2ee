"""Keeps what was learnt from a policy's examples, by their digest."""

from __future__ import annotations

import os
from contextlib import suppress

from nr_cli.store.paths import ensure_private

MOST = 16  # files kept; beyond that the longest untouched go, since each can be learnt again


class Learnt:
    """Small files of bytes in a directory of nr's own; any trouble is a miss."""

    def __init__(self, cache_dir: str | None) -> None:
        """Takes the cache directory, None where there is none."""
        self._folder = cache_dir and os.path.join(cache_dir, "examples")

    def get(self, name: str) -> bytes | None:
        """Returns what is kept under a name, or None."""
        if self._folder is None:
            return None
        try:
            with open(os.path.join(self._folder, name), "rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                return file.read()
        except OSError:
            return None  # it is learnt again, which is all that a missing file costs

    def put(self, name: str, content: bytes) -> None:
        """Keeps bytes if it can; a reader sees all of them or none."""
        if self._folder is None or not ensure_private(self._folder):
            return
        scratch = os.path.join(self._folder, f".{name}.{os.getpid()}")
        with suppress(OSError):  # a full or read-only disk costs the next run the learning
            self._make_room()
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(content)
                os.replace(scratch, os.path.join(self._folder, name))
            except OSError:
                os.unlink(scratch)
                raise

    def _make_room(self) -> None:
        assert self._folder is not None, "called only where there is a folder"
        with os.scandir(self._folder) as entries:
            files = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
        for _, path in files[: max(0, len(files) - MOST + 1)]:
            os.unlink(path)
