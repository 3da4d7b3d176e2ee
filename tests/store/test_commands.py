"""The `nr cache` with `nr log` commands show what is kept, harmlessly."""

import json
import os
import pty
import time

import pytest
from typer.testing import CliRunner

from nr_cli.cli.commands import cache as cache_commands
from nr_cli.cli.commands import log as log_commands
from nr_cli.errors import ConfigError, InputError, UsageError
from nr_cli.store.cache import Cache
from nr_cli.store.history import History, HistoryRow, new_id

NOW = time.time()
ROW = HistoryRow(
    id=new_id(NOW), time=NOW, prompt="say \x1b]0;boo\x07 it", system=None,
    answer="two\r\nlines \x1b[31m\n", route="r1", model="m1", model_id="p/m1", provider="p",
    status="ok", exit=0, error=None, input_tokens=1, output_tokens=2, cost=None, cache="miss",
    ms=1.0, decision='{"version": 1}',
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
    env = {"HOME": str(tmp_path), "NR_CACHE_DIR": str(tmp_path / "c")}
    env |= {"NR_STATE_DIR": str(tmp_path / "d")}

    def invoke(app, *args, **changes):
        return CliRunner().invoke(app, args, env={**env, **changes})

    return invoke


@pytest.fixture
def kept(tmp_path):
    log = History(str(tmp_path / "d" / "history.db"))
    assert log.add(ROW)
    assert log.add(ROW._replace(id=new_id(NOW - 9e5), time=NOW - 9e5, route="r2"))
    cache = Cache(str(tmp_path / "c"))
    assert cache.put("a" * 64, b"x", {})
    cache.close()


@pytest.mark.parametrize(
    ("app", "tail"),
    [(cache_commands.app, "/c/cache.db"), (log_commands.app, "/d/history.db")],
    ids=["cache", "log"],
)
def test_path_names_the_file_though_it_does_not_exist(run, tmp_path, app, tail):
    done = run(app, "path")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}{tail}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("app", [cache_commands.app, log_commands.app], ids=["cache", "log"])
def test_path_without_any_directory_says_what_to_set(run, app):
    nowhere = {"HOME": "", "NR_CACHE_DIR": "", "NR_STATE_DIR": ""}
    nowhere |= {"XDG_CACHE_HOME": "", "XDG_STATE_HOME": ""}
    done = run(app, "path", **nowhere)
    assert isinstance(done.exception, ConfigError)
    assert "HOME" in done.exception.hint


def test_cache_is_counted_then_cleared(run, kept):
    assert json.loads(run(cache_commands.app, "stats", "--json").stdout)["entries"] == 1
    assert "answers  1\n" in run(cache_commands.app, "stats").stdout
    assert run(cache_commands.app, "prune").stdout == "removed 0 answers\n"
    assert run(cache_commands.app, "clear").stdout == "removed 1 answer\n"
    assert json.loads(run(cache_commands.app, "stats", "--json").stdout)["entries"] == 0


@pytest.mark.parametrize("args", [["stats"], ["prune"], ["clear"]], ids=lambda args: args[0])
def test_cache_commands_work_on_nothing(run, args):
    assert run(cache_commands.app, *args).exit_code == 0


def test_list_is_harmless_lines_or_json(run, kept):
    lines = run(log_commands.app, "list").stdout
    assert len(lines.splitlines()) == 2
    assert "\x1b" not in lines
    assert "\x07" not in lines
    rows = json.loads(run(log_commands.app, "list", "--json", "-n", "1").stdout)
    assert [(row["id"], row["decision"]) for row in rows] == [(ROW.id, {"version": 1})]


@pytest.mark.parametrize(
    ("args", "count"),
    [
        (["--route", "r2"], 1), (["--model", "p/m1"], 2), (["--since", "2d"], 1),
        (["--until", "2d"], 1), (["--since", "2000-01-01"], 2), (["--limit", "1"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_filters_narrow_list_and_search(run, kept, args, count):
    assert len(run(log_commands.app, "list", *args).stdout.splitlines()) == count
    assert len(run(log_commands.app, "search", "two", *args).stdout.splitlines()) == count


def test_show_in_a_pipe_is_the_answer_byte_for_byte(run, kept):
    assert run(log_commands.app, "show", ROW.id).stdout_bytes == ROW.answer.encode()


def test_show_on_a_terminal_is_harmless(run, kept, tmp_path):
    env = {"NR_STATE_DIR": str(tmp_path / "d"), "PATH": os.environ["PATH"]}
    code = "from nr_cli.cli.commands.log import app; app()"
    pid, screen = pty.fork()
    if not pid:
        import sys

        os.execve(sys.executable, [sys.executable, "-c", code, "show", ROW.id], env)
    shown = b""
    try:
        while piece := os.read(screen, 4096):
            shown += piece
    except OSError:
        pass  # Linux says so that the other end is closed
    os.close(screen)
    os.waitpid(pid, 0)
    assert b"^[[31m" in shown
    assert b"\x1b" not in shown


def test_show_of_an_unknown_id_is_missing_input(run, kept):
    assert isinstance(run(log_commands.app, "show", "ZZZ").exception, InputError)


@pytest.mark.parametrize("text", ["", "d", "yesterday", "2d3", "9999999999d", "²d"])
def test_what_is_not_a_time_is_a_usage_error(text):
    with pytest.raises(UsageError):
        log_commands.parse_time(text, NOW)


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("3h", 10_800), ("2d", 172_800)])
def test_an_age_counts_back_from_now(text, ago):
    assert log_commands.parse_time(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    "args", [["list"], ["search", "x"], ["show", "01"]], ids=lambda args: args[0]
)
def test_a_log_that_cannot_be_read_is_an_error_with_a_document(run, nr, environ, args):
    path = nr("log", "path").out.decode().strip()
    os.makedirs(path)  # a directory in the file's place
    done = nr("log", *args, "--json")
    assert done.exit == 1
    assert done.err == ""
    assert done.document["error"]["exit"] == 1
    assert "nr log path" in done.document["error"]["hint"]
    os.makedirs(path, exist_ok=True)
    assert nr("log", *args).err.startswith("nr: log: ")


@pytest.mark.parametrize(
    "args",
    [
        ["cache", "prune", "--days", "nan"], ["cache", "prune", "--days", "inf"],
        ["cache", "prune", "--days", "-1"], ["cache", "prune", "--days", "many"],
        ["log", "list", "-n", "9" * 20], ["log", "list", "-n", "9" * 5000],
        ["log", "list", "-n", "0"],
        ["ask", "--timeout", "nan", "-"], ["route", "--timeout", "inf", "q"],
        ["batch", "--timeout", "nan", "x.jsonl"], ["ask", "--timeout", "1e9", "q"],
    ],
    ids=lambda args: " ".join(args)[:40],
)  # fmt: skip
def test_a_number_without_an_end_is_a_usage_error(nr, args):
    done = nr(*args, stdin=b"x")
    assert (done.exit, done.out) == (2, b"")
    assert len(done.err.splitlines()) <= 3
