"""Directories are found without an exception; once made they are private."""

import os
import stat
import subprocess
import sys

import pytest

from nr_cli.store.paths import ensure_private, find_fault, find_paths
from nr_cli.store.salt import fingerprint


@pytest.mark.skipif(sys.platform != "linux", reason="the custom of Linux")
@pytest.mark.parametrize(
    ("env", "cache", "state"),
    [
        pytest.param({"HOME": "/h"}, "/h/.cache/nr", "/h/.local/state/nr", id="home"),
        pytest.param(
            {"HOME": "/h", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "/s"},
            "/c/nr", "/s/nr", id="xdg",
        ),
        pytest.param(
            {"HOME": "/h", "XDG_CACHE_HOME": "c"}, "/h/.cache/nr", "/h/.local/state/nr",
            id="relative xdg",
        ),
        pytest.param(
            {"HOME": "/h", "XDG_CACHE_HOME": "/c", "NR_CACHE_DIR": "/own"},
            "/own", "/h/.local/state/nr", id="own",
        ),
        pytest.param({"XDG_STATE_HOME": "/s"}, None, "/s/nr", id="no home"),
        pytest.param({"HOME": "/"}, None, None, id="root as home"),
        pytest.param({"HOME": "."}, None, None, id="relative home"),
        pytest.param({"HOME": ""}, None, None, id="empty home"),
    ],
)  # fmt: skip
def test_a_directory_is_the_first_that_is_named(env, cache, state):
    paths = find_paths(env)
    assert (paths.cache, paths.state) == (cache, state)


def test_finding_creates_nothing(tmp_path):
    paths = find_paths({"HOME": str(tmp_path)})
    assert all(path and path.startswith(str(tmp_path)) for path in paths)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=["000", "777"])
def test_made_directories_are_private_under_any_umask(tmp_path, umask):
    path = tmp_path / "a" / "b"
    old = os.umask(umask)
    try:
        assert ensure_private(str(path)) == str(path)
    finally:
        os.umask(old)
    assert {stat.S_IMODE(made.stat().st_mode) for made in (path, path.parent)} == {0o700}


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "group", "world", "under a file"])
def test_what_is_not_private_is_refused_with_its_reason(tmp_path, kind):
    path, other = tmp_path / "path", tmp_path / "other"
    other.mkdir()
    if kind in ("link", "dangling"):
        path.symlink_to(other if kind == "link" else tmp_path / "nowhere")
    elif kind in ("file", "under a file"):
        path.touch()
        path = path / "nr" if kind == "under a file" else path
    else:
        path.mkdir()
        path.chmod(0o770 if kind == "group" else 0o707)
    assert ensure_private(str(path)) is None
    assert find_fault(str(path))


def test_a_fingerprint_is_stable_here_and_different_elsewhere(tmp_path):
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    assert fingerprint("k1", here) == fingerprint("k1", here)
    assert len({fingerprint("k1", here), fingerprint("k2", here), fingerprint("k1", there)}) == 3
    assert len(fingerprint("k1", here)) == 32
    assert stat.S_IMODE((tmp_path / "here" / "salt").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 99], ids=["empty", "short", "long"])
def test_a_damaged_salt_is_replaced(tmp_path, content):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / "salt").write_bytes(content)
    assert len(fingerprint("k", str(folder))) == 32
    assert len((folder / "salt").read_bytes()) == 32


def test_without_a_place_fingerprints_hold_for_the_process():
    assert fingerprint("k", None) == fingerprint("k", None) != fingerprint("l", None)


def test_processes_that_start_at_once_agree_on_the_salt(tmp_path):
    code = (
        "import sys; from nr_cli.store.salt import fingerprint; sys.stdin.readline();"
        "print(fingerprint('k', sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert len({worker.communicate()[0] for worker in workers}) == 1
    assert os.listdir(tmp_path / "state") == ["salt"]
