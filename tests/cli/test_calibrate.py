"""`nr calibrate`: fits difficulty to labelled prompts, claims nothing that chance would do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from nr_cli.errors import ExitCode
from tests.conftest import Done, Nr

TOPICS = ("invoices", "ferries", "beehives", "printers", "glaciers", "pension rules", "drum kits")
# Plain words to any reader; in these data a small model fails on one kind of work alone.
WORK = {
    "Say something about {} for our newsletter": 1.0,
    "List what people ask about {} most": 1.0,
    "What do we know about {} in the north": 0.1,
    "Which forms does the office need for {}": 0.1,
}


def rows(count: int, weak: Callable[[float], float]) -> str:
    """Returns labelled rows: what the small model scores comes from `weak`."""
    dice, lines = Random(3), []
    for number in range(count):
        work, right = dice.choice(list(WORK.items()))
        prompt = f"{work.format(dice.choice(TOPICS))}, case {number}"
        lines.append({"prompt": prompt, "outcomes": {"small": weak(right), "big": 1.0}})
    return "\n".join(map(json.dumps, lines)) + "\n"


@pytest.fixture
def learnable(home: Path) -> Path:
    file = home / "labelled.jsonl"
    file.write_text(rows(160, lambda right: right))
    return file


@pytest.fixture
def noise(home: Path) -> Path:
    dice = Random(5)
    file = home / "noise.jsonl"
    file.write_text(rows(120, lambda _: dice.choice((0.0, 1.0))))
    return file


def score(done: Done) -> float:
    return float(done.document["complexity"]["score"])


def test_what_is_learnt_moves_the_route(nr: Nr, home: Path, learnable: Path) -> None:
    out = home / "calibration.json"
    done = nr("calibrate", str(learnable), "--out", str(out), "--json")
    assert done.exit == 0, done.err
    assert done.document["beyond_noise"] is True
    assert done.document["after"] > done.document["before"] + 0.1
    policy = home / "routes.yaml"
    policy.write_text("version: 1\nclassify: {complexity: {calibration: calibration.json}}\n")
    env = {"NR_POLICY": str(policy)}
    hard = nr("route", "--json", "Which forms does the office need for canoes", env=env)
    easy = nr("route", "--json", "Say something about canoes for our newsletter", env=env)
    assert score(hard) > 0.6 > score(easy), "the edge lies half-way between the two kinds"
    assert "fitted to prompts of yours" in hard.document["reasons"]


def test_noise_is_not_claimed(nr: Nr, home: Path, noise: Path) -> None:
    out = home / "calibration.json"
    done = nr("calibrate", str(noise), "--out", str(out))
    assert done.exit == ExitCode.NO
    assert not out.exists()
    assert b"no better than chance" in done.out
    assert nr("calibrate", str(noise), "--out", str(out), "--force").exit == 0
    assert out.exists()


def test_a_prompt_that_was_asked_often_proves_nothing(nr: Nr, home: Path, noise: Path) -> None:
    often = home / "often.jsonl"
    often.write_text(noise.read_text() * 5)
    done = nr("calibrate", str(often), "--json")
    assert done.document["after"] < 0.65, "learnt by heart in one fold, tried in another"


def test_the_share_of_hard_prompts_is_the_one_asked_for(
    nr: Nr, home: Path, learnable: Path
) -> None:
    out, policy = home / "calibration.json", home / "routes.yaml"
    policy.write_text("version: 1\nclassify: {complexity: {calibration: calibration.json}}\n")
    prompts = [json.loads(line)["prompt"] for line in learnable.read_text().splitlines()]
    asked = "".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts)
    shares = []
    for share in (0.1, 0.4):
        assert nr("calibrate", str(learnable), "--out", str(out), "--share", str(share)).exit == 0
        found = nr(
            "route", "--jsonl", stdin=asked.encode(), env={"NR_POLICY": str(policy)}
        ).out.splitlines()
        hard = [json.loads(row)["complexity"]["band"] in ("hard", "extreme") for row in found]
        shares.append(sum(hard) / len(hard))
    assert shares[0] + 0.1 < shares[1], "prompts of two kinds: the exact share is chance"


def test_the_file_says_the_same_however_often_it_is_made(
    nr: Nr, home: Path, learnable: Path
) -> None:
    first, second = home / "a.json", home / "b.json"
    for out in (first, second):
        assert nr("calibrate", str(learnable), "--out", str(out)).exit == 0
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) < 60_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "no file of calibration"),
        (b"[]", "no file of calibration"),
        (b'{"form": "nr-calibration-0"}', "no file of calibration"),
        (b'{"form": "nr-calibration-0", "bits": 14, "check": 1}', "another version"),
    ],
    ids=["missing", "empty", "a list", "no check", "older"],
)
def test_a_file_that_is_no_use_is_an_error(
    nr: Nr, home: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (home / "calibration.json").write_bytes(content)
    policy = home / "routes.yaml"
    policy.write_text("version: 1\nclassify: {complexity: {calibration: calibration.json}}\n")
    done = nr("route", "hi", env={"NR_POLICY": str(policy)})
    assert done.exit == ExitCode.CONFIG
    assert words in done.err or content is None
    assert "nr calibrate" in done.err


def test_a_file_changed_by_hand_is_refused(nr: Nr, home: Path, learnable: Path) -> None:
    out, policy = home / "calibration.json", home / "routes.yaml"
    policy.write_text("version: 1\nclassify: {complexity: {calibration: calibration.json}}\n")
    nr("calibrate", str(learnable), "--out", str(out))
    document = json.loads(out.read_text())
    out.write_text(json.dumps({**document, "shift": document["shift"] + 9}))
    done = nr("route", "hi", env={"NR_POLICY": str(policy)})
    assert done.exit == ExitCode.CONFIG
    assert "changed by hand" in done.err


@pytest.mark.parametrize(
    ("arguments", "exit", "words"),
    [
        (["few.jsonl"], ExitCode.BAD_DATA, "60 are the least"),
        (["alike.jsonl"], ExitCode.BAD_DATA, "too few of one kind"),
        ([], ExitCode.BAD_DATA, "the log: 0 labelled prompts"),
        (["gone.jsonl"], ExitCode.NO_INPUT, "gone.jsonl"),
        (["few.jsonl", "--share", "2"], ExitCode.USAGE, "--share"),
        (["few.jsonl", "--share", "0.2", "--quality", "0.9"], ExitCode.USAGE, "contradict"),
        (["few.jsonl", "--weak", "nobody"], ExitCode.USAGE, "no row has an outcome of it"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_fitted_is_said(
    nr: Nr, home: Path, arguments: list[str], exit: int, words: str
) -> None:
    (home / "few.jsonl").write_text(rows(20, lambda right: right))
    (home / "alike.jsonl").write_text(rows(80, lambda _: 1.0))
    named = [str(home / each) if each.endswith(".jsonl") else each for each in arguments]
    done = nr("calibrate", *named)
    assert done.exit == exit, done.err
    assert words in done.err


def test_bands_are_labels_as_well(nr: Nr, home: Path) -> None:
    bands = ("trivial", "easy", "medium", "hard", "extreme")
    lines = [
        json.dumps(
            {"prompt": f"{'prove' if at % 5 > 2 else 'name'} thing {at}", "band": bands[at % 5]}
        )
        for at in range(100)
    ]
    (home / "bands.jsonl").write_text("\n".join(lines))
    done = nr("calibrate", "bands.jsonl", "--json")
    assert done.exit in (0, 1), done.err
    assert done.document["worth_a_strong_model"] == 40


def test_a_policy_may_name_the_file_that_is_to_be_made(
    nr: Nr, home: Path, policy: Path, learnable: Path
) -> None:
    policy.write_text(policy.read_text() + "classify: {complexity: {calibration: new.json}}\n")
    assert nr("ask", "hi").exit == 78
    assert nr("calibrate", str(learnable), "--out", str(policy.parent / "new.json")).exit == 0
    assert nr("ask", "hi").exit == 0


def test_no_other_file_is_written_over(nr: Nr, learnable: Path, policy: Path) -> None:
    for path in (learnable, policy):
        before = path.read_bytes()
        assert nr("calibrate", str(learnable), "--out", str(path), "--force").exit == 2
        assert path.read_bytes() == before


ODD = {
    "one row of other models": '{"prompt": "x", "outcomes": {"aaa": 0.0, "zzz": 1.0}}',
    "a number beyond all": '{"prompt": "x", "complexity": 1' + "0" * 400 + "}",
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD)
def test_one_odd_row_spoils_nothing(nr: Nr, home: Path, learnable: Path, line: str) -> None:
    (home / "odd.jsonl").write_text(learnable.read_text().rstrip() + f"\n{line}\n")
    done = nr("calibrate", "odd.jsonl", "--json")
    assert done.exit == 0
    assert done.document["rows"] == nr("calibrate", str(learnable), "--json").document["rows"]


def test_one_prompt_many_times_is_one_prompt(nr: Nr, home: Path) -> None:
    rows = [{"prompt": "same", "outcomes": {"weak": at % 2, "strong": 1}} for at in range(80)]
    (home / "same.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = nr("calibrate", "same.jsonl")
    assert done.exit == 65
    assert "1 different prompts" in done.err


def test_a_fit_to_another_reader_is_refused(nr: Nr, home: Path, learnable: Path) -> None:
    policy, out = home / "routes.yaml", home / "calibration.json"
    policy.write_text("version: 1\nclassify: {complexity: {calibration: calibration.json}}\n")
    nr("calibrate", str(learnable), "--out", str(out))
    document = {**json.loads(out.read_text()), "reader": "00000000-00000000"}
    document.pop("check")
    check = crc32(json.dumps(document, sort_keys=True).encode())
    out.write_text(json.dumps({**document, "check": check}))
    done = nr("route", "hi", env={"NR_POLICY": str(policy)})
    assert done.exit == ExitCode.CONFIG
    assert "another reader" in done.err


def test_rows_a_model_may_have_seen_are_left_out(nr: Nr, home: Path, learnable: Path) -> None:
    rows = [json.loads(line) for line in learnable.read_text().splitlines()]
    seen = [{**row, "contaminated": True} for row in rows]
    (home / "seen.jsonl").write_text("\n".join(map(json.dumps, seen)))
    assert nr("calibrate", "seen.jsonl").exit == 65
