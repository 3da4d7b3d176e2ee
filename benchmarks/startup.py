"""Compares the start-up of `nr` with bare Python, whole processes in turn.

Run it as `python benchmarks/startup.py [--short] [--check]`.
"""

from __future__ import annotations

import http.server
import json
import os
import sys
import tempfile
import threading
from collections.abc import Mapping

from goals import Row, read_options, report
from timing import Measured, interleave

# Ratios to bare Python that may not be passed, then megabytes of peak memory.
GOALS: dict[str, tuple[float | None, float | None]] = {
    "python -c pass": (None, None),
    "nr --version": (7.5, None),
    "nr route": (9.0, None),
    "nr ask, cached": (9.0, 60.0),
    "nr ask, uncached": (20.0, 100.0),
    "nr route, 50 MB on stdin": (None, 250.0),
    "nr ask, 50 MB on stdin": (None, 250.0),
}
LARGE = 50_000_000  # bytes
CHOICES = (
    {"delta": {"content": "four"}, "finish_reason": None},
    {"delta": {}, "finish_reason": "stop"},
)
FRAMES = b"".join(
    b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in CHOICES
)


class Server(http.server.BaseHTTPRequestHandler):
    """Answers every request at once with the same short stream."""

    def do_POST(self) -> None:  # the name http.server calls
        """Answers."""
        left = int(self.headers["content-length"])
        # in pieces: what this process holds would count for its children too
        while left and (piece := self.rfile.read(min(left, 65_536))):
            left -= len(piece)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(FRAMES)))
        self.end_headers()
        self.wfile.write(FRAMES)

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""


def write_large(path: str) -> None:
    """Writes a long log, in pieces: what this process holds would count for its children too."""
    line = b"some words of a long log\n" * 4_000
    with open(path, "wb") as file:
        file.writelines(line for _ in range(LARGE // len(line)))


def write_policy(path: str, port: int) -> None:
    """Writes a policy of two models on the loopback server."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "version: 1\nproviders:\n  here: {kind: openai, base_url: "
            f'"http://127.0.0.1:{port}/v1"}}\n'
            'routes:\n  - {name: hard, when: {complexity: ">=hard"}, use: here/big}\n'
            "default: {use: here/small}\n"
        )


def measure(home: str, port: int, short: bool) -> dict[str, Measured]:
    """Returns the measurement of each command; those with much on stdin run three times."""
    policy, large = os.path.join(home, "policy.yaml"), os.path.join(home, "large.txt")
    write_policy(policy, port)
    write_large(large)
    nr = os.path.join(os.path.dirname(sys.executable), "nr")
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "nr --version": [nr, "--version"],
        "nr route": [nr, "route", "What is 2+2?"],
        "nr ask, cached": [nr, "ask", "What is 2+2?"],
        "nr ask, uncached": [nr, "ask", "--no-cache", "What is 2+2?"],
    }
    heavy = {
        "nr route, 50 MB on stdin": [nr, "route"],
        "nr ask, 50 MB on stdin": [nr, "ask", "--no-cache", "-n"],
    }
    environ = {**os.environ, "HOME": home, "NR_POLICY": policy}
    figures = interleave(commands, environ, 5 if short else 21)
    figures |= interleave(heavy, environ, 1 if short else 3, dict.fromkeys(heavy, large))
    return figures


def rows_of(figures: Mapping[str, Measured]) -> list[Row]:
    """Returns the table: times, ratios to bare Python, peaks."""
    bare = figures["python -c pass"].ms
    rows = [Row(name, ms, "ms") for name, (ms, _) in figures.items()]
    for name, (ms, _) in figures.items():
        most = GOALS[name][0]
        if most is not None:
            rows.append(Row(name, ms / bare, "x bare", most=most))
    for name, (_, peak) in figures.items():
        most = GOALS[name][1]
        if most is not None:
            rows.append(Row(name, peak, "MB peak", most=most))
    return rows


def main() -> int:
    """Prints one row for each figure."""
    options = read_options(__doc__)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        figures = measure(home, server.server_port, options.short)
    server.shutdown()
    return report(rows_of(figures), options.check)


if __name__ == "__main__":
    sys.exit(main())
