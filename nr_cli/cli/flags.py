"""The flags that shape a request, declared once for every command that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, get_args

import typer

from nr_cli.types.prompt import CacheMode

CACHE_MODES: tuple[str, ...] = get_args(CacheMode)
LONGEST = 1e6  # seconds or days that any flag takes


def name_models(incomplete: str) -> list[str]:
    """Returns the names of models that begin so, for a shell's completion."""
    from nr_cli.cli.completing import models_that_begin

    return models_that_begin(incomplete)


def name_providers(incomplete: str) -> list[str]:
    """Returns the names of providers that begin so, for a shell's completion."""
    from nr_cli.cli.completing import providers_that_begin

    return providers_that_begin(incomplete)


def read_seconds(text: str) -> float:
    """Returns a duration in seconds. Raises: BadParameter for one that never ends or begins."""
    seconds = read_number(text)
    if not 0 < seconds < LONGEST:
        raise typer.BadParameter(f"{text[:40]} is not a number of seconds above 0")
    return seconds


def read_dollars(text: str) -> float:
    """Returns US dollars. Raises: BadParameter for a sum below 0 or without an end."""
    dollars = read_number(text)
    if not 0 <= dollars < LONGEST:
        raise typer.BadParameter(f"{text[:40]} is not a number of US dollars")
    return dollars


def read_days(text: str) -> float:
    """Returns a number of days. Raises: BadParameter for one below 0 or without an end."""
    days = read_number(text)
    if not 0 <= days < LONGEST:
        raise typer.BadParameter(f"{text[:40]} is not a number of days")
    return days


def read_number(text: str) -> float:
    """Returns a number, NaN for what is none, so that no bound holds for it."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def flag(
    *names: str,
    help: str,
    metavar: str | None = None,
    completed_by: Callable[[str], list[str]] | None = None,
    parser: Callable[[str], float] | None = None,
) -> object:
    """Returns a Typer option that the variable NR_<LONG_NAME> sets too."""
    long = next(name for name in names if name.startswith("--"))
    variable = "NR_" + long[2:].upper().replace("-", "_")
    return typer.Option(
        *names,
        help=help,
        metavar=metavar,
        envvar=variable,
        show_default=False,
        autocompletion=completed_by,
        parser=parser,
    )


Words = Annotated[list[str] | None, typer.Argument(metavar="[PROMPT]...", show_default=False)]
Model = Annotated[
    str | None,
    flag(
        "--model",
        "-m",
        help="Pin a model, alias, provider/model id, pool or route.",
        completed_by=name_models,
    ),
]
Route = Annotated[str | None, flag("--route", help="Pin a route by name.")]
System = Annotated[str | None, flag("--system", "-s", help="System text.")]
Files = Annotated[
    list[str] | None,
    flag("--file", "-f", help="Put a text file or URL into the prompt.", metavar="PATH"),
]
Options = Annotated[
    list[str] | None,
    flag("--option", "-o", help="A parameter for the model: -o temperature 0.2.", metavar="K V"),
]
TemplateName = Annotated[
    str | None, flag("--template", "-t", help="Fill a template by name.", metavar="NAME")
]
Params = Annotated[
    list[str] | None,
    flag("--param", "-p", help="A value for a template's variable: -p tone dry.", metavar="K V"),
]
Attach = Annotated[
    list[str] | None,
    flag("--attach", "-a", help="Send an image, audio, PDF or text file along.", metavar="PATH"),
]
Schema = Annotated[
    str | None,
    flag("--schema", help="Hold the answer to JSON Schema, its file, or 'name, age int'."),
]
SchemaMulti = Annotated[
    str | None, flag("--schema-multi", help="As --schema, for a list of such under items.")
]
Continue = Annotated[bool, flag("--continue", "-c", help="Go on with the last conversation.")]
Cid = Annotated[str | None, flag("--cid", help="Go on with this conversation.", metavar="ID")]
Sticky = Annotated[
    bool,
    flag("--sticky", help="Keep to the route and model that began the conversation."),
]
Tags = Annotated[list[str] | None, flag("--tag", help="A tag that rules may test.")]
Cache = Annotated[
    str | None, flag("--cache", help=f"{' | '.join(CACHE_MODES)} (default readwrite).")
]
NoCache = Annotated[bool, flag("--no-cache", help="Neither read nor write the cache.")]
Offline = Annotated[bool, flag("--offline", help="Cache and local providers only.")]
NoFallback = Annotated[bool, flag("--no-fallback", help="Ask the first candidate alone.")]
Timeout = Annotated[
    float | None,
    flag(
        "--timeout", help="Seconds for everything together.", metavar="SECONDS", parser=read_seconds
    ),
]
MaxCost = Annotated[
    float | None,
    flag(
        "--max-cost", help="US dollars that the ask may cost, by estimate.", metavar="USD",
        parser=read_dollars,
    ),
]  # fmt: skip
PolicyFile = Annotated[
    str | None, flag("--policy", help="Policy file in the project file's place.", metavar="FILE")
]
NoProject = Annotated[bool, flag("--no-project", help="Pass by the project's routes.yaml.")]
NoStdin = Annotated[bool, flag("--no-stdin", help="Do not read stdin.")]
AsJson = Annotated[bool, flag("--json", help="Print one JSON document.")]
