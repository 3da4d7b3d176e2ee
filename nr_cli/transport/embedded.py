"""Starts the embedded model's server when it is needed, or finds the one that is warm.

A server has a directory of its own, for its owner alone, with its socket, its log, its lease. An
ask holds the lease (a shared lock) while it may talk to the server; the server ends only while
holding it alone. So none ends under an ask, and a killed ask leaves nothing held. One server is
shared at a time: `server.json` names it, the lock beside it lets one process change that. A server
that was replaced loses its socket, finishes what it has, then ends.
"""

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
from typing import NamedTuple, TypeAlias, TypeVar

from nr_cli import __version__
from nr_cli.errors import FailureKind
from nr_cli.store.paths import create_private, ensure_private
from nr_cli.store.weights import NoWeights, fetch, mend

IDLE = 300.0  # seconds after which a server nobody asks ends itself
SOCKET = "model.sock"  # llama.cpp knows a unix socket by this ending
LONGEST_SOCKET = 100  # bytes; the kernel's limit is 107, or 103 on macOS
MAGIC = b"GGUF"
SMALLEST_MODEL = 1024  # bytes; the head alone of a real one is larger
PATIENCE = 5.0  # seconds a warm server on a busy machine may take to say that it is well
SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "embedded_server.py")

T = TypeVar("T")
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


class State(NamedTuple):
    """What `server.json` says of the shared server."""

    socket: str
    token: str
    model: str
    version: str
    pid: int


class Embedded:
    """Finds or starts the server of one machine's user.

    With `daemon` a server outlives this process and serves the next; otherwise, or where the
    state directory cannot be used, it is this process's own and ends with it.
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
        idle: float = IDLE,
    ) -> None:
        """Takes where to keep state and weights, and the environment the server may see."""
        self._folder = os.path.join(state_dir, "embedded")
        self._data_dir = data_dir
        self._environ = dict(environ)
        self._daemon = daemon
        self._offline = offline
        self._progress = progress
        self._idle = idle
        self._own: subprocess.Popen[bytes] | None = None
        self._lease: int | None = None
        self._serving: tuple[str, Endpoint] | None = None

    def ready(self, model_path: str | None, within: float) -> Endpoint:
        """Returns the endpoint of a server that answers, at most `within` seconds from now.

        Without a model file the small offline model is meant. Its one-time fetch is not counted
        in `within`: it shows its own progress. Where it cannot be loaded, and is not the expected
        one to the bit, it is fetched once more. The server is sure to live until `close`.

        Raises: NotReady.
        """
        if model_path:
            return self._serve(os.path.abspath(model_path), within)
        own = self._weights(fetch)
        before = stamp(own)
        try:
            return self._serve(own, within)
        except NotReady as failure:
            if failure.kind == FailureKind.TIMEOUT:
                raise
            self._weights(mend)
            if stamp(own) == before:
                raise
        self.close()  # what the failed start still held
        return self._serve(own, within)

    def _serve(self, model: str, within: float) -> Endpoint:
        """Returns the endpoint of a server of this model file. Raises: NotReady."""
        deadline = time.monotonic() + within
        known = identify(model)
        if self._serving is not None:
            served, endpoint = self._serving
            if served == known and answers(endpoint.socket):
                return endpoint
            self.close()
        endpoint = self._shared(model, known, deadline) or self._start(model, known, None, deadline)
        self._serving = known, endpoint
        return endpoint

    def close(self) -> None:
        """Ends the server that is this process's own; a shared one stays warm."""
        child, self._own = self._own, None
        lease, self._lease = self._lease, None
        serving, self._serving = self._serving, None
        if lease is not None:
            os.close(lease)
        if child is not None:
            end(child)
            if serving is not None:
                remove_room(os.path.dirname(serving[1].socket))

    def _weights(self, act: Callable[[str, Progress, bool, Mapping[str, str]], T]) -> T:
        """Returns what fetching or mending the small model gives. Raises: NotReady."""
        try:
            return act(self._data_dir, self._progress, self._offline, self._environ)
        except NoWeights as error:
            kind = FailureKind.MODEL_NOT_FOUND if self._offline else FailureKind.NETWORK
            raise NotReady(kind, f"{error.message} ({error.hint})") from None

    def _shared(self, model: str, known: str, deadline: float) -> Endpoint | None:
        """Returns the shared server's endpoint, starting it if need be; None if none can be."""
        if not self._daemon or not ensure_private(self._folder):
            return None
        try:
            lock = os.open(os.path.join(self._folder, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None  # a full or read-only disk: the server will be this process's own
        try:
            take(lock, deadline)
            state = self._read_state()
            warm = state and self._join(state, known)
            if warm:
                return warm
            self._retire(state)
            return self._start(model, known, self._folder, deadline)
        finally:
            os.close(lock)

    def _join(self, state: State, known: str) -> Endpoint | None:
        """Returns the running server's endpoint, its lease held, if it serves this model."""
        if state.model != known or state.version != __version__:
            return None
        if self._hold(os.path.dirname(state.socket)) and answers(state.socket):
            return Endpoint(state.socket, state.token)
        if self._lease is not None:
            os.close(self._lease)
            self._lease = None
        return None

    def _hold(self, folder: str) -> bool:
        """Tells whether the server's lease could be had; not from one that is ending."""
        try:
            self._lease = os.open(os.path.join(folder, "lease"), os.O_RDWR)
            fcntl.flock(self._lease, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.utime(self._lease)
        except OSError:
            return False
        return True

    def _start(self, model: str, known: str, place: str | None, deadline: float) -> Endpoint:
        """Starts a server: a shared one in this place, or without a place one of our own."""
        from importlib.util import find_spec

        if find_spec("xllamacpp") is None:
            detail = "the embedded model is not installed (pip install 'nr-cli[local]')"
            raise NotReady(FailureKind.UNSUPPORTED, detail)
        folder = make_room(place)
        child: subprocess.Popen[bytes] | None = None
        try:
            endpoint = Endpoint(os.path.join(folder, SOCKET), secrets.token_hex(16))
            child = self._spawn(folder)
            self._introduce(child, model, endpoint, deadline)
            if place is None:
                self._own = child
            else:
                self._release(child, State(*endpoint, known, __version__, child.pid))
        except BaseException as error:
            if child is not None:
                end(child)
            remove_room(folder)
            if isinstance(error, OSError):
                raise NotReady(FailureKind.SERVER, f"the embedded model: {error}") from None
            raise
        return endpoint

    def _spawn(self, folder: str) -> subprocess.Popen[bytes]:
        for name in ("lease", "log"):
            create_private(os.path.join(folder, name))
        self._hold(folder)
        with open(os.path.join(folder, "log"), "ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", SERVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environ,
                cwd="/",
                start_new_session=True,
            )

    def _introduce(
        self, child: subprocess.Popen[bytes], model: str, endpoint: Endpoint, deadline: float
    ) -> None:
        """Tells the child its settings, then waits until it answers. Raises: NotReady."""
        assert child.stdout is not None, "stdout is a pipe"
        folder = os.path.dirname(endpoint.socket)
        lease = os.path.join(folder, "lease")
        settings = {**endpoint._asdict(), "model": model, "lease": lease, "idle": self._idle}
        tell(child, json.dumps(settings).encode() + b"\n")
        late = NotReady(FailureKind.TIMEOUT, "the embedded model did not load in time")
        if not select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise late
        if not child.stdout.readline():
            status = child.wait()
            kind = FailureKind.SERVER if status < 0 else FailureKind.UNSUPPORTED
            said = f"status {status}; {last_line(os.path.join(folder, 'log'))}"
            raise NotReady(kind, f"{model}: llama.cpp cannot load this model ({said})")
        while not answers(endpoint.socket):
            if time.monotonic() > deadline or child.poll() is not None:
                raise late
            time.sleep(0.02)
        child.stdout.close()

    def _release(self, child: subprocess.Popen[bytes], state: State) -> None:
        """Writes down the shared server, then lets it go."""
        path = os.path.join(self._folder, "server.json")
        scratch = f"{path}.new"  # one at a time: the lock is held
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(state._asdict(), file)
        os.replace(scratch, path)
        tell(child, b"stay\n")
        assert child.stdin is not None, "stdin is a pipe"
        child.stdin.close()
        child.returncode = 0  # it outlives us by design: Popen shall not warn of that

    def _retire(self, state: State | None) -> None:
        """Takes a replaced server's socket, by which it knows; sweeps up after dead ones."""
        rooms = [entry.path for entry in os.scandir(self._folder) if entry.is_dir()]
        if state is not None:
            rooms.append(os.path.dirname(state.socket))
            with suppress(OSError):  # it may have left by itself
                os.unlink(state.socket)
        for room in rooms:
            if not is_alive(room):
                remove_room(room)

    def _read_state(self) -> State | None:
        try:
            with open(os.path.join(self._folder, "server.json"), encoding="utf-8") as file:
                seen = json.load(file)
            state = State(**{name: seen[name] for name in State._fields})
            if isinstance(state.pid, int) and all(isinstance(text, str) for text in state[:4]):
                return state
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or a damaged one: a new server replaces it
        return None


def stamp(path: str) -> tuple[int, int] | None:
    """Returns what tells a file from the one that replaces it."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def identify(path: str) -> str:
    """Returns what changes when a model file does; a file that is no model is told here.

    llama.cpp fails on such a file without a word. Raises: NotReady.
    """
    try:
        with open(path, "rb") as file:
            magic, seen = file.read(4), os.fstat(file.fileno())
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise NotReady(FailureKind.MODEL_NOT_FOUND, f"{path}: {words}") from None
    if magic != MAGIC:
        raise NotReady(FailureKind.UNSUPPORTED, f"{path}: not a GGUF model file")
    if seen.st_size < SMALLEST_MODEL:
        raise NotReady(FailureKind.UNSUPPORTED, f"{path}: this GGUF file is cut off")
    return f"{os.path.realpath(path)}:{seen.st_size}:{seen.st_mtime_ns}"


def make_room(place: str | None) -> str:
    """Returns a new private directory whose sockets the kernel accepts. Raises: NotReady."""
    for parent in (place, tempfile.gettempdir(), "/tmp"):
        if (
            parent
            and len(os.fsencode(os.path.join(parent, "nr-12345678", SOCKET))) <= LONGEST_SOCKET
        ):
            with suppress(OSError):  # the next place may do; the last one's failure is told below
                return tempfile.mkdtemp(prefix="nr-", dir=parent)
    detail = "the embedded model finds no directory for its socket (set TMPDIR)"
    raise NotReady(FailureKind.UNSUPPORTED, detail)


def remove_room(folder: str) -> None:
    """Removes a server's directory: only what a server puts there."""
    for name in (SOCKET, "lease", "log"):
        with suppress(OSError):  # the server may have removed it
            os.unlink(os.path.join(folder, name))
    with suppress(OSError):
        os.rmdir(folder)


def is_alive(folder: str) -> bool:
    """Tells whether a directory's server lives: it locks its log, whatever its number means now."""
    try:
        log = os.open(os.path.join(folder, "log"), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(log)
    return False


def tell(child: subprocess.Popen[bytes], line: bytes) -> None:
    """Writes a line to the child."""
    assert child.stdin is not None, "stdin is a pipe"
    with suppress(BrokenPipeError):  # its end is seen where its answer is read
        child.stdin.write(line)
        child.stdin.flush()


def end(child: subprocess.Popen[bytes]) -> None:
    """Ends a child with its pipes."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):  # unsent bytes do not matter any more
            if pipe is not None:
                pipe.close()


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


def last_line(path: str) -> str:
    """Returns the last line of a log that says something."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def answers(path: str) -> bool:
    """Tells whether a server listens on this socket and has its model loaded."""
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(path)
            connection.sendall(
                b"GET /health HTTP/1.1\r\nHost: embedded\r\nConnection: close\r\n\r\n"
            )
            return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
        except OSError:
            return False
