"""The cache as a person sees it at the command line: modes, what is kept, what it says."""

from __future__ import annotations

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
