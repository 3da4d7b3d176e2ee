"""`nr log stats`: past asks are counted, shown, never guessed."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.cli.columns import width_of
from nr_cli.cli.figures import money, short_count, time_words
from nr_cli.cli.spans import cut_days, length_words
from nr_cli.store.history import History, HistoryRow, new_id
from nr_cli.store.tally import Figures, Group
from tests.conftest import Nr, command

DAY = 86_400
START = 1_772_323_200.0  # 2026-03-01 00:00 UTC
EVIL = "<script>alert(1)</script>"
ROW = HistoryRow(
    id="", time=START + 60, prompt="Why?", system=None, answer="Because.", route="code",
    model="small", model_id="p/small-1", provider="p", status="ok", exit=0, error=None,
    input_tokens=5, output_tokens=4, cost=0.25, cache="miss", ms=400.0,
    decision=json.dumps({"intent": {"value": "chat"}}),
)  # fmt: skip
HEADS = ("asks", "failed", "cached", "in", "out", "cost", "saved", "p50", "p95", "rated")
FAILURE = {
    "status": "error", "exit": 75, "cost": None, "input_tokens": None, "output_tokens": None,
    "ms": 0.0, "answer": "",
}  # fmt: skip
FIGURES = Figures(2, 0, 0, 0, 0.5, 0, 0, 0.0, 0, 0.0, 0, (), ())
LOG = (
    ROW,
    ROW._replace(time=START + 120, cache="hit", cost=0.0, ms=2.0),
    ROW._replace(time=START + DAY, route=None, model="big", model_id="q/big", **FAILURE),
    ROW._replace(time=START + 2 * DAY, model=EVIL, model_id="q/x", cost=None, decision="{}"),
)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "TZ": "UTC"}


@pytest.fixture
def keep(home: Path):
    """Writes a log of these rows; returns its file."""
    path = home / ".local/state/nr/history.db"

    def write(*rows: HistoryRow) -> Path:
        log = History(str(path))
        assert log.add_all([row._replace(id=new_id(row.time)) for row in rows]) is not None
        return path

    return write


@pytest.mark.parametrize(
    ("flags", "asks"),
    [((), 4), (("--model", "small"), 2), (("--model", "q/big"), 1), (("--route", "code"), 3),
     (("--since", "2026-03-02"), 2), (("--until", "2026-03-02"), 3),
     (("--since", "2026-03-02", "--route", "code"), 1), (("--model", "nobody"), 0)],
    ids=["none", "alias", "id", "route", "since", "until", "two", "unknown"],
)  # fmt: skip
def test_the_filters_are_those_of_the_list(nr: Nr, keep, flags: tuple[str, ...], asks: int) -> None:
    keep(*LOG)
    assert nr("log", "stats", "--json", *flags).document["total"]["asks"] == asks
    assert len(nr("log", "list", "--json", *flags).document) == asks


@pytest.mark.parametrize(
    ("by", "names"),
    [("day", ["2026-03-01", "2026-03-02", "2026-03-03"]), ("route", ["code", None]),
     ("model", ["small", EVIL, "big"]), ("intent", ["chat", None])],
    ids=["day", "route", "model", "intent"],
)  # fmt: skip
def test_by_shows_one_axis_alone(nr: Nr, keep, by: str, names: list[str | None]) -> None:
    keep(*LOG)
    document = nr("log", "stats", "--by", by, "--json").document
    assert {axis: [group[axis] for group in groups] for axis, groups in document["by"].items()} == {
        by: names
    }
    head, *lines = nr("log", "stats", "--by", by).out.decode().splitlines()
    assert head.split() == [by, *HEADS]
    assert len(lines) == len(names)


def test_the_document_has_every_figure(nr: Nr, keep) -> None:
    keep(*LOG)
    document = nr("log", "stats", "--json", "--route", "code").document
    assert document["version"] == 1
    assert document["filters"] == {"route": "code", "model": None, "since": None, "until": None}
    assert list(document["by"]) == ["day", "route", "model", "intent"]
    assert document["total"] == {
        "asks": 3,
        "failed": 0,
        "failures": [],
        "tokens": {"input": 10, "output": 8, "unknown_asks": 0},
        "cost": {"usd": 0.25, "unknown_asks": 1},
        "cache": {
            "hits": 1,
            "saved_usd": 0.25,
            "unknown_usd_hits": 0,
            "saved_ms": 398.0,
            "unknown_ms_hits": 0,
        },
        "latency_ms": {"p50": 400.0, "p90": 400.0, "p95": 400.0, "p99": 400.0, "max": 400.0},
        "ratings": {"good": 0, "bad": 0},
    }


@pytest.mark.parametrize(
    ("row", "place", "shown"),
    [(ROW._replace(cost=None), ("cost", "usd"), "?"),
     (ROW._replace(cache="hit", cost=0.0), ("cache", "saved_usd"), "?"),
     (ROW._replace(cache="hit", cost=0.0), ("cache", "saved_ms"), None),
     (ROW._replace(input_tokens=None), ("tokens", "input"), "?"),
     (ROW._replace(**FAILURE), ("latency_ms", "p50"), None)],
    ids=["cost", "saving", "time saved", "tokens", "latency"],
)  # fmt: skip
def test_what_is_unknown_is_null_never_zero(
    nr: Nr, keep, row: HistoryRow, place: tuple[str, str], shown: str | None
) -> None:
    keep(row)
    group, figure = place
    assert nr("log", "stats", "--json").document["total"][group][figure] is None
    if shown:
        assert f" {shown} " in nr("log", "stats", "--by", "day").out.decode()


def test_failures_are_told_by_exit_code(nr: Nr, keep) -> None:
    keep(*LOG, ROW._replace(status="truncated", exit=3))
    shown = nr("log", "stats").out.decode()
    assert re.search(
        r"^failures +error \(exit 75\) 1, truncated \(exit 3\) 1$", shown, re.MULTILINE
    )
    assert nr("log", "stats", "--json").document["total"]["failures"] == [
        {"status": "error", "exit": 75, "asks": 1},
        {"status": "truncated", "exit": 3, "asks": 1},
    ]


def test_an_axis_of_many_groups_is_cut_short_unless_it_is_asked_for(nr: Nr, keep) -> None:
    keep(*(ROW._replace(model=f"m{number}", time=START + number * DAY) for number in range(9)))
    shown = nr("log", "stats").out.decode()
    assert "2 more: nr log stats --by day\n" in shown
    assert "4 more: nr log stats --by model\n" in shown
    assert nr("log", "stats", "--by", "model").out.count(b"\n") == 10


def test_an_empty_log_says_so(nr: Nr, home: Path) -> None:
    assert nr("log", "stats") == (0, b"no asks\n", "")
    total = nr("log", "stats", "--json").document["total"]
    assert (total["asks"], total["cost"]) == (0, {"usd": 0.0, "unknown_asks": 0})
    assert nr("log", "stats", "--html", "page.html").exit == 0
    assert "No asks." in (home / "page.html").read_text()


@pytest.mark.parametrize("flags", [(), ("--json",), ("--html", "page.html")], ids=repr)
def test_an_unusable_log_ends_it_as_it_ends_the_list(
    nr: Nr, home: Path, flags: tuple[str, ...]
) -> None:
    (home / ".local/state/nr").mkdir(parents=True)
    (home / ".local/state/nr").chmod(0o777)
    done = nr("log", "stats", *flags)
    assert done == nr("log", "list", *(flag for flag in flags if flag == "--json"))
    assert done.exit == 1
    assert not (home / "page.html").exists()


def test_the_page_holds_names_as_text(nr: Nr, keep, home: Path) -> None:
    keep(*LOG, ROW._replace(route='"><img src=x onerror=alert(1)>', model="a\u202eb\x1b[31m"))
    assert nr("log", "stats", "--html", "page.html") == (0, b"", "")
    page = (home / "page.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<script|<img|\x1b|\u202e", page)
    shown = re.sub(r"<meta [^>]*>", "", page).replace("img src=x", "")
    assert not re.search(r"href|src|url\(|@import|https?:", shown)
    assert "default-src 'none'; style-src 'unsafe-inline'" in page


@pytest.mark.parametrize("cost", [0.0, 5e-324, 1e-9, 0.3, 1e300], ids=repr)
def test_a_page_is_drawn_of_costs_of_any_size(nr: Nr, keep, home: Path, cost: float) -> None:
    keep(ROW._replace(cost=cost), ROW._replace(time=START + DAY, cost=cost / 3))
    assert nr("log", "stats", "--html", "page.html") == (0, b"", "")
    page = (home / "page.html").read_text(encoding="utf-8")
    assert ('id="cost"' in page) == (cost > 0)
    assert not re.search(r'="-?(?:nan|inf)', page)


def test_a_new_page_is_private_an_old_one_keeps_its_mode(nr: Nr, keep, home: Path) -> None:
    keep(*LOG)
    page = home / "page.html"
    for mode in (0o600, 0o644):
        assert nr("log", "stats", "--html", "page.html").exit == 0
        assert stat.S_IMODE(page.stat().st_mode) == mode
        page.chmod(0o644)
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("flags", "exit", "said"),
    [(("--html", "."), 74, "--html .: not a regular file"),
     (("--html", "gone/page.html"), 74, "its folder is missing"),
     (("--html", "p.html", "--json"), 2, "only one of them"),
     (("--html", "p.html", "--by", "day"), 2, "only one of them"),
     (("--by", "week"), 2, "'week' is not one of"),
     (("--since", "soon"), 2, "soon: not a time")],
    ids=["folder", "no folder", "json", "by", "axis", "time"],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(
    nr: Nr, keep, home: Path, flags: tuple[str, ...], exit: int, said: str
) -> None:
    keep(*LOG)
    done = nr("log", "stats", *flags)
    assert done.exit == exit
    assert said in done.err + done.out.decode()
    assert not (home / "p.html").exists()


def test_a_closed_stdout_ends_it_by_sigpipe(keep, home: Path, environ: dict[str, str]) -> None:
    keep(*LOG)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(("log", "stats")), env=environ, cwd=home, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def show(home: Path, environ: dict[str, str], columns: int, **variables: str) -> str:
    """Returns what a terminal of that width is sent."""
    first, *rest = command(("log", "stats"))
    child = pexpect.spawn(
        first, rest, env={**environ, "TERM": "xterm", **variables}, cwd=str(home),
        dimensions=(50, columns), encoding="utf-8", timeout=20,
    )  # fmt: skip
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    return child.before.replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [20, 40, 80, 160])
@pytest.mark.parametrize(
    "variables",
    [{"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}, {"LC_ALL": "C"}],
    ids=["colour", "no colour", "ascii"],
)
def test_a_terminal_of_any_width_holds_the_report(
    keep, home: Path, environ: dict[str, str], columns: int, variables: dict[str, str]
) -> None:
    long = {"model": "東京" * 40, "model_id": "q/" + "long" * 40}
    keep(*LOG, *(ROW._replace(time=START + number * DAY, **long) for number in range(50)))
    shown = show(home, environ, columns, **variables)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert "54 (1" in shown
    wide = [line for line in lines if width_of(line) > columns and "nr log stats" not in line]
    assert not wide
    plain = "\x1b" not in shown and "─" not in shown
    assert plain == (variables != {"LC_ALL": "C.UTF-8"})
    if columns > 20:  # narrower, there is no room for plots
        assert ("#" if variables["LC_ALL"] == "C" else "█") in shown
    if variables["LC_ALL"] == "C":
        assert shown.replace("東", "").replace("京", "").isascii()


def test_a_pipe_gets_whole_names_without_plots(nr: Nr, keep) -> None:
    keep(ROW._replace(model="x" * 300), ROW._replace(time=START + DAY))
    shown = nr("log", "stats").out
    assert b"x" * 300 in shown
    assert shown.isascii()
    assert b"\x1b" not in shown


def sample() -> list[HistoryRow]:
    """Returns three weeks of asks, the log whose report docs/statistics.md shows."""
    rows = []
    for number in range(240):
        moment = START + (number * number + number // 13 * 3) % 21 * DAY + number * 97
        model, cost, ms = (
            ("mini", 0.0004, 700.0), ("large", 0.011, 2900.0), ("local", None, 1900.0)
        )[(number % 8 > 3) + (number % 8 > 6)]  # fmt: skip
        row = ROW._replace(
            time=moment, prompt=f"question {number // 3}", model=model, model_id=f"p/{model}",
            route=("facts", "code", "default")[number % 7 % 3], cost=cost, ms=ms + number * 7 % 900,
            input_tokens=40 + number, output_tokens=300 + number * 3 % 500,
            decision=json.dumps({"intent": {"value": ("chat", "code", "math")[number % 11 % 3]}}),
        )  # fmt: skip
        rows.append(row)
        if number % 3 == 0:
            rows.append(row._replace(time=moment + 3600, cache="hit", cost=0.0, ms=3.0))
        if number % 16 == 9:
            rows.append(row._replace(time=moment + 60, **FAILURE))
    return rows


def test_the_report_in_the_documents_is_the_one_printed(
    keep, home: Path, environ: dict[str, str]
) -> None:
    keep(*sample())
    shown = show(home, environ, 76, LC_ALL="C.UTF-8", NO_COLOR="1")
    page = Path(__file__).parents[2] / "docs" / "statistics.md"
    assert f"```text\n{shown}```" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("length", "words"),
    [(1, "a day"), (7, "a week"), (30, "every 30 days"), (365, "every 365 days")],
)
def test_a_span_of_any_length_is_told_in_words(length: int, words: str) -> None:
    assert length_words(length) == words


@given(st.sets(st.integers(0, 5_000), min_size=1), st.integers(1, 200))
def test_spans_hold_every_day_once_without_a_gap(days: set[int], most: int) -> None:
    first = date(2020, 1, 1)
    groups = [Group((first + timedelta(day)).isoformat(), FIGURES) for day in sorted(days)]
    length, spans = cut_days(groups, most)
    assert sum(span.asks for span in spans) == 2 * len(days)
    assert len(spans) <= most or length == 365
    assert (spans[0].first, spans[-1].last) == (groups[0].name, groups[-1].name)
    for one, other in pairwise(spans):
        assert date.fromisoformat(other.first) - date.fromisoformat(one.last) == timedelta(1)


@pytest.mark.parametrize(
    ("said", "words"),
    [(money(0), "$0.00"), (money(1234.5), "$1,234.50"), (money(0.5), "$0.50"),
     (money(0.0125), "$0.0125"), (money(0.00004), "$0.000040"), (money(1e-9), "<$0.000001"),
     (money(2.5e15), "$2.5e+15"), (short_count(999), "999"), (short_count(1_000), "1.0k"),
     (short_count(99_960), "100k"), (short_count(999_600), "1.0M"),
     (short_count(10**16), "1.0e+16"),
     (time_words(None), "-"), (time_words(2), "2.0 ms"), (time_words(999.4), "999 ms"),
     (time_words(999.6), "1.0 s"), (time_words(99_960), "100 s")],
)  # fmt: skip
def test_numbers_are_short_and_exact_enough(said: str, words: str) -> None:
    assert said == words
