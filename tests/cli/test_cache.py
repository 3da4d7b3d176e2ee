"""The cache as a person sees it at the command line: modes, what is kept, what it says."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Faults, Nr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [("readwrite", True, True), ("read", True, False), ("write", False, True),
     ("refresh", False, True), ("off", False, False)],
)  # fmt: skip
def test_a_mode_reads_and_writes_as_its_name_says(
    nr: Nr, mode: str, reads: bool, writes: bool
) -> None:
    ask = ("ask", "-m", "fs/nonce", "hi")
    kept = nr(*ask).out
    told = nr(*ask, "--cache", mode).out
    assert (told == kept) == reads
    now = nr(*ask, "--cache", "only").out
    assert now == (told if writes else kept)


def test_a_kept_answer_in_json_cost_nothing_and_asked_nobody(nr: Nr) -> None:
    first = nr("ask", "-m", "fs/ok", "--json", "hi").document
    again = nr("ask", "-m", "fs/ok", "--json", "hi").document
    assert again["answer"] == first["answer"]
    assert again["usage"] == first["usage"]
    assert (first["cache"]["status"], again["cache"]["status"]) == ("miss", "hit")
    assert first["cache"]["key"] == again["cache"]["key"]
    assert again["cache"]["age_s"] >= 0
    assert again["attempts"] == []
    assert again["cost"] == {"usd": 0, "known": True}


@pytest.mark.slow
def test_flags_of_output_share_an_entry(nr: Nr, faults: Faults, home: Path) -> None:
    ask = ("ask", "-m", "fs/nonce", "shape")
    nr(*ask)
    asked = len(faults.requests("nonce"))
    for flags in (["-u"], ["--json"], ["--jsonl"], ["-x"], ["-O", "out.txt"], ["--no-stream"]):
        assert nr(*ask, *flags).exit == 0
    assert len(faults.requests("nonce")) == asked


def test_offline_asks_a_local_program_but_no_server(nr: Nr, faults: Faults) -> None:
    before = len(faults.log.read_text().splitlines())
    assert nr("ask", "--offline", "-m", "cat/x", "hi").out == b"hi\n"
    done = nr("ask", "--offline", "-m", "fs/ok", "never asked")
    assert (done.exit, done.out) == (81, b"")
    assert len(faults.log.read_text().splitlines()) == before


def test_a_damaged_cache_costs_an_ask_but_never_an_answer(nr: Nr, home: Path) -> None:
    first = nr("ask", "-m", "fs/nonce", "hi").out
    databases = [path for path in (home / ".cache").rglob("*") if path.suffix == ".db"]
    assert databases
    for path in databases:
        path.write_bytes(b"not a database " * 500)
    done = nr("ask", "-m", "fs/nonce", "hi")
    assert done.exit == 0
    assert done.out != first


TWO = """version: 1
providers:
  keyed: {kind: openai, base_url: "https://127.0.0.1:1/v1", api_key_env: NO_SUCH_KEY}
  cat: {kind: command, command: [cat], local: true}
default: {use: [keyed/x, cat/x]}
"""


def test_why_looks_for_the_answer_of_every_candidate(nr: Nr, home: Path) -> None:
    """The first of the policy lacks its key, so the second is asked."""
    (home / "two.yaml").write_text(TWO)
    assert nr("ask", "--policy", "two.yaml", "hi").out == b"hi\n"
    assert nr("ask", "--policy", "two.yaml", "--cache", "only", "hi").exit == 0
    done = nr("cache", "why", "--policy", "two.yaml", "--json", "hi")
    assert (done.exit, done.document["status"], done.document["model"]) == (0, "hit", "cat/x")
    keyed = {"NO_SUCH_KEY": "k"}
    assert nr("ask", "--policy", "two.yaml", "--cache", "only", "hi", env=keyed).exit == 0
    why = nr("cache", "why", "--policy", "two.yaml", "hi", env=keyed)
    assert why.exit == 0
    assert b"keyed/x is asked first" in why.out


@pytest.mark.parametrize(
    ("flags", "exit", "status"),
    [
        (["--cache", "only"], 81, "miss"),
        (["--offline"], 81, "miss"),
        (["-m", "fs/500"], 69, "miss"),
        (["-m", "fs/500", "--cache", "refresh"], 69, "refresh"),
        (["-m", "fs/500", "--no-cache"], 69, "off"),
    ],
    ids=["only", "offline", "failed", "refresh", "off"],
)
def test_a_failed_ask_says_in_json_what_it_looked_for(
    nr: Nr, flags: list[str], exit: int, status: str
) -> None:
    done = nr("ask", *flags, "--json", "looked for")
    document = done.document
    assert (done.exit, document["cache"]["status"]) == (exit, status)
    assert len(document["cache"]["key"]) == 64
    assert document["route"] == ("default" if "-m" not in flags else None)
    assert document["decision"]["version"] == 1


@pytest.mark.parametrize("command", [["ask", "--dry-run"], ["route"]], ids=lambda words: words[0])
def test_a_decision_alone_ends_offline_as_the_ask_does(nr: Nr, command: list[str]) -> None:
    assert nr("ask", "--offline", "-m", "fs/nonce", "hi").exit == 81
    assert nr(*command, "--offline", "-m", "fs/nonce", "hi").exit == 81
    assert nr("ask", "-m", "fs/nonce", "hi").exit == 0
    assert nr("ask", "--offline", "-m", "fs/nonce", "hi").exit == 0
    assert nr(*command, "--offline", "-m", "fs/nonce", "hi").exit == 0


def as_link(place: Path) -> None:
    (place.parent / "real").mkdir(mode=0o700)
    place.symlink_to("real")


def as_anybodys(place: Path) -> None:
    place.mkdir()
    place.chmod(0o770)


def as_file(place: Path) -> None:
    place.touch()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(as_link, "is a symbolic link"), (as_anybodys, "can be written by others"),
     (as_file, "is not a directory")],
)  # fmt: skip
def test_a_cache_that_keeps_nothing_says_so_where_it_is_asked(
    nr: Nr, home: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(home / "place")
    env = {"NR_CACHE_DIR": str(home / "place")}
    assert nr("ask", "-m", "cat/x", "hi", env=env).err == ""
    told = nr("ask", "-v", "-m", "cat/x", "hi", env=env).err
    assert [line for line in told.splitlines() if why in line], told
    assert why in nr("ask", "-v", "--cache", "only", "hi", env=env).err
    assert why in nr("cache", "stats", env=env).out.decode()
    assert why in nr("cache", "stats", "--json", env=env).document["trouble"]
    assert why in nr("doctor", env=env).out.decode()


def test_a_cache_of_a_later_version_is_left_alone_and_told(nr: Nr) -> None:
    nr("ask", "-m", "cat/x", "hi")
    path = os.fsdecode(nr("cache", "path").out.strip())
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    assert "later version" in nr("cache", "stats", "--json").document["trouble"]
    assert "later version" in nr("ask", "-v", "-m", "cat/x", "ho").err
    done = nr("cache", "clear")
    assert (done.exit, "later version" in done.err) == (74, True)


def test_a_log_that_keeps_nothing_says_so_with_v(nr: Nr, home: Path) -> None:
    as_anybodys(home / "place")
    env = {"NR_STATE_DIR": str(home / "place")}
    assert nr("ask", "-m", "cat/x", "hi", env=env).err == ""
    assert "can be written by others" in nr("ask", "-v", "-m", "cat/x", "hi", env=env).err


def test_a_damaged_log_is_set_aside_and_a_person_is_told_once(nr: Nr, home: Path) -> None:
    nr("ask", "-m", "cat/x", "hi")
    path = Path(os.fsdecode(nr("log", "path").out.strip()))
    for part in path.parent.glob("history.db*"):
        part.write_bytes(b"no database " * 999)
    told = nr("ask", "-v", "-m", "cat/x", "hi").err
    assert f"set aside in bad-*/ of {path.parent}" in told
    assert "set aside" not in nr("ask", "-v", "-m", "cat/x", "hi").err


def test_a_cache_that_works_has_no_trouble_to_tell(nr: Nr) -> None:
    assert "cache keeps" not in nr("ask", "-v", "-m", "cat/x", "hi").err
    assert nr("cache", "stats", "--json").document["trouble"] is None
    assert b"trouble" not in nr("cache", "stats").out


def test_a_cache_is_cleared_later_when_it_is_busy_and_never_when_it_is_spoilt(
    nr: Nr, home: Path
) -> None:
    assert nr("ask", "-m", "cat/x", "hi").exit == 0
    path = os.fsdecode(nr("cache", "path").out.strip())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        busy = nr("cache", "clear")
        other.execute("ROLLBACK")
    assert busy.exit == 75
    assert "try again" in busy.err
    os.chmod(os.path.dirname(path), 0o770)
    done = nr("cache", "clear")
    assert (done.exit, done.out) == (74, b"")
    assert "written by others" in done.err


def test_a_file_that_says_only_how_long_keeps_the_scope_of_the_one_it_includes(
    nr: Nr, home: Path, faults: Faults
) -> None:
    (home / "kept.yaml").write_text("cache: {scope: shared, ttl: 1d}\n")
    (home / "near.yaml").write_text(
        "version: 1\ninclude: [kept.yaml]\ncache: {ttl: 2d}\ndefault: {use: fs/ok}\nproviders:\n"
        f"  fs: {{kind: openai, base_url: 'http://127.0.0.1:{faults.port}/v1',"
        " api_key_env: FS_KEY}\n"
    )
    asked = ("ask", "--policy", "near.yaml", "-q", "for all?")
    assert nr(*asked).exit == 0
    assert nr(*asked, "--cache", "only", env={"FS_KEY": ""}).exit == 0


@pytest.mark.parametrize(
    ("scope", "exit"), [("user", 81), ("project", 0), ("shared", 0)], ids=lambda value: str(value)
)
def test_the_scope_says_whom_an_answer_serves(
    nr: Nr, home: Path, faults: Faults, scope: str, exit: int
) -> None:
    (home / "scoped.yaml").write_text(
        "version: 1\nproviders:\n  fs: {kind: openai, api_key_env: FS_KEY, "
        f"base_url: 'http://127.0.0.1:{faults.port}/v1'}}\n"
        f"cache: {{scope: {scope}}}\ndefault: {{use: fs/ok}}\n"
    )
    asked = ("ask", "--policy", "scoped.yaml", "-q", "whose?")
    assert nr(*asked).exit == 0
    for key in ("sk-another-0123456789ab", ""):
        assert nr(*asked, "--cache", "only", env={"FS_KEY": key}).exit == exit
        pinned = nr(*asked, "-m", "fs/ok", "--cache", "only", env={"FS_KEY": key})
        assert pinned.exit == exit


def test_what_is_shared_is_not_taken_for_one_s_own(nr: Nr, home: Path) -> None:
    for scope, status in (("shared", "miss"), ("user", "miss"), ("project", "hit")):
        (home / "c.yaml").write_text(
            "version: 1\nproviders: {cat: {kind: command, command: [cat], local: true}}\n"
            f"cache: {{scope: {scope}}}\ndefault: {{use: cat/x}}\n"
        )
        done = nr("ask", "--policy", "c.yaml", "--json", "mine?")
        assert done.document["cache"]["status"] == status


def test_an_answer_serves_as_long_as_its_route_says(nr: Nr, home: Path) -> None:
    (home / "short.yaml").write_text(
        "version: 1\nproviders: {cat: {kind: command, command: [cat], local: true}}\n"
        "cache: {ttl: 30d}\n"
        "routes:\n  - {name: brief, when: {contains: brief}, use: cat/x, cache: {ttl: 1ms}}\n"
        "default: {use: cat/x}\n"
    )
    for text, again in (("brief", "miss"), ("long", "hit")):
        for status in ("miss", again):
            done = nr("ask", "--policy", "short.yaml", "--json", text)
            assert done.document["cache"]["status"] == status
