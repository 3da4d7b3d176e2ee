"""What a flow asks its driver for, with what the driver answers.

A flow is a generator. It yields a step (something that may wait) or an event (something that
happened). For a step it is sent the reply named beside it; for an event it is sent None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from nr_cli.errors import FailureKind


class HttpCall(NamedTuple):
    """One HTTP POST; redirects are never followed.

    `embedded` names a model file whose own server must be running first; the url's host is then
    that server's, and the driver adds its token.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    proxy: str | None = None
    ca_file: str | None = None
    embedded: str | None = None


class ProcessCall(NamedTuple):
    """One program: an argument list, never a shell, fed `stdin`, its stdout read as a stream."""

    argv: tuple[str, ...]
    stdin: bytes


Call: TypeAlias = "HttpCall | ProcessCall"


class Open(NamedTuple):
    """Send a request; what was open before is closed. Reply: Opened or Broke.

    `connect` bounds the connection in seconds, `within` everything up to the response's head.
    """

    call: Call
    connect: float
    within: float


class Read(NamedTuple):
    """Wait at most `within` seconds for bytes. Reply: bytes (never empty), Ended or Broke."""

    within: float


class Sleep(NamedTuple):
    """Wait. Reply: None."""

    seconds: float


class Opened(NamedTuple):
    """The response's head is here; header names are lower case. A program has status 200.

    `prepared` is the time in seconds that a one-time preparation took (fetching a model): no
    limit on the answer counts it.
    """

    status: int
    headers: Mapping[str, str]
    prepared: float = 0.0


class Ended(NamedTuple):
    """The stream ended cleanly at the transport's level; a program adds its exit and stderr."""

    exit: int | None = None
    stderr: str = ""


class Broke(NamedTuple):
    """The transport failed; `detail` is safe to show and names what was tried.

    What is `lasting` would fail again at once: a certificate, an address that is none.
    """

    kind: FailureKind
    detail: str
    lasting: bool = False


Step: TypeAlias = "Open | Read | Sleep"
Reply: TypeAlias = "Opened | Ended | Broke | bytes | None"
