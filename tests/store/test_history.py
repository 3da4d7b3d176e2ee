"""The log keeps every ask it said it kept; none fails because of it."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.store import spool
from nr_cli.store.discreet import MAX_ANSWER, columns_of
from nr_cli.store.history import History, HistoryRow, new_id

ROW = HistoryRow(
    id=new_id(1000.0), time=1000.0, prompt="Why is the sky blue?", system=None,
    answer="Rayleigh scattering.", route="facts", model="small", model_id="p/small-1",
    provider="p", status="ok", exit=0, error=None, input_tokens=5, output_tokens=4, cost=0.001,
    cache="miss", ms=12.5, decision='{"version": 1}',
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "nr" / "history.db"


@pytest.fixture
def log(path):
    return History(str(path))


def add(log, **changes):
    moment = changes.get("time", ROW.time)
    row = ROW._replace(id=new_id(moment), **changes)
    assert log.add(row), log.trouble
    return row


def test_a_row_comes_back_as_it_was(log):
    assert log.add(ROW)
    assert log.list(10) == (ROW,)
    assert log.show(ROW.id) == log.show(ROW.id[:20]) == log.show(ROW.id.lower()) == ROW


def test_ids_sort_by_time():
    ids = [new_id(moment) for moment in (1.0, 1000.5, 1.8e9)]
    assert ids == sorted(ids)
    assert {len(id) for id in ids} == {26}


def test_an_ambiguous_beginning_shows_nothing(log):
    add(log)
    add(log)
    assert log.show(ROW.id[:8]) is None
    assert log.show("") is None


def test_reading_a_log_that_is_not_there_makes_none(log, path):
    assert (log.list(5), log.search("x", 5), log.show("A"), log.trouble) == ((), (), None, None)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("filters", "times"),
    [
        pytest.param({}, [3.0, 2.0, 1.0], id="all"),
        pytest.param({"route": "code"}, [2.0], id="route"),
        pytest.param({"model": "big"}, [3.0], id="alias"),
        pytest.param({"model": "p/big-1"}, [3.0], id="model id"),
        pytest.param({"since": 2.0}, [3.0, 2.0], id="since"),
        pytest.param({"until": 2.0}, [2.0, 1.0], id="until"),
        pytest.param({"since": 1.5, "until": 2.5, "route": "code"}, [2.0], id="both ends"),
    ],
)
def test_filters_narrow_list_and_search_alike(log, filters, times):
    add(log, time=1.0)
    add(log, time=2.0, route="code")
    add(log, time=3.0, model="big", model_id="p/big-1")
    assert [row.time for row in log.list(10, **filters)] == times
    assert [row.time for row in log.search("sky", 10, **filters)] == times


@pytest.mark.parametrize(
    "query",
    ["sky", "SKY blue", "rayleigh", "scatter", "ky blu", 'sky "blue?"', "blue?"],
)
def test_search_finds_words_then_pieces(log, query):
    add(log)
    add(log, prompt="nothing", answer="else")
    assert len(log.search(query, 10)) == 1


@settings(deadline=None, max_examples=60)
@given(st.text() | st.sampled_from(['"', "a AND", "NEAR(", "prompt:x", "*", "-a", "\0", "\ud800"]))
def test_no_query_is_a_syntax_error(tmp_path_factory, query):
    log = History(str(tmp_path_factory.getbasetemp() / "queries" / "h.db"))
    if not log.list(1):
        add(log)
    log.search(query, 5)
    assert log.trouble is None


def test_a_percent_sign_is_not_a_wildcard(log):
    add(log)
    assert log.search("s%y", 5) == ()


@settings(deadline=None, max_examples=40)
@given(st.text(), st.text())
def test_any_text_is_kept(tmp_path_factory, prompt, answer):
    log = History(str(tmp_path_factory.getbasetemp() / "texts" / "h.db"))
    row = ROW._replace(id=new_id(time.time()), prompt=prompt, answer=answer)
    assert log.add(row)
    assert log.show(row.id)[2:5] == (prompt, None, answer)


def test_lone_surrogates_are_spelled_out(log):
    row = add(log, prompt="a\ud800b", answer="\udc80", error="\udfff", route="\ud801")
    kept = log.show(row.id)
    assert (kept.prompt, kept.answer, kept.error) == ("a\\ud800b", "\\udc80", "\\udfff")
    assert log.list(5, route="\ud801")[0].id == row.id


def test_a_prompt_with_a_secret_is_kept_as_a_digest(log, path):
    row = add(log, prompt="my key is topsecretvalue", system="topsecretvalue", prompt_hashed=True)
    kept = log.show(row.id)
    assert kept.prompt.startswith("sha256:")
    assert kept.prompt_hashed is True
    assert log.search("topsecretvalue", 5) == ()
    assert all(b"topsecretvalue" not in file.read_bytes() for file in path.parent.iterdir())


def test_a_long_answer_keeps_its_beginning_and_digest(log):
    row = add(log, answer="é" * MAX_ANSWER)
    kept = log.show(row.id)
    assert kept.answer == "é" * (MAX_ANSWER // 2)
    assert len(kept.answer_digest) == 64


def test_a_count_beyond_64_bits_is_kept(log):
    assert log.show(add(log, input_tokens=10**30).id).input_tokens == 2**63 - 1


def make_directory(path):
    path.unlink()
    path.mkdir()


def make_dangling(path):
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def make_foreign(path):
    path.unlink()
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE asks (mine TEXT)")
    con.close()


def garble(path):
    """Puts bytes that are no UTF-8 into the schema, of which SQLite's error message tells."""
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"CREATE TABLE asks", b"CREATE\xb8TABLE asks", 1))


DAMAGES = {
    "garbled schema": garble,
    "random": lambda path: path.write_bytes(os.urandom(9000)),
    "truncated": lambda path: os.truncate(path, 5000),
    "directory": make_directory,
    "dangling link": make_dangling,
    "foreign schema": make_foreign,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_log_is_set_aside_for_a_new_one(log, path, damage):
    add(log)
    damage(path)
    row = add(log)
    assert log.list(5) == (row,)
    assert len(list(path.parent.glob("bad-history.db-*"))) == 1


def test_a_garbled_log_costs_an_ask_nothing(log, path, nr):
    add(log)
    garble(path)
    done = nr("ask", "--json", "-m", "cat/x", "hi", env={"NR_STATE_DIR": str(path.parent)})
    assert (done.exit, done.err) == (0, "")
    assert done.document["answer"] == "hi"
    assert [row.prompt for row in log.list(5)] == ["hi"]


def test_no_limit_is_too_large_to_be_understood(nr):
    assert nr("log", "list", "-n", str(2**63 - 1)).exit == 0
    done = nr("log", "list", "-n", str(2**66))
    assert (done.exit, done.out) == (2, b"")


def test_reading_a_damaged_log_says_so(log, path):
    add(log)
    path.write_bytes(os.urandom(9000))
    assert log.list(5) == ()
    assert log.trouble


ODD = ["NULL", "'text'", "x'ff00'", "9e999", "-9e999", "1e300", "1.5", "''", str(2**63 - 1)]


@pytest.mark.parametrize("value", ODD)
def test_a_row_that_something_else_wrote_is_listed_with_what_it_holds(log, path, nr, value):
    row = add(log)
    kept = ("id", "time") if value == "NULL" else ("id",)  # the schema lets neither be NULL
    names = [name for name in HistoryRow._fields if name not in kept]
    con = sqlite3.connect(path)
    con.execute(f"UPDATE asks SET {', '.join(f'{name} = {value}' for name in names)}")
    con.commit()
    con.close()
    (found,) = log.list(5)
    assert found.id == row.id
    place = {"NR_STATE_DIR": str(path.parent)}
    for command in (["list"], ["list", "--json"], ["show", row.id, "--json"]):
        done = nr("log", *command, env=place)
        assert (done.exit, row.id in done.out.decode()) == (0, True)
    assert nr("log", "show", row.id, env=place).exit == 0


@pytest.mark.parametrize("kind", ["under a file", "none"])
def test_a_place_that_cannot_be_had_costs_the_row_alone(tmp_path, kind):
    (tmp_path / "file").touch()
    log = History(None if kind == "none" else str(tmp_path / "file" / "nr" / "h.db"))
    assert not log.add(ROW)
    assert log.trouble


def test_a_locked_log_is_given_up_soon(log, path):
    add(log)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    assert log.add(ROW)
    assert time.monotonic() - start < 0.7
    assert len(log.list(5)) == 1
    other.close()
    assert len(log.list(5)) == 2
    assert len(History(str(path)).list(5)) == 2


def test_rows_that_waited_are_put_in_once(log, path):
    add(log)
    later = columns_of(ROW._replace(id="01" + "Z" * 24))
    spool.append(str(path), [columns_of(ROW)])
    # as whoever took them away and was killed before they were gone
    path.with_name(f"{path.name}.spool").rename(path.with_name(f"{path.name}.spool.taken"))
    spool.append(str(path), [columns_of(ROW), later])
    assert [len(log.list(9)) for _ in range(3)] == [2, 3, 3]
    assert not spool.waits(str(path))


@pytest.mark.parametrize("content", [b"", b"[1, 2", b"null\n", b"\xff\n", b"[" * 9999])
def test_damage_of_what_waits_costs_nothing(log, path, content):
    add(log)
    (path.parent / f"{path.name}.spool").write_bytes(content)
    assert len(log.list(9)) == 1
    assert add(log)


def test_files_are_private_under_any_umask(log, path):
    old = os.umask(0)
    try:
        add(log)
        reader = sqlite3.connect(path)
        reader.execute("SELECT * FROM asks").fetchone()
        add(log)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        reader.close()
    finally:
        os.umask(old)
    assert set(modes) >= {"history.db", "history.db-wal", "history.db-shm"}
    assert set(modes.values()) == {0o600}


WORKER = """
import sys
from nr_cli.store.history import History, HistoryRow, new_id
log = History(sys.argv[1])
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    row = HistoryRow(new_id(1.0), 1.0, "p", None, "a", None, None, None, None, "ok", 0, None,
                     1, 1, None, "off", 1.0, "{}")
    print(row.id if log.add(row) else "-" + log.trouble, flush=True)
"""


def start_worker(path, rows):
    command = [sys.executable, "-c", WORKER, str(path), str(rows)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_eight_first_times_at_once_all_succeed(log, path):
    workers = [start_worker(path, 1) for _ in range(8)]
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    acked = [worker.communicate()[0].strip() for worker in workers]
    assert sorted(acked) == sorted(row.id for row in log.list(20))
    assert len(acked) == 8


def test_a_killed_writer_loses_nothing_it_was_told_is_kept(log, path):
    acked = []
    for rows in range(1, 7):
        worker = start_worker(path, 1000)
        worker.stdin.write("\n")
        worker.stdin.flush()
        acked += [worker.stdout.readline().strip() for _ in range(rows * 5)]
        worker.send_signal(signal.SIGKILL)
        acked += worker.stdout.read().split("\n")[:-1]
        worker.communicate()
    kept = {row.id for row in log.list(10_000)}
    assert {id for id in acked if not id.startswith("-")} <= kept
    assert not list(path.parent.glob("bad-*"))
