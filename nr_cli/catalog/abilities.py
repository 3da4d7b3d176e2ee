"""Says what families of models can do, which the price lists do not carry.

Each line is a pattern over the plain name (lower case, dots as dashes, no author), what the family
can do, its rank from 0 to 100, its longest answer in tokens. The first line that fits counts; a
name that fits none stays unknown. The rank orders models against each other by their makers' own
line-ups: it is an opinion, which a policy's `quality` overrides.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

SEES = ("vision", "document", "tools", "json")
THINKS = (*SEES, "reasoning")
HEARS = ("vision", "audio", "document", "tools", "json")
TALKS = ("tools", "json")


class Ability(NamedTuple):
    """What a family can do; None where it is not known for sure."""

    caps: tuple[str, ...] | None
    quality: float | None
    max_output: int | None = None


FAMILIES: tuple[tuple[str, Ability], ...] = (
    ("gpt-6-astra", Ability(THINKS, 97, 128_000)),
    ("gpt-6-1-sol", Ability(THINKS, 95, 128_000)),
    ("gpt-6-sol", Ability(THINKS, 94, 128_000)),
    ("gpt-6-1-terra", Ability(THINKS, 88, None)),
    ("gpt-6-luna", Ability(THINKS, 74, None)),
    ("gpt-5-6-sol", Ability(THINKS, 93, None)),
    ("gpt-5-6-terra", Ability(THINKS, 86, None)),
    ("gpt-5-6-luna", Ability(THINKS, 72, None)),
    ("gpt-5-5", Ability(THINKS, 93, None)),
    ("gpt-5-4", Ability(THINKS, 92, None)),
    ("gpt-5-4-mini", Ability(THINKS, 76, None)),
    ("gpt-5-4-nano", Ability(THINKS, 58, None)),
    ("gpt-5-2", Ability(THINKS, 90, 128_000)),
    ("gpt-5-1", Ability(THINKS, 89, 128_000)),
    ("gpt-5-mini", Ability(THINKS, 65, 128_000)),
    ("gpt-5-nano", Ability(THINKS, 45, 128_000)),
    ("gpt-5", Ability(THINKS, 88, 128_000)),
    ("gpt-4-1-nano", Ability(SEES, 40, 32_768)),
    ("gpt-4-1-mini", Ability(SEES, 58, 32_768)),
    ("gpt-4-1", Ability(SEES, 72, 32_768)),
    ("gpt-4o-mini", Ability(SEES, 50, 16_384)),
    ("gpt-4o", Ability(SEES, 68, 16_384)),
    ("gpt-4o-2024-05-13", Ability(("vision", "tools"), 66, 4_096)),
    ("gpt-4-turbo*", Ability(("vision", "tools"), 60, 4_096)),
    ("gpt-4", Ability(("tools",), 55, 8_192)),
    ("gpt-3-5-turbo", Ability(("tools",), 30, 4_096)),
    ("o4-mini", Ability(THINKS, 78, 100_000)),
    ("o3-mini", Ability(("tools", "json", "reasoning"), 74, 100_000)),
    ("o3", Ability(THINKS, 86, 100_000)),
    ("o1", Ability(THINKS, 80, 100_000)),
    ("gpt-oss-120b", Ability(("reasoning",), 62)),
    ("gpt-oss-20b", Ability(("reasoning",), 48)),
    ("claude-fable-5-[12]", Ability(THINKS, 98, 128_000)),
    ("claude-fable-5", Ability(THINKS, 97, None)),
    ("claude-opus-5-5", Ability(THINKS, 96, 128_000)),
    ("claude-opus-5", Ability(THINKS, 95, 128_000)),
    ("claude-sonnet-5-5", Ability(THINKS, 91, 128_000)),
    ("claude-sonnet-5", Ability(THINKS, 90, None)),
    ("claude-haiku-5-5", Ability(THINKS, 76, 128_000)),
    ("claude-opus-4-[678]", Ability(THINKS, 93, None)),
    ("claude-opus-4-5", Ability(THINKS, 91, 64_000)),
    ("claude-opus-4-1", Ability(THINKS, 88, 32_000)),
    ("claude-opus-4*", Ability(("vision", "document", "tools", "reasoning"), 87, 32_000)),
    ("claude-sonnet-4-6", Ability(THINKS, 89, None)),
    ("claude-sonnet-4-5", Ability(THINKS, 87, 64_000)),
    ("claude-sonnet-4*", Ability(("vision", "document", "tools", "reasoning"), 84, 64_000)),
    ("claude-haiku-4-5", Ability(THINKS, 70, 64_000)),
    ("claude-3-7-sonnet*", Ability(("vision", "document", "tools", "reasoning"), 80, 64_000)),
    ("claude-3-5-sonnet*", Ability(("vision", "document", "tools"), 74, 8_192)),
    ("claude-3-5-haiku*", Ability(("tools",), 52, 8_192)),
    ("claude-3-opus*", Ability(("vision", "tools"), 66, 4_096)),
    ("claude-3-sonnet*", Ability(("vision", "tools"), 50, 4_096)),
    ("claude-3-haiku*", Ability(("vision", "tools"), 38, 4_096)),
    ("gemini-4-argon", Ability((*HEARS, "reasoning"), 95)),
    ("gemini-3-1-pro-preview", Ability((*HEARS, "reasoning"), 91)),
    ("gemini-3-1-flash-lite", Ability((*HEARS, "reasoning"), 60)),
    ("gemini-3-5-flash-lite", Ability((*HEARS, "reasoning"), 64)),
    ("gemini-3-8-flash", Ability((*HEARS, "reasoning"), 84)),
    ("gemini-3-7-flash", Ability((*HEARS, "reasoning"), 83)),
    ("gemini-3-[56]-flash", Ability((*HEARS, "reasoning"), 82)),
    ("gemini-3-flash-preview", Ability((*HEARS, "reasoning"), 78)),
    ("gemini-2-5-pro", Ability((*HEARS, "reasoning"), 85, 65_536)),
    ("gemini-2-5-flash-lite", Ability((*HEARS, "reasoning"), 48, 65_536)),
    ("gemini-2-5-flash", Ability((*HEARS, "reasoning"), 66, 65_536)),
    ("gemini-2-0-flash-lite*", Ability(HEARS, 40, 8_192)),
    ("gemini-2-0-flash*", Ability(HEARS, 52, 8_192)),
    ("gemma-3-27b*", Ability(("vision",), 46)),
    ("gemma-3*", Ability(None, None)),
    ("mistral-large-4", Ability(None, 84)),
    ("mistral-large-2512", Ability(("vision", "tools", "json"), 72)),
    ("mistral-large*", Ability(TALKS, 62)),
    ("mistral-medium-3-5", Ability(("vision", "tools", "json"), 76)),
    ("mistral-medium-3-1", Ability(("vision", "tools", "json"), 66)),
    ("mistral-medium-latest", Ability(("vision", "tools", "json"), 76)),
    ("mistral-small-2603", Ability(("vision", "tools", "json"), 60)),
    ("mistral-small-latest", Ability(("vision", "tools", "json"), 60)),
    ("mistral-small-3-[12]-*", Ability(("vision", "tools", "json"), 48)),
    ("mistral-small*", Ability(TALKS, 44)),
    ("mistral-nemo", Ability(TALKS, 28)),
    ("codestral*", Ability(TALKS, 50)),
    ("devstral*", Ability(TALKS, 54)),
    ("magistral-medium*", Ability((*TALKS, "reasoning"), 66)),
    ("magistral-small*", Ability((*TALKS, "reasoning"), 50)),
    ("ministral-8b*", Ability(TALKS, 26)),
    ("ministral-3b*", Ability(TALKS, 18)),
    ("pixtral-large*", Ability(("vision", *TALKS), 56)),
    ("pixtral-12b*", Ability(("vision", *TALKS), 34)),
    ("mixtral-8x22b*", Ability(None, 40)),
    ("mixtral-8x7b*", Ability(None, 28)),
    ("deepseek-v4-pro*", Ability((*TALKS, "reasoning"), 88)),
    ("deepseek-v4-1-flash*", Ability(("vision", *TALKS, "reasoning"), 78)),
    ("deepseek-flash", Ability(("vision", *TALKS, "reasoning"), 78)),
    ("deepseek-v4-flash*", Ability((*TALKS, "reasoning"), 74)),
    ("deepseek-v3-2*", Ability(TALKS, 74)),
    ("deepseek-v3-1*", Ability(TALKS, 70)),
    ("deepseek-v3*", Ability(TALKS, 64)),
    ("deepseek-chat*", Ability(TALKS, 74)),
    ("deepseek-reasoner", Ability(("json", "reasoning"), 80)),
    ("deepseek-r1-distill-llama-70b*", Ability(("reasoning",), 48)),
    ("deepseek-r1", Ability(("reasoning",), 76)),
    ("grok-4-7", Ability(("vision", *TALKS, "reasoning"), 92)),
    ("grok-4-[56]", Ability(("vision", *TALKS, "reasoning"), 90)),
    ("grok-4-3", Ability(None, 88)),
    ("grok-4-20", Ability(None, 87)),
    ("grok-4-*fast-reasoning", Ability(("vision", *TALKS, "reasoning"), 74)),
    ("grok-4-*fast-non-reasoning", Ability(("vision", *TALKS), 64)),
    ("grok-4-0709", Ability(("vision", *TALKS, "reasoning"), 85)),
    ("grok-4", Ability(("vision", *TALKS, "reasoning"), 85)),
    ("grok-code-fast*", Ability((*TALKS, "reasoning"), 60)),
    ("grok-3-mini*", Ability((*TALKS, "reasoning"), 60)),
    ("grok-3*", Ability(TALKS, 72)),
    ("grok-2-vision*", Ability(("vision", "tools"), 54)),
    ("llama-4-maverick*", Ability(("vision",), 56)),
    ("llama-4-scout*", Ability(("vision",), 46)),
    ("llama-3-3-70b*", Ability(None, 50)),
    ("*llama-3-1-405b*", Ability(None, 56)),
    ("*llama-3-1-70b*", Ability(None, 46)),
    ("*llama-3-1-8b*", Ability(None, 26)),
    ("llama3-1-8b", Ability(None, 26)),
    ("llama-3-2-*b-vision*", Ability(("vision",), 28)),
    ("llama-3-2-[13]b*", Ability(None, 14)),
    ("qwen3-235b-a22b*", Ability(None, 68)),
    ("qwen-3-235b*", Ability(None, 68)),
    ("qwen3-coder", Ability(None, 66)),
    ("qwen*3-coder-480b*", Ability(None, 66)),
    ("qwen3-32b*", Ability(("reasoning",), 54)),
    ("qwen-3-32b", Ability(("reasoning",), 54)),
    ("qwen2-5-vl-72b*", Ability(("vision",), 50)),
    ("qwen-2-5-72b*", Ability(None, 50)),
    ("qwq-32b*", Ability(("reasoning",), 56)),
    ("sonar-reasoning-pro", Ability(("reasoning",), 66)),
    ("sonar-pro", Ability(None, 56)),
    ("sonar", Ability(None, 46)),
)
UNKNOWN = Ability(None, None)


def ability_of(name: str) -> Ability:
    """Returns what is known of the family of a model's wire name, each field None if nothing is."""
    plain = plain_name(name)
    return next((known for family, known in FAMILIES if fnmatchcase(plain, family)), UNKNOWN)


def plain_name(name: str) -> str:
    """Returns a name without author or variant, lower case, with dashes for dots."""
    return name.rpartition("/")[2].partition(":")[0].lower().replace(".", "-")
