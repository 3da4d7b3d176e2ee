"""The embedded model's own process: llama.cpp's server on a private unix socket.

It reads its settings as one JSON line on stdin, so that the token is in no argument list, then
writes a line to stdout once it listens. It ends when stdin does, unless it was told to stay: then
when nobody has held its lease for `idle` seconds, or when nobody holds it after its socket went.

Run by its path, it imports nothing of nr, so it starts wherever nr was started from.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time

SLOTS = 2
WINDOW = 2048
STAY = b"stay\n"


def main() -> None:
    """Serves one model until nobody needs it."""
    order = sys.stdin.buffer.readline()
    if not order:
        return
    settings = json.loads(order)
    signal.signal(signal.SIGTERM, lambda number, frame: leave(settings["socket"]))
    os.umask(0o077)
    announcement = os.dup(1)
    os.dup2(2, 1)  # whatever llama.cpp prints goes to the log
    fcntl.flock(2, fcntl.LOCK_EX)  # held to the end, however that comes: it tells that we live
    import xllamacpp

    server = xllamacpp.Server(parameters(xllamacpp, settings))
    os.write(announcement, server.listening_address.encode() + b"\n")
    os.close(announcement)
    if sys.stdin.buffer.readline() == STAY:
        watch(settings["socket"], settings["lease"], settings["idle"])
    leave(settings["socket"])


def parameters(xllamacpp: object, settings: dict[str, object]) -> object:
    """Returns the server's parameters: a key is needed, nothing but the API is served."""
    params = xllamacpp.CommonParams()  # type: ignore[attr-defined] # the package ships no types
    params.model.path = settings["model"]
    params.hostnames = [settings["socket"]]
    params.n_ctx = WINDOW * SLOTS
    params.n_parallel = SLOTS
    # With all cores busy a loaded machine is 10 to 50 times slower: leave one free.
    threads = max(1, (os.cpu_count() or 2) - 1)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.api_keys = [settings["token"]]
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = -1
    params.warmup = False
    return params


def watch(socket: str, lease: str, idle: float) -> None:
    """Returns, with the lease taken so that no ask can begin, when this server may end."""
    descriptor = os.open(lease, os.O_RDWR)
    last, touched = time.monotonic(), os.fstat(descriptor).st_mtime_ns
    while True:
        time.sleep(min(1.0, idle))
        now, before, touched = time.monotonic(), touched, os.fstat(descriptor).st_mtime_ns
        if touched != before:
            last = now
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            last = now  # an ask is under way
            continue
        if now - last > idle or not os.path.exists(socket):
            return
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def leave(socket: str) -> None:
    """Ends the process at once, with its directory removed."""
    folder = os.path.dirname(socket)
    for path in (socket, os.path.join(folder, "lease"), os.path.join(folder, "log")):
        try:
            os.unlink(path)
        except OSError:
            continue  # gone already: the launcher may clean up too
    try:
        os.rmdir(folder)
    finally:
        os._exit(0)  # llama.cpp's threads are not waited for


if __name__ == "__main__":
    main()
