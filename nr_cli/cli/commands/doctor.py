"""The command that looks for what keeps nr from working here."""

from __future__ import annotations

from typing import Annotated

import typer

from nr_cli.cli import flags
from nr_cli.errors import ExitCode

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    net: Annotated[
        bool, typer.Option("--net", help="Ask each server in use for its models, too.")
    ] = False,
    policy: flags.PolicyFile = None,
    no_project: flags.NoProject = False,
    as_json: flags.AsJson = False,
) -> None:
    """Look at all that nr depends on here: exit 1 where a problem was found.

    Example: nr doctor --net
    """
    from nr_cli.cli.checkup import examine
    from nr_cli.cli.configured import Configured
    from nr_cli.cli.document import dump
    from nr_cli.cli.outside import outside_with_router
    from nr_cli.cli.plain import encode
    from nr_cli.cli.screen import neutralise

    outside, router = outside_with_router(policy, no_project)
    found = list(examine(outside, Configured(router), net))
    problems = sum(one.state == "problem" for one in found)
    if as_json:
        outside.write(
            dump({"problems": problems, "findings": [dict(one._asdict()) for one in found]})
        )
    else:
        width = max(len(one.area) for one in found)
        for one in found:
            advice = f" ({one.advice})" if one.advice and one.state != "ok" else ""
            line = f"{one.state:<7}  {one.area:<{width}}  {one.words}{advice}"
            outside.write(encode(neutralise(" ".join(line.splitlines())) + "\n"))
        outside.write(encode(f"{problems or 'no'} problem{'s' * (problems != 1)} found\n"))
    raise typer.Exit(int(ExitCode.NO if problems else ExitCode.OK))
