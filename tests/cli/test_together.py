"""Equal asks at once, answers that are too old: one request for many, an old answer for none."""

from __future__ import annotations

import http.server
import json
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Nr, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
Many = Callable[..., list["subprocess.Popen[bytes]"]]


@pytest.fixture
def many(environ: dict[str, str], policy: Path) -> Many:
    """Starts so many processes of `nr` with the same arguments."""
    env = {**environ, "NR_POLICY": str(policy)}

    def start(count: int, *arguments: str) -> list[subprocess.Popen[bytes]]:
        return [
            subprocess.Popen(
                command(arguments), env=env, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(count)
        ]  # fmt: skip

    return start


def ends(processes: list[subprocess.Popen[bytes]]) -> list[tuple[int, bytes]]:
    told = [(process, process.communicate(timeout=60)[0]) for process in processes]
    return [(process.returncode, out) for process, out in told]


def test_of_equal_asks_at_once_one_is_sent(many: Many, asked: Callable[[], list[dict]]) -> None:
    assert ends(many(8, "ask", "-m", "fs/slow_first=1", "the same")) == [(0, TEXT)] * 8
    assert len(asked()) == 1


def test_other_prompts_do_not_wait(many: Many, asked: Callable[[], list[dict]]) -> None:
    began = time.monotonic()
    started = [many(1, "ask", "-m", "fs/slow_first=1", f"prompt {n}")[0] for n in range(4)]
    assert ends(started) == [(0, TEXT)] * 4
    assert len(asked()) == 4
    assert time.monotonic() - began < 3.5


@pytest.mark.parametrize("flags", [["--no-cache"], ["--cache", "refresh"]])
def test_who_wants_no_kept_answer_waits_for_none(
    many: Many, asked: Callable[[], list[dict]], flags: list[str]
) -> None:
    ends(many(3, "ask", "-m", "fs/slow_first=0.4", *flags, "the same"))
    assert len(asked()) == 3


def test_the_policy_may_forbid_it(
    many: Many, policy: Path, asked: Callable[[], list[dict]]
) -> None:
    policy.write_text(policy.read_text() + "cache: {coalesce: false}\n")
    ends(many(3, "ask", "-m", "fs/slow_first=0.6", "the same"))
    assert len(asked()) == 3


def test_where_the_one_that_was_sent_dies_another_takes_its_place(
    many: Many, home: Path, asked: Callable[[], list[dict]]
) -> None:
    first = many(1, "ask", "-m", "fs/slow_first=1.5", "the same")[0]
    while not any(b"busy" in lock.read_bytes() for lock in home.rglob("flight/*.lock")):
        assert first.poll() is None
    rest = many(5, "ask", "-m", "fs/slow_first=1.5", "the same")
    first.send_signal(signal.SIGKILL)
    assert ends(rest) == [(0, TEXT)] * 5
    assert [row["outcome"] for row in asked()].count("done") == 1
    ends([first])


def test_an_answer_that_is_not_kept_serves_nobody_else(
    many: Many, asked: Callable[[], list[dict]]
) -> None:
    began = time.monotonic()
    told = ends(many(4, "ask", "-m", "fs/content_filter", "the same"))
    assert {exit for exit, _ in told} == {82}
    assert len(asked()) == 4
    assert time.monotonic() - began < 6


def test_a_wait_ends_with_the_time_of_the_ask(many: Many, nr: Nr) -> None:
    holder = many(1, "ask", "-m", "fs/hang", "--timeout", "20", "the same")[0]
    began = time.monotonic()
    done = nr("ask", "-m", "fs/hang", "--timeout", "1", "the same")
    assert done.exit == 75
    assert time.monotonic() - began < 3
    holder.kill()
    holder.communicate()


def test_equal_rows_of_a_batch_are_sent_once(
    nr: Nr, home: Path, asked: Callable[[], list[dict]]
) -> None:
    rows = "".join(json.dumps({"id": n, "prompt": "the same"}) + "\n" for n in range(8))
    done = nr("batch", "-", "-o", "-", "-j", "8", "-m", "fs/slow_first=0.5", stdin=rows.encode())
    answers = [json.loads(line)["answer"] for line in done.out.splitlines()]
    assert answers == [TEXT.decode()[:-1]] * 8
    assert [row["behaviour"] for row in asked()].count("slow_first=0.5") == 1


def age(home: Path, seconds: float) -> None:
    """Makes every kept answer older."""
    from nr_cli.store.cache import open_envelope, seal

    path = next(home.rglob("cache.db"))
    with sqlite3.connect(path) as con:
        for key, value in con.execute("SELECT key, value FROM Cache").fetchall():
            entry = open_envelope(key, value)
            assert entry is not None
            named = json.dumps(dict(entry.labels)).encode()
            old = seal(key, entry.body, named, entry.stored - seconds)
            con.execute("UPDATE Cache SET value = ? WHERE key = ?", (old, key))


class Moody(http.server.BaseHTTPRequestHandler):
    """Answers until it is told to fail."""

    status = 200

    def do_POST(self) -> None:  # the name that http.server calls
        self.rfile.read(int(self.headers["content-length"]))
        chunk = {"choices": [{"delta": {"content": "an answer"}, "finish_reason": "stop"}]}
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        self.send_response(type(self).status)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def moody(policy: Path) -> Iterator[type[Moody]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    text = policy.read_text()
    old = text.split("http://")[1].split("/v1")[0]
    policy.write_text(text.replace(old, f"127.0.0.1:{server.server_port}"))
    Moody.status = 200
    yield Moody
    server.shutdown()
    server.server_close()
    thread.join()


STALE = {
    "within": ("30d", 9, 0, "stale"),
    "beyond": ("1d", 9, 69, "miss"),
    "not wanted": ("", 9, 69, "miss"),
    "fresh": ("30d", 1, 0, "hit"),
}


@pytest.mark.parametrize(("limit", "days", "exit", "status"), STALE.values(), ids=STALE)
def test_an_old_answer_serves_only_where_the_policy_says_so(
    nr: Nr, home: Path, policy: Path, moody: type[Moody], limit: str, days: int, exit: int,
    status: str,
) -> None:  # fmt: skip
    if limit:
        policy.write_text(f"{policy.read_text()}cache: {{stale_if_error: {limit}}}\n")
    assert nr("ask", "hi").exit == 0
    age(home, days * 86400)
    moody.status = 500
    done = nr("ask", "--json", "hi")
    assert done.exit == exit
    assert done.document["cache"]["status"] == status
    assert (done.document["answer"] == "an answer") == (exit == 0)


def test_an_old_answer_is_told_to_be_old(
    nr: Nr, home: Path, policy: Path, moody: type[Moody]
) -> None:
    policy.write_text(policy.read_text() + "cache: {stale_if_error: 30d}\n")
    nr("ask", "hi")
    age(home, 9 * 86400)
    moody.status = 401
    done = nr("ask", "hi")
    assert (done.exit, done.out) == (0, b"an answer\n")
    assert done.err == "nr: every model failed (auth); this answer is 9 days old\n"
    assert nr("ask", "-q", "hi").err == ""
    moody.status = 400
    assert nr("ask", "hi").exit == 65
