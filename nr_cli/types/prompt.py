"""What the user asks for: the prompt with every flag that shapes the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Attachment, Message

CacheMode: TypeAlias = Literal["readwrite", "read", "write", "refresh", "only", "off"]
Source: TypeAlias = Literal["args", "stdin", "file", "batch", "serve"]


class Prompt(NamedTuple):
    """The user's words: `text` is argument, files and stdin joined, exactly as it is sent.

    `turns` is the conversation so far, oldest first, without system text; `bound` names the guards
    that applied to any of it.
    """

    text: str
    system: str | None = None
    source: Source = "args"
    file_names: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    turns: tuple[Message, ...] = ()
    bound: frozenset[str] = frozenset()


class Ask(NamedTuple):
    """One request: a prompt and the flags that shape how it is routed and answered.

    `timeout` is in seconds over everything, `max_cost` in US dollars; `buffered` says that nothing
    is shown before the answer is whole, so a broken stream may still fall over to the next one.
    `schema` is the JSON Schema that the answer must satisfy; `conversation` the id of the one it
    goes on with; `prefer` the name of the model that comes first wherever it is a candidate.
    """

    prompt: Prompt
    model: str | None = None
    route: str | None = None
    params: Mapping[str, Json] = {}
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = {}
    cache: CacheMode = "readwrite"
    offline: bool = False
    fallback: bool = True
    timeout: float | None = None
    stream: bool = True
    buffered: bool = False
    schema: JsonObject | None = None
    conversation: str | None = None
    prefer: str | None = None
    max_cost: float | None = None
