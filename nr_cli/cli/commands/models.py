"""The commands that show models, fetch the embedded one, refresh what is known of them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.configured import Configured, tell_broken
from nr_cli.cli.env import Outside
from nr_cli.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from nr_cli.cli.modelview import Seen

app = typer.Typer(
    help="Show models, fetch the embedded one, refresh prices.\n\nExample: nr models list",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command("list")
def show_list(
    everything: Annotated[
        bool, typer.Option("--all", help="All that the catalog knows, configured or not.")
    ] = False,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """List the models of the policy, with those known of every provider at hand.

    Example: nr models list --json
    """
    from nr_cli.cli.document import dump
    from nr_cli.cli.modelview import HEADS, document_of, rest_words, row_of
    from nr_cli.cli.table import show_table

    outside, known = _look(policy, no_project)
    seen = _gather(known, everything)
    _tell_troubles(outside, known)
    if as_json:
        outside.write(dump([document_of(one) for one in seen]))
    else:
        resting = any(one.rest for one in seen)
        heads = (*HEADS, "rests") if resting else HEADS
        rows = [(*row_of(one), *([rest_words(one.rest)] if resting else [])) for one in seen]
        show_table(outside, heads, rows, folds="abilities")


@app.command("show")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="An alias, or provider/model.",
            autocompletion=flags.name_models,
        ),
    ],
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """Show all that is known of one model, with where each value comes from.

    Example: nr models show openai/gpt-5-mini
    """
    from nr_cli.cli.document import dump
    from nr_cli.cli.modelview import Seen, document_of
    from nr_cli.cli.plain import encode
    from nr_cli.cli.screen import neutralise
    from nr_cli.cli.table import align

    outside, known = _look(policy, no_project)
    model = known.model(name)
    rest = None if known.problem else known.router.backends.peek(model)
    seen = Seen(model, known.credential(model.provider), name in known.models, rest)
    origins = _origins(known, name, seen)
    _tell_troubles(outside, known)
    if as_json:
        outside.write(dump({**document_of(seen), "from": {**origins}}))
        return
    rows = [
        (label, neutralise(value), f"({origins[key]})" if origins.get(key) else "")
        for label, value, key in _lines(seen)
    ]
    outside.write(encode(align(rows) + "\n"))


@app.command("wake")
def wake(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="As nr doctor names it; all without a name."),
    ] = None,
    as_json: flags.AsJson = False,
) -> None:
    """End the rest of backends that failed or asked to be left alone; print who is awake again.

    Example: nr models wake
    """
    from nr_cli.cli.document import dump
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.plain import encode
    from nr_cli.cli.screen import neutralise

    outside, router = outside_with_router(None, True)
    asleep = router.backends.all()
    known = sorted({who for _, who, _ in asleep})
    for name in names or ():
        if name not in known:
            said = f" (resting: {', '.join(known)})" if known else ""
            raise UsageError(f"models wake: {name} does not rest{said}")
    woken = [(state, who) for state, who, _ in asleep if not names or who in names]
    for state, _ in woken:
        router.backends.wake(state)
    if as_json:
        outside.write(dump([who for _, who in woken]))
    elif woken:
        outside.write(encode("".join(f"{neutralise(who)}\n" for _, who in woken)))
    else:
        outside.say("nr: nothing rests")


@app.command("pull")
def pull(offline: flags.Offline = False) -> None:
    """Fetch the embedded model's weights now; print where they lie.

    Example: nr models pull
    """
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.settings import child_environ
    from nr_cli.store.keys import vendor_variables
    from nr_cli.store.weights import fetch, mend

    outside, router = outside_with_router(None, True)
    if router.paths.data is None:
        raise ConfigError("models pull: there is no place for it", "set HOME or NR_DATA_DIR")
    seen = child_environ(outside.environ, vendor_variables())
    path = fetch(router.paths.data, router.progress, offline, seen)
    mend(router.paths.data, router.progress, offline, seen)
    outside.write(os.fsencode(path) + b"\n")


@app.command("update")
def update() -> None:
    """Refresh windows with prices from the genai-prices package, where that is installed.

    Example: pip install -U genai-prices && nr models update
    """
    from importlib.util import find_spec

    from nr_cli.cli.outside import outside_with_router

    outside, router = outside_with_router(None, True)
    if find_spec("genai_prices") is None:
        raise ConfigError(
            "models update: the genai-prices package is not installed beside nr",
            "pip install genai-prices",
        )
    if router.paths.data is None:
        raise ConfigError("models update: there is no place for it", "set HOME or NR_DATA_DIR")
    outside.write(_refresh(router.paths.data).encode() + b"\n")


def _refresh(data_dir: str) -> str:
    """Writes the tables below the data directory; returns what was done. Raises: ConfigError."""
    from nr_cli.catalog.generate import generate, write
    from nr_cli.catalog.lookup import REFRESHED, Catalog
    from nr_cli.store.paths import ensure_private, find_fault

    tables = generate()
    source = str(tables["openai"]["source"])
    packaged = Catalog().table("openai").source
    if _version(source) < _version(packaged):
        raise ConfigError(
            f"models update: {source} is older than what nr carries ({packaged})",
            "pip install -U genai-prices",
        )
    folder = os.path.join(data_dir, REFRESHED)
    if not ensure_private(folder):
        raise ConfigError(f"{folder}: {find_fault(folder) or 'cannot be used'}", "set NR_DATA_DIR")
    try:
        write(folder, tables, 0o600)
    except OSError as error:
        raise ConfigError(f"{folder}: {os.strerror(error.errno or 0)}", "make room") from None
    catalog = Catalog(data_dir)
    count = sum(len([*catalog.models(name)]) for name in tables)
    return f"{count} models, {source}, {tables['openai']['date']}, in {folder}"


def _version(source: str) -> tuple[int, ...]:
    """Returns the numbers of the version that a source ends with."""
    return tuple(int(part) for part in source.split()[-1].split(".") if part.isdigit())


def _gather(known: Configured, everything: bool) -> list[Seen]:
    """Returns the policy's models first, then the catalog's of each provider, the best first."""
    from nr_cli.cli.modelview import Seen

    catalog = known.router.catalog
    providers = [*known.providers.values()] if everything else known.in_use
    keys = {one.name: known.credential(one) for one in known.providers.values()}
    seen = [Seen(model, keys[model.provider.name], True) for model in known.models.values()]
    there = {one.model.id for one in seen if one.model.name == one.model.id}
    for provider in providers:
        names = [f"{provider.name}/{wire}" for wire in catalog.models(provider.name)]
        models = [known.policy.model(name) for name in names if name not in there]
        models.sort(key=lambda model: (-(model.quality or 0), model.name))
        seen += [Seen(model, keys[provider.name], False) for model in models]
    if known.problem is not None:
        return seen
    backends = known.router.backends
    return [one._replace(rest=backends.peek(one.model)) for one in seen] if backends.all() else seen


def _lines(seen: Seen) -> list[tuple[str, str, str]]:
    """Returns label, value, key of the policy for everything that is known of a model."""
    from nr_cli.cli.configured import key_words
    from nr_cli.cli.modelview import caps_of, price_lines, rest_words, window_words

    model = seen.model
    caps = "not known" if model.caps is None else " ".join(caps_of(model)) or "none of them"
    window = f"{window_words(model.context)} tokens" if model.context else "not known"
    longest = f"{window_words(model.max_output)} tokens" if model.max_output else "not known"
    first, *more = price_lines(model.price)
    said = (("params", dict(model.params)), ("system", model.system), ("tags", [*model.tags]))
    return [
        ("model", model.name, ""),
        ("id", model.id, ""),
        ("kind", model.provider.kind, ""),
        ("address", model.provider.base_url or "this machine", ""),
        ("key", key_words(seen.credential), ""),
        ("window", window, "context"),
        ("answer", longest, "max_output"),
        ("abilities", caps, "caps"),
        ("price", first, "price"),
        *[("", line, "") for line in more],
        ("rank", "not known" if model.quality is None else f"{model.quality:g} of 100", "quality"),
        *[(key, json.dumps(value, ensure_ascii=False), key) for key, value in said if value],
        *[("rests", rest_words(rest), "") for rest in (seen.rest,) if rest],
    ]


def _origins(known: Configured, name: str, seen: Seen) -> dict[str, str]:
    """Returns where each value comes from, by key of the policy; what is not known is left out."""
    model = seen.model
    own = known.policy.own_keys(name)
    table = known.router.catalog.table(model.provider.name)
    dated = f"catalog, {table.source}, {table.date}" if table.date else "catalog"
    values = {
        "context": model.context,
        "max_output": model.max_output,
        "caps": model.caps,
        "price": model.price,
        "quality": model.quality,
        "params": model.params or None,
        "system": model.system,
        "tags": model.tags or None,
    }
    return {
        key: "policy" if key in own else dated for key, value in values.items() if value is not None
    }


def _tell_troubles(outside: Outside, known: Configured) -> None:
    for trouble in known.router.catalog.troubles:
        outside.say(f"nr: {trouble}: the packaged table is used (nr models update writes it anew)")


def _look(policy: str | None, no_project: bool) -> tuple[Outside, Configured]:
    """Returns the world with what is configured in it; tells of a policy that was passed by."""
    from nr_cli.cli.outside import outside_with_router

    outside, router = outside_with_router(policy, no_project)
    known = Configured(router)
    tell_broken(outside, known)
    return outside, known
