"""The command line as a whole: finds the command, runs it, turns errors into exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from types import FrameType
from typing import cast

import typer
from typer.core import TyperCommand, TyperGroup

from nr_cli.cli.env import (
    ClosedOutput,
    Outside,
    Stopped,
    die_by,
    open_stdout,
    signal_behind,
)
from nr_cli.cli.report import report, report_bug
from nr_cli.errors import ConfigError, ExitCode, NrError, UsageError

COMMANDS = os.path.join(os.path.dirname(__file__), "commands")
# Part of the command set that later versions bring; named, so that nobody looks for a typo.
PLANNED = ("serve",)
QUIET = {"-q", "--quiet"}
COMPLETING = "_NR_COMPLETE"  # set by a shell's completion script
# Typer carries its own parser; the parent of its public BadParameter is what every misuse raises.
MISUSE: type[Exception] = typer.BadParameter.__mro__[1]


class Commands(TyperGroup):
    """The commands of `nr`, each imported from its own file when it is named, then plugins'."""

    def list_commands(self, ctx: object) -> list[str]:
        """Returns the names of the commands, plugins' that work among them.

        A plugin that does not work is named on stderr.
        """
        from nr_cli import plugins
        from nr_cli.cli.plugged import find_app

        names = own_commands()
        for name in plugins.names("commands"):
            try:
                if name not in (*names, *PLANNED) and find_app(name) is not None:
                    names.append(name)
            except ConfigError as error:
                report(Outside(os.environ), error, as_json=False)
        return sorted(names)

    def get_command(self, ctx: object, name: str) -> TyperCommand | None:
        """Returns the command of that name.

        Raises: UsageError for one that is not there, ConfigError for a plugin that is broken.
        """
        if name in own_commands():
            from importlib import import_module

            app = import_module(f"nr_cli.cli.commands.{name}{'_' * iskeyword(name)}").app
        elif name in PLANNED:
            raise UsageError(f"nr {name}: not part of this version", "see nr --help")
        else:
            from nr_cli.cli.plugged import find_app

            app = find_app(name)
            if app is None:
                raise unknown_command(name)
        command = typer.main.get_command(app)
        command.name = name
        return cast("TyperCommand", command)  # a group is one too; Typer's types do not say so


def unknown_command(name: str) -> UsageError:
    """Returns the error for a name that no command bears, with the nearest."""
    from nr_cli import plugins
    from nr_cli.policy.suggest import did_you_mean, quote

    known = (*own_commands(), *plugins.names("commands"))
    return UsageError(f"no command {quote(name)}{did_you_mean(name, known)}", "see nr --help")


def own_commands() -> list[str]:
    """Returns nr's own commands: the files in commands/; one for a keyword of Python ends in _."""
    names = [name.removesuffix(".py") for name in os.listdir(COMMANDS) if name.endswith(".py")]
    return sorted(name.rstrip("_") for name in names if not name.startswith("_"))


root = typer.Typer(
    cls=Commands,
    help="The prompt router of the terminal: reads a prompt, applies your policy, asks the model "
    'that fits.\n\nExample: nr ask "What is the capital of Japan?"',
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@root.callback(invoke_without_command=True)
def start(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
) -> None:
    """Prints the version when asked to."""
    if version:
        from nr_cli import __version__

        print(f"nr {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns its exit status, or dies by the signal that ended it."""
    outside = Outside(os.environ)
    for number in (signal.SIGTERM, signal.SIGHUP):
        # a signal that the parent had ignored (nohup) stays ignored
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    as_json = wants_json(arguments, outside.environ)
    sys.stdout = open_stdout(outside)
    try:
        return execute(arguments)
    except NrError as error:
        report(outside, error, as_json)
        return int(error.exit)
    except MISUSE as misuse:
        report_misuse(outside, misuse, as_json)
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return end_by(signal.SIGINT)
    except Stopped as stopped:
        return end_by(stopped.signal)
    except (ClosedOutput, BrokenPipeError):
        return end_by(signal.SIGPIPE)
    except Exception as bug:
        behind = signal_behind(bug)
        return end_by(behind) if behind is not None else end_by_bug(outside, bug, arguments)
    finally:
        if not QUIET.intersection(arguments):
            warn_of_reader(outside)


def warn_of_reader(outside: Outside) -> None:
    """Warns where prompts were read by structure alone, for want of the trained weights."""
    reading = sys.modules.get("nr_cli.classify.reading")  # whoever reads no prompt, loads nothing
    if reading is not None and (fault := reading.find_fault()):
        outside.say(f"nr: {fault}; prompts are read by structure alone (nr doctor tells more)")


def wants_json(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Tells whether a failure is to be a JSON document; what follows `--` is no flag."""
    flags = list(arguments)
    flags = flags[: flags.index("--")] if "--" in flags else flags
    if "--json" in flags:
        return True
    named = environ.get("NR_JSON", "").strip().lower() in ("1", "true", "t", "yes", "y", "on")
    return named and "--jsonl" not in flags


def execute(arguments: Sequence[str]) -> int:
    """Parses the arguments and runs their command; returns its exit status."""
    command = typer.main.get_command(root)
    if COMPLETING in os.environ:
        from nr_cli.cli.completing import prepare

        prepare()
    status = command.main(list(arguments), prog_name="nr", standalone_mode=False)
    # an interrupt inside the parser comes back as a status rather than as an exception
    if status == 128 + signal.SIGINT:
        raise KeyboardInterrupt
    return int(status or 0)


def stop(number: int, frame: FrameType | None) -> None:
    """Turns a signal into an exception, so that what is open is closed on the way out."""
    raise Stopped(number)


def end_by(number: int) -> int:
    """Ends the process by a signal; returns the shell's number for it where that is blocked."""
    die_by(number)
    return 128 + number


def end_by_bug(outside: Outside, bug: Exception, arguments: Sequence[str]) -> int:
    """Reports a bug of nr, or the failure of the plugin whose command this is; returns the exit."""
    as_json = wants_json(arguments, outside.environ)
    name = next((word for word in arguments if not word.startswith("-")), "")
    if name not in own_commands():
        from nr_cli import plugins

        found = plugins.find("commands", name)
        if found is not None:
            failure = plugins.failure(found.plugin, bug)
            report(outside, failure, as_json)
            return int(failure.exit)
    report_bug(outside, bug, as_json)
    return int(ExitCode.BUG)


def report_misuse(outside: Outside, misuse: Exception, as_json: bool) -> None:
    """Prints a parser's complaint; where a command's name is all that is missing, the help."""
    # told by its name, as Typer does itself: the class is in none of its public modules
    if type(misuse).__name__ == "NoArgsIsHelpError":
        for line in str(misuse).splitlines():
            outside.say(line)
    else:
        report(outside, usage_error(misuse), as_json)


def usage_error(misuse: Exception) -> UsageError:
    """Returns a parser's complaint as nr's own error, with where to read on."""
    words = getattr(misuse, "format_message", lambda: str(misuse))()
    context = getattr(misuse, "ctx", None)
    path = context.command_path if context is not None else "nr"
    first = " ".join(str(words).split())
    return UsageError(first[:1].lower() + first[1:], f"see {path} --help")
