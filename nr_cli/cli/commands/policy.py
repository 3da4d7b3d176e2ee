"""Implements `nr policy`: checks a policy file, prints the schema that editors read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nr_cli.cli.env import Outside
from nr_cli.errors import ConfigError, ExitCode, InputError

if TYPE_CHECKING:
    from nr_cli.policy.document import Document
    from nr_cli.types.policy import Finding

app = typer.Typer(
    help="Check policies.\n\nExample: nr policy check routes.yaml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Format = Literal["text", "json", "github"]


@app.command()
def check(
    file: Annotated[
        str | None,
        typer.Argument(help="A policy file.", show_default="the project's with your own"),
    ] = None,
    format: Annotated[Format, typer.Option(help="How findings are printed.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings alone.")] = False,
) -> None:
    """Finds every fault of a policy: exit 0, 78 for errors, 1 for warnings with --strict.

    Example: nr policy check routes.yaml --format github
    """
    outside = Outside(os.environ)
    files = [file] if file is not None else _files_in_force(outside)
    findings = _find(files)
    outside.write(_render(findings, format, files).encode("utf-8", "replace"))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(int(ExitCode.CONFIG))
    if strict and findings:
        raise typer.Exit(int(ExitCode.NO))


@app.command()
def schema() -> None:
    """Prints the JSON Schema of a policy file, for editors.

    Example: nr policy schema > routes.schema.json
    """
    import json

    from nr_cli.policy.editors import json_schema

    Outside(os.environ).write(json.dumps(json_schema(), indent=2).encode() + b"\n")


def _files_in_force(outside: Outside) -> list[str]:
    """Returns the files that `nr ask` would read here if each was vouched for, nearest first."""
    from nr_cli.settings import policy_files
    from nr_cli.store.paths import find_paths

    return [*policy_files(outside.environ, find_paths(outside.environ).config).paths]


def _find(files: Sequence[str]) -> list[Finding]:
    from nr_cli.catalog.lookup import Catalog
    from nr_cli.policy.check import by_place
    from nr_cli.policy.check import check as find_faults

    faults: list[Finding] = []
    document = _load(files, faults)
    if document is not None:
        faults += find_faults(document, Catalog(), whole=not faults)
    return sorted(set(faults), key=by_place)


def _load(files: Sequence[str], faults: list[Finding]) -> Document | None:
    """Returns the files as one document, None without any; gathers why a part is missing."""
    from nr_cli.policy.document import merge
    from nr_cli.policy.include import read_include
    from nr_cli.policy.load import load

    merged: Document | None = None
    for file in reversed(files):
        try:
            document = load(_read(file), file, read_include, faults=faults)
        except ConfigError as error:
            if not error.findings:
                raise
            faults += error.findings
            continue
        merged = document if merged is None else merge(document, merged)
    return merged


def _read(file: str) -> bytes:
    """Returns a file's bytes, one more than allowed at most, so that the parser can say so."""
    from nr_cli.policy.include import read_regular

    try:
        return read_regular(file)
    except ValueError as error:
        raise InputError(str(error)) from None


def _render(findings: Sequence[Finding], format: Format, files: Sequence[str]) -> str:
    from nr_cli.cli.screen import neutralise

    if format == "json":
        import json

        return json.dumps([finding._asdict() for finding in findings]) + "\n"
    if format == "github":
        return "".join(_annotate(finding) for finding in findings)
    lines = [neutralise(_line(finding)) for finding in findings]
    if not lines:
        shown = ", ".join(files) if files else "no policy file, so the built-in policy holds"
        lines = [neutralise(f"{shown}: no findings")]
    return "\n".join(lines) + "\n"


def _line(finding: Finding) -> str:
    return f"{finding}" if finding.severity == "error" else f"{finding} [warning]"


def _annotate(finding: Finding) -> str:
    """Returns a finding as a workflow command of GitHub Actions."""
    file = _escape(finding.file).replace(":", "%3A").replace(",", "%2C")
    place = f"file={file},line={finding.line},col={finding.column},title={finding.code}"
    return f"::{finding.severity} {place}::{_escape(finding.message)}\n"


def _escape(text: str) -> str:
    from nr_cli.cli.screen import neutralise

    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return neutralise(escaped)
