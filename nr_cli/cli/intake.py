"""Reads the prompt from arguments, files, stdin, in that order; warns of what is odd in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence

from nr_cli.cli.env import is_open
from nr_cli.cli.sources import (
    Bounds,
    bytes_of,
    drain,
    is_url,
    name_of,
    read_source,
    too_large,
    until,
)
from nr_cli.errors import InputError, TooSlow, UsageError
from nr_cli.types.message import Attachment
from nr_cli.types.prompt import Prompt, Source

MAX_INPUT = 64 * 1024 * 1024
MAX_PAGE = 10 * 1024 * 1024  # what a URL of -f may hold
BOM = b"\xef\xbb\xbf"
HINT_AFTER = 2.0
PLACE = "{{stdin}}"

Say = Callable[[str], None]


def read_prompt(
    words: Sequence[str],
    files: Sequence[str],
    say: Say,
    environ: Mapping[str, str],
    *,
    no_stdin: bool = False,
    timeout: float | None = None,
    system: str | None = None,
    optional: bool = False,
    attach: Sequence[str] = (),
) -> Prompt:
    """Returns the prompt; `say` receives warnings with the hint about a silent stdin.

    Only where it is `optional` may it be blank; so it may beside files that are attached.

    Raises: UsageError (nothing to ask), InputError (a file missing, input too large), TooSlow.
    """
    end = until(timeout)
    argument = decode_words(words, say)
    alone = not argument or argument == "-"
    if argument == "-":
        argument = ""
    texts = [(path, read_text(path, environ, end)) for path in files]
    attached: tuple[Attachment, ...] = ()
    if attach:
        from nr_cli.cli.attach import read_attachments

        attached, more = read_attachments(attach, environ, lambda: drain_stdin(end), end)
        texts += more
        no_stdin = no_stdin or "-" in attach
    optional = optional or bool(attached)
    blocks = [fence(path, content, say) for path, content in texts]
    piped = None if no_stdin else read_stdin(optional or not (alone and not files), say, end)
    if PLACE in argument:
        argument, piped = argument.replace(PLACE, piped or ""), None
    text = "\n\n".join(part for part in (argument, *blocks, piped) if part)
    if not optional and is_blank(argument, piped, texts):
        raise nothing_to_ask(piped, texts)
    source: Source = "args" if argument else "stdin" if piped else "file"
    names = tuple(map(name_of, (*files, *attach)))
    return Prompt(text, decode_system(system, say), source, names, attached)


def is_blank(argument: str, piped: str | None, texts: Sequence[tuple[str, bytes]]) -> bool:
    """Tells whether there are no words at all, the names of files aside."""
    words = argument.strip() or (piped or "").strip()
    return not words and not any(raw.removeprefix(BOM).strip() for _, raw in texts)


def nothing_to_ask(piped: str | None, texts: Sequence[tuple[str, bytes]]) -> UsageError:
    """Returns the error for a prompt without words."""
    blank = "stdin is blank" if piped is not None else "nothing to ask"
    return UsageError(
        "no prompt: " + (f"{name_of(texts[0][0])} is blank" if texts else blank),
        'give it as an argument (nr ask "…") or on stdin',
    )


def decode_words(words: Sequence[str], say: Say) -> str:
    """Returns the arguments joined by one space; bytes that are not UTF-8 are replaced."""
    return decode_argument(" ".join(words), "the prompt", say)


def decode_system(text: str | None, say: Say) -> str | None:
    """Returns the system text of -s, decoded as the prompt is."""
    return None if text is None else decode_argument(text, "the system text", say)


def decode_argument(text: str, place: str, say: Say) -> str:
    """Returns an argument; bytes that are not UTF-8 are replaced, with a warning."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # in an ASCII locale every byte beyond ASCII arrives escaped, valid UTF-8 among them
        return decode(bytes_of(text), place, say)
    return text


def read_text(path: str, environ: Mapping[str, str], end: float | None) -> bytes:
    """Returns the bytes that -f names. Raises: InputError, TooSlow."""
    largest = MAX_PAGE if is_url(path) else MAX_INPUT
    return read_source(path, environ, Bounds("-f", largest, end), "text/*, application/json")


def fence(path: str, raw: bytes, say: Say) -> str:
    """Returns the text of a file as a named block, whose fence neither name nor text can end."""
    decode_argument(path, "the name of a file", say)
    name = name_of(path)
    text = decode(raw, name, say)
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    marks = "`" * max(3, longest + 1)
    language = os.path.splitext(name)[1][1:]
    if not re.fullmatch(r"[\w+#-]{1,20}", language):
        language = ""
    here = "./" if name.lstrip().startswith(("```", "~~~")) else ""
    return f"{here}{name}:\n{marks}{language}\n{text.rstrip(chr(10))}\n{marks}"


def read_stdin(has_prompt: bool, say: Say, end: float | None) -> str | None:
    """Returns stdin to its end, or None where fd 0 is not a pipe, a file or a socket."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return None
    if not stat.S_ISREG(mode):
        wait_for_stdin(
            has_prompt and stat.S_ISFIFO(mode), say, Bounds("stdin", MAX_INPUT, end).left
        )
    return decode(drain_stdin(end), "stdin", say)


def wait_for_stdin(hint: bool, say: Say, timeout: float | None) -> None:
    """Waits until stdin has bytes or its end; after two silent seconds says how not to."""
    import select

    if hint and (timeout is None or timeout > HINT_AFTER):
        if select.select([0], [], [], HINT_AFTER)[0]:
            return
        say("nr: waiting for stdin (use --no-stdin to ask without it)")
        timeout = None if timeout is None else timeout - HINT_AFTER
    if not select.select([0], [], [], timeout)[0]:
        raise TooSlow("stdin: nothing came within --timeout", "use --no-stdin to ask without it")


def drain_stdin(end: float | None) -> bytes:
    """Returns all bytes of stdin. Raises: InputError past 64 MiB, TooSlow past the time."""
    if not is_open(0):
        raise InputError("stdin is closed", "pipe something into it")
    return drain(0, "stdin", Bounds("stdin", MAX_INPUT, end))


def decode(raw: bytes, place: str, say: Say) -> str:
    """Returns UTF-8 text without its byte-order mark; other bytes are replaced, once warned."""
    if len(raw) > MAX_INPUT:
        raise too_large(place, MAX_INPUT)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        say(f"nr: {place} is not UTF-8 at byte {error.start}; what could not be read was replaced")
        return raw.decode("utf-8-sig", "replace")
