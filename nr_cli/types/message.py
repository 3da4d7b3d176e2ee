"""What is said in a conversation: turns of text with the files that go along."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Medium: TypeAlias = Literal["image", "audio", "pdf"]

# What a model must be able to do to take in a file of each kind.
NEED_OF: dict[Medium, str] = {"image": "vision", "audio": "audio", "pdf": "document"}


class Attachment(NamedTuple):
    """A file that goes along with a prompt; `digest` is the sha256 of `content` in hex.

    `name` is for people alone: it is neither sent nor part of a cache key.
    """

    name: str
    medium: Medium
    media_type: str
    content: bytes
    digest: str

    @property
    def base64(self) -> str:
        """Returns the content as most protocols want it."""
        from base64 import b64encode

        return b64encode(self.content).decode("ascii")


class Message(NamedTuple):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    attachments: tuple[Attachment, ...] = ()
