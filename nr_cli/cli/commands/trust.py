"""`nr trust`: lets a project's policy count, as it is now."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from nr_cli.cli.env import Outside
from nr_cli.errors import ConfigError, InputError, OutputError, UsageError
from nr_cli.types.json import Json

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.policy.document import Document

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    help="Let the project's routes.yaml count as it is now; a change is asked about again.\n\n"
    "nr trust list shows what is trusted, nr trust revoke takes it back.\n\n"
    "Example: nr trust",
)
def trust(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH | list | revoke [PATH]]", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Shows what a policy would do, asks, keeps the answer; or lists, or takes back."""
    from nr_cli.cli.outside import outside_with_router

    what, *more = words or [""]
    if len(more) > (what == "revoke"):
        raise UsageError("trust: one path at a time", "see nr trust --help")
    outside, router = outside_with_router(None, True)
    if what == "list":
        show_list(outside, router, as_json)
    elif what == "revoke":
        revoke(outside, router, more[0] if more else "", as_json)
    else:
        vouch(outside, router, find(outside, what), yes, as_json)


def find(outside: Outside, path: str) -> str:
    """Returns the policy that is meant: a file, one in a directory, or the project's.

    Raises: InputError.
    """
    from nr_cli.settings import NAME, project_file

    found = os.path.join(path, NAME) if path and os.path.isdir(path) else path
    found = found or project_file(outside.environ) or ""
    if not found:
        raise InputError(f"trust: there is no {NAME} here", "name the file")
    if not os.path.exists(found):
        raise InputError(f"trust: {found}: no such file", "check the path")
    return os.path.abspath(found)


def vouch(outside: Outside, router: Router, path: str, yes: bool, as_json: bool) -> None:
    """Shows what a policy may do, asks unless `yes`, keeps the record. Raises: NrError."""
    from nr_cli.store.trust import Trust, find_danger

    document = router.project_document(path)
    for file in (path, *document.includes):
        danger = find_danger(file)
        if danger:
            raise ConfigError(f"trust: {danger[0]}", danger[1])
    for line in told(path, document):
        outside.say(line)
    if not yes and not confirmed(outside):
        raise UsageError("trust: not trusted", "nothing was changed")
    if not Trust(router.paths.state).add(path, document.digest):
        raise OutputError("trust: this cannot be kept", "nr doctor shows the state directory")
    show(outside, {"trusted": os.path.realpath(path)}, as_json)


def confirmed(outside: Outside) -> bool:
    """Asks a person. Raises: UsageError where there is none."""
    if not (outside.err_is_terminal and sys.stdin is not None and sys.stdin.isatty()):
        raise UsageError(
            "trust: nobody is here to be asked", "read the policy, then nr trust --yes"
        )
    outside.say("nr: trust it as it is now? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def told(path: str, document: Document) -> Iterator[str]:
    """Yields what a policy names: files, addresses, programs, guards."""
    files = ", ".join((path, *document.includes))
    yield f"nr: {files}"
    providers = document.tree.get("providers")
    for name, entry in providers.items() if isinstance(providers, Mapping) else ():
        if not isinstance(entry, Mapping):
            continue
        if "command" in entry:
            yield f"nr:   {name} runs the program {entry['command']}"
        elif "base_url" in entry:
            yield f"nr:   {name} sends prompts to {entry['base_url']}"
    classify = document.tree.get("classify")
    for name, entry in classify.items() if isinstance(classify, Mapping) else ():
        if isinstance(entry, Mapping) and "command" in entry:
            yield f"nr:   {name} gives prompts to the program {entry['command']}"
    routes = document.tree.get("routes")
    count = len(routes) if isinstance(routes, list) else 0
    yield f"nr:   {count} routes decide who answers from here"


def revoke(outside: Outside, router: Router, path: str, as_json: bool) -> None:
    """Takes a record back. Raises: InputError where there is none."""
    from nr_cli.settings import NAME, project_file
    from nr_cli.store.trust import Trust

    found = path or project_file(outside.environ) or os.path.join(os.getcwd(), NAME)
    if os.path.isdir(found):
        found = os.path.join(found, NAME)
    if not Trust(router.paths.state).revoke(found):
        raise InputError(f"trust: {found} was not trusted", "see nr trust list")
    show(outside, {"revoked": os.path.realpath(found)}, as_json)


def show_list(outside: Outside, router: Router, as_json: bool) -> None:
    """Prints every policy that was vouched for, with whether it still is what it was."""
    rows: list[Json] = [
        {"path": record.path, "at": record.at, "state": state_of(router, record.path)}
        for record in sorted(router.trust.all())
    ]
    if as_json:
        from nr_cli.cli.document import dump

        outside.write(dump(rows))
        return
    from nr_cli.cli.plain import encode
    from nr_cli.cli.screen import neutralise

    lines = [f"{row['state']:<9} {row['path']}" for row in rows if isinstance(row, dict)]
    outside.write(encode("".join(f"{neutralise(line)}\n" for line in lines)))


def state_of(router: Router, path: str) -> str:
    """Returns whether a policy is trusted, changed, or gone."""
    if not os.path.exists(path):
        return "gone"
    try:
        digest = router.project_document(path).digest
    except ConfigError:
        return "changed"
    return "trusted" if router.trust.vouches(path, digest) else "changed"


def show(outside: Outside, document: dict[str, Json], as_json: bool) -> None:
    """Prints what was done."""
    from nr_cli.cli.document import dump

    if as_json:
        outside.write(dump(document))
        return
    for word, path in document.items():
        outside.say(f"nr: {word} {path}")
