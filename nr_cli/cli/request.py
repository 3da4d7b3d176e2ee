"""Turns the flags of a command line into an Ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import typer

from nr_cli.cli.flags import CACHE_MODES
from nr_cli.cli.sources import bytes_of
from nr_cli.cli.strict import BadValue, parse_json
from nr_cli.errors import UsageError
from nr_cli.policy.suggest import did_you_mean
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.prompt import Ask, CacheMode, Prompt

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.env import Outside
    from nr_cli.types.template import Block


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

    A dotted name reaches into an object: `-o thinking.budget_tokens 1024`.

    Raises: UsageError for an option without a name or a value, or that nobody could receive.
    """
    params: dict[str, Json] = {}
    for option in options:
        name, value = read_pair("-o", option, "write -o temperature 0.2")
        *outer, last = name.split(".")
        place = params
        for part in outer:
            inner = place.get(part)
            if inner is not None and not isinstance(inner, dict):
                raise UsageError(f"-o {name}: {part} is already a value", "give one of them")
            place[part] = place = {**(inner or {})}
        read = read_value(name, value)
        if isinstance(place.get(last), dict) and not isinstance(read, dict):
            raise UsageError(f"-o {name}: it holds values already", "give one of them")
        place[last] = read
    return params


def read_pair(flag: str, pair: str, example: str) -> tuple[str, str]:
    """Returns the name with the value of one `K=V`. Raises: UsageError."""
    pair = decode_argument(flag, pair)
    name, equals, value = pair.partition("=")
    if not equals or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"{flag} {pair[:200]}: not a name with a value", example)
    return name, value


def read_value(name: str, text: str) -> Json:
    """Returns an option's value. Raises: UsageError for one that nobody could receive."""
    try:
        return parse_json(text)
    except BadValue as bad:
        raise UsageError(f"-o {name}: {bad}", "put a text that only looks so in quotes") from None
    except ValueError:
        return text


def decode_argument(flag: str, text: str) -> str:
    """Returns an argument as text, whatever the locale made of it.

    Raises: UsageError for bytes that are not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return bytes_of(text).decode()
        except UnicodeDecodeError:
            shown = text.encode("ascii", "replace").decode()[:200]
            raise UsageError(f"{flag} {shown}: not UTF-8", "convert it") from None
    return text


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
    router: Router,
    ask: Ask,
    last: bool,
    cid: str | None,
    say: Callable[[str], None],
    sticky: bool = False,
) -> Ask:
    """Returns the ask behind the turns of the conversation that -c or --cid names, if one does.

    With `sticky` it keeps to the route with the model that began that.

    Raises: InputError, UsageError.
    """
    if not last and cid is None:
        return ask
    from nr_cli.cli.conversation import go_on

    return go_on(router, ask, last, cid, say, sticky)


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
    max_cost: float | None = None,
    schema: JsonObject | None = None,
) -> Ask:
    """Returns the ask that the flags describe. Raises: UsageError."""
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
        max_cost=max_cost,
        schema=schema,
    )
