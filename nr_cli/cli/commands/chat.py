"""`nr chat`: talks with models, each message routed by the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli import flags
from nr_cli.cli.arguments import AskingCommand
from nr_cli.cli.flags import flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nr_cli.app import Router
    from nr_cli.cli.chatting import Talk
    from nr_cli.cli.env import Outside
    from nr_cli.cli.lineread import Entries
    from nr_cli.cli.request import Form
    from nr_cli.cli.talking import Talking

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    cls=AskingCommand,
    help="Talk with models; each message is routed by the policy, /help lists the commands.\n\n"
    "Without a terminal each line of stdin is a message, stdout has the answers alone.\n\n"
    "Example: nr chat -c",
)
def chat(
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
    usage: Annotated[bool, flag("--usage", "-u", help="Tokens, cost, time on stderr.")] = False,
    no_log: Annotated[bool, flag("--no-log", "-n", help="Keep no history of this chat.")] = False,
    quiet: Annotated[bool, flag("--quiet", "-q", help="No notices on stderr.")] = False,
    verbose: Annotated[
        bool, flag("--verbose", "-v", help="The routing line with each attempt on stderr.")
    ] = False,
    raw: Annotated[bool, flag("--raw", help="Plain text on a terminal, no Markdown.")] = False,
    template: flags.TemplateName = None,
    param: flags.Params = None,
    continue_: flags.Continue = False,
    cid: flags.Cid = None,
    sticky: flags.Sticky = False,
) -> None:
    """Builds the chat from the flags, talks until its end."""
    from nr_cli.cli.answering import Shape
    from nr_cli.cli.intake import decode_system, decode_words
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.request import make_ask, open_form, open_schema
    from nr_cli.cli.talking import Manner, Talking
    from nr_cli.types.prompt import Prompt

    outside, router = outside_with_router(policy, no_project, quiet)
    refuse_unreadable(outside)
    form = open_form(outside, template, param, model, route, option)
    ask = make_ask(
        Prompt(""), model=None, route=None, options=form.options, tags=tag, cache=cache,
        no_cache=no_cache, offline=offline, no_fallback=no_fallback, timeout=timeout,
        schema=open_schema(None, None, form.schema),
    )  # fmt: skip
    shape = Shape(
        raw=raw, usage=usage, quiet=quiet, verbose=verbose, keeps_history=not no_log,
        block=form.block, buffered=bool(form.block or ask.schema), full=True,
    )  # fmt: skip
    show = terminal_of(outside)
    manner = Manner(
        ask, form, shape, sticky, show is not None, show is not None and not is_dumb(outside)
    )
    system = decode_system(system, outside.say)
    talk = open_talk(outside, router, form, system, continue_, cid)
    talking = Talking(outside, router, manner, talk)
    prepare(talking, file or (), attach or ())
    words = decode_words(prompt or (), outside.say)
    entries = open_entries(talking, show)
    greet(talking)
    code = talking.run(entries, words if words.strip() else None)
    part(talking)
    raise typer.Exit(code)


def refuse_unreadable(outside: Outside) -> None:
    """Refuses to begin where nothing could be read or shown. Raises: UsageError, OutputError."""
    from nr_cli.cli.env import is_open
    from nr_cli.errors import OutputError, UsageError

    if not is_open(0):
        raise UsageError("no prompt: stdin is closed", "nr chat reads a terminal, or stdin")
    if not is_open(1):
        raise OutputError("stdout is closed", "nothing was sent")


def terminal_of(outside: Outside) -> int | None:
    """Returns the descriptor of the terminal that a person looks at, None without a person."""
    from nr_cli.cli.env import is_terminal

    if not is_terminal(0):
        return None
    return 1 if outside.out_is_terminal else 2 if outside.err_is_terminal else None


def is_dumb(outside: Outside) -> bool:
    """Tells whether the terminal can do no more than show lines."""
    return outside.environ.get("TERM", "dumb") in ("dumb", "")


def open_talk(
    outside: Outside, router: Router, form: Form, system: str | None, last: bool, cid: str | None
) -> Talk:
    """Returns what the chat begins with, a conversation of the log if one is named.

    Raises: InputError, UsageError, ConfigError: what is wrong with the flags is said at once.
    """
    from nr_cli.cli.chatting import Talk
    from nr_cli.types.prompt import Prompt

    system = form.fill(Prompt("Hello", system)).system
    talk = Talk(system=system, model=form.model, route=form.route)
    if not last and cid is None:
        return talk
    from nr_cli.cli.conversation import recall

    past = recall(router, last, cid, outside.say)
    return talk._replace(
        exchanges=past.exchanges,
        system=past.system if system is None else system,
        conversation=past.id,
        held=past.held,
    )


def prepare(talking: Talking, files: Sequence[str], attached: Sequence[str]) -> None:
    """Checks the policy with the pins, reads the files for the first message. Raises: NrError."""
    from nr_cli.errors import NrError, UsageError
    from nr_cli.types.prompt import Prompt

    talk = talking.talk
    talking.router.policy.names()  # a broken one is told before a word is typed
    pinned = talking.manner.ask._replace(prompt=Prompt("Hello"), model=talk.model, route=talk.route)
    try:
        talking.router.decide(pinned, reading=True, full=False)
    except UsageError:
        raise
    except NrError:
        pass  # whether this policy refuses a message is told when there is one
    for path in files:
        talking.await_file(path)
    for path in attached:
        talking.await_attached(path)


def open_entries(talking: Talking, show: int | None) -> Entries:
    """Returns where messages come from: an editor on a terminal that can show one, else lines."""
    outside, router = talking.outside, talking.router
    if show is None or not talking.manner.edited:
        from nr_cli.cli.lineread import Lines

        return Lines(show, talking.warn, talking.interrupts.heeded)
    from nr_cli.cli.completing import names_of_models
    from nr_cli.cli.configured import Configured
    from nr_cli.cli.lineedit import Editor, Names
    from nr_cli.store.keys import vendor_variables
    from nr_cli.store.typed import Typed

    def secrets() -> list[str]:
        named = router.policy.key_variables() | vendor_variables()
        return [*router.secrets, *filter(None, map(router.environ.get, named))]

    names = Names(
        lambda: names_of_models(Configured(router)), lambda: router.policy.names()["routes"]
    )
    return Editor(outside, show, Typed(router.paths.state, secrets), names)


def greet(talking: Talking) -> None:
    """Tells a person how to leave, what is going on."""
    manner, talk = talking.manner, talking.talk
    if not manner.person or manner.shape.quiet:
        return
    if talk.conversation is not None:
        from nr_cli.cli.chatting import counted

        count = counted(len(talk.exchanges), "exchange")
        talking.outside.say(f"nr: going on with {talk.conversation}, {count} so far")
    newline = "Alt-Enter begins a line, " if manner.edited else ""
    talking.outside.say(f"nr: {newline}/help lists the commands, Ctrl-D leaves")


def part(talking: Talking) -> None:
    """Tells a person how to come back."""
    if talking.manner.person and talking.name is not None:
        talking.notify(f"to go on: nr chat --cid {talking.name}")
