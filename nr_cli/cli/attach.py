"""Reads the files that go along with a prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from nr_cli.cli.sources import Bounds, name_of, read_source
from nr_cli.errors import ExitCode, InputError
from nr_cli.features.media import is_text, sniff
from nr_cli.types.json import Json
from nr_cli.types.message import Attachment

LARGEST = 50 * 1024 * 1024
KINDS = "images, audio, PDF, text"


class Attached(NamedTuple):
    """The files that are sent as they are, then texts as (name, content) for the prompt itself."""

    files: tuple[Attachment, ...]
    texts: tuple[tuple[str, bytes], ...]


def read_attachments(
    paths: Sequence[str],
    environ: Mapping[str, str],
    read_stdin: Callable[[], bytes],
    end: float | None = None,
) -> Attached:
    """Returns what `-a` names: paths, URLs, or `-` for stdin; the content tells the kind.

    `end` is when all must be read, by the monotonic clock.

    Raises: InputError for a file that is missing (66), empty, too large or of no known kind (65),
    TooSlow.
    """
    files: list[Attachment] = []
    texts: list[tuple[str, bytes]] = []
    for path in paths:
        bounds = Bounds("-a", LARGEST, end)
        content = read_stdin() if path == "-" else read_source(path, environ, bounds, "*/*")
        name = "stdin" if path == "-" else name_of(path)
        refuse_unusable(name, content)
        kind = sniff(content)
        if kind is None:
            texts.append(("stdin" if path == "-" else path, content))
            continue
        medium, media_type = kind
        digest = hashlib.sha256(content).hexdigest()
        files.append(Attachment(name, medium, media_type, content, digest))
    return Attached(tuple(files), tuple(texts))


def refuse_unusable(name: str, content: bytes) -> None:
    """Raises: InputError for bytes that no model could read."""
    if not content:
        raise InputError(f"-a {name}: the file is empty", "", ExitCode.BAD_DATA)
    if len(content) > LARGEST:
        limit = f"more than {LARGEST >> 20} MiB"
        raise InputError(f"-a {name}: {limit}", "send a smaller file", ExitCode.BAD_DATA)
    if sniff(content) is None and not is_text(content):
        raise InputError(
            f"-a {name}: of no kind that models read ({KINDS})",
            "convert it; its content counts, not its name",
            ExitCode.BAD_DATA,
        )


def attachments_of(named: Json, place: str, environ: Mapping[str, str]) -> tuple[Attachment, ...]:
    """Returns the files that a row's `attachments` names, a list of paths or URLs.

    Raises: InputError for anything else, for a text (it belongs into the prompt), for what
    `read_attachments` refuses.
    """
    if named is None:
        return ()
    paths = [path for path in named if isinstance(path, str)] if isinstance(named, list) else []
    if not isinstance(named, list) or len(paths) < len(named) or "-" in paths:
        raise InputError(
            f'{place}: "attachments" is not a list of paths or URLs', exit=ExitCode.BAD_DATA
        )
    files, texts = read_attachments(paths, environ, lambda: b"")
    if texts:
        raise InputError(
            f"{place}: {name_of(texts[0][0])} is a text",
            "put it into the prompt",
            ExitCode.BAD_DATA,
        )
    return files
