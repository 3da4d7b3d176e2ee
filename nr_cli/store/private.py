"""Keeps small files in a directory of nr's own, each of which can be made anew."""

from __future__ import annotations

import os
from contextlib import suppress

from nr_cli.store.paths import ensure_private


class PrivateFiles:
    """Bytes by name; any trouble is a miss, which costs no more than making them anew."""

    def __init__(self, cache_dir: str | None, folder: str, most: int) -> None:
        """Takes the cache directory, None where there is none; `most` files are kept in `folder`.

        Beyond that the longest untouched go.
        """
        self._folder = cache_dir and os.path.join(cache_dir, folder)
        self._most = most

    def get(self, name: str) -> bytes | None:
        """Returns what is kept under a name, None where that is nothing or somebody else's."""
        if self._folder is None:
            return None
        try:
            with open(os.path.join(self._folder, name), "rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                return file.read()
        except OSError:
            return None  # whoever asks makes it anew

    def put(self, name: str, content: bytes) -> None:
        """Keeps bytes if it can; a reader sees all of them or none."""
        if self._folder is None or not ensure_private(self._folder):
            return
        scratch = os.path.join(self._folder, f".{name}.{os.getpid()}")
        with suppress(OSError):  # a full or read-only disk costs the next run making them anew
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
        for _, path in files[: max(0, len(files) - self._most + 1)]:
            os.unlink(path)
