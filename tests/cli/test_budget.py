"""Budgets: what they allow is never exceeded, by however many processes, whoever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nr_cli.store.ledger import GRACE, Ledger, Reserved, period_of
from nr_cli.types.budget import Budget
from tests.conftest import Nr, command

Write = Callable[..., None]
Asked = Callable[[], list[dict]]
# With one word of prompt and max_tokens 1000 an ask is estimated at a little over a dollar.
MODELS = """models:
  dear: {id: fs/ok, price: {in: 1, out: 1000}, params: {max_tokens: 1000}}
  cheap: {id: fs/unicode, price: {in: 1, out: 1}, params: {max_tokens: 10}}
  nameless: {id: fs/no_done}
"""


@pytest.fixture
def budget(policy: Path) -> Write:
    """Writes a policy with these budgets."""

    def write(budgets: str, use: str = "dear") -> None:
        text = policy.read_text().replace("use: fs/ok", f"use: {use}")
        policy.write_text(f"{text}{MODELS}budgets: [{budgets}]\n")

    return write


def state(nr: Nr) -> dict:
    return nr("budget", "--json").document[0]


def test_what_an_ask_costs_is_counted(nr: Nr, budget: Write) -> None:
    budget("{name: b, limit: 50, per: month}")
    assert state(nr)["spent"] == 0
    done = nr("ask", "--json", "hi")
    assert done.exit == 0
    assert state(nr)["spent"] == pytest.approx(done.document["cost"]["usd"], abs=1e-6)
    assert state(nr)["reserved"] == 0


def test_what_comes_from_the_cache_is_not(nr: Nr, budget: Write) -> None:
    budget("{name: b, limit: 50, per: day}")
    nr("ask", "hi")
    once = state(nr)["spent"]
    nr("ask", "hi")
    assert state(nr)["spent"] == once > 0


def test_above_its_limit_a_budget_blocks(nr: Nr, budget: Write, asked: Asked) -> None:
    budget("{name: tight, limit: 0.5, per: day}")
    done = nr("ask", "hi")
    assert (done.exit, done.out, asked()) == (80, b"", [])
    assert "budget tight" in done.err


AT = {
    "warns": ("{1%: warn, 100%: block}", "dear", "dear", "budget b:"),
    "lets another answer": ("{1%: downgrade, 100%: block}", "dear", "cheap", "cheap answers"),
    "is silent": ("{90%: warn}", "dear", "dear", ""),
    "downgrades what is asked for by name": ("{1%: downgrade}", "dear", "cheap", "cheap answers"),
}


@pytest.mark.parametrize(("at", "use", "by", "said"), AT.values(), ids=AT)
def test_on_its_way_to_the_limit_a_budget(
    nr: Nr, budget: Write, at: str, use: str, by: str, said: str
) -> None:
    budget(f"{{name: b, limit: 50, per: day, at: {at}, downgrade_to: cheap}}", use)
    done = nr("ask", "--json", "-m", "dear", "hi")
    assert (done.exit, done.document["model"]) == (0, by)
    assert said in done.err
    assert bool(said) == bool(done.document["decision"]["notes"])
    assert nr("ask", "-q", "hello").err == ""


def test_where_the_other_is_too_dear_as_well_nobody_answers(
    nr: Nr, budget: Write, asked: Asked
) -> None:
    budget(
        "{name: b, limit: 0.000001, per: day, downgrade_to: cheap,"
        " at: {1%: downgrade, 100%: block}}"
    )
    assert nr("ask", "hi").exit == 80
    assert asked() == []


@pytest.mark.parametrize(("unpriced", "exit"), [("", 80), (", unpriced: [nameless]", 0)])
def test_a_price_that_nobody_knows_is_not_nothing(
    nr: Nr, budget: Write, unpriced: str, exit: int
) -> None:
    budget(f"{{name: b, limit: 50, per: day{unpriced}}}", "nameless")
    assert nr("ask", "hi").exit == exit


def test_a_budget_counts_what_its_condition_says(nr: Nr, budget: Write) -> None:
    budget("{name: b, limit: 0.5, per: day, when: {contains: heron}}")
    assert nr("ask", "the heron").exit == 80
    assert nr("ask", "the stork").exit == 0
    assert state(nr)["spent"] == 0


def test_a_fallback_is_looked_at_anew(nr: Nr, policy: Path, budget: Write, asked: Asked) -> None:
    budget("{name: b, limit: 1.5, per: day}", "[broken, dear]")
    text = policy.read_text().replace(
        "models:\n",
        "models:\n  broken: {id: fs/cut=4, price: {in: 1, out: 1000},"
        " params: {max_tokens: 1000}}\n",
    )
    policy.write_text(text)
    done = nr("ask", "--json", "hi")
    assert done.exit == 3
    assert [row["behaviour"] for row in asked()] == ["cut=4"]


def test_an_ask_that_failed_before_anything_costs_nothing(
    nr: Nr, budget: Write, policy: Path
) -> None:
    budget("{name: b, limit: 50, per: day}", "dear")
    policy.write_text(policy.read_text().replace("id: fs/ok", "id: fs/404"))
    assert nr("ask", "hi").exit == 69
    assert (state(nr)["spent"], state(nr)["reserved"]) == (0, 0)


def test_so_many_processes_never_spend_more(
    environ: dict[str, str], policy: Path, budget: Write, nr: Nr, asked: Asked
) -> None:
    budget("{name: b, limit: 3.5, per: day}")
    env = {**environ, "NR_POLICY": str(policy)}

    def one(number: int) -> int:
        done = subprocess.run(
            command(["ask", f"prompt {number}"]), env=env, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode

    with ThreadPoolExecutor(12) as pool:
        exits = list(pool.map(one, range(12)))
    assert set(exits) <= {0, 80}
    assert exits.count(0) == len(asked()) >= 3
    left = state(nr)
    assert left["spent"] <= 3.5
    assert left["reserved"] == 0


def test_what_a_killed_process_had_set_aside_counts_until_it_expires(
    environ: dict[str, str], policy: Path, budget: Write, nr: Nr, home: Path
) -> None:
    budget("{name: b, limit: 1.5, per: day}")
    policy.write_text(policy.read_text().replace("id: fs/ok", "id: fs/hang"))
    env = {**environ, "NR_POLICY": str(policy)}
    process = subprocess.Popen(
        command(["ask", "--timeout", "60", "hi"]), env=env, stdin=subprocess.DEVNULL
    )
    while state(nr)["reserved"] < 1:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert state(nr)["reserved"] > 1
    assert nr("ask", "another").exit == 80
    path = next(home.rglob("budgets/*.json"))
    page = json.loads(path.read_text())
    (until,) = [end for _, end in page["holds"].values()]
    page["holds"] = {
        id: (dollars, until - 60 - GRACE - 1) for id, (dollars, _) in page["holds"].items()
    }
    path.write_text(json.dumps(page))
    assert state(nr)["reserved"] == 0


def test_where_it_cannot_be_counted_nothing_is_sent(
    nr: Nr, budget: Write, home: Path, asked: Asked
) -> None:
    budget("{name: b, limit: 50, per: day}")
    (home / "no").write_text("")
    done = nr("ask", "hi", env={"NR_STATE_DIR": str(home / "no" / "state")})
    assert (done.exit, asked()) == (80, [])
    assert "cannot be counted" in done.err


def test_the_table_has_a_line_for_each(nr: Nr, budget: Write) -> None:
    budget("{name: b, limit: 50, per: day}, {name: c, limit: 7, per: week}")
    lines = nr("budget").out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["budget", "b", "c"]
    assert "$50.00" in lines[1]


def test_a_policy_without_budgets_says_so(nr: Nr) -> None:
    done = nr("budget")
    assert (done.exit, done.out) == (0, b"")
    assert nr("budget", "--json").document == []


FLAWS: Sequence[tuple[str, str]] = [
    ("{name: b, limit: 0, per: day}", "NR131"),
    ("{name: b, limit: 5, per: year}", "NR133"),
    ("{name: b, per: day}", 'needs "limit"'),
    ("{name: b, limit: 5, per: day, at: {80: warn}}", "must be a share"),
    ("{name: b, limit: 5, per: day, at: {80%: wait}}", "NR133"),
    ("{name: b, limit: 5, per: day, at: {80%: downgrade}}", 'needs "downgrade_to"'),
    ("{name: b, limit: 5, per: day, downgrade_to: nobody}", "nobody"),
    ("{name: b, limit: 5, per: day}, {name: b, limit: 5, per: day}", "duplicate budget"),
]


@pytest.mark.parametrize(("text", "said"), FLAWS, ids=[said for _, said in FLAWS])
def test_a_wrong_budget_is_named(nr: Nr, budget: Write, policy: Path, text: str, said: str) -> None:
    budget(text)
    done = nr("policy", "check", str(policy))
    assert done.exit == 78
    assert said in done.out.decode()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"holds": 5}', b'{"period": 1, "settled": "x"}']
)
def test_a_damaged_page_is_a_new_page(tmp_path: Path, content: bytes) -> None:
    book, one = Ledger(str(tmp_path)), Budget("b", 5.0, "day")
    book.reserve([one], 1.0, 10)
    next(tmp_path.rglob("*.json")).write_bytes(content)
    assert isinstance(book.reserve([one], 1.0, 10), Reserved)
    assert book.spent(one).total == 1.0


def test_a_new_period_begins_with_nothing(tmp_path: Path) -> None:
    clock = [1_800_000_000.0]
    book, one = Ledger(str(tmp_path), lambda: clock[0]), Budget("b", 5.0, "day")
    held = book.reserve([one], 4.0, 10)
    assert isinstance(held, Reserved)
    book.settle(held, 3.0)
    assert isinstance(book.reserve([one], 4.0, 10), Budget)
    clock[0] += 86_400
    assert isinstance(book.reserve([one], 4.0, 10), Reserved)


def test_a_sum_that_one_budget_refuses_is_set_aside_in_none(tmp_path: Path) -> None:
    book = Ledger(str(tmp_path))
    wide, tight = Budget("wide", 50.0, "day"), Budget("tight", 1.0, "day")
    assert book.reserve([wide, tight], 2.0, 10) == tight
    assert book.spent(wide).total == 0.0


@pytest.mark.parametrize(
    ("per", "name"), [("day", "2026-01-01"), ("week", "2026-W01"), ("month", "2026-01")]
)
def test_a_period_has_the_name_of_its_calendar(per, name) -> None:
    import time

    assert period_of(per, time.mktime((2026, 1, 1, 12, 0, 0, 0, 0, -1))) == name
