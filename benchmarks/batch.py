"""Measures a batch of 32 rows at once against a server that takes 100 ms for each.

Run it as `python benchmarks/batch.py [--short] [--check]`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import Process, SimpleQueue

from goals import Row, read_options, report
from timing import run_once

JOBS = 32
LATENCY = 0.1  # seconds
CHOICES = (
    {"delta": {"content": "an answer of a few words"}, "finish_reason": None},
    {"delta": {}, "finish_reason": "stop"},
)
FRAMES = b"".join(
    b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in CHOICES
)
BODY = FRAMES + b"data: [DONE]\n\n"
REPLY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY


class Server(asyncio.Protocol):
    """Answers each request on a connection after the latency."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a connection."""
        assert isinstance(transport, asyncio.Transport), "a socket is one"
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Takes bytes; a whole request is answered later."""
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) >= length:
            self.received = body[length:]
            asyncio.get_running_loop().call_later(LATENCY, self.answer)

    def answer(self) -> None:
        """Answers."""
        if not self.transport.is_closing():
            self.transport.write(REPLY)


def serve(ports: SimpleQueue[int]) -> None:
    """Runs the server until the process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def write_input(home: str, rows: int, port: int) -> None:
    """Writes the policy with the rows."""
    with open(os.path.join(home, "policy.yaml"), "w", encoding="utf-8") as file:
        file.write(
            "version: 1\nproviders:\n  here: {kind: openai, base_url: "
            f'"http://127.0.0.1:{port}/v1"}}\n'
            'routes:\n  - {name: hard, when: {complexity: ">=hard"}, use: here/big}\n'
            "default: {use: here/small}\n"
        )
    with open(os.path.join(home, "rows.jsonl"), "w", encoding="utf-8") as file:
        for number in range(rows):
            prompt = f"Explain point {number} of the plan in two sentences."
            file.write(json.dumps({"id": f"row-{number}", "prompt": prompt}) + "\n")


def measure(home: str, rows: int, port: int) -> tuple[float, float]:
    """Returns the share of the ideal rate, start-up included, with the peak memory in MB."""
    write_input(home, rows, port)
    nr = os.path.join(os.path.dirname(sys.executable), "nr")
    source, target = os.path.join(home, "rows.jsonl"), os.path.join(home, "out.jsonl")
    policy = os.path.join(home, "policy.yaml")
    environ = {**os.environ, "HOME": home, "NR_POLICY": policy}
    subprocess.run([nr, "route", "warm"], env=environ, stdout=subprocess.DEVNULL, check=True)
    command = [nr, "batch", source, "-o", target, "-j", str(JOBS)]
    ms, peak = run_once(command, environ, os.devnull)
    with open(target, "rb") as file:
        answered = sum(b'"error": null' in line for line in file)
    if answered != rows:
        raise SystemExit(f"{answered} of {rows} rows answered")
    ideal = rows / JOBS * LATENCY * 1000
    return ideal / ms, peak


def main() -> int:
    """Prints the rate as a share of the ideal one, then the peak memory."""
    options = read_options(__doc__)
    rows = 3_200 if options.short else 10_000
    ports: SimpleQueue[int] = SimpleQueue()
    server = Process(target=serve, args=(ports,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as home:
            share, peak = measure(home, rows, ports.get())
    finally:
        server.terminate()
    figures = [
        Row(
            f"{rows:,} rows, -j {JOBS}, {LATENCY * 1000:.0f} ms each", share, "x ideal", least=0.85
        ),
        Row("peak memory", peak, "MB peak", most=150),
    ]
    return report(figures, options.check)


if __name__ == "__main__":
    sys.exit(main())
