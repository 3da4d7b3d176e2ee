"""`nr route`: explains a decision offline, without asking anybody."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from math import isinf
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.arguments import AskingCommand
from nr_cli.cli.flags import flag
from nr_cli.errors import ConfigError, ExitCode, InputError, NrError, UsageError
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.env import Outside
    from nr_cli.types.prompt import Ask

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    cls=AskingCommand,
    help="Say which model would answer, and why; nothing is sent.\n\n"
    'Example: nr route "Prove that the square root of 2 is irrational."',
)
def route(
    prompt: flags.Words = None,
    model: flags.Model = None,
    route: flags.Route = None,
    system: flags.System = None,
    file: flags.Files = None,
    attach: flags.Attach = None,
    option: flags.Options = None,
    tag: flags.Tags = None,
    cache: flags.Cache = None,
    no_cache: flags.NoCache = False,
    offline: flags.Offline = False,
    no_fallback: flags.NoFallback = False,
    timeout: flags.Timeout = None,
    max_cost: flags.MaxCost = None,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    no_stdin: flags.NoStdin = False,
    as_json: flags.AsJson = False,
    jsonl: Annotated[
        bool, flag("--jsonl", help="Read rows {id?, prompt, system?} on stdin, one decision each.")
    ] = False,
    template: flags.TemplateName = None,
    param: flags.Params = None,
    schema: flags.Schema = None,
    schema_multi: flags.SchemaMulti = None,
) -> None:
    """Prints the explanation, the decision record, or one record for each row on stdin."""
    from nr_cli.cli.intake import decode_system, read_prompt
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.request import make_ask, open_form, open_schema
    from nr_cli.types.prompt import Prompt

    if jsonl:
        whole = {"words": prompt, "-f": file, "-a": attach, "-t": template, "-p": param}
        refuse_with_rows({**whole, "--no-stdin": no_stdin})
    outside, router = outside_with_router(policy, no_project)
    form = open_form(outside, template, param, model, route, option)
    words = (
        Prompt("", decode_system(system, outside.say), "batch")
        if jsonl
        else read_prompt(
            prompt or (),
            file or (),
            outside.say,
            outside.environ,
            no_stdin=no_stdin,
            system=system,
            timeout=timeout,
            optional=form.asks_by_itself,
            attach=attach or (),
        )
    )
    ask = make_ask(
        form.fill(words),
        model=form.model,
        route=form.route,
        options=form.options,
        tags=tag,
        cache=cache,
        no_cache=no_cache,
        offline=offline,
        no_fallback=no_fallback,
        timeout=timeout,
        max_cost=max_cost,
        schema=open_schema(schema, schema_multi, form.schema),
    )
    if jsonl:
        raise typer.Exit(int(write_rows(outside, router, ask)))
    write_decision(outside, router, ask, as_json)


def write_decision(outside: Outside, router: Router, ask: Ask, as_json: bool) -> None:
    """Prints the decision, what is known of one that was refused too. Raises: NrError."""
    from nr_cli.cli.document import dump
    from nr_cli.cli.explain import explain
    from nr_cli.cli.plain import encode

    try:
        decision = router.preview(ask)
    except NrError as error:
        if error.decision is not None and not as_json:
            outside.write(encode(explain(error.decision) + "\n"))
        raise
    outside.write(dump(decision.record()) if as_json else encode(explain(decision) + "\n"))


def refuse_with_rows(given: Mapping[str, object]) -> None:
    """Refuses beside --jsonl what its rows say themselves. Raises: UsageError."""
    for name, value in given.items():
        if value:
            raise UsageError(
                f"{name}: not with --jsonl, whose rows are whole prompts", "leave it out"
            )


def write_rows(outside: Outside, router: Router, ask: Ask) -> ExitCode:
    """Prints a decision for each row of stdin; returns how that went."""
    from nr_cli.cli.document import dump

    status = ExitCode.OK
    for row, decided in decide_rows(router, ask):
        outside.write(dump(row))
        status = status if decided else ExitCode.INCOMPLETE
    return status


def decide_rows(router: Router, ask: Ask) -> Iterator[tuple[dict[str, Json], bool]]:
    """Yields a decision record for each row of stdin, in order, with the row's id.

    Raises: UsageError without a stdin, InputError for one that breaks off, ConfigError.
    """
    from nr_cli.cli.document import error_document
    from nr_cli.cli.rows import open_stdin, read_lines

    lines = read_lines(open_stdin("nr route --jsonl < ROWS.jsonl"))
    try:
        for number, line in lines:
            try:
                identity, asked = read_row(line, number, ask, router.environ)
                decision = router.preview(asked)
            except ConfigError:
                raise
            except NrError as error:
                document = {"version": 1, "error": error_document(error)}
                yield {"id": id_of(line, number), **document}, False
            else:
                yield {"id": identity, **decision.record()}, True
    except OSError as error:
        raise InputError(f"stdin: {os.strerror(error.errno or 0)}") from None


def read_row(
    line: bytes | None, number: int, ask: Ask, environ: Mapping[str, str]
) -> tuple[Json, Ask]:
    """Returns a row's id with its ask. Raises: InputError naming the line."""
    from nr_cli.cli.attach import attachments_of
    from nr_cli.cli.rows import BadRow, read_object, text_of
    from nr_cli.types.prompt import Prompt

    place = f"stdin:{number}"
    try:
        row = read_object(line)
        text, system = text_of(row, "prompt"), text_of(row, "system")
        if text is None or not text.strip():
            raise BadRow('no "prompt" with text')
    except BadRow as bad:
        raise InputError(f"{place}: {bad.reason}", bad.hint, ExitCode.BAD_DATA) from None
    files = attachments_of(row.get("attachments"), place, environ)
    system = ask.prompt.system if system is None else system
    prompt = Prompt(text, system, "batch", attachments=files)
    return own_id(row.get("id"), number), ask._replace(prompt=prompt)


def id_of(line: bytes | None, number: int) -> Json:
    """Returns a row's own id where it can be read, be the rest as it may; else its line."""
    try:
        row = json.loads((line or b"").decode("utf-8", "replace"), parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return number  # no JSON at all: the row's error says so
    return own_id(row.get("id"), number) if isinstance(row, dict) else number


def own_id(id: Json, number: int) -> Json:
    """Returns a row's id as it stands there; its line where it has none that can be told again."""
    endless = isinstance(id, float) and isinf(id)
    return number if id is None or endless or isinstance(id, dict | list) else id
