"""Keeps what was typed in chats, oldest first, without secrets."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from nr_cli.features.shapes import hide
from nr_cli.store.paths import ensure_private

KEPT = 1000  # entries that stay when the file is cut down
LARGEST = 32 * 1024  # characters of an entry; a longer one is a document, not something typed
FULL = 4 * 1024 * 1024  # bytes from which on the file is cut down


class Typed:
    """One private file of entries, a JSON text a line; None for a file that cannot be had.

    Trouble of any kind costs what could be recalled with the arrow keys, never the chat.
    """

    def __init__(self, state_dir: str | None, secrets: Callable[[], Sequence[str]]) -> None:
        """Takes nr's state directory, what tells the secrets that must not be written."""
        self._folder = state_dir
        self._path = os.path.join(state_dir, "chat_lines") if state_dir else None
        self._secrets = secrets

    def load(self) -> list[str]:
        """Returns what was typed before, oldest first."""
        if self._path is None:
            return []
        try:
            with open(_open(self._path, os.O_RDONLY), "rb") as file:
                entries = [_parse(line) for line in file.read(2 * FULL).splitlines()]
        except OSError:
            return []  # there is none yet, or it is not ours to read: nothing can be recalled
        return [entry for entry in entries if entry][-KEPT:]

    def add(self, entry: str) -> None:
        """Adds an entry, unless it holds a secret or is very long."""
        if self._path is None or self._folder is None or len(entry) > LARGEST:
            return
        if hide(entry, self._secrets()) != entry or not ensure_private(self._folder):
            return
        with suppress(OSError):  # see the class: it will not be recalled
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            with open(_open(self._path, flags), "ab") as file:
                file.write(_line(entry))
                full = file.tell() > FULL
            if full:
                self._cut(self._path)

    def _cut(self, path: str) -> None:
        """Leaves the newest entries alone; one that another chat adds meanwhile may be lost."""
        draft = f"{path}.{os.getpid()}.tmp"
        entries = self.load()
        with open(_open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.writelines(map(_line, entries[-KEPT // 2 :]))
        os.replace(draft, path)


def _open(path: str, flags: int) -> int:
    """Returns a regular file opened for its owner alone. Raises: OSError."""
    # without O_NONBLOCK a FIFO in its place would keep the chat waiting
    opened = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError("not a regular file")
    if flags & os.O_CREAT:
        os.fchmod(opened, 0o600)
    return opened


def _line(entry: str) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _parse(line: bytes) -> str:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return ""  # a torn or foreign line
    return entry if isinstance(entry, str) else ""
