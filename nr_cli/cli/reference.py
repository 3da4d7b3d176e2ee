"""Writes docs/reference/ from the program's tables: `python -m nr_cli.cli.reference docs`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from nr_cli.cli.manual import FILES, commands
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from typer.core import TyperCommand

    from nr_cli.policy.schema import Field

WRITTEN = "<!-- Written by `python -m nr_cli.cli.reference docs`; change the program instead. -->"
OTHERS = (
    ("NO_COLOR", "no colours, no drawing"),
    ("TERM", "`dumb`: no colours, no drawing"),
    ("NR_CONFIG_DIR", "the policy, keys, templates; else XDG's or ~/.config/nr"),
    ("NR_CACHE_DIR", "answers; else XDG's or ~/.cache/nr"),
    ("NR_STATE_DIR", "the history; else XDG's or ~/.local/state/nr"),
    ("NR_DATA_DIR", "the embedded model; else XDG's or ~/.local/share/nr"),
    ("NR_LOCAL_MODEL", "a GGUF file to use as the embedded model"),
    ("NR_DAEMON", "`0`: the embedded model's server ends with the command, not when idle"),
    ("CI", "set: as `NR_DAEMON=0`"),
    ("NR_DEBUG", "`1`: a bug in nr shows its traceback"),
    ("HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "the proxy, where a provider names none"),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "certificates to trust beside the system's"),
    ("VISUAL, EDITOR", "the editor of `nr template edit`"),
    ("XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME, XDG_DATA_HOME", "where such files go"),
    ("LLM_USER_PATH, AICHAT_CONFIG_DIR, AICHAT_CONFIG_FILE", "where `nr import` looks"),
    ("SHELL", "the shell that `nr completion --install` is for, where none is named"),
    ("HOME", "your home directory"),
)  # fmt: skip
SHAPES = {
    "text": "text", "texts": "text or a list", "text_map": "map of lists", "number": "number",
    "count": "whole number", "boolean": "true or false", "duration": "time, such as 30s",
    "free_map": "map", "argv": "list of words", "section": "map", "named": "map by name",
    "listed": "list", "use": "name, list or map", "when": "condition", "default": "map or `fail`",
    "headers": "map of texts", "url": "address", "variable": "name of a variable",
    "labels": "map of lists or maps, or a list",
    "shares": "map of `N%` to `warn`, `downgrade`, `block`",
    "follow": "`retry`, `next`, `upgrade`, `fail`, names of models, or a list of them",
}  # fmt: skip


def pages() -> dict[str, Callable[[], str]]:
    """Returns the writer of each page by its file's name."""
    return {
        "commands.md": commands_page,
        "policy.md": policy_page,
        "environment.md": environment_page,
    }


def commands_page() -> str:
    """Returns every command with its arguments and options."""
    parts = [
        "# Commands",
        WRITTEN,
        "What they promise: [asking](../asking.md), [exit codes](../exit-codes.md).",
    ]
    for words, command in commands():
        parts += _command(words, command)
    return "\n\n".join([*parts, ""])


def _command(words: str, command: TyperCommand) -> Iterator[str]:
    """Yields the parts of one command's section."""
    context = command.make_context(words, [], resilient_parsing=True)
    yield f"{'#' * (2 + words.count(' ') - 1)} {words}"
    yield f"`{' '.join(command.get_usage(context).split()[1:])}`"
    for text in (command.help or "").strip().split("\n\n"):
        line = " ".join(text.split())
        opening, example, rest = line.partition("Example: ")
        yield f"{opening}{example}`{rest}`" if example else line
    rows = list(_options(command))
    if rows:
        yield table(("option", "variable", "what it does"), rows)


def _options(command: TyperCommand) -> Iterator[tuple[str, ...]]:
    for param in command.params:
        is_own = param.param_type_name == "option" and "--help" not in param.opts
        if is_own and not getattr(param, "hidden", False):
            names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
            about = " ".join(str(getattr(param, "help", "") or "").split())
            yield names, _variables(param.envvar), about


def _variables(names: object) -> str:
    every = list(names) if isinstance(names, list | tuple) else [names] * bool(names)
    return ", ".join(f"`{name}`" for name in every)


def policy_page() -> str:
    """Returns every key of a policy, then every condition."""
    from nr_cli.policy.schema import DEFAULT, SECTIONS

    parts = [
        "# The policy file, key by key", WRITTEN,
        "How they work together: [the routing policy](../routing-policy.md). What `nr policy check`"
        " says of mistakes: [its codes](../policy-errors.md). For editors: `nr policy schema`.",
    ]  # fmt: skip
    for name, fields in {**SECTIONS, "default": DEFAULT}.items():
        parts.append(f"## {name}")
        parts.append(
            table(
                ("key", "value", "what it is"),
                (_field(key, field) for key, field in fields.items()),
            )
        )
    parts.append("## when")
    parts.append(
        "All keys of one map must hold; `all`, `any`, `not` combine maps. What is not known makes "
        "its condition unknown; a route with an unknown condition does not match."
    )
    parts.append(table(("condition", "what it does", "values"), conditions_rows()))
    return "\n\n".join([*parts, ""])


def _field(key: str, field: Field) -> tuple[str, ...]:
    value = SHAPES[field.shape]
    if field.section:
        value += f" of [{field.section}](#{field.section})"
    if field.choices:
        several = "any of " if field.shape == "texts" else "one of "
        value = several + " ".join(f"`{choice}`" for choice in field.choices)
    limits = (("above", field.over), ("from", field.low), ("up to", field.high))
    bounds = " ".join(f"{word} {limit:g}" for word, limit in limits if limit is not None)
    if bounds and field.shape != "duration":
        value += f", {bounds}"
    return f"`{key}`" + (" (required)" if field.required else ""), value, field.about


def conditions_rows() -> Iterator[tuple[str, ...]]:
    """Yields each condition with the first line of its file, the words it takes."""
    from nr_cli.policy import conditions

    for module in sorted(iter_modules(conditions.__path__), key=lambda found: found.name):
        own = import_module(f"nr_cli.policy.conditions.{module.name}")
        about = (own.__doc__ or "").split("\n", 1)[0].rstrip(".")
        yield (
            f"`{module.name}`",
            about,
            " ".join(f"`{word}`" for word in dict.fromkeys(_words(own.SCHEMA))),
        )


def _words(schema: Json) -> list[str]:
    """Returns the words of the first list of choices in a JSON Schema."""
    if isinstance(schema, Mapping):
        choices = schema.get("enum")
        if isinstance(choices, list | tuple):
            return [str(choice).lower() for choice in choices]
        return next((found for part in schema.values() if (found := _words(part))), [])
    if isinstance(schema, list | tuple):
        return next((found for part in schema if (found := _words(part))), [])
    return []


def environment_page() -> str:
    """Returns every variable that is read, then every file."""
    from nr_cli.catalog.vendors import VENDORS

    flags: dict[str, tuple[str, ...]] = {}
    for words, command in commands():
        for names, variables, about in _options(command):
            if variables:
                known = flags.setdefault(variables, (variables, names, about, ""))
                flags[variables] = (*known[:3], ", ".join(filter(None, (known[3], words))))
    keys = [
        (f"`{vendor['api_key_env']}`", f"`{name}`")
        for name, vendor in VENDORS.items()
        if "api_key_env" in vendor
    ]
    return "\n\n".join([
        "# Environment variables and files", WRITTEN,
        "## Flags",
        "A flag on the command line stands over its variable. The variable of one that may be "
            "given many times holds a value a line ([docs/asking.md](../asking.md)).",
        table(("variable", "flag", "what it does", "of"), flags.values()),
        "## Keys",
        "`nr keys set` keeps a key in a private file instead; a provider's `api_key_env` names "
            "another variable.",
        table(("variable", "provider"), keys),
        "## Others",
        table(("variable", "what it does"), ((_ticked(name), about) for name, about in OTHERS)),
        "## Files",
        table(("file", "what is in it"), ((f"`{name}`", about) for name, about in FILES)),
        "",
    ])  # fmt: skip


def _ticked(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def table(heads: tuple[str, ...], rows: object) -> str:
    """Returns a Markdown table; columns that are empty throughout are left out."""
    assert hasattr(rows, "__iter__")
    cells = [tuple(_escape(cell) for cell in row) for row in rows]
    kept = [at for at in range(len(heads)) if any(row[at] for row in cells)]
    lines = [
        [heads[at] for at in kept],
        ["---"] * len(kept),
        *([row[at] for at in kept] for row in cells),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Writes the pages into `reference/` of the folder named; returns the exit status."""
    folder = Path(*arguments[:1]) / "reference"
    folder.mkdir(exist_ok=True)
    for name, write in pages().items():
        (folder / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
