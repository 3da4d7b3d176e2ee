"""Fingerprints that tell secrets apart without revealing them."""

from __future__ import annotations

import functools
import hashlib
import hmac
import os

from nr_cli.store.paths import ensure_private

NAME = "salt"
SIZE = 32


def fingerprint(secret: str, state_dir: str | None) -> str:
    """Returns 32 hex digits: the same for the same secret on this installation only.

    Without a place for the salt they hold for this process alone.
    """
    digest = hmac.new(_salt(state_dir), secret.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hexdigest()[:32]


@functools.cache
def _salt(state_dir: str | None) -> bytes:
    stored = state_dir and ensure_private(state_dir) and _stored(os.path.join(state_dir, NAME))
    return stored or os.urandom(SIZE)


def _stored(path: str) -> bytes | None:
    """Returns the salt kept at `path`, creating it if need be; None if it cannot be kept."""
    try:
        return _read(path) or _create(path)
    except OSError:
        return None  # a salt of this process serves: cached answers are then not found again


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        content = os.read(descriptor, SIZE + 1)
    finally:
        os.close(descriptor)
    return content if len(content) == SIZE else None


def _create(path: str) -> bytes | None:
    """Writes the salt beside its place, then links it there, so that no reader sees half of it."""
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, os.urandom(SIZE))
        os.fsync(descriptor)
        if os.path.lexists(path) and _read(path) is None:
            os.replace(draft, path)  # a damaged salt is worth nothing to anyone
        else:
            os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its salt is the one
    finally:
        os.close(descriptor)
        if os.path.lexists(draft):
            os.unlink(draft)
    return _read(path)
