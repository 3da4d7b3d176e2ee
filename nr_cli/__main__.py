"""The command `nr`, also as `python -m nr_cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line and ends the process with its status."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from nr_cli import __version__

        print(f"nr {__version__}")
        return
    from nr_cli.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
