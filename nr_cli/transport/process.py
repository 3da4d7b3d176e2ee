"""Runs a program as a backend: its stdout is the stream, its exit status the verdict."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO

from nr_cli.errors import FailureKind
from nr_cli.types.steps import Broke, Ended, Opened, ProcessCall

CHUNK = 1 << 16
KEPT_STDERR = 2048
GRACE = 0.3  # seconds between asking a program to end and ending it
LINGER = 1.0  # seconds of silence allowed to what a program that ended left behind on its stdout
GLANCE = 0.1  # seconds between two looks whether the program, or our patience, has ended


class Process:
    """One program in a process group of its own, so that its children end with it.

    No pipe is ever waited for alone: while stdout is read, stdin is fed and stderr is drained, so
    neither side can block the other, whatever the program reads or writes.
    """

    def __init__(self, call: ProcessCall, environ: Mapping[str, str]) -> None:
        """Prepares the program; `environ` is all it will see of the environment."""
        self._call = call
        self._environ = dict(environ)
        self._unsent = memoryview(call.stdin)
        self._stderr = b""
        self._child: subprocess.Popen[bytes] | None = None
        self._pipes = selectors.PollSelector()  # epoll would cost a descriptor of its own
        self._reading = threading.Lock()
        self._streaming = True  # someone still has the other end of stdout
        self._closed = False

    def open(self) -> Opened | Broke:
        """Starts the program; one that cannot be started is Broke.

        A missing one is model_not_found, one that may not be run is unsupported: both let the
        chain go on. One refused for its arguments is bad_request.
        """
        name = self._call.argv[0]
        try:
            self._child = self._spawn()
        except (FileNotFoundError, NotADirectoryError):
            return Broke(FailureKind.MODEL_NOT_FOUND, f"{name}: no such program")
        except PermissionError:
            return Broke(FailureKind.UNSUPPORTED, f"{name}: may not be run")
        except OSError as error:
            words = os.strerror(error.errno or 0)
            return Broke(FailureKind.BAD_REQUEST, f"{name}: cannot be started: {words}")
        except ValueError:
            return Broke(FailureKind.BAD_REQUEST, f"{name}: an argument holds a NUL character")
        self._watch(self._child)
        return Opened(200, {})

    def read(self, within: float) -> bytes | Ended | Broke:
        """Returns the next bytes of stdout, or how the program ended.

        One that is silent for `within` seconds is ended, with its whole group.
        """
        with self._reading:
            part = self._read(time.monotonic() + within)
        if part is not None:
            return part
        self.close()
        return Broke(FailureKind.TIMEOUT, f"{self._call.argv[0]} was silent for {within:.3g} s")

    def close(self) -> None:
        """Ends the program's whole group if it still runs, then reaps it; safe from any thread."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            if child.poll() is None:
                signal_group(child, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(GRACE)
            signal_group(child, signal.SIGKILL)
            child.wait()
        with self._reading:
            for key in list((self._pipes.get_map() or {}).values()):
                self._drop(key)
            self._pipes.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._call.argv,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environ,
            start_new_session=True,
        )

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        writes, reads = selectors.EVENT_WRITE, selectors.EVENT_READ
        for pipe, event in ((child.stdin, writes), (child.stdout, reads), (child.stderr, reads)):
            assert pipe is not None, "all three are pipes"
            os.set_blocking(pipe.fileno(), False)
            self._pipes.register(pipe, event)

    def _read(self, deadline: float) -> bytes | Ended | Broke | None:
        """Returns the next part; None when there is none before the deadline."""
        child, gone = self._child, None
        while child is not None and not self._closed:
            now = time.monotonic()
            if child.poll() is not None:  # asked before the pipes: what it wrote is in them now
                gone = gone or now
            elif not self._pipes.get_map() and now < deadline:
                with suppress(subprocess.TimeoutExpired):  # all is read: only its end is missing
                    child.wait(min(deadline - now, GLANCE))
                continue
            ready = self._pipes.select(self._pause(gone, deadline - now))
            chunk = self._serve(ready, child.stdout)
            if chunk:
                return chunk
            late = now >= deadline
            if gone and not any(key.events == selectors.EVENT_READ for key, _ in ready):
                if late or not self._streaming or now - gone >= LINGER:
                    return Ended(child.returncode, self._stderr.decode("utf-8", "replace"))
            elif late:
                return None
        return Broke(FailureKind.STREAM_BROKEN, f"{self._call.argv[0]} was ended")

    def _pause(self, gone: float | None, left: float) -> float:
        """Returns how many seconds to wait for the pipes; none when all is written."""
        return 0.0 if gone and not self._streaming else max(0.0, min(left, GLANCE))

    def _serve(self, ready: list[tuple[selectors.SelectorKey, int]], stdout: object) -> bytes:
        """Feeds and drains the pipes that are ready; returns what came on stdout."""
        out = b""
        for key, _ in ready:
            if key.events == selectors.EVENT_WRITE:
                self._feed(key)
                continue
            chunk = os.read(key.fd, CHUNK)
            if not chunk:
                self._streaming = self._streaming and key.fileobj is not stdout
                self._drop(key)
            elif key.fileobj is stdout:
                out = chunk
            else:
                self._stderr = (self._stderr + chunk)[-KEPT_STDERR:]
        return out

    def _feed(self, key: selectors.SelectorKey) -> None:
        try:
            self._unsent = self._unsent[os.write(key.fd, self._unsent[:CHUNK]) :]
        except BlockingIOError:
            return  # the pipe has less room than it seemed: it says when it has more
        except OSError:
            self._unsent = self._unsent[:0]  # a program may end, or answer, without its input
        if not self._unsent:
            self._drop(key)

    def _drop(self, key: selectors.SelectorKey) -> None:
        self._pipes.unregister(key.fileobj)
        if isinstance(key.fileobj, FileIO):
            key.fileobj.close()


def signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    """Signals whoever is left of a program's group."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left
        os.killpg(child.pid, number)
