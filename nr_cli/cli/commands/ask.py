"""`nr ask`: answers a prompt with the model that the policy chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.arguments import AskingCommand
from nr_cli.cli.flags import flag

if TYPE_CHECKING:
    from nr_cli.cli.answering import Answering

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    cls=AskingCommand,
    help="Answer a prompt with the model that the policy chooses.\n\n"
    'Example: git diff | nr ask "Write a commit message" -x',
)
def ask(
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
    output: Annotated[
        str | None, flag("--output", "-O", help="Write the answer to a file, all or nothing.")
    ] = None,
    x: Annotated[bool, flag("-x", "--extract", help="Print the first fenced code block.")] = False,
    xl: Annotated[bool, flag("--xl", help="Print the last fenced code block.")] = False,
    usage: Annotated[bool, flag("--usage", "-u", help="Tokens, cost, time on stderr.")] = False,
    no_log: Annotated[bool, flag("--no-log", "-n", help="Keep no history of this ask.")] = False,
    quiet: Annotated[bool, flag("--quiet", "-q", help="No notices on stderr.")] = False,
    verbose: Annotated[
        bool, flag("--verbose", "-v", help="The routing line with each attempt on stderr.")
    ] = False,
    as_json: flags.AsJson = False,
    jsonl: Annotated[bool, flag("--jsonl", help="Print events as JSON lines.")] = False,
    raw: Annotated[bool, flag("--raw", help="Plain text on a terminal, no Markdown.")] = False,
    no_stream: Annotated[
        bool, flag("--no-stream", help="Show nothing before the answer is whole.")
    ] = False,
    dry_run: Annotated[bool, flag("--dry-run", help="Send nothing, print the decision.")] = False,
    explain: Annotated[
        bool, flag("--explain", help="Print the explanation on stderr, then answer.")
    ] = False,
    template: flags.TemplateName = None,
    param: flags.Params = None,
    schema: flags.Schema = None,
    schema_multi: flags.SchemaMulti = None,
    continue_: flags.Continue = False,
    cid: flags.Cid = None,
    sticky: flags.Sticky = False,
    save: Annotated[
        str | None,
        flag("--save", help="Keep these flags as a template, ask nothing.", metavar="NAME"),
    ] = None,
) -> None:
    """Reads the prompt, answers it, ends with the status of how it went."""
    from nr_cli.cli.answering import Answering, Shape
    from nr_cli.cli.intake import read_prompt
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.request import end_by_saving, join_turns, make_ask, open_form, open_schema

    outside, router = outside_with_router(policy, no_project, quiet)
    say: Callable[[str], None] = (lambda line: None) if quiet else outside.say
    form = open_form(outside, template, param, model, route, option, x, xl)
    end_by_saving(outside, save, form, prompt, system, param, {"--file": file, "--tag": tag})
    words = read_prompt(
        prompt or (), file or (), say, outside.environ,
        no_stdin=no_stdin, timeout=timeout, system=system,
        optional=form.asks_by_itself, attach=attach or (),
    )  # fmt: skip
    request = make_ask(
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
    shape = Shape(
        as_json=as_json,
        jsonl=jsonl,
        raw=raw,
        output=output,
        block=form.block,
        buffered=no_stream or as_json or bool(output or form.block or request.schema),
        usage=usage,
        quiet=quiet,
        verbose=verbose,
        keeps_history=not no_log,
        explain=explain,
    )
    request = join_turns(router, request, continue_, cid, say, sticky)
    answering = Answering(outside, router, request, shape)
    raise typer.Exit(show_decision(answering) if dry_run else answering.run())


def show_decision(answering: Answering) -> int:
    """Prints what would be asked, sends nothing; returns the exit status."""
    if not answering.shape.jsonl:
        return answering.show_decision()
    from nr_cli.cli.document import dump, event_document
    from nr_cli.types.events import Decided

    decided = Decided(answering.router.preview(answering.ask))
    answering.outside.write(dump(event_document(decided)))
    return 0
