"""Reads the prompt from arguments, files, stdin, in that order; warns of what is odd in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence

from nr_cli.errors import ExitCode, InputError, NrError, UsageError
from nr_cli.types.message import Attachment
from nr_cli.types.prompt import Prompt, Source

MAX_INPUT = 64 * 1024 * 1024
HINT_AFTER = 2.0
PLACE = "{{stdin}}"

Say = Callable[[str], None]


class TooSlow(NrError):
    """stdin did not end within --timeout."""

    code = "timeout"
    exit = ExitCode.TRY_LATER


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
    argument = decode_words(words, say)
    alone = not argument or argument == "-"
    if argument == "-":
        argument = ""
    blocks = [fenced(path, environ, say) for path in files]
    attached: tuple[Attachment, ...] = ()
    if attach:
        from nr_cli.cli.attach import read_attachments

        attached, texts = read_attachments(attach, environ, lambda: drain_stdin(timeout))
        blocks += [fence(name, content, say) for name, content in texts]
        no_stdin = no_stdin or "-" in attach
    optional = optional or bool(attached)
    piped = None if no_stdin else read_stdin(optional or not (alone and not files), say, timeout)
    if PLACE in argument:
        argument, piped = argument.replace(PLACE, piped or ""), None
    text = "\n\n".join(part for part in (argument, *blocks, piped) if part)
    if not text.strip() and not optional:
        raise UsageError(
            "no prompt: " + ("stdin is blank" if piped is not None else "nothing to ask"),
            'give it as an argument (nr ask "…") or on stdin',
        )
    source: Source = "args" if argument else "stdin" if piped else "file"
    return Prompt(text, system, source, (*files, *attach), attached)


def decode_words(words: Sequence[str], say: Say) -> str:
    """Returns the arguments joined by one space; bytes that are not UTF-8 are replaced."""
    text = " ".join(words)
    try:
        text.encode()
    except UnicodeEncodeError:
        # in an ASCII locale every byte beyond ASCII arrives escaped, valid UTF-8 among them
        return decode(os.fsencode(text), "the prompt", say)
    return text


def fenced(path: str, environ: Mapping[str, str], say: Say) -> str:
    """Returns a text file, or the text at a URL, as a named block whose fence it cannot end."""
    if path.startswith(("http://", "https://")):
        from nr_cli.transport.fetch import fetch

        raw = fetch(path, environ)
    else:
        raw = read_file(path)
    return fence(path, raw, say)


def fence(path: str, raw: bytes, say: Say) -> str:
    """Returns the text of a file as a named block."""
    text = decode(raw, path, say)
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    marks = "`" * max(3, longest + 1)
    language = os.path.splitext(path)[1][1:]
    return f"{path}:\n{marks}{language}\n{text.rstrip(chr(10))}\n{marks}"


def read_file(path: str) -> bytes:
    """Returns a file's bytes. Raises: InputError when it is missing or cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MAX_INPUT + 1)
    except OSError as error:
        raise InputError(f"-f {path}: {os.strerror(error.errno or 0)}", "check the path") from None
    except ValueError:
        raise InputError("-f: a path cannot hold a NUL character", "check the path") from None


def read_stdin(has_prompt: bool, say: Say, timeout: float | None) -> str | None:
    """Returns stdin to its end, or None where fd 0 is not a pipe, a file or a socket."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return None
    if not stat.S_ISREG(mode):
        wait_for_stdin(has_prompt and stat.S_ISFIFO(mode), say, timeout)
    return decode(drain_stdin(timeout), "stdin", say)


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


def drain_stdin(timeout: float | None) -> bytes:
    """Returns all bytes of stdin. Raises: InputError past 64 MiB, TooSlow past the time."""
    import time

    end = None if timeout is None else time.monotonic() + timeout
    chunks: list[bytes] = []
    size = 0
    while True:
        if end is not None:
            import select

            if not select.select([0], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TooSlow("stdin: its end did not come within --timeout", "raise --timeout")
        try:
            chunk = os.read(0, 1 << 16)
        except OSError as error:
            raise InputError(f"stdin: {os.strerror(error.errno or 0)}") from None
        if not chunk:
            return b"".join(chunks)
        size += len(chunk)
        if size > MAX_INPUT:
            raise too_large("stdin")
        chunks.append(chunk)


def decode(raw: bytes, place: str, say: Say) -> str:
    """Returns UTF-8 text without its byte-order mark; other bytes are replaced, once warned."""
    if len(raw) > MAX_INPUT:
        raise too_large(place)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        say(f"nr: {place} is not UTF-8 at byte {error.start}; what could not be read was replaced")
        return raw.decode("utf-8-sig", "replace")


def too_large(place: str) -> InputError:
    """Returns the error for input past what nr reads."""
    limit = f"{MAX_INPUT >> 20} MiB"
    return InputError(f"{place}: more than {limit} of input", "send less", ExitCode.BAD_DATA)
