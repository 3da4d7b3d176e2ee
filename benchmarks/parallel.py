"""Starts many asks at once: nobody may wait for a lock, no row of the history may be lost.

Run it as `python benchmarks/parallel.py [--short] [--check]`. All processes start together in a
home that was never used, against a server that takes 100 ms. The bound is that of the machine: 1.3
times the CPU time of the processes over the cores, and a second.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from http.server import ThreadingHTTPServer

from startup import Server

MANY, FEW = 200, 40
LATENCY = 0.1  # seconds
STRETCH, EXTRA = 1.3, 1.0  # times, seconds
POLICY = """version: 1
providers: {{s: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1"}}}}
default: {{use: s/m}}
"""


class Slow(Server):
    """Answers after a while."""

    def do_POST(self) -> None:  # noqa: N802 # the name http.server calls
        """Waits, then answers."""
        time.sleep(LATENCY)
        super().do_POST()


class Crowd(ThreadingHTTPServer):
    """Takes connections from many at once."""

    request_queue_size = 512


def main() -> int:
    """Prints what the asks took; returns 1 with --check where a bound is passed."""
    count = FEW if "--short" in sys.argv else MANY
    server = Crowd(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        policy = os.path.join(home, "p.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(POLICY.format(port=server.server_port))
        env = {"PATH": os.environ["PATH"], "HOME": home, "NR_POLICY": policy}
        before, began = cpu(), time.monotonic()
        asks = [
            subprocess.Popen(
                [sys.executable, "-m", "nr_cli", "ask", f"prompt {number}"], env=env,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for number in range(count)
        ]  # fmt: skip
        ended = [(ask.communicate(), ask.returncode) for ask in asks]
        wall, spent = time.monotonic() - began, cpu() - before
        rows = subprocess.run(
            [sys.executable, "-m", "nr_cli", "log", "list", "--json", "-n", str(2 * count)],
            env=env, capture_output=True, check=True,
        ).stdout.count(b'"id"')  # fmt: skip
    server.shutdown()
    failed = [said for said, status in ended if status]
    bound = STRETCH * spent / (os.cpu_count() or 1) + EXTRA
    print(f"{count} asks at once, {len(failed)} failed, {rows} rows in the history")
    print(f"wall {wall:.1f} s, CPU {spent:.1f} s on {os.cpu_count()} cores, bound {bound:.1f} s")
    for said in failed[:3]:
        print(said[1].decode(errors="replace"))
    return int("--check" in sys.argv and (bool(failed) or wall > bound or rows < count))


def cpu() -> float:
    """Returns the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
