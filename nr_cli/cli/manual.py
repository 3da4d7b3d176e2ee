"""Writes the manual page from the command tree: `python -m nr_cli.cli.manual > docs/nr.1`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nr_cli import __version__
from nr_cli.cli.main import Commands, own_commands
from nr_cli.errors import ExitCode

if TYPE_CHECKING:
    from typer.core import TyperCommand

ABOUT = (
    "reads a prompt from its arguments, from files or from stdin, tells what kind of work it is, "
    "applies your policy, asks the model that fits, then streams the answer to stdout. "
    "Everything else goes to stderr."
)
VARIABLES = (
    ("NR_<LONG_FLAG>", "sets any flag of ask and route: NR_TIMEOUT=60, NR_NO_LOG=1"),
    ("NR_POLICY", "the policy file that counts in the project file's place"),
    ("NR_CONFIG_DIR NR_CACHE_DIR NR_STATE_DIR NR_DATA_DIR", "where nr keeps its files"),
    ("NO_COLOR", "no colours, no drawing"),
)
FILES = (
    ("~/.config/nr/routes.yaml", "your policy"),
    ("~/.config/nr/keys.json", "the keys that nr keys set keeps"),
    ("~/.cache/nr/", "answers, parsed policies"),
    ("~/.local/state/nr/", "the history"),
    ("~/.local/share/nr/", "the embedded model, refreshed tables of models"),
)


def page() -> str:
    """Returns the whole page in the man macros."""
    lines = [
        f'.TH NR 1 "" "nr {__version__}" "User Commands"',
        ".SH NAME",
        r"nr \- the prompt router of the terminal",
        ".SH SYNOPSIS",
        ".B nr ask",
        "[OPTIONS] [PROMPT]...",
        ".br",
        ".B nr",
        "COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        ".B nr",
        plain(ABOUT),
        ".SH COMMANDS",
    ]
    for words, command in commands():
        lines += entry(words, command)
    lines += [".SH EXIT STATUS"]
    for code in ExitCode:
        lines += item(str(int(code)), code.name.lower().replace("_", " "))
    for heading, rows in (("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines += [f".SH {heading}"]
        for name, words in rows:
            lines += item(name, words)
    return "\n".join([*lines, ""])


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Yields nr's own commands with their full names, groups as well as what is in them."""
    group = Commands(name="nr")
    for name in own_commands():
        command = group.get_command(None, name)
        assert command is not None, "its file is there"
        yield f"nr {name}", command
        for inner, part in getattr(command, "commands", {}).items():
            yield f"nr {name} {inner}", part


def entry(words: str, command: TyperCommand) -> list[str]:
    """Returns one command with its arguments and options."""
    context = command.make_context(words, [], resilient_parsing=True)
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    shown = " ".join([words, *(argument.make_metavar(context) for argument in arguments)])
    lines = [f".SS {plain(shown)}"]
    for number, paragraph in enumerate((command.help or "").strip().split("\n\n")):
        lines += [".PP"] * bool(number) + [plain(" ".join(paragraph.split()))]
    for param in command.params:
        record = param.get_help_record(context) if param.param_type_name == "option" else None
        if record:
            lines += item(*record)
    return lines


def item(name: str, words: str) -> list[str]:
    """Returns one line of a list: what is meant, in bold, then what it does."""
    return [".TP", f".B {plain(name)}", plain(" ".join(words.split())) or r"\&"]


def plain(text: str) -> str:
    """Returns text that the macros take as it is."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(page())
