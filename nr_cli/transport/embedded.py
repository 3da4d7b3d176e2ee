"""Starts the embedded model's server when it is needed, or finds the one that is warm."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import select
import socket as sockets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from nr_cli import __version__
from nr_cli.errors import FailureKind
from nr_cli.store.paths import ensure_private
from nr_cli.store.weights import fetch

IDLE = 300.0  # seconds after which a server nobody asks ends itself
LONGEST_SOCKET = 100  # bytes; the kernel's limit is 107
MAGIC = b"GGUF"
HEALTH = b"GET /health HTTP/1.1\r\nHost: embedded\r\nConnection: close\r\n\r\n"

Progress: TypeAlias = "Callable[[str, int, int], None]"


class NotReady(Exception):
    """The embedded model cannot answer now."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Endpoint(NamedTuple):
    """Where the server listens, with the token it wants."""

    socket: str
    token: str


class Embedded:
    """Finds or starts the server of one machine's user.

    With `daemon` a server outlives this process and serves the next; otherwise it is this
    process's own and ends with it.
    """

    def __init__(
        self,
        state_dir: str,
        data_dir: str,
        environ: Mapping[str, str],
        *,
        daemon: bool,
        offline: bool,
        progress: Progress,
    ) -> None:
        """Takes where to keep state and weights, and the environment the server may see."""
        self._folder = os.path.join(state_dir, "embedded")
        self._data_dir = data_dir
        self._environ = dict(environ)
        self._daemon = daemon
        self._offline = offline
        self._progress = progress
        self._own: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None

    def ready(self, model_path: str | None, within: float) -> Endpoint:
        """Returns the endpoint of a server that answers, at most `within` seconds from now.

        The one-time fetch of the weights is not counted: it shows its own progress.

        Raises: NotReady, NoWeights.
        """
        model = model_path or fetch(self._data_dir, self._progress, self._offline)
        check_model(model)
        if self._own is not None and self._endpoint is not None and self._own.poll() is None:
            return self._endpoint
        if not ensure_private(self._folder):
            raise NotReady(FailureKind.UNSUPPORTED, f"{self._folder} cannot be used (NR_STATE_DIR)")
        deadline = time.monotonic() + within
        if not self._daemon:
            return self._start(model, deadline, tied=True)
        with open(os.path.join(self._folder, "lock"), "w") as lock:
            take(lock.fileno(), deadline)
            return self._warm(model) or self._start(model, deadline, tied=False)

    def close(self) -> None:
        """Ends the server that is this process's own; a shared one stays warm."""
        child, self._own = self._own, None
        if child is not None:
            child.kill()
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
            if self._endpoint is not None:
                with suppress(OSError):
                    os.unlink(self._endpoint.socket)

    def _warm(self, model: str) -> Endpoint | None:
        """Returns the running server's endpoint if it serves this model and answers."""
        try:
            with open(self._state, encoding="utf-8") as file:
                state = json.load(file)
            if state["model"] != identity(model) or state["version"] != __version__:
                return None
            endpoint = Endpoint(state["socket"], state["token"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        os.utime(self._touched)
        return endpoint if answers(endpoint.socket) else None

    @property
    def _state(self) -> str:
        return os.path.join(self._folder, "server.json")

    @property
    def _touched(self) -> str:
        return os.path.join(self._folder, "touched")

    def _start(self, model: str, deadline: float, tied: bool) -> Endpoint:
        name = f"{os.getpid()}.sock" if tied else "server.sock"
        endpoint = Endpoint(socket_path(self._folder, name), secrets.token_hex(16))
        with suppress(FileNotFoundError):
            os.unlink(endpoint.socket)
        with open(self._touched, "w"):
            os.utime(self._touched)
        child = subprocess.Popen(
            [sys.executable, "-m", "nr_cli.transport.embedded_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environ,
            cwd=self._folder,
            start_new_session=True,
        )
        try:
            self._introduce(child, model, endpoint, deadline, tied)
        except BaseException:
            child.kill()
            child.wait()
            raise
        if tied:
            self._own, self._endpoint = child, endpoint
        else:
            self._write_state(model, endpoint, child.pid)
        return endpoint

    def _introduce(
        self,
        child: subprocess.Popen[bytes],
        model: str,
        endpoint: Endpoint,
        deadline: float,
        tied: bool,
    ) -> None:
        """Tells the child its settings, then waits until it listens. Raises: NotReady."""
        assert child.stdin is not None, "stdin is a pipe"
        assert child.stdout is not None, "stdout is a pipe"
        settings = {
            "model": model,
            "socket": endpoint.socket,
            "token": endpoint.token,
            "touched": self._touched,
            "idle": IDLE,
            "tied": tied,
        }
        with suppress(BrokenPipeError):  # a child that died says so below
            child.stdin.write(json.dumps(settings).encode() + b"\n")
            child.stdin.flush()
        left = max(0.0, deadline - time.monotonic())
        if not select.select([child.stdout], [], [], left)[0]:
            raise NotReady(FailureKind.TIMEOUT, "the embedded model did not load in time")
        line = child.stdout.readline()
        child.stdout.close()
        if not line:
            status = child.wait()
            detail = (
                f"the embedded model's server ended at once (status {status}); is {model} good?"
            )
            raise NotReady(FailureKind.SERVER, detail)
        if not tied:
            child.stdin.close()

    def _write_state(self, model: str, endpoint: Endpoint, pid: int) -> None:
        state = {**endpoint._asdict(), "model": identity(model), "version": __version__, "pid": pid}
        scratch = f"{self._state}.{os.getpid()}"
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(scratch, self._state)


def check_model(path: str) -> None:
    """Checks what llama.cpp would only fail on without a word. Raises: NotReady."""
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise NotReady(FailureKind.MODEL_NOT_FOUND, f"{path}: {words}") from None
    if magic != MAGIC:
        raise NotReady(FailureKind.UNSUPPORTED, f"{path}: not a GGUF model file")


def identity(path: str) -> str:
    """Returns what changes when a model file does."""
    seen = os.stat(path)
    return f"{os.path.realpath(path)}:{seen.st_size}:{seen.st_mtime_ns}"


def socket_path(folder: str, name: str) -> str:
    """Returns where a socket can lie: in the folder, or in a short private one elsewhere."""
    path = os.path.join(folder, name)
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    return os.path.join(tempfile.mkdtemp(prefix="nr-"), name)


def take(descriptor: int, deadline: float) -> None:
    """Takes the lock that lets one process start the server. Raises: NotReady."""
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                detail = "another nr is still loading the embedded model"
                raise NotReady(FailureKind.TIMEOUT, detail) from None
            time.sleep(0.02)


def answers(path: str) -> bool:
    """Tells whether a server listens on this socket and has its model loaded."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(path)
            connection.sendall(
                b"GET /health HTTP/1.1\r\nHost: embedded\r\nConnection: close\r\n\r\n"
            )
            return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
        except OSError:
            return False
