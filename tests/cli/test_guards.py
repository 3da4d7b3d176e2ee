"""Guards: what they forbid, no flag, route, fallback or conversation allows again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Nr

SECRET = "AKIAIOSFODNN7EXAMPLE"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
LOCAL = "guards: [{name: stay, when: {has: [api_key]}, require: {local_only: true}}]"


@pytest.fixture
def guard(policy: Path) -> Callable[[str], None]:
    """Writes a policy whose default is the cloud, then this machine, with these guards."""

    def write(guards: str) -> None:
        text = policy.read_text().replace("use: fs/ok", "use: [fs/ok, cat/x]")
        policy.write_text(
            f"{text}{guards}\n"
            "routes:\n- {name: out, when: {starts: go out}, use: fs/ok}\n"
            "- {name: broken, when: {starts: broken}, use: [cat/x, fs/ok]}\n"
        )

    return write


LIFTS: dict[str, tuple[tuple[str, ...], dict[str, str], int]] = {
    "plain": (("ask", SECRET), {}, 0),
    "a model by name": (("ask", "-m", "fs/ok", SECRET), {}, 80),
    "a route by name": (("ask", "--route", "out", SECRET), {}, 80),
    "a route that matches": (("ask", f"go out {SECRET}"), {}, 80),
    "a variable": (("ask", SECRET), {"NR_MODEL": "fs/ok"}, 80),
    "no cache": (("ask", "--no-cache", SECRET), {}, 0),
    "no fallback": (("ask", "--no-fallback", SECRET), {}, 0),
    "the system text": (("ask", "-s", SECRET, "-m", "fs/ok", "hi"), {}, 80),
    "a file": (("ask", "-f", "notes.txt", "-m", "fs/ok", "hi"), {}, 80),
}


@pytest.mark.parametrize(("arguments", "env", "exit"), LIFTS.values(), ids=LIFTS)
def test_nothing_lifts_a_guard(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]], home: Path,
    arguments: tuple[str, ...], env: dict[str, str], exit: int,
) -> None:  # fmt: skip
    guard(LOCAL)
    (home / "notes.txt").write_text(f"the key is {SECRET}\n")
    assert nr(*arguments, env=env).exit == exit
    assert asked() == []


def test_a_local_failure_never_falls_over_to_the_cloud(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]]
) -> None:
    guard(LOCAL)
    policy.write_text(policy.read_text().replace("command: [cat]", "command: ['false']"))
    assert nr("ask", f"broken {SECRET}").exit == 69
    assert asked() == []


def test_rows_of_a_batch_are_guarded_one_by_one(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]]
) -> None:
    guard(LOCAL)
    prompts = [{"prompt": SECRET, "model": "fs/ok"}, {"prompt": "hello"}, {"prompt": SECRET}]
    rows = "".join(json.dumps(row) + "\n" for row in prompts).encode()
    done = nr("batch", "-", "-o", "-", "-j", "1", stdin=rows)
    assert [row["model"] for row in map(json.loads, done.out.splitlines())] == [
        None, "fs/ok", "cat/x",
    ]  # fmt: skip
    assert SECRET not in json.dumps(asked())


def test_what_was_said_before_is_guarded_with_what_follows(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]]
) -> None:
    guard("guards: [{name: stay, when: {contains: heron}, require: {local_only: true}}]")
    nr("ask", "our heron project")
    assert nr("ask", "-c", "-m", "fs/ok", "go on").exit == 80
    assert asked() == []


def test_a_judge_is_guarded_as_any_other_model(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]]
) -> None:
    guard(LOCAL)
    policy.write_text(
        policy.read_text()
        + "- {name: rush, when: {label: {urgency: high}}, use: fs/ok}\n"
        + "classify: {urgency: {use: llm, model: fs/ok, labels: [high, low]}}\n"
    )
    assert nr("ask", f"broken soon {SECRET}").exit in (0, 69)
    assert nr("ask", SECRET).exit == 0
    assert asked() == []


REQUIRES = {
    "local only": ("local_only: true", "cat/x"),
    "denied": ("deny_models: [fs/ok]", "cat/x"),
    "denied by glob": ('deny_models: ["fs/*"]', "cat/x"),
    "denied provider": ("deny_providers: [fs]", "cat/x"),
    "allowed": ("allow_models: [cat/x]", "cat/x"),
    "allowed provider": ("allow_providers: [c*]", "cat/x"),
    "a price": ("max_cost: 1", None),
    "nobody": ("allow_models: [none]", None),
}


@pytest.mark.parametrize(("require", "by"), REQUIRES.values(), ids=REQUIRES)
def test_a_guard_leaves_what_it_allows(
    nr: Nr, guard: Callable[[str], None], require: str, by: str | None
) -> None:
    guard(f"guards: [{{name: g, require: {{{require}}}, message: ask the office}}]")
    done = nr("ask", "--json", "hi")
    assert done.document["model"] == by
    assert done.exit == (0 if by else 80)
    assert by or done.document["error"]["hint"] == "ask the office"
    assert done.document["decision"]["guards"][0]["result"] == "applies"


def test_a_block_refuses_by_name(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]]
) -> None:
    guard("guards: [{name: embargo, when: {contains: heron}, block: true, message: not outside}]")
    done = nr("ask", "the heron files")
    assert (done.exit, done.out, asked()) == (80, b"", [])
    assert "embargo" in done.err
    assert "not outside" in done.err
    assert nr("ask", "the stork files").exit == 0


def test_a_guard_that_cannot_tell_applies(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]]
) -> None:
    guard("guards: [{name: g, when: {meta: {a: b}}, require: {local_only: true}}]")
    done = nr("ask", "--json", "hi")
    assert (done.document["model"], asked()) == ("cat/x", [])
    assert done.document["decision"]["guards"][0]["result"] == "unknown"


def test_a_deadline_of_a_guard_wins_over_a_longer_timeout(
    nr: Nr, guard: Callable[[str], None]
) -> None:
    guard("guards: [{name: g, require: {deadline: 1s}}]")
    assert nr("ask", "-m", "fs/hang", "--timeout", "60", "hi").exit == 75


REDACTED = {
    "a key": ("api_key", f"use {SECRET} now", "use [redacted api_key] now"),
    "an address": ("pii", "write to jo.doe+x@example.org today", "write to [redacted pii] today"),
    "a card": ("pii", "card 4111 1111 1111 1111 please", "card [redacted pii] please"),
    "an account": ("pii", "pay DE89 3704 0044 0532 0130 00 now", "pay [redacted pii] now"),
    "a private key": (
        "private_key",
        "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
        "a\n[redacted private_key]\nb",
    ),
    "none": ("api_key", "nothing here", "nothing here"),
}


@pytest.mark.parametrize(("kind", "said", "left"), REDACTED.values(), ids=REDACTED)
def test_what_a_guard_takes_out_is_neither_sent_nor_kept(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]], home: Path,
    kind: str, said: str, left: str,
) -> None:  # fmt: skip
    guard(f"guards: [{{name: g, require: {{redact: [{kind}]}}}}]")
    done = nr("ask", said)
    assert done.exit == 0
    assert [row["json"]["messages"][-1]["content"] for row in asked()] == [left]
    assert ("taken out" in done.err) == (said != left)
    assert nr("log", "show", "--json").document["prompt"] == left
    if said != left:
        kept = b"".join(path.read_bytes() for path in home.rglob("*.db*"))
        gone = max(set(said.split()) - set(left.split()), key=len)
        assert gone.encode() not in kept


def test_a_file_that_cannot_be_searched_stays_here(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]], home: Path, policy: Path
) -> None:
    guard("guards: [{name: g, require: {redact: [api_key]}}]")
    policy.write_text(policy.read_text() + "models: {eye: {id: fs/ok, caps: [vision]}}\n")
    (home / "a.png").write_bytes(PNG)
    done = nr("ask", "-m", "eye", "-a", "a.png", "what is it?")
    assert (done.exit, asked()) == (80, [])
    assert "takes out api_key" in done.err


FLAWS = {
    "nothing": ("{name: g}", "forbids nothing"),
    "no name": ("{block: true}", 'needs "name"'),
    "a typo": ("{name: g, require: {local_onli: true}}", 'did you mean "local_only"'),
    "a kind": ("{name: g, require: {redact: [keys]}}", "NR133"),
    "twice": ("{name: g, block: true}, {name: g, block: true}", "duplicate guard"),
    "an intent": ("{name: g, when: {intent: cod}, block: true}", "is not an intent"),
}


@pytest.mark.parametrize(("guards", "said"), FLAWS.values(), ids=FLAWS)
def test_a_wrong_guard_is_named(nr: Nr, policy: Path, guards: str, said: str) -> None:
    policy.write_text(policy.read_text() + f"guards: [{guards}]\n")
    done = nr("policy", "check", str(policy))
    assert done.exit == 78
    assert said in done.out.decode()


def test_guards_of_all_files_count(
    nr: Nr, guard: Callable[[str], None], home: Path, asked: Callable[[], list[dict]]
) -> None:
    own = home / ".config" / "nr"
    own.mkdir(parents=True)
    (own / "routes.yaml").write_text(f"version: 1\n{LOCAL}\n")
    guard("guards: [{name: other, when: {contains: heron}, block: true}]")
    assert nr("ask", "-m", "fs/ok", SECRET).exit == 80
    assert nr("ask", "heron").exit == 80
    assert asked() == []


def test_two_files_cannot_replace_each_other_s_guard(
    nr: Nr, guard: Callable[[str], None], home: Path
) -> None:
    own = home / ".config" / "nr"
    own.mkdir(parents=True)
    (own / "routes.yaml").write_text(f"version: 1\n{LOCAL}\n")
    guard("guards: [{name: stay, when: {contains: never}, block: true}]")
    done = nr("ask", SECRET)
    assert done.exit == 78
    assert "duplicate guard" in done.err
