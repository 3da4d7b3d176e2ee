"""Keeps small states that processes share, each in a file of its own under a lock.

A state is a hint, never a truth that an answer hangs on: it is replaced whole (scratch file, then
rename), not synced, and whatever is wrong with it reads as nothing. The lock is the kernel's, so
that whoever dies with it leaves nothing behind; who cannot get it within its patience goes on
without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from nr_cli.store.paths import ensure_private

T = TypeVar("T")
MOST = 64 * 1024  # bytes of a state
PATIENCE = 0.1  # seconds


class States:
    """States by name (hex digits) in one folder; without a folder they last as long as this."""

    def __init__(self, state_dir: str | None, folder: str) -> None:
        """Takes the state directory, None where there is none; nothing is made before a change."""
        self._folder = state_dir and os.path.join(state_dir, folder)
        self._own: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """Returns the names of all states."""
        if self._folder is None:
            return sorted(self._own)
        try:
            found = os.listdir(self._folder)
        except OSError:
            return sorted(self._own)
        return sorted(name[:-5] for name in found if name.endswith(".json"))

    def read(self, name: str) -> bytes | None:
        """Returns a state, None where there is none that can be read."""
        if name in self._own:
            return self._own[name]
        if self._folder is None:
            return None
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if os.fstat(descriptor).st_uid != os.geteuid():
                return None
            content = os.read(descriptor, MOST + 1)
        except OSError:
            return None  # a directory, say: it is replaced with the next change
        finally:
            os.close(descriptor)
        return content if len(content) <= MOST else None

    def change(
        self,
        name: str,
        step: Callable[[bytes | None], tuple[bytes | None, T]],
        patience: float = PATIENCE,
        strict: bool = False,
    ) -> T:
        """Returns what a step says of the state; what it gives back takes the state's place.

        None in the state's place leaves it as it is.

        Raises: OSError where it is `strict` and the state cannot be locked, or not be kept.
        """
        with self._locked(name, patience, strict):
            content, said = step(self.read(name))
            if content is not None:
                self._replace(name, content, strict)
        return said

    def drop(self, name: str) -> None:
        """Forgets a state."""
        self._own.pop(name, None)
        if self._folder is not None:
            with suppress(OSError), self._locked(name, PATIENCE):
                os.unlink(self._path(name))

    def _path(self, name: str) -> str:
        assert self._folder is not None, "asked only where there is a folder"
        return os.path.join(self._folder, f"{name}.json")

    @contextmanager
    def _locked(self, name: str, patience: float, strict: bool = False) -> Iterator[None]:
        from nr_cli.store import damage

        held = None
        if self._folder is not None and ensure_private(self._folder):
            held = damage.lock(os.path.join(self._folder, f"{name}.lock"), patience)
        if strict and held is None:
            raise OSError("its file cannot be locked (nr doctor shows the state directory)")
        try:
            yield
        finally:
            if held is not None:
                os.close(held)

    def _replace(self, name: str, content: bytes, strict: bool) -> None:
        kept = self._folder is not None and self._write(name, content)
        if strict and not kept:
            raise OSError("its file cannot be written (nr doctor shows the state directory)")
        if not kept:
            self._own[name] = content
        else:
            self._own.pop(name, None)

    def _write(self, name: str, content: bytes) -> bool:
        path = self._path(name)
        scratch = f"{path}.{os.getpid()}.{os.urandom(3).hex()}"
        try:
            descriptor = os.open(
                scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
        except OSError:
            return False
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            if os.path.isdir(path) and not os.path.islink(path):
                os.rename(path, f"{path}.bad-{os.getpid()}")
            os.replace(scratch, path)
        except OSError:
            with suppress(OSError):
                os.unlink(scratch)
            return False
        return True
