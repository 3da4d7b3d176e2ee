"""The command `nr`, also as `python -m nr_cli`."""

from __future__ import annotations

import gc
import os
import signal
import sys

# Objects made before the collector first runs: starting up makes some 40,000 that all stay.
FIRST_COLLECTION = 100_000


def main() -> None:
    """Runs the command line, then ends the process with its status.

    It ends without taking the interpreter apart, which costs as much as one and a half bare
    starts. Nothing waits for that: stdout is unbuffered, stores commit what they write, and what
    a command opens it closes.
    """
    gc.set_threshold(FIRST_COLLECTION, 50, 50)
    at_interrupt = signal.getsignal(signal.SIGINT)
    if at_interrupt is signal.default_int_handler:  # not where a parent has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing to tidy yet: no traceback of imports
    from nr_cli.cli.main import run

    signal.signal(signal.SIGINT, at_interrupt)
    status = run(sys.argv[1:])
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
