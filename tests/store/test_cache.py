"""The cache fails no ask; nothing comes out that was not put in."""

import hashlib
import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.store.cache import MAX_BODY, Cache

KEY = hashlib.sha256(b"key").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
BODY = b"an answer, \x00 byte for byte \xff"
LABELS = {"model": "m", "prompt": "#12ab"}
NOW = 1_800_000_000.0


def key_of(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "nr"


@pytest.fixture
def filled(folder):
    put_once(folder, KEY)
    put_once(folder, OTHER, b"the other answer")
    return folder


def put_once(folder, key=KEY, body=BODY, at=NOW):
    cache = Cache(str(folder), clock=lambda: at)
    kept = cache.put(key, body, LABELS)
    cache.close()
    return kept


def get_once(folder, key=KEY, ttl=60.0, at=NOW):
    cache = Cache(str(folder), clock=lambda: at)
    entry = cache.get(key, ttl)
    cache.close()
    return entry


def alter(folder, sql, *values):
    con = sqlite3.connect(folder / "cache.db")
    con.execute(sql, values)
    con.commit()
    con.close()


def test_what_was_put_is_got_with_its_time_and_labels(filled):
    entry = get_once(filled)
    assert (entry.body, entry.stored, entry.labels) == (BODY, NOW, LABELS)


def test_a_second_put_replaces_the_first(filled):
    put_once(filled, KEY, b"newer")
    assert get_once(filled).body == b"newer"


def test_a_read_creates_nothing(folder):
    assert get_once(folder) is None
    assert not folder.exists()


def test_reading_does_not_import_diskcache(filled):
    code = (
        "import sys; from nr_cli.store.cache import Cache;"
        f"assert Cache({str(filled)!r}, clock=lambda: {NOW}).get({KEY!r}, 60);"
        "assert not {'diskcache', 'shutil', 'tempfile'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("later", "ttl", "is_hit"),
    [
        pytest.param(59, 60, True, id="fresh"),
        pytest.param(61, 60, False, id="expired"),
        pytest.param(-59, 60, True, id="clock a little behind"),
        pytest.param(-61, 60, False, id="from the future"),
        pytest.param(-86_400, 1e9, False, id="clock a day back"),
        pytest.param(3.15e8, 604_800, False, id="ten years on"),
    ],
)
def test_an_entry_counts_within_its_ttl_only(filled, later, ttl, is_hit):
    assert (get_once(filled, ttl=ttl, at=NOW + later) is not None) == is_hit


def test_labels_of_recent_entries_come_newest_first(filled):
    put_once(filled, key_of(3), at=NOW + 5)
    cache = Cache(str(filled))
    assert [row[0] for row in cache.recent(1)] == [key_of(3)]
    assert [row[2] for row in cache.recent(9)] == [LABELS] * 3


def test_prune_removes_expired_and_future_entries_alone(filled):
    put_once(filled, key_of(3), at=NOW - 100)
    put_once(filled, key_of(4), at=NOW + 100)
    cache = Cache(str(filled), clock=lambda: NOW)
    assert cache.prune(60) == 2
    assert cache.stats().entries == 2
    cache.close()


def test_clear_removes_everything_with_what_was_set_aside(filled):
    (filled / "cache.db").write_bytes(b"x" * 5000)
    assert put_once(filled)
    assert list(filled.glob("bad-*"))
    cache = Cache(str(filled))
    assert cache.clear() == 1
    assert cache.stats().entries == 0
    cache.close()
    assert not list(filled.glob("bad-*"))


def test_clear_gives_the_space_back(folder):
    cache = Cache(str(folder))
    for number in range(520):
        assert cache.put(key_of(number), os.urandom(3000), {})
    assert cache.stats().bytes > 1_500_000
    assert cache.clear() == 520
    assert (folder / "cache.db").stat().st_size < 100_000
    cache.close()


def replace_with(content):
    def damage(folder):
        (folder / "cache.db").write_bytes(content)

    return damage


def truncate(folder):
    os.truncate(folder / "cache.db", 5000)


def make_directory(folder):
    (folder / "cache.db").unlink()
    (folder / "cache.db").mkdir()


def make_link(target):
    def damage(folder):
        (folder / "cache.db").unlink()
        (folder / "cache.db").symlink_to(folder / target)

    return damage


def make_fifo(folder):
    (folder / "cache.db").unlink()
    os.mkfifo(folder / "cache.db")


def make_foreign(folder):
    (folder / "cache.db").unlink()
    alter(folder, "CREATE TABLE Cache (mine TEXT)")


def run_sql(sql):
    return lambda folder: alter(folder, sql)


def swap_values(folder):
    con = sqlite3.connect(folder / "cache.db")
    rows = dict(con.execute("SELECT key, value FROM Cache"))
    con.execute("UPDATE Cache SET value = ? WHERE key = ?", (rows[OTHER], KEY))
    con.commit()
    con.close()


def garble(folder):
    path = folder / "cache.db"
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE\xb8TABLE", 1))


DAMAGES = {
    "garbled schema": garble,
    "zero length": replace_with(b""),
    "random": replace_with(os.urandom(20_000)),
    "text": replace_with(b"hello\n" * 1000),
    "header only": replace_with(b"SQLite format 3\0"),
    "truncated": truncate,
    "directory": make_directory,
    "dangling link": make_link("nowhere"),
    "fifo": make_fifo,
    "foreign schema": make_foreign,
    "table dropped": run_sql("DROP TABLE Cache"),
    "text value": run_sql("UPDATE Cache SET value = 'hello'"),
    "null value": run_sql("UPDATE Cache SET value = NULL"),
    "cut value": run_sql("UPDATE Cache SET value = substr(value, 1, 60)"),
    "swapped value": swap_values,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_a_miss_then_the_cache_works_again(filled, damage):
    damage(filled)
    assert get_once(filled) is None
    assert put_once(filled)
    assert get_once(filled).body == BODY


def test_a_database_that_can_be_read_but_not_written_is_replaced(filled):
    alter(filled, "DROP TABLE Settings")
    assert get_once(filled).body == BODY
    assert put_once(filled, KEY, b"newer")
    assert get_once(filled).body == b"newer"


@pytest.mark.parametrize("part", ["-wal", "-shm"])
def test_garbage_beside_the_database_does_no_harm(filled, part):
    (filled / f"cache.db{part}").write_bytes(os.urandom(40_000))
    assert get_once(filled).body == BODY
    assert put_once(filled)
    assert get_once(filled).body == BODY


def test_a_log_left_by_another_database_is_not_read_into_a_new_one(filled):
    (filled / "cache.db").unlink()
    (filled / "cache.db-wal").write_bytes(os.urandom(9000))
    assert put_once(filled)
    assert get_once(filled).body == BODY


class Marker:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("column", ["value", "key"])
def test_a_pickle_in_the_database_is_never_loaded(filled, tmp_path, column):
    marker = tmp_path / "marker"
    sql = {
        "value": "UPDATE Cache SET mode = 4, value = ?",
        "key": "UPDATE Cache SET raw = 0, key = ? WHERE key = (SELECT MIN(key) FROM Cache)",
    }[column]
    alter(filled, sql, pickle.dumps(Marker(marker)))
    cache = Cache(str(filled), clock=lambda: NOW)
    hits = [cache.get(key, 60) for key in (KEY, OTHER)]
    assert None in hits
    assert len(list(cache.recent(10))) == 2 - hits.count(None)
    assert cache.stats().entries == 2
    assert cache.put(KEY, BODY, {})
    assert cache.clear() is not None
    cache.close()
    assert not marker.exists()


def test_a_file_named_by_a_row_is_neither_read_nor_removed(filled, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"private")
    alter(filled, "UPDATE Cache SET mode = 2, value = NULL, filename = ?", str(victim))
    assert get_once(filled) is None
    assert put_once(filled)
    cache = Cache(str(filled))
    cache.clear()
    cache.close()
    assert victim.read_bytes() == b"private"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1))
def test_flipped_bytes_never_give_a_wrong_answer(tmp_path_factory, flips):
    folder = tmp_path_factory.mktemp("flip") / "nr"
    for number in range(6):
        assert put_once(folder, key_of(number), b"answer %d" % number * 50)
    path = folder / "cache.db"
    content = bytearray(path.read_bytes())
    for place, mask in flips[:8]:
        content[int(place * len(content))] ^= mask
    path.write_bytes(content)
    for number in range(6):
        entry = get_once(folder, key_of(number))
        assert entry is None or entry.body == b"answer %d" % number * 50
        put_once(folder, key_of(number), b"answer %d" % number * 50)


@pytest.mark.parametrize("kind", ["under a file", "link", "open to all", "none"])
def test_a_directory_that_cannot_be_trusted_is_a_miss(tmp_path, filled, kind):
    folder = tmp_path / "elsewhere"
    if kind == "under a file":
        (tmp_path / "file").touch()
        folder = tmp_path / "file" / "nr"
    elif kind == "link":
        folder.symlink_to(filled)
    elif kind == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    cache = Cache(None if kind == "none" else str(folder))
    assert cache.get(KEY, 1e12) is None
    assert not cache.put(KEY, BODY, {})
    assert not any(cache.recent(5))
    assert cache.stats().entries == 0


def test_a_directory_removed_meanwhile_is_made_again(filled):
    cache = Cache(str(filled), clock=lambda: NOW)
    assert cache.put(KEY, BODY, {})
    subprocess.run(["rm", "-rf", str(filled)], check=True)
    assert cache.get(KEY, 60) is None
    assert cache.put(KEY, BODY, {})
    assert cache.get(KEY, 60).body == BODY
    cache.close()


def test_another_writer_delays_nobody_for_long(filled):
    other = sqlite3.connect(filled / "cache.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    assert get_once(filled).body == BODY
    assert not put_once(filled, key_of(9))
    assert time.monotonic() - start < 0.6
    other.close()
    assert put_once(filled, key_of(9))


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=["000", "777"])
def test_files_are_private_under_any_umask(folder, umask):
    old = os.umask(umask)
    try:
        cache = Cache(str(folder), clock=lambda: NOW)
        assert cache.put(KEY, BODY, {})
        assert cache.get(KEY, 60)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        cache.close()
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes) >= {"cache.db", "cache.db-wal"}
    assert {mode & 0o077 for mode in modes.values()} == {0}


def test_an_answer_over_4_mib_is_not_kept(folder):
    assert not put_once(folder, KEY, bytes(MAX_BODY + 1))
    assert put_once(folder, KEY, bytes(MAX_BODY))
    assert len(get_once(folder).body) == MAX_BODY


def test_the_directory_stays_within_its_limit_and_the_oldest_go(folder):
    limit = 5_000_000
    cache = Cache(str(folder), max_bytes=limit, clock=iter(range(10_000)).__next__)
    sizes = [300_000, 20_000, 1_000_000, 2_000, 1_900_000] * 6
    for number, size in enumerate(sizes):
        assert cache.put(key_of(number), os.urandom(size), {}), cache.trouble
        assert sum(path.stat().st_size for path in folder.iterdir()) <= limit + 5_000_000
    kept = {key for key, _, _ in cache.recent(100)}
    cache.close()
    assert kept == {key_of(number) for number in range(len(sizes) - len(kept), len(sizes))}
    assert len(kept) >= 2


WORKER = """
import sys
from nr_cli.store.cache import Cache
from hashlib import sha256
folder, first = sys.argv[1], int(sys.argv[2])
for number in range(first, first + 20):
    key = sha256(str(number % 30).encode()).hexdigest()
    cache = Cache(folder)
    entry = cache.get(key, 1e12)
    assert entry is None or entry.body == key.encode()
    kept = cache.put(key, key.encode(), {})
    cache.close()
    print(key if kept else "-", flush=True)
"""


def start_worker(folder, first):
    command = [sys.executable, "-c", WORKER, str(folder), str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_eight_processes_share_a_cold_cache(folder):
    workers = [start_worker(folder, first) for first in range(0, 80, 10)]
    acked = [line for worker in workers for line in worker.communicate()[0].split()]
    assert [worker.returncode for worker in workers] == [0] * 8
    assert len(acked) == 160
    cache = Cache(str(folder))
    assert all(cache.get(key, 1e12).body == key.encode() for key in acked if key != "-")
    assert acked.count("-") < 16
    assert not list(folder.glob("bad-*"))
    con = sqlite3.connect(folder / "cache.db")
    assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    con.close()


def test_clearing_meanwhile_harms_no_writer(folder):
    workers = [start_worker(folder, first) for first in (0, 7, 14)]
    while any(worker.poll() is None for worker in workers):
        cache = Cache(str(folder))
        assert cache.clear() is not None, cache.trouble
        cache.close()
    for worker in workers:
        worker.communicate()
    assert [worker.returncode for worker in workers] == [0] * 3
    assert not list(folder.glob("bad-*"))


def test_a_killed_writer_loses_nothing_it_was_told_is_kept(folder):
    for kept in range(1, 9):
        worker = start_worker(folder, kept)
        acked = [worker.stdout.readline().strip() for _ in range(kept)]
        worker.send_signal(signal.SIGKILL)
        acked += worker.stdout.read().split("\n")[:-1]
        worker.stdout.close()
        worker.wait()
        cache = Cache(str(folder))
        for key in acked:
            assert key == "-" or cache.get(key, 1e12).body == key.encode()
    assert put_once(folder)
    assert {path.name for path in Path(folder).iterdir()} <= {
        "cache.db", "cache.db-wal", "cache.db-shm", "cache.lock",
    }  # fmt: skip


def test_a_killed_first_time_leaves_no_obstacle(folder):
    (folder / "new").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "new" / "cache.db").write_bytes(b"half")
    assert put_once(folder)
    assert not (folder / "new").exists()


def test_a_get_uses_the_index(filled):
    con = sqlite3.connect(filled / "cache.db")
    from nr_cli.store.cache import SELECT_ONE

    plan = con.execute("EXPLAIN QUERY PLAN " + SELECT_ONE, (KEY, 9)).fetchall()
    con.close()
    assert "USING INDEX Cache_key_raw (key=? AND raw=?)" in plan[0][3]
