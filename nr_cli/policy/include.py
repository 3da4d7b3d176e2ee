"""Reads the files that an include pattern names, never one outside the policy's directory."""

from __future__ import annotations

from nr_cli.policy.suggest import quote

MOST_MATCHES = 100
MOST_BYTES = 1024 * 1024  # of a file: room for the examples of 150 labels, a hundred each


def read_include(pattern: str, from_file: str) -> list[tuple[str, bytes]]:
    """Returns (file, content) for each regular file a glob matches, sorted by name.

    A pattern without wildcards must match. Raises ValueError, with a message that quotes nothing
    of any file, for an absolute path, a URL, a way out of the directory (also by a symlink), an
    unreadable file or too many files.
    """
    import os
    from glob import glob, has_magic

    if "://" in pattern:
        raise ValueError("a URL cannot be included (only files beside the policy)")
    if os.path.isabs(pattern) or pattern.startswith("~"):
        raise ValueError(f"an absolute path cannot be included: {quote(pattern)}")
    if ".." in pattern.replace("\\", "/").split("/"):
        raise ValueError(f"{quote(pattern)} leads out of the policy's directory")
    if "\0" in pattern:
        raise ValueError("a file pattern holds a NUL character")
    top = os.path.realpath(os.path.dirname(os.path.abspath(from_file)))
    names = sorted(glob(pattern, root_dir=top, recursive=True))
    if not names and not has_magic(pattern):
        raise ValueError(f"{quote(pattern)} does not exist")
    if len(names) > MOST_MATCHES:
        raise ValueError(f"{quote(pattern)} matches more than {MOST_MATCHES} files")
    # Named as the policy itself was: so a cycle is seen at once, a message can be read.
    beside = os.path.dirname(from_file)
    return [
        (os.path.normpath(os.path.join(beside, name)), _read_below(top, name)) for name in names
    ]


def read_beside(from_file: str, name: str) -> bytes:
    """Returns the bytes of one file in a policy's directory. Raises: ValueError."""
    import os

    if os.path.isabs(name) or name.startswith("~"):
        raise ValueError(f"{quote(name)} is not beside the policy")
    return _read_below(os.path.realpath(os.path.dirname(os.path.abspath(from_file))), name)


def _read_below(top: str, name: str) -> bytes:
    import os

    real = os.path.realpath(os.path.join(top, name))
    if os.path.commonpath([top, real]) != top:
        raise ValueError(f"{quote(name)} leads out of the policy's directory")
    return read_regular(real, name)


def read_regular(path: str, name: str | None = None) -> bytes:
    """Returns a regular file's bytes, cut one byte after what the parser allows.

    `name` stands for the path in messages. Raises ValueError when it cannot be read.
    """
    import os
    import stat

    shown = quote(name or path)
    try:
        # Not blocking, so that a FIFO with no writer is refused below instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError(f"{shown} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{shown} is not a regular file")
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read(MOST_BYTES + 1)
