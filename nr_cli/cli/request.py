"""Turns the flags of a command line into an Ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import typer

from nr_cli.cli.flags import CACHE_MODES
from nr_cli.errors import UsageError
from nr_cli.policy.suggest import did_you_mean
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.prompt import Ask, CacheMode, Prompt

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.env import Outside
    from nr_cli.types.template import Block

PAIRED = ("-o", "--option", "-p", "--param")
ASKING = ("ask", "cache", "chat", "route")  # the commands whose -o, -p take two words
LONG_ONLY = ("batch",)  # where -o names the output, and --option alone takes two words
PAIR = "\x1f"  # joins K with V: argument parsing has no option that takes two words many times


def join_pairs(arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with each `-o K V` as `-o K<PAIR>V`; `-o K=V` stays as it is.

    So with `-p K V`. Other commands, those of plugins among them, mean something else by these.
    """
    if not any(word in (*ASKING, *LONG_ONLY) for word in arguments[:1]):
        return list(arguments)
    paired = PAIRED[1:2] if arguments[0] in LONG_ONLY else PAIRED
    joined: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        joined.append(word)
        if word == "--":
            return joined + rest
        if word in paired and len(rest) >= 2 and "=" not in rest[0]:
            joined.append(rest.pop(0) + PAIR + rest.pop(0))
    return joined


class Form:
    """The flags that a template may give too, with what makes the prompt; this one has none."""

    asks_by_itself = False
    schema: str | None = None  # as --schema takes it

    def __init__(
        self,
        model: str | None,
        route: str | None,
        options: Sequence[str] | None,
        block: Block | None,
    ) -> None:
        """Takes the flags as they were given."""
        self.model = model
        self.route = route
        self.options = options or ()
        self.block = block

    def fill(self, prompt: Prompt) -> Prompt:
        """Returns the prompt as it is to be asked."""
        return prompt


def open_form(
    outside: Outside,
    template: str | None,
    params: Sequence[str] | None,
    model: str | None,
    route: str | None,
    options: Sequence[str] | None,
    x: bool = False,
    xl: bool = False,
) -> Form:
    """Returns the form of these flags, over the template if one is named.

    Raises: UsageError, ConfigError for a template that is unknown or broken.
    """
    form = Form(model, route, options, "last" if xl else "first" if x else None)
    if template is None and not params:
        return form
    from nr_cli.cli.templating import TemplateForm

    return TemplateForm(outside, template, params or (), form)


def end_by_saving(
    outside: Outside,
    name: str | None,
    form: Form,
    words: Sequence[str] | None,
    system: str | None,
    params: Sequence[str] | None,
    left: Mapping[str, object],
) -> None:
    """Keeps the ask as a template and ends the command, or does nothing without a name."""
    if name is None:
        return
    from nr_cli.cli.templating import save_ask

    save_ask(outside, name, form, words, system, params, left)
    raise typer.Exit


def read_params(options: Sequence[str]) -> dict[str, Json]:
    """Returns parameters by name; a value that is JSON is taken as such, any other as text.

    Raises: UsageError for an option without a name or a value.
    """
    params: dict[str, Json] = {}
    for option in options:
        name, separator, value = option.partition(PAIR if PAIR in option else "=")
        if not separator or not name.isidentifier():
            raise UsageError(f"-o {option}: not a name with a value", "write -o temperature 0.2")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params


def cache_mode(named: str | None, no_cache: bool) -> CacheMode:
    """Returns the cache mode of the flags. Raises: UsageError with did-you-mean."""
    if no_cache:
        if named not in (None, "off"):
            raise UsageError(f"--cache {named} and --no-cache contradict", "give one of them")
        return "off"
    mode = named or "readwrite"
    if mode not in CACHE_MODES:
        meant = did_you_mean(mode, CACHE_MODES)
        raise UsageError(f"--cache {mode}: no such mode{meant}", "one of " + ", ".join(CACHE_MODES))
    return cast("CacheMode", mode)


def open_schema(named: str | None, multi: str | None, own: str | None) -> JsonObject | None:
    """Returns the schema of the flags, else the template's own. Raises: UsageError, InputError."""
    if named is not None and multi is not None:
        raise UsageError("--schema and --schema-multi both name a schema", "give one of them")
    text = multi if multi is not None else named if named is not None else own
    if text is None:
        return None
    from nr_cli.cli.shape import read_schema

    return read_schema(text, multi is not None)


def join_turns(
    router: Router, ask: Ask, last: bool, cid: str | None, say: Callable[[str], None]
) -> Ask:
    """Returns the ask behind the turns of the conversation that -c or --cid names, if one does.

    Raises: InputError, UsageError.
    """
    if not last and cid is None:
        return ask
    from nr_cli.cli.conversation import go_on

    return go_on(router, ask, last, cid, say)


def make_ask(
    prompt: Prompt,
    *,
    model: str | None,
    route: str | None,
    options: Sequence[str] | None,
    tags: Sequence[str] | None,
    cache: str | None = None,
    no_cache: bool = False,
    offline: bool = False,
    no_fallback: bool = False,
    timeout: float | None = None,
    schema: JsonObject | None = None,
) -> Ask:
    """Returns the ask that the flags describe. Raises: UsageError."""
    if timeout is not None and not 0 < timeout < 1e6:
        raise UsageError("--timeout: not a number of seconds above 0")
    return Ask(
        prompt=prompt,
        model=model,
        route=route,
        params=read_params(options or ()),
        tags=tuple(tags or ()),
        cache=cache_mode(cache, no_cache),
        offline=offline,
        fallback=not no_fallback,
        timeout=timeout,
        schema=schema,
    )
