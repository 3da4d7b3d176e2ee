"""`nr route`: explains a decision offline, without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
    from nr_cli.cli.document import dump
    from nr_cli.cli.explain import explain
    from nr_cli.cli.intake import read_prompt
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.plain import encode
    from nr_cli.cli.request import make_ask, open_form, open_schema
    from nr_cli.types.prompt import Prompt

    outside, router = outside_with_router(policy, no_project)
    if jsonl and template:
        raise UsageError("-t: not with --jsonl, whose rows are whole prompts", "leave one out")
    form = open_form(outside, template, param, model, route, option)
    words = (
        Prompt("")
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
        schema=open_schema(schema, schema_multi, form.schema),
    )
    if jsonl:
        raise typer.Exit(int(write_rows(outside, router, ask)))
    try:
        decision = router.preview(ask)
    except NrError as error:
        if error.decision is not None and not as_json:
            outside.write(encode(explain(error.decision) + "\n"))
        raise
    outside.write(dump(decision.record()) if as_json else encode(explain(decision) + "\n"))


def write_rows(outside: Outside, router: Router, ask: Ask) -> ExitCode:
    """Prints a decision for each row of stdin; returns how that went."""
    from nr_cli.cli.document import dump

    status = ExitCode.OK
    for row, decided in decide_rows(router, ask):
        outside.write(dump(row))
        status = status if decided else ExitCode.INCOMPLETE
    return status


def decide_rows(router: Router, ask: Ask) -> Iterator[tuple[dict[str, Json], bool]]:
    """Yields a decision record for each row of stdin, in order, with the row's id."""
    import sys

    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        identity: Json = number
        try:
            identity, row = read_row(line, number, ask, router.environ)
            yield {"id": identity, **router.preview(row).record()}, True
        except ConfigError:
            raise
        except NrError as error:
            from nr_cli.cli.document import error_document

            yield {"id": identity, "version": 1, "error": error_document(error)}, False


def read_row(line: bytes, number: int, ask: Ask, environ: Mapping[str, str]) -> tuple[Json, Ask]:
    """Returns a row's id with its ask. Raises: InputError naming the line."""
    from nr_cli.cli.attach import attachments_of
    from nr_cli.types.prompt import Prompt

    place = f"stdin:{number}"
    try:
        row = json.loads(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise InputError(f"{place}: not JSON", exit=ExitCode.BAD_DATA) from None
    text = row.get("prompt") if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise InputError(f'{place}: no "prompt" with text', exit=ExitCode.BAD_DATA)
    system = row.get("system")
    files = attachments_of(row.get("attachments"), place, environ)
    prompt = Prompt(
        text, system if isinstance(system, str) else ask.prompt.system, "batch", attachments=files
    )
    return row.get("id", number), ask._replace(prompt=prompt)
