"""What every wire codec offers, with the pieces all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, TypeAlias

from nr_cli.errors import FailureKind
from nr_cli.types.events import Finished, Reasoning, Text, ToolCall
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Call, Ended

MAX_BODY = 64 * 1024 * 1024


class Blame(NamedTuple):
    """Why a backend did not answer; `detail` still holds the server's own words, unescaped."""

    kind: FailureKind
    detail: str
    retry_after: float | None = None


class Malformed(NamedTuple):
    """The response could not be understood, or a part of it is missing."""

    detail: str


class Refusal(NamedTuple):
    """The model declined in words of its own, which are shown."""

    text: str


Delta: TypeAlias = "Text | Reasoning | ToolCall | Refusal | Finished | Blame | Malformed"


class Decoder(Protocol):
    """Turns response bytes, cut anywhere, into deltas. `Finished` comes at most once, last."""

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete."""
        ...

    def end(self, ended: Ended) -> list[Delta]:
        """Returns what the end of the stream completes; without `Finished` it was cut."""
        ...


class Codec(Protocol):
    """One protocol: a module of this room with these three functions."""

    def encode(self, request: Request, credential: Credential) -> Call:
        """Returns the call that carries the request. Raises: UsageError for a bad parameter."""
        ...

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """Returns a fresh decoder for one response."""
        ...

    def blame(self, status: int, headers: Mapping[str, str], body: bytes) -> Blame:
        """Returns the failure that an error response stands for."""
        ...


def codec_for(kind: str) -> Codec:
    """Returns the codec module that bears the kind's name, else the one of a plugin.

    Raises: LookupError when there is none, ConfigError for a plugin that is broken.
    """
    from importlib import import_module
    from typing import cast

    name = kind.replace("-", "_")
    if not name.isidentifier():
        raise LookupError(kind)
    place = f"nr_cli.providers.{name}"
    try:
        module = import_module(place)
    except ModuleNotFoundError as missing:
        if missing.name != place:
            raise
        from nr_cli.providers.plugged import find_codec

        return find_codec(kind)
    if not hasattr(module, "encode"):
        raise LookupError(kind)  # a module of this room that is no protocol
    return cast("Codec", module)


class Surrogates:
    """Joins surrogate halves that a server split over two deltas; a lone half becomes U+FFFD."""

    def __init__(self) -> None:
        self._high = ""

    def join(self, text: str) -> str:
        """Returns the text that may be shown now; a trailing high half waits for its partner."""
        if text.isascii() and not self._high:
            return text
        text = self._high + text
        self._high = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def end(self) -> str:
        """Returns U+FFFD for a half whose partner never came, else nothing."""
        held, self._high = self._high, ""
        return "\ufffd" if held else ""
