"""Tells a person or a script what went wrong, in at most five lines or one document."""

from __future__ import annotations

import traceback

from nr_cli.cli.env import ClosedOutput, Outside
from nr_cli.errors import ConfigError, NrError, OutputError

SHOWN = 3  # findings of a policy that an error names; `nr policy check` prints them all


def error_lines(error: NrError) -> list[str]:
    """Returns the error in at most five lines, what to do last."""
    lines = error.message.splitlines() or [error.code]
    if isinstance(error, ConfigError) and error.findings:
        lines = [str(finding) for finding in error.findings[:SHOWN]]
        more = len(error.findings) - len(lines)
        if more > 0:
            lines.append(f"and {more} more (nr policy check prints them all)")
    lines[0] = f"nr: {lines[0]}"
    lines = lines[: 4 if error.hint else 5]
    if error.hint:
        lines.append(f"  {error.hint}")
    return lines


def report(outside: Outside, error: NrError, as_json: bool) -> None:
    """Prints the error: on stdout as a document with --json, else on stderr."""
    if as_json:
        from nr_cli.cli.document import dump, failure_document

        try:
            outside.write(dump(failure_document(error, error.decision, "")))
        except (OutputError, ClosedOutput):
            pass  # the exit status still tells
        else:
            return
    for line in error_lines(error):
        outside.say(line)


def report_bug(outside: Outside, bug: Exception, as_json: bool) -> None:
    """Prints that nr itself failed; the traceback only with NR_DEBUG=1."""
    if outside.environ.get("NR_DEBUG") == "1":
        for line in traceback.format_exception(bug):
            outside.say(line.rstrip("\n"))
    error = NrError(
        f"a bug in nr: {type(bug).__name__}",
        "run it again with NR_DEBUG=1 and report what it prints",
    )
    report(outside, error, as_json)
