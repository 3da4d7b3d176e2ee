"""The commands for templates: prompts kept under a name."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from nr_cli.cli.env import Outside
from nr_cli.cli.flags import AsJson
from nr_cli.cli.screen import neutralise
from nr_cli.cli.templating import open_templates, read_template
from nr_cli.errors import ConfigError, NrError
from nr_cli.store.templates import Templates
from nr_cli.types.json import Json

WIDTH = 60
SKELETON = """\
# $input is the prompt of each ask; other variables get their values by -p NAME VALUE.
prompt: |
  Summarize in $words words: $input
defaults: {words: "50"}
# Also: system, options, schema, extract, model, route (see docs/templates.md).
"""

app = typer.Typer(
    help="Prompts kept under a name.\n\nExample: nr template new summary",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="The template's name.")]


@app.command("list")
def show_list(as_json: AsJson = False) -> None:
    """List the templates with how they begin.

    Example: nr template list
    """
    outside = Outside(os.environ)
    templates = open_templates(outside)
    rows = [_describe(templates, name) for name in templates.names()]
    if as_json:
        outside.write(json.dumps(rows).encode() + b"\n")
        return
    for row in rows:
        begins = row["problem"] or " ".join(str(row["prompt"] or row["system"] or "").split())
        shown = begins if len(str(begins)) <= WIDTH or row["problem"] else f"{begins:.{WIDTH - 1}}…"
        outside.write(neutralise(f"{row['name']:<20} {shown}\n").encode("utf-8", "replace"))


@app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Print a template as it is written, or its parts with --json.

    Example: nr template show summary
    """
    outside = Outside(os.environ)
    templates = open_templates(outside)
    content = read_template(templates, name)
    if as_json:
        from nr_cli.policy.template import parse_template

        parts = parse_template(content, templates.path(name))._asdict()
        outside.write(json.dumps({"name": name, **parts}).encode() + b"\n")
    elif outside.out_is_terminal:
        outside.write(neutralise(content.decode("utf-8", "replace")).encode("utf-8", "replace"))
    else:
        outside.write(content)


@app.command("new")
def new(name: Name) -> None:
    """Make a template from stdin, or from a pattern that opens in $EDITOR; print its path.

    Example: nr template new summary < summary.yaml
    """
    from nr_cli.cli.editor import edit, editor_argv
    from nr_cli.cli.intake import read_stdin

    outside = Outside(os.environ)
    templates = open_templates(outside)
    written = read_stdin(False, outside.say, None)
    if written and written.strip():
        _check(written.encode("utf-8", "replace"), "stdin")
    path = templates.create(name, written if written and written.strip() else SKELETON)
    outside.write(os.fsencode(path) + b"\n")
    if not written and outside.out_is_terminal and editor_argv(outside.environ) is not None:
        edit(path, outside.environ)
        _check(templates.read(name) or b"", path)


@app.command("edit")
def change(name: Name) -> None:
    """Open a template in $VISUAL or $EDITOR, then check it.

    Example: EDITOR="code --wait" nr template edit summary
    """
    from nr_cli.cli.editor import edit

    outside = Outside(os.environ)
    templates = open_templates(outside)
    read_template(templates, name)
    edit(templates.path(name), outside.environ)
    _check(templates.read(name) or b"", templates.path(name))


def _check(content: bytes, place: str) -> None:
    """Refuses what is no template. Raises: ConfigError with the findings."""
    from nr_cli.policy.template import parse_template

    parse_template(content, place)


def _describe(templates: Templates, name: str) -> dict[str, Json]:
    """Returns a template's row; what is wrong with a broken one stands in `problem`."""
    from nr_cli.policy.template import parse_template

    try:
        parts = parse_template(templates.read(name) or b"", templates.path(name))
    except NrError as error:
        # the list goes on: the row itself tells the user
        findings = error.findings if isinstance(error, ConfigError) else ()
        problem = str(findings[0]) if findings else error.message
        return {"name": name, "prompt": None, "system": None, "problem": problem}
    return {"name": name, "prompt": parts.prompt, "system": parts.system, "problem": None}
