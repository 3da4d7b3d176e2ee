"""What goes over the wire and what does not: headers, keys, cookies, proxies, cancellation."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import KEY, Faults, Nr, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
UNI = "naïve café — 日本語 🎉👩‍👩‍👧 z̶a̶ ✓\n".encode()


def write(path: Path, providers: str, rest: str = "default: {use: fs/ok}") -> str:
    path.write_text(f"version: 1\nproviders:\n  {providers}\n{rest}\n")
    return str(path)


def test_a_request_carries_the_key_once_and_asks_for_no_compression(nr: Nr, faults: Faults) -> None:
    nr("ask", "-m", "fs/ok=wire", "--no-cache", "-s", "be brief", "-o", "seed", "7", "hello")
    sent = faults.requests("ok=wire")[-1]
    assert sent["headers"]["authorization"] == [f"Bearer {KEY}"]
    assert sent["headers"]["accept-encoding"] == ["identity"]
    assert sent["json"]["seed"] == 7
    assert [turn["content"] for turn in sent["json"]["messages"]] == ["be brief", "hello"]
    others = {name: value for name, value in sent["headers"].items() if name != "authorization"}
    assert KEY not in repr(others) + sent["path"] + sent["body"]


def test_a_cookie_is_never_sent_back(nr: Nr, faults: Faults) -> None:
    for _ in range(2):
        assert nr("ask", "-m", "fs/set_cookie", "--no-cache", "hi").out == TEXT
    assert all("cookie" not in row["headers"] for row in faults.requests("set_cookie"))


def test_a_redirect_names_the_other_place_and_never_reaches_it(nr: Nr, faults: Faults) -> None:
    done = nr("ask", "-m", "fs/redirect_307=host", "hi")
    assert done.exit == 69
    assert "localhost" in done.err
    rows = faults.requests("redirect_307=host")
    assert len(rows) == 1


def test_a_key_goes_over_no_plain_connection_to_another_machine(nr: Nr, home: Path) -> None:
    policy = write(
        home / "p.yaml",
        'fs: {kind: openai, base_url: "http://localhost.example/v1", api_key_env: FS_KEY}',
    )
    done = nr("ask", "--policy", policy, "hi")
    assert (done.exit, done.out) == (78, b"")


def test_a_proxy_is_passed_by_for_this_machine_and_used_for_others(
    nr: Nr, faults: Faults, home: Path
) -> None:
    dead = {"ALL_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    assert nr("ask", "--no-cache", "hi", env=dead).out == TEXT
    policy = write(home / "p.yaml", 'fs: {kind: openai, base_url: "http://model.example/v1"}')
    here = {"http_proxy": f"http://127.0.0.1:{faults.port}"}
    assert nr("ask", "--policy", policy, "--no-cache", "hi", env=here).out == TEXT
    assert nr("ask", "--policy", policy, "--no-cache", "hi", env={
        "http_proxy": "socks5://127.0.0.1:9"}).exit == 78  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("behaviour", ["coalesced", "one_byte"])
def test_how_a_server_cuts_its_bytes_is_not_seen(nr: Nr, behaviour: str) -> None:
    assert nr("ask", "-m", f"fs/{behaviour}", "--no-cache", "hi").out == UNI


def test_a_pipe_gets_the_bytes_of_the_model_untouched(nr: Nr) -> None:
    done = nr("ask", "-m", "fs/ansi", "--no-cache", "hi")
    assert done.exit == 0
    assert done.out.startswith(b"safe\x1b[31mRED\x1b[0m \x1b]52;c;cHduZWQ=\x07clip")
    assert "\u202eevil" in done.out.decode()
    assert done.err == ""


@pytest.mark.slow
def test_silence_after_some_text_ends_at_the_idle_limit(nr: Nr, faults: Faults, home: Path) -> None:
    policy = write(
        home / "p.yaml",
        f'fs: {{kind: openai, base_url: "http://127.0.0.1:{faults.port}/v1", '
        "timeout: {idle: 1s}}",
    )
    began = time.monotonic()
    done = nr("ask", "--policy", policy, "-m", "fs/hang_after=3,30", "hi")
    assert (done.exit, done.out) == (3, b"The quick \n")
    assert time.monotonic() - began < 3


@pytest.mark.slow
def test_a_slow_answer_that_lives_is_not_ended_and_comes_as_it_is_made(
    environ: dict[str, str], policy: Path
) -> None:
    ask = subprocess.Popen(
        command(["ask", "-m", "fs/slow_drip=0.2", "drip"]),
        env={**environ, "NR_POLICY": str(policy)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert ask.stdout is not None
    arrived: list[tuple[float, bytes]] = []
    while piece := os.read(ask.stdout.fileno(), 999):
        arrived.append((time.monotonic(), piece))
    ask.stdout.close()
    assert ask.wait(10) == 0
    assert b"".join(piece for _, piece in arrived) == TEXT
    assert len(arrived) > 5
    assert arrived[-1][0] - arrived[0][0] > 1


@pytest.mark.parametrize("end", [signal.SIGINT, None], ids=["interrupt", "reader gone"])
def test_whoever_leaves_takes_the_request_along(
    environ: dict[str, str], policy: Path, faults: Faults, end: int | None
) -> None:
    behaviour = f"endless={30 + int(end or 0)}"
    ask = subprocess.Popen(
        command(["ask", "-m", f"fs/{behaviour}", "leave"]),
        env={**environ, "NR_POLICY": str(policy)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert ask.stdout is not None
    assert ask.stderr is not None
    assert os.read(ask.stdout.fileno(), 5) == b"tick "
    left = time.monotonic()
    if end is None:
        ask.stdout.close()
    else:
        ask.send_signal(end)
    assert ask.wait(5) == -(end or signal.SIGPIPE)
    assert time.monotonic() - left < 1
    assert ask.stderr.read() == b""
    ask.stderr.close()
    ask.stdout.close()
    while not faults.requests(behaviour) and time.monotonic() < left + 3:
        time.sleep(0.02)
    assert faults.requests(behaviour)[-1]["client_aborted"]


@pytest.mark.slow
def test_no_file_under_the_home_holds_the_key(nr: Nr, home: Path) -> None:
    for behaviour in ("ok", "leaky_error", "cut=4"):
        nr("ask", "-v", "-m", f"fs/{behaviour}", "hi")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert [path for path in files if b"sk-canary" in path.read_bytes()] == []
