"""Compares the start-up of `nr` with bare Python: python benchmarks/startup.py [--short]."""

from __future__ import annotations

import http.server
import json
import os
import sys
import tempfile
import threading

from timing import interleave

# Ratios to bare Python that may not be passed, then megabytes of peak memory.
GOALS: dict[str, tuple[float | None, float | None]] = {
    "python -c pass": (None, None),
    "nr --version": (7.5, None),
    "nr route": (9.0, None),
    "nr ask, cached": (9.0, 60.0),
    "nr ask, uncached": (20.0, 100.0),
    "nr route, 50 MB on stdin": (None, 250.0),
}
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
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(FRAMES)))
        self.end_headers()
        self.wfile.write(FRAMES)

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""


def main() -> None:
    """Prints one row for each command."""
    runs = 5 if "--short" in sys.argv else 21
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    nr = os.path.join(os.path.dirname(sys.executable), "nr")
    with tempfile.TemporaryDirectory() as home:
        policy = os.path.join(home, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as file:
            file.write(
                "version: 1\nproviders:\n  here: {kind: openai, base_url: "
                f'"http://127.0.0.1:{server.server_port}/v1"}}\n'
                'routes:\n  - {name: hard, when: {complexity: ">=hard"}, use: here/big}\n'
                "default: {use: here/small}\n"
            )
        large = os.path.join(home, "large.txt")
        with open(large, "w", encoding="utf-8") as file:
            file.write("some words of a long log\n" * 2_000_000)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "nr --version": [nr, "--version"],
            "nr route": [nr, "route", "What is 2+2?"],
            "nr ask, cached": [nr, "ask", "What is 2+2?"],
            "nr ask, uncached": [nr, "ask", "--no-cache", "What is 2+2?"],
            "nr route, 50 MB on stdin": [nr, "route"],
        }
        environ = {**os.environ, "HOME": home, "NR_POLICY": policy}
        figures = interleave(commands, environ, runs, {"nr route, 50 MB on stdin": large})
    bare = figures["python -c pass"].ms
    print(f"{'command':<26}{'ms':>8}{'ratio':>8}{'goal':>7}{'peak MB':>9}{'goal':>6}")
    for name, (ms, peak) in figures.items():
        ratio, memory = (f"{goal:g}" if goal else "" for goal in GOALS[name])
        print(f"{name:<26}{ms:>8.1f}{ms / bare:>8.2f}{ratio:>7}{peak:>9.1f}{memory:>6}")
    server.shutdown()


if __name__ == "__main__":
    main()
