"""What a person, a script, many processes at once see of failures that pass."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Done, Nr, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
Asked = Callable[..., list[dict]]


def use(policy: Path, models: str, more: str = "") -> None:
    """Sends every prompt to these models, with more said in the policy."""
    text = policy.read_text().replace("use: fs/ok", f"use: {models}")
    policy.write_text(f"{text}{more}")


def at_once(count: int, environ: dict[str, str], *arguments: str) -> list[Done]:
    """Runs `nr` so many times, sixteen at a time."""

    def one(number: int) -> Done:
        done = subprocess.run(
            command([*arguments, f"prompt {number}"]), env=environ, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr.decode())

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(count)))


def test_a_retry_carries_the_same_key_and_is_in_the_record(nr: Nr, asked: Asked) -> None:
    done = nr("ask", "-m", "fs/500_then_ok=2", "--json", "hi")
    assert (done.exit, done.document["answer"]) == (0, TEXT.decode().rstrip())
    assert [attempt["kind"] for attempt in done.document["attempts"]] == ["server", "server", None]
    keys = [row["headers"]["idempotency-key"] for row in asked()]
    assert len(keys) == 3
    assert keys[0] == keys[1] == keys[2] != [""]


@pytest.mark.parametrize("hint", ["429_ms=300", "429_date=1"])
def test_the_wait_that_a_server_asks_for_is_kept(nr: Nr, asked: Asked, hint: str) -> None:
    nr("ask", "-m", f"fs/{hint}", "hi")
    first, second = asked()[:2]
    assert second["t"] - first["t"] >= (0.0 if "date" in hint else 0.3)


def test_a_server_that_names_an_hour_is_not_waited_for(nr: Nr, asked: Asked) -> None:
    began = time.monotonic()
    done = nr("ask", "-m", "fs/429=3600", "hi")
    assert (done.exit, len(asked())) == (75, 1)
    assert "retry after 3600 s" in done.err
    assert time.monotonic() - began < 5


def test_the_next_model_answers_instead_now_and_the_next_time(
    nr: Nr, policy: Path, asked: Asked
) -> None:
    use(policy, "[fs/429=3600, fs/ok]")
    for prompt in ("one", "two", "three"):
        assert nr("ask", prompt).out == TEXT
    assert [row["behaviour"] for row in asked()] == ["429=3600", "ok", "ok", "ok"]


def test_what_rests_is_shown_and_can_be_woken(nr: Nr, policy: Path, asked: Asked) -> None:
    use(policy, "fs/429=3600")
    nr("ask", "hi")
    assert nr("ask", "hi").exit == 75
    assert len(asked()) == 1
    rests = [row for row in nr("models", "list", "--json").document if row["rests"]]
    listed = nr("doctor", "--json").document
    told = json.dumps(listed)
    assert "fs/429=3600 rests for" in told
    assert nr("models", "wake", "--json").document == ["fs/429=3600"]
    assert nr("models", "wake").err == "nr: nothing rests\n"
    assert nr("models", "wake", "fs/ok").exit == 2
    assert [row["id"] for row in rests] in ([], ["fs/429=3600"])
    nr("ask", "hi")
    assert len(asked()) == 2


def test_where_a_backend_failed_too_often_an_ask_tries_it_once(
    nr: Nr, policy: Path, asked: Asked
) -> None:
    use(policy, "fs/500", "breaker: {failures: 3}\n")
    assert nr("ask", "hi").exit == 69
    assert len(asked()) == 3
    done = nr("ask", "hi")
    assert (done.exit, len(asked())) == (75, 4)
    assert "retry after" in done.err


STATES = {
    "empty": b"", "half": b"{", "random": bytes(range(256)), "large": b"x" * 10_000_000,
    "far": b'{"until": 1e308}', "folder": None,
}  # fmt: skip


@pytest.mark.parametrize("damage", STATES, ids=list(STATES))
def test_damage_of_what_is_remembered_costs_nothing(
    nr: Nr, home: Path, asked: Asked, damage: str
) -> None:
    nr("ask", "-m", "fs/429_ms=1", "hi")
    states = list(home.rglob("backends/*.json"))
    assert states
    for state in states:
        state.unlink()
        content = STATES[damage]
        if content is None:
            state.mkdir()
        else:
            state.write_bytes(content)
    done = nr("ask", "-m", "fs/429_ms=1", "hello", "--json")
    assert (done.exit, len(done.document["attempts"])) == (75, 3)


def test_a_dead_holder_of_the_lock_holds_nobody_up(nr: Nr, home: Path) -> None:
    nr("ask", "-m", "fs/429_ms=1", "hi")
    for state in home.rglob("backends/*.json"):
        lock = state.with_suffix(".lock")
        holder = subprocess.Popen(["flock", str(lock), "sleep", "60"], stdout=subprocess.DEVNULL)
        holder.kill()
        holder.wait()
    began = time.monotonic()
    assert nr("ask", "-m", "fs/429_ms=1", "hello").exit == 75
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_an_outage_is_not_multiplied_by_many_processes(
    environ: dict[str, str], policy: Path, asked: Asked
) -> None:
    use(policy, "fs/500")
    done = at_once(200, {**environ, "NR_POLICY": str(policy)}, "ask")
    assert len(asked()) <= 240
    assert {one.exit for one in done} <= {69, 75}
    assert not any("Traceback" in one.err for one in done)


@pytest.mark.slow
def test_after_one_429_all_processes_leave_the_backend_alone(
    environ: dict[str, str], policy: Path, asked: Asked
) -> None:
    use(policy, "fs/429=2")
    at_once(64, {**environ, "NR_POLICY": str(policy)}, "ask", "--timeout", "1")
    times = sorted(row["t"] for row in asked())
    windows = [sum(start <= at < start + 1.9 for at in times) for start in times]
    assert max(windows) <= 17


@pytest.mark.slow
def test_a_limit_a_minute_holds_over_all_processes(
    environ: dict[str, str], policy: Path, asked: Asked
) -> None:
    policy.write_text(policy.read_text().replace("kind: openai,", "kind: openai, rpm: 10,"))
    done = at_once(40, {**environ, "NR_POLICY": str(policy)}, "ask", "--timeout", "5")
    assert len(asked()) == 10
    assert sorted(one.exit for one in done) == [0] * 10 + [75] * 30


COSTS = {
    "within": ("0.01", 0, ""),
    "beyond": ("0.0001", 80, "may cost"),
    "nothing": ("0", 80, "the limit is $0"),
    "not a sum": ("lots", 2, "US dollars"),
    "below nothing": ("-1", 2, "US dollars"),
    "endless": ("inf", 2, "US dollars"),
}


@pytest.mark.parametrize(("most", "exit", "said"), COSTS.values(), ids=COSTS)
def test_an_ask_keeps_to_what_it_may_cost(
    nr: Nr, policy: Path, asked: Asked, most: str, exit: int, said: str
) -> None:
    use(policy, "priced", "models: {priced: {id: fs/ok, price: {in: 1, out: 2}}}\n")
    done = nr("ask", f"--max-cost={most}", "hi")
    assert (done.exit, len(asked())) == (exit, int(exit == 0))
    assert said in done.err


def test_a_price_that_nobody_knows_is_no_price_of_nothing(nr: Nr, asked: Asked) -> None:
    done = nr("ask", "--max-cost", "100", "hi")
    assert (done.exit, asked()) == (80, [])
    assert "its price is not known" in done.err


FLAWS: Sequence[tuple[str, str]] = [
    ("retry: {times: -1}", "NR131"),
    ("limits: {attempts: 0}", "NR131"),
    ("limits: {deadlin: 3s}", "deadline"),
    ("breaker: {share: quota}", "quota_group"),
    ("fallback: {servr: next}", "server"),
    ("fallback: {server: retri}", 'did you mean "retry"'),
    ("fallback: {server: [fail, next]}", "fail stands alone"),
    ("fallback: {stream_broken: {after_output: next}}", "NR133"),
]


@pytest.mark.parametrize(("line", "said"), FLAWS, ids=[line for line, _ in FLAWS])
def test_a_wrong_word_about_failures_is_named(nr: Nr, policy: Path, line: str, said: str) -> None:
    text = policy.read_text().split("retry:")[0]
    policy.write_text(f"{text}{line}\n")
    done = nr("policy", "check", str(policy))
    assert done.exit == 78
    assert said in done.out.decode()


def test_states_are_for_their_owner_alone(nr: Nr, home: Path) -> None:
    nr("ask", "-m", "fs/500", "hi")
    folder = next(home.rglob("backends"))
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert {os.stat(path).st_mode & 0o777 for path in folder.iterdir()} == {0o600}
