"""Writes a conversation as a page of Markdown."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nr_cli.cli.conversation import Exchange
from nr_cli.cli.plain import with_newline, write_file
from nr_cli.errors import OutputError, UsageError
from nr_cli.store.paths import create_private


def transcript(exchanges: Sequence[Exchange], system: str | None, conversation: str | None) -> str:
    """Returns the page; each text stands in it as it was sent or received."""
    parts = [f"# Conversation {conversation}" if conversation else "# Conversation"]
    if system:
        parts += ["## System", system]
    for exchange in exchanges:
        parts += ["## You", exchange.question.text]
        named = [f"- {file.name}" for file in exchange.question.attachments]
        if named:
            parts.append("\n".join(named))
        parts += [f"## {exchange.model or 'Answer'}", exchange.answer]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def save_transcript(path: str, text: str, force: bool) -> None:
    """Writes the page to a file for its owner alone, in place of another only with `force`.

    Raises: UsageError for a file that is there, OutputError.
    """
    try:
        if force and os.path.isfile(path):
            os.chmod(path, 0o600)
        else:
            create_private(path)
        write_file(path, with_newline(text), complete=True)
    except FileExistsError:
        hint = f"/save --force {path} replaces it"
        raise UsageError(f"{path}: is there already, so it stays", hint) from None
    except OSError as error:
        raise OutputError(f"{path}: {os.strerror(error.errno or 0)}", "name a file") from None
    except OutputError as error:
        raise OutputError(error.message.removeprefix("-O "), error.hint) from None
    except ValueError:
        raise UsageError("/save: a path cannot hold a NUL character") from None
