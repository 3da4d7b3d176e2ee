"""Compares the start-up of `nr` with that of its peers, whole processes in turn.

Run it as `python benchmarks/peers.py [--short]`. Each peer that pip can install gets an environment
of its own below the user's cache folder, kept for the next run; a program found on the path is
taken as it is; one that is neither is named with the reason. Every ask goes to the same server on
loopback, which answers at once, so that the program is what is compared. Installing takes two
minutes the first time: CI leaves it out.
"""

from __future__ import annotations

import argparse
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from startup import Server, write_policy
from timing import Measured, interleave

QUESTION = "What is 2+2?"
ANSWER = b"four"  # what the server says to anything
BARE = "python -c pass"


class Peer(NamedTuple):
    """A program to compare with: what pip is told, then its commands by the name to show.

    Each of `asks` must print the server's answer, else it is left out.
    """

    program: str
    requirements: tuple[str, ...]
    version: tuple[str, ...]
    starts: Mapping[str, tuple[str, ...]]
    asks: Mapping[str, tuple[str, ...]]
    why_not: str = ""


LITELLM_VERSION = "from importlib.metadata import version; print(version('litellm'))"
LITELLM_ASK = (
    "import litellm\n"
    "question = [{'role': 'user', 'content': '" + QUESTION + "'}]\n"
    "for part in litellm.completion('openai/small', question, stream=True):\n"
    "    print(part.choices[0].delta.content or '', end='')"
)
PEERS = (
    Peer(
        "llm",
        ("llm==0.36",),
        version=("llm", "--version"),
        starts={"llm --version": ("llm", "--version"), "llm models": ("llm", "models")},
        asks={"llm -m here": ("llm", "-m", "here", QUESTION)},
    ),
    Peer(
        "sgpt",
        # it imports click, which its own requirement, typer, no longer brings
        ("shell-gpt==1.5.1", "click"),
        version=("sgpt", "--version"),
        starts={"sgpt --version": ("sgpt", "--version")},
        asks={
            "sgpt, cached": ("sgpt", QUESTION),
            "sgpt --no-cache": ("sgpt", "--no-cache", QUESTION),
        },
    ),
    Peer(
        "litellm",
        # named, never the newest: 1.82.7 with 1.82.8 were published by intruders (PYSEC-2026-2)
        ("litellm==1.102.4",),
        version=("python", "-c", LITELLM_VERSION),
        starts={
            "import litellm": ("python", "-c", "import litellm"),
            "litellm --help": ("litellm", "--help"),
        },
        asks={"litellm.completion(…)": ("python", "-c", LITELLM_ASK)},
    ),
    Peer(
        "aichat",
        (),
        version=("aichat", "--version"),
        starts={"aichat --version": ("aichat", "--version")},
        asks={},
        why_not="not on the path, and no Python package carries this Rust program",
    ),
    Peer(
        "mods",
        (),
        version=("mods", "--version"),
        starts={"mods --version": ("mods", "--version")},
        asks={},
        why_not="not on the path, and no Python package carries this Go program",
    ),
)


def cache_folder() -> Path:
    """Returns where the environments of the peers are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nr-benchmarks"


def install(peer: Peer) -> Path | None:
    """Returns the folder of the peer's programs, None where it cannot be had, which is printed."""
    if not peer.requirements:
        found = shutil.which(peer.program)
        if found is None:
            print(f"left out: {peer.program}: {peer.why_not}")
            return None
        return Path(found).parent
    folder = cache_folder() / "_".join(peer.requirements)
    done = folder / "installed"
    if done.exists():
        return folder / "bin"
    print(f"installing {' '.join(peer.requirements)}", file=sys.stderr)
    venv.create(folder, clear=True, with_pip=True)
    # wheels alone: building a source distribution runs whatever it brings
    command = ["pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:"]
    said = subprocess.run(
        [folder / "bin" / "python", "-m", *command, *peer.requirements],
        capture_output=True,
        text=True,
    )
    if said.returncode:
        reason = (said.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        print(f"left out: {peer.program}: {reason}")
        return None
    done.touch()
    return folder / "bin"


def write_settings(home: Path, port: int) -> dict[str, str]:
    """Returns an environment in which each program, in a home of its own, asks the server alone."""
    address = f"http://127.0.0.1:{port}/v1"
    write_policy(str(home / "policy.yaml"), port)
    (home / "extra-openai-models.yaml").write_text(
        f"- {{model_id: here, model_name: small, api_base: {address}}}\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": str(home),
        "NR_POLICY": str(home / "policy.yaml"),
        "LLM_USER_PATH": str(home),
        "OPENAI_API_KEY": "sk-none",
        "OPENAI_API_BASE": address,
        "API_BASE_URL": address,
        "DEFAULT_MODEL": "small",
        # it would fetch a list of prices when imported: the network is not what is measured
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def does_run(name: str, command: list[str], environ: Mapping[str, str], expected: bytes) -> bool:
    """Tells whether a command succeeds, says what is expected; prints why not."""
    said = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True)
    if said.returncode == 0 and expected in said.stdout:
        return True
    reason = (said.stderr.decode(errors="replace").strip().splitlines() or ["another answer"])[-1]
    print(f"left out: {name}: {reason}")
    return False


def commands_of_nr() -> dict[str, list[str]]:
    """Returns bare Python with what is measured of `nr`."""
    nr = os.path.join(os.path.dirname(sys.executable), "nr")
    return {
        BARE: [sys.executable, "-c", "pass"],
        "nr --version": [nr, "--version"],
        "nr route": [nr, "route", QUESTION],
        "nr ask, cached": [nr, "ask", QUESTION],
        "nr ask --no-cache": [nr, "ask", "--no-cache", QUESTION],
    }


def commands_of(peer: Peer, environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yields what is measured of a peer; prints its version."""
    folder = install(peer)
    if folder is None:
        return

    def place(command: tuple[str, ...]) -> list[str]:
        return [str(folder / command[0]), *command[1:]]

    told = subprocess.run(
        place(peer.version), env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    print(f"{peer.program}: {told.stdout.strip()}", flush=True)
    for expected, commands in ((b"", peer.starts), (ANSWER, peer.asks)):
        for name, command in commands.items():
            if does_run(name, place(command), environ, expected):
                yield name, place(command)


def show(figures: Mapping[str, Measured]) -> None:
    """Prints a line for each command: milliseconds, ratio to bare Python, peak memory."""
    width = max(map(len, figures))
    print(f"\n{'':<{width}}{'ms':>9}{'x bare':>9}{'MB peak':>9}")
    for name, (ms, peak) in figures.items():
        print(f"{name:<{width}}{ms:>9.0f}{ms / figures[BARE].ms:>9.1f}{peak:>9.0f}")


def main() -> int:
    """Prints the versions, what is left out, the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="three runs of each, not eleven")
    runs = 3 if parser.parse_args().short else 11
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as home:
        environ = write_settings(Path(home), server.server_port)
        commands = commands_of_nr()
        for peer in PEERS:
            commands |= dict(commands_of(peer, environ))
        show(interleave(commands, environ, runs))
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
