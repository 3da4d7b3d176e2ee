"""A prompt that is kept under a name, with what goes along with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.types.json import Json

Block: TypeAlias = Literal["first", "last"]


class Template(NamedTuple):
    """One template; `$name` in prompt or system stands for a value given with the ask.

    `defaults` holds values for names that no ask gives. `schema` is as `--schema` takes it. One
    without any member changes nothing.
    """

    prompt: str | None = None
    system: str | None = None
    defaults: Mapping[str, str] = {}
    schema: str | None = None
    options: Mapping[str, Json] = {}
    extract: Block | None = None
    model: str | None = None
    route: str | None = None
