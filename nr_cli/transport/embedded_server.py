"""The embedded model's own process: llama.cpp's server on a private unix socket.

It reads its settings as one JSON line on stdin, so that the token is in no argument list. It ends
after `idle` seconds without an ask, or, with `tied`, as soon as the pipe on stdin closes.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

SLOTS = 2
WINDOW = 2048


def main() -> None:
    """Serves one model until nobody needs it."""
    settings = json.loads(sys.stdin.readline())
    import xllamacpp

    server = xllamacpp.Server(parameters(xllamacpp, settings))
    print(server.listening_address, flush=True)
    if settings["tied"]:
        threading.Thread(target=end_with_parent, daemon=True).start()
    watch(settings["touched"], settings["idle"])


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


def end_with_parent() -> None:
    """Ends the process when the pipe on stdin closes, which is when its parent ended."""
    sys.stdin.read()
    os._exit(0)


def watch(touched: str, idle: float) -> None:
    """Returns when the file that each ask touches has not been touched for `idle` seconds."""
    while True:
        time.sleep(1)
        try:
            quiet = time.time() - os.stat(touched).st_mtime
        except OSError:
            os._exit(0)  # the directory is gone, so nobody can find this server any more
        if quiet > idle:
            os._exit(0)


if __name__ == "__main__":
    main()
