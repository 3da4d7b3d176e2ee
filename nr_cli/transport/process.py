"""Runs a program as a backend: its stdout is the stream, its exit status the verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from nr_cli.errors import FailureKind
from nr_cli.types.steps import Broke, Ended, Opened, ProcessCall

CHUNK = 1 << 16
KEPT_STDERR = 2048
GRACE = 0.3  # seconds between asking a program to end and ending it


class Process:
    """One program in a process group of its own, so that its children end with it."""

    def __init__(self, call: ProcessCall, environ: Mapping[str, str]) -> None:
        """Prepares the program; `environ` is all it will see of the environment."""
        self._call = call
        self._environ = dict(environ)
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr = b""
        self._threads: list[threading.Thread] = []

    def open(self) -> Opened | Broke:
        """Starts the program; one that cannot be started is Broke."""
        name = self._call.argv[0]
        try:
            self._child = subprocess.Popen(
                self._call.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environ,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError):
            return Broke(FailureKind.MODEL_NOT_FOUND, f"{name}: no such program")
        except PermissionError:
            return Broke(FailureKind.UNSUPPORTED, f"{name}: may not be run")
        except OSError as error:
            words = os.strerror(error.errno or 0)
            return Broke(FailureKind.BAD_REQUEST, f"{name}: cannot be started: {words}")
        except ValueError:
            return Broke(FailureKind.BAD_REQUEST, f"{name}: an argument holds a NUL character")
        for work in (self._feed, self._drain):
            thread = threading.Thread(target=work, args=(self._child,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return Opened(200, {})

    def read(self, within: float) -> bytes | Ended | Broke:
        """Returns the next bytes of stdout, or how the program ended."""
        import select

        child = self._child
        assert child is not None, "read only after open"
        assert child.stdout is not None, "stdout is a pipe"
        deadline = time.monotonic() + within
        if not select.select([child.stdout], [], [], within)[0]:
            return self._give_up()
        chunk = os.read(child.stdout.fileno(), CHUNK)
        if chunk:
            return chunk
        try:
            status = child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self._give_up()
        self._threads[1].join(GRACE)
        return Ended(status, self._stderr.decode("utf-8", "replace"))

    def close(self) -> None:
        """Ends the program's whole group if it still runs, then reaps it."""
        child = self._child
        if child is None:
            return
        self._child = None
        if child.poll() is None:
            self._signal(child, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                child.wait(GRACE)
        self._signal(child, signal.SIGKILL)
        child.wait()
        for thread in self._threads:
            thread.join(GRACE)
        for pipe in (child.stdout, child.stderr, child.stdin):
            with suppress(OSError):  # unsent bytes of stdin are of no use to a program that ended
                if pipe is not None:
                    pipe.close()

    def _give_up(self) -> Broke:
        self.close()
        return Broke(FailureKind.TIMEOUT, f"nothing more came from {self._call.argv[0]} in time")

    @staticmethod
    def _signal(child: subprocess.Popen[bytes], number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nobody of the group is left
            os.killpg(child.pid, number)

    def _feed(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None, "stdin is a pipe"
        with suppress(OSError, ValueError):  # a program may end without reading its input
            child.stdin.write(self._call.stdin)
        with suppress(OSError, ValueError):
            child.stdin.close()

    def _drain(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stderr is not None, "stderr is a pipe"
        with suppress(OSError, ValueError):  # closed from the other side at the end
            while chunk := os.read(child.stderr.fileno(), CHUNK):
                self._stderr = (self._stderr + chunk)[-KEPT_STDERR:]
