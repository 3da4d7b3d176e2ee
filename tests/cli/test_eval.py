"""`nr eval` as its users run it."""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from nr_cli.errors import ExitCode
from tests.conftest import Nr

ROWS = [
    {"prompt": "Prove that 2 is prime", "intent": "math", "band": "hard", "source": "a",
     "outcomes": {"small": 0, "large": 1}},
    {"prompt": "hello", "label": "chat", "band": "trivial", "language": "en",
     "outcomes": {"small": 1, "large": 1}},
]  # fmt: skip


def lines(rows: list) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def data(home: Path) -> str:
    (home / "rows.jsonl").write_bytes(lines(ROWS))
    return "rows.jsonl"


def test_the_document_holds_every_part_that_rows_allow(nr: Nr, data: str) -> None:
    found = nr("eval", data, "--json").document
    whole = found["overall"]
    assert (whole["rows"], whole["intent"]["accuracy"], whole["route"]) == (2, 1, None)
    assert whole["outcomes"]["routers"]["oracle"]["apgr"] == pytest.approx(0.75)
    assert (whole["outcomes"]["weak"], whole["outcomes"]["strong"]) == ("small", "large")
    assert (set(found["by_source"]), set(found["by_language"])) == ({"a"}, {"en"})
    assert found["latency_ms"]["median"] > 0


def test_a_bad_row_is_named_and_counted(nr: Nr) -> None:
    done = nr("eval", "-", "--json", stdin=b"oops\n" + lines(ROWS))
    assert (done.exit, done.document["bad_rows"]) == (0, 1)
    assert done.err.startswith("nr: -:1: not JSON")


@pytest.mark.parametrize(
    ("weak", "strong"), [(False, True), (0.25, 1.0), ([2, 4.0], [10, 8])], ids=str
)
def test_rows_of_weak_and_strong_need_no_conversion(
    nr: Nr, home: Path, weak: object, strong: object
) -> None:
    rows = [{"prompt": "Prove it", "weak": weak, "strong": strong, "contaminated": dirty}
            for dirty in (True, False)]  # fmt: skip
    (home / "rows.jsonl.gz").write_bytes(gzip.compress(lines(rows)))
    part = nr("eval", "rows.jsonl.gz", "--json").document["overall"]["outcomes"]
    assert (part["rows"], part["contaminated"], part["weak"]) == (1, 1, "weak")


@pytest.mark.parametrize(
    ("stdin", "arguments", "status"),
    [
        (b"oops\n", ("-",), ExitCode.BAD_DATA),
        (b"", ("-",), ExitCode.BAD_DATA),
        (None, ("gone.jsonl",), ExitCode.NO_INPUT),
        (None, ("rows.jsonl", "--weak", "tiny"), ExitCode.USAGE),
        (None, ("rows.jsonl", "--plot", "x.gif"), ExitCode.USAGE),
        (None, ("rows.jsonl", "--min-accuracy", "0.9"), ExitCode.OK),
        (None, ("rows.jsonl", "--min-apgr", "0.9"), ExitCode.NO),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_how_it_ends(
    nr: Nr, data: str, stdin: bytes | None, arguments: tuple[str, ...], status: int
) -> None:
    done = nr("eval", *arguments, stdin=stdin)
    assert done.exit == status
    assert bool(done.err) == (status != 0)


def test_routes_are_what_the_policy_decides(nr: Nr, policy: Path) -> None:
    rows = [{"prompt": "hi", "route": "default"}, {"prompt": "ho", "route": "other"}]
    done = nr("eval", "-", "--json", "--policy", str(policy), stdin=lines(rows))
    assert done.document["overall"]["route"] == {"rows": 2, "accuracy": 0.5}


@pytest.mark.parametrize(("ending", "begin"), [("svg", b"<?xml"), ("html", b"<!doctype html>")])
def test_a_plot_is_drawn_or_the_way_to_get_it_told(
    nr: Nr, data: str, home: Path, ending: str, begin: bytes
) -> None:
    done = nr("eval", data, "--plot", f"x.{ending}")
    if find_spec("matplotlib") is None:
        assert (done.exit, "pip install 'nr-cli[plot]'" in done.err) == (ExitCode.USAGE, True)
    else:
        assert (done.exit, (home / f"x.{ending}").read_bytes()[: len(begin)]) == (0, begin)
