"""Reads a command's arguments where the parser cannot: pairs of words, variables with many values.

An option that takes two words many times is unknown to the parser, as is a variable that holds
several values with spaces in them. So both become plain options before it sees them, told by the
command's own table of options: no value of another option is taken for one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from typer import Context
from typer.core import TyperCommand, TyperOption

PAIRED = ("option", "param")  # the options that take a name with a value
WORDS = ("tag",)  # the options whose values hold no space
ASSIGNMENTS = r"\s*[\w.]+=\S*(?:\s+[\w.]+=\S*)*\s*"
# Two flags that mean one thing, so that one on the command line sets aside the other's variable.
RIVALS = (
    ("model", "route"),
    ("cache", "no_cache"),
    ("schema", "schema_multi"),
    ("continue_", "cid"),
    ("x", "xl"),
    ("as_json", "jsonl"),
    ("resume", "force"),
    ("quiet", "verbose"),
)


class Spelling(NamedTuple):
    """What stands behind one way to write an option."""

    name: str
    takes_value: bool

    @property
    def is_paired(self) -> bool:
        """Tells whether its value is a name with a value, which may be two words."""
        return self.name in PAIRED


class AskingCommand(TyperCommand):
    """A command with `-o K V`, whose variables may hold many values, one a line."""

    def parse_args(self, ctx: object, args: list[str]) -> list[str]:
        """Parses the arguments; what the command line says stands over what a variable says."""
        context = cast("Context", ctx)  # Typer's types name the parser's own class
        options = [param for param in self.params if isinstance(param, TyperOption)]
        spellings = {
            word: Spelling(str(option.name), not option.is_flag)
            for option in options
            for word in option.opts
        }
        joined, given = join_pairs(args, spellings)
        rest = super().parse_args(
            context, [*variable_arguments(options, given, os.environ), *joined]
        )
        for pair in RIVALS:
            for name, rival in (pair, pair[::-1]):
                if name in given and rival not in given and rival in context.params:
                    context.params[rival] = (
                        False if isinstance(context.params[rival], bool) else None
                    )
        return rest


def join_pairs(
    arguments: Sequence[str], spellings: Mapping[str, Spelling]
) -> tuple[list[str], set[str]]:
    """Returns the arguments with each `-o K V` as `-o K=V`, then the names of what they give."""
    joined: list[str] = []
    given: set[str] = set()
    rest = list(reversed(arguments))
    while rest:
        word = rest.pop()
        if word == "--":
            return [*joined, word, *reversed(rest)], given
        head, attached, found = match(word, spellings)
        given.update(spelling.name for spelling in found)
        last = found[-1] if found else None
        if last is None or not last.takes_value:
            joined.append(word)
            continue
        if attached is None and not rest:
            return [*joined, word], given  # the parser says what is missing
        value = rest.pop() if attached is None else attached
        if last.is_paired and "=" not in value and rest:
            value = f"{value}={rest.pop()}"
        joined += [f"{head}={value}"] if head.startswith("--") else [head, value]
    return joined, given


def match(
    word: str, spellings: Mapping[str, Spelling]
) -> tuple[str, str | None, tuple[Spelling, ...]]:
    """Returns the options that a word gives, without the value attached to the last, the value."""
    if word.startswith("--"):
        head, equals, attached = word.partition("=")
        found = spellings.get(head)
        return head, attached if equals else None, (found,) if found else ()
    if not word.startswith("-"):
        return word, None, ()
    flags: list[Spelling] = []
    for at, letter in enumerate(word[1:], 2):
        found = spellings.get(f"-{letter}")
        if found is None:
            return word, None, ()
        flags.append(found)
        if found.takes_value:
            return word[:at], word[at:] or None, tuple(flags)
    return word, None, tuple(flags)


def variable_arguments(
    options: Iterable[TyperOption], given: set[str], environ: Mapping[str, str]
) -> list[str]:
    """Returns as arguments what variables say of the options that may be given many times."""
    arguments: list[str] = []
    for option in options:
        value = environ.get(str(option.envvar)) if option.multiple else None
        if value and option.name not in given:
            long = next(word for word in option.opts if word.startswith("--"))
            arguments += [f"{long}={part}" for part in split_variable(str(option.name), value)]
    return arguments


def split_variable(name: str, value: str) -> list[str]:
    """Returns the values that the variable of an option holds: one a line, tags also by spaces.

    A line of an option that is paired reads `K V` or `K=V`; it may hold several `K=V`.
    """
    if name in WORDS:
        return value.split()
    lines = [line for line in value.splitlines() if line.strip()]
    if name not in PAIRED:
        return lines
    pairs: list[str] = []
    for line in lines:
        if re.fullmatch(ASSIGNMENTS, line):
            pairs += line.split()
        else:
            key, *words = line.strip().split(None, 1)
            pairs.append(line.strip() if "=" in key or not words else f"{key}={words[0]}")
    return pairs
