"""Compares how long the prompt is by its estimated tokens."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.sizes import SIZES, compile_size
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("tokens",)
SCHEMA: JsonObject = SIZES


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for `"<8k"`, `"2k..8k"` or a list of which one must hold."""
    return compile_size("tokens", value, at, report)
