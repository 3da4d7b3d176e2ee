"""Lets the user change a file in an editor of their own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping

from nr_cli.errors import ConfigError, UsageError


def editor_argv(environ: Mapping[str, str]) -> list[str] | None:
    """Returns the argument list of $VISUAL, else of $EDITOR; None without either.

    Raises: UsageError for one that cannot be split into words.
    """
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            raise UsageError(f"{name}: {str(error).lower()}", "mend its quotes") from None
        if words:
            return words
    return None


def edit(path: str, environ: Mapping[str, str]) -> None:
    """Waits until the editor is done with a file. Raises: UsageError, ConfigError."""
    argv = editor_argv(environ)
    if argv is None:
        raise UsageError("no editor is named", f"set VISUAL or EDITOR, or change {path} yourself")
    # Ctrl-C belongs to the editor: a handler, unlike ignoring, does not pass on to the child.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        done = subprocess.run([*argv, path], check=False)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise ConfigError(f"{argv[0]}: {words}", "set VISUAL or EDITOR") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode != 0:
        raise ConfigError(f"{argv[0]}: ended with status {done.returncode}", f"see {path}")
