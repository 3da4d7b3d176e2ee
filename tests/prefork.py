"""Runs `nr` in copies of a process that has imported already what each run would import.

A copy is a process of its own, with its own files, environment and end; it has only not read the
same files once more. What starting up imports is measured elsewhere, on the command itself.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import socket
import struct
import sys
from collections.abc import Sequence

# What most commands import; loaded by its names, for nothing of it may have run.
AHEAD = ("asyncio", "httpx", "typer", "yaml", "jsonschema", "rich.console", "diskcache", "ssl",
         "nr_cli.cli.main", "nr_cli.app", "nr_cli.cli.flags", "nr_cli.cli.commands.ask",
         "nr_cli.policy.policy", "nr_cli.policy.check", "nr_cli.transport.sync")  # fmt: skip


def receive(peer: socket.socket) -> tuple[dict, list[int]]:
    """Returns an order with the descriptors of its stdin, stdout, stderr."""
    head, fds, _, _ = socket.recv_fds(peer, 4, 3)
    (size,) = struct.unpack("!I", head)
    body = bytearray()
    while len(body) < size:
        body += peer.recv(size - len(body))
    return json.loads(body), fds


def become(order: dict, fds: Sequence[int]) -> None:
    """Turns this process into the `nr` of an order; never returns."""
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    for fd in fds:
        os.close(fd)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    out, err = io.FileIO(1, "w", closefd=False), io.FileIO(2, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(out), write_through=True)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(err), errors="backslashreplace", write_through=True, line_buffering=True
    )
    from nr_cli.__main__ import main

    main()


def attend(peer: socket.socket) -> None:
    """Carries out one order: tells its process, then how that ended."""
    order, fds = receive(peer)
    child = os.fork()
    if child == 0:
        peer.close()
        try:
            become(order, fds)
        finally:  # main ends the process itself; an exception of its own is a bug that shows
            sys.excepthook(*sys.exc_info())
            os._exit(70)
    for fd in fds:
        os.close(fd)
    peer.sendall(struct.pack("!i", child))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    peer.sendall(struct.pack("!i", status))


def serve(path: str) -> None:
    """Attends to each caller in a copy of its own, until stdin ends."""
    for name in AHEAD:
        importlib.import_module(name)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(32)
        print("ready", flush=True)
        while True:
            peer = door.accept()[0]
            while _reap():
                pass
            if os.fork() == 0:
                door.close()
                try:
                    attend(peer)
                finally:
                    os._exit(0)
            peer.close()


def _reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    serve(sys.argv[1])
