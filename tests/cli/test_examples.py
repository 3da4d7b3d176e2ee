"""Labels by example through the command: decisions, reasons, what is kept between runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Nr
from tests.house.rooms import ROOT

READING = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
SHOWN = re.search(r"## Labels by example.*?```yaml\n(.*?)```", READING, re.DOTALL)
REST = """version: 1
providers: {cat: {kind: command, command: [cat], local: true}}
routes:
  - {name: legal, when: {intent: contract}, use: cat/legal}
  - {name: money, when: {label: {topic: refund}}, use: cat/money}
  - {name: prose, when: {intent: writing}, use: cat/prose}
default: {use: cat/rest}
"""


@pytest.fixture
def shown(policy: Path) -> Path:
    """The policy is the one that the page shows, with routes that read its labels."""
    assert SHOWN is not None
    policy.write_text(REST + SHOWN[1])
    return policy


def kept(home: Path) -> list[Path]:
    return sorted((home / ".cache" / "nr" / "examples").glob("*"))


def routed(nr: Nr, text: str) -> dict:
    done = nr("route", "--json", text)
    assert done.exit == 0, done.err
    return json.loads(done.out)


def test_the_policy_of_the_page_has_no_findings(nr: Nr, shown: Path) -> None:
    assert nr("policy", "check", str(shown)).out.decode().strip().endswith("no findings")


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("can I get a refund for my order?", "money"),
        ("could you review this indemnity clause for me?", "legal"),
        ("write a joke about a Santa clause", "prose"),
        ("write a birthday poem for my grandmother", "prose"),
        ("where is my invoice", "default"),
    ],
)
def test_the_page_tells_the_truth(nr: Nr, shown: Path, text: str, route: str) -> None:
    assert routed(nr, text)["route"] == route


def test_route_shows_the_label_with_the_nearest_example(nr: Nr, shown: Path) -> None:
    lines = nr("route", "can I get a refund for my order?").out.decode().splitlines()
    told = next(line for line in lines if line.startswith("label"))
    assert told in READING


def test_an_intent_of_the_policy_has_its_confidence_and_its_reason(nr: Nr, shown: Path) -> None:
    found = routed(nr, "could you review this indemnity clause for me?")
    assert found["intent"]["value"] == "contract"
    assert 0.45 <= found["intent"]["confidence"] <= 1
    assert found["reasons"][0] == 'contract: like "review the indemnity clause"'


def test_a_prompt_near_nothing_is_unknown_and_says_so(nr: Nr, shown: Path) -> None:
    fact = routed(nr, "list the prime numbers below fifty")["facts"]["label.topic"]
    assert fact["value"] is None
    assert "no example is near" in fact["why_unknown"]


def test_learning_is_kept_and_its_loss_costs_nothing_else(nr: Nr, shown: Path, home: Path) -> None:
    text = "can I get a refund for my order?"
    first = routed(nr, text)
    files = kept(home)
    contents = [path.read_bytes() for path in files]
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]
    for damage in (b"", contents[0][:99], b"\0" * 500):
        for path in files:
            path.write_bytes(damage)
        assert routed(nr, text)["facts"]["label.topic"]["value"] == "refund"
        assert [path.read_bytes() for path in kept(home)] == contents
    for path in files:
        path.unlink()
    again = routed(nr, text)
    assert again["facts"]["label.topic"]["because"] == first["facts"]["label.topic"]["because"]
    assert [path.read_bytes() for path in kept(home)] == contents


def test_no_more_than_sixteen_learnt_policies_are_kept(nr: Nr, policy: Path, home: Path) -> None:
    for number in range(18):
        labels = f"{{a: [red {number} apples], b: [a blue sky {number}]}}"
        policy.write_text(REST + f"classify: {{topic: {{use: examples, labels: {labels}}}}}\n")
        text = (
            policy.read_text()
            .replace("topic: refund", "topic: a")
            .replace("{intent: contract}", "{intent: code}")
        )
        policy.write_text(text)
        assert routed(nr, f"red {number} apples")["route"] == "money"
    assert len(kept(home)) == 16


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    nr: Nr, shown: Path, home: Path
) -> None:
    (home / ".cache").write_text("in the way")
    assert routed(nr, "can I get a refund for my order?")["route"] == "money"


def test_an_example_may_come_from_a_variable(nr: Nr, policy: Path) -> None:
    policy.write_text(
        REST.replace("intent: contract", "intent: code")
        + 'classify: {topic: {use: examples, labels: {refund: ["${ASKED}"], other: [a, b]}}}\n'
    )
    done = nr("route", "--json", "give me back the lot", env={"ASKED": "Give me back  the lot"})
    assert json.loads(done.out)["route"] == "money"


def test_an_intent_from_a_variable_is_held_to_those_there_are(nr: Nr, policy: Path) -> None:
    policy.write_text(REST.replace("{intent: contract}", '{intent: "${WANTED}"}').replace(
        "{label: {topic: refund}}", "{chars: 3}"
    ))  # fmt: skip
    assert json.loads(nr("route", "--json", "x", env={"WANTED": "chat"}).out)["route"]
    done = nr("route", "x", env={"WANTED": "cantract"})
    assert done.exit == 78
    assert '"cantract" is not an intent' in done.err


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("{a: [red apples], b: [Red  apples]}", 'NR135 this is an example of "a" too'),
        ("{a: [red apples, pears], b: [sky]}", 'NR305 label "b" has one example'),
        ("{a: [red apples, pears]}", 'NR306 "a" is the only label'),
        (
            "{a: {examples: [x y], nott: [z]}}",
            'unknown key "nott" in label "a" (did you mean "not"',
        ),
    ],
    ids=["twice", "one example", "one label", "key"],
)
def test_check_says_what_keeps_examples_from_working(
    nr: Nr, policy: Path, labels: str, said: str
) -> None:
    policy.write_text(
        "version: 1\ndefault: {use: openai/gpt-5}\n"
        f"classify: {{topic: {{use: examples, labels: {labels}}}}}\n"
    )
    assert said in nr("policy", "check", str(policy)).out.decode()


# Runs a command line as `nr` does, then tells which parts of the reader came along.
PROBE = """
import sys
from nr_cli.cli.main import run
status = run(sys.argv[1:])
parts = ("examples", "margins", "packed", "pieces", "everyday", "certainty")
print(status, [part for part in parts if f"nr_cli.classify.{part}" in sys.modules],
      file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("", "0 []"),
        ("classify: {topic: {use: examples, labels: {a: [red apples], b: [a blue sky]}}}\n"
         "routes: [{name: r, when: {label: {topic: a}}, use: echo/r}]\n",
         "0 ['examples', 'packed', 'pieces', 'everyday', 'certainty']"),
    ],
    ids=["no examples", "examples"],
)  # fmt: skip
def test_an_ask_imports_of_the_reader_what_its_policy_needs(
    environ: dict[str, str], home: Path, extra: str, said: str
) -> None:
    policy = home / "program.yaml"
    policy.write_text(
        "version: 1\nproviders: {echo: {kind: command, command: [cat], local: true}}\n"
        "default: {use: echo/cat}\n" + extra
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, "ask", "warm words"],
            env={**environ, "NR_POLICY": str(policy)},
            cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert done.stdout == "warm words\n"
    assert done.stderr.splitlines()[-1] == said
