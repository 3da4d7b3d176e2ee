"""Asks a program for a key, as password managers give them out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

PATIENCE = 10.0  # seconds
MOST = 64 * 1024  # bytes that are read


def ask_for_key(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Returns the first line that a program writes, and why there is none.

    It is run without a shell, without input, in an environment without keys; what it says on
    stderr is not shown, since that may be the key.
    """
    name = argv[0]
    try:
        with subprocess.Popen(
            argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                out, _ = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                return "", f"{name} gave no key within {PATIENCE:.0f} s"
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it cannot be started"
        return "", f"{name}: {said}"
    if process.returncode:
        return "", f"{name} ended with {process.returncode}"
    lines = out[:MOST].decode("utf-8", "replace").split("\n")
    key = lines[0].strip()
    return key, "" if key else f"{name} wrote nothing"
