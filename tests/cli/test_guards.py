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
    text = policy.read_text().replace("use: fs/ok", "use: [fs/ok, cat/x]")

    def write(guards: str) -> None:
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


AROUND = {
    "how it begins": "{starts: heron}",
    "a pattern": "{matches: '^heron'}",
    "what it lacks": "{not: {contains: public}}",
    "how short it is": "{chars: '<50'}",
    "how few its lines are": "{lines: '<2'}",
}


@pytest.mark.parametrize("when", AROUND.values(), ids=AROUND)
def test_words_around_a_prompt_lift_no_guard(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]], when: str
) -> None:
    guard(f"guards: [{{name: g, when: {when}, require: {{local_only: true}}}}]")
    around = "\n".join(["this is public"] * 9)
    assert nr("ask", "-m", "fs/ok", "-s", around, "heron plans").exit == 80
    assert nr("ask", "-m", "cat/x", "heron plans").exit == 0
    assert nr("ask", "-c", "-m", "fs/ok", "this is public\n" * 9).exit == 80
    said = f"heron plans\n/system {around}\nthis is public, at such length as no short text has\n"
    nr("chat", "-m", "fs/ok", stdin=said.encode())
    assert "heron" not in json.dumps(asked())


EARLIER = {
    "a file": ("{has: [image]}", ("-a", "a.png")),
    "a tag": ("{tag: house}", ("--tag", "house")),
    "an option": ("{params: {seed: 7}}", ("-o", "seed", "7")),
}


@pytest.mark.parametrize(("when", "flags"), EARLIER.values(), ids=EARLIER)
def test_a_guard_of_an_earlier_turn_holds_for_the_conversation(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]], home: Path, policy: Path,
    when: str, flags: tuple[str, ...],
) -> None:  # fmt: skip
    guard(f"guards: [{{name: g, when: {when}, require: {{local_only: true}}}}]")
    policy.write_text(policy.read_text() + "models: {near: {id: cat/x, caps: [vision]}}\n")
    (home / "a.png").write_bytes(PNG)
    nr("ask", "-m", "near", *flags, "what is it?")
    done = nr("ask", "--json", "-c", "-m", "fs/ok", "go on")
    assert (done.exit, asked()) == (80, [])
    assert "earlier turn" in done.document["decision"]["guards"][0]["because"]
    assert nr("ask", "-m", "fs/ok", "something else").exit == 0


def test_texts_in_options_and_schemas_are_guarded(
    nr: Nr, guard: Callable[[str], None], asked: Callable[[], list[dict]]
) -> None:
    schema = json.dumps({"type": "object", "description": f"with {SECRET}"})
    flags = (("-o", "user", SECRET), ("-o", "stop", f'["{SECRET}"]'), ("--schema", schema))
    guard(LOCAL)
    for flag in flags:
        assert nr("ask", "-m", "fs/ok", *flag, "hi").exit == 80
    assert asked() == []
    guard("guards: [{name: g, require: {redact: [api_key]}}]")
    for flag in flags:
        assert "1 taken out" in nr("ask", "-m", "fs/ok", *flag, "hi").err
    assert SECRET not in json.dumps(asked())


def test_what_the_cloud_answered_before_is_not_served_under_a_guard(
    nr: Nr, guard: Callable[[str], None], policy: Path
) -> None:
    before = policy.read_text()
    assert nr("ask", "-m", "fs/ok", SECRET).exit == 0
    policy.write_text(f"{before}{LOCAL}\n")
    for flags in ((), ("--cache", "only"), ("--offline",)):
        assert nr("ask", "-m", "fs/ok", *flags, SECRET).exit == 80


JUDGES = {
    "a label": "- {name: rush, when: {label: {urgency: high}}, use: cat/x}\n"
    "classify: {urgency: {use: llm, model: fs/ok, labels: [high, low]}}\n",
    "a second opinion": "- {name: hard, when: {complexity: '>=medium'}, use: cat/x}\n"
    "classify: {complexity: {second_opinion: {model: fs/ok, margin: 0.5}}}\n",
}
JUDGED: dict[str, tuple[str, tuple[str, ...]]] = {
    "a key": ("{has: [api_key]}", (SECRET,)),
    "how it begins": ("{starts: heron}", ("heron plans",)),
    "a pattern": ("{matches: '^heron'}", ("heron plans",)),
    "what it lacks": ("{not: {contains: judge}}", ("heron plans",)),
    "how short it is": ("{chars: '<50'}", ("heron plans",)),
    "its language": ("{language: de}", ("Bitte schreib ein Gedicht über den Herbst im Wald",)),
    "its complexity": ("{complexity: '<=extreme'}", ("heron plans",)),
    "the system text": ("{contains: heron}", ("-s", "heron", "go on")),
    "a tag": ("{tag: house}", ("--tag", "house", "go on")),
    "a file": ("{has: [image]}", ("-a", "a.png", "go on")),
    "a need": ("{needs: [vision]}", ("-a", "a.png", "go on")),
    "an option": ("{params: {seed: 7}}", ("-o", "seed", "7", "go on")),
    "a stream": ("{stream: true}", ("go on",)),
}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(("when", "said"), JUDGED.values(), ids=JUDGED)
def test_a_judge_is_bound_by_what_binds_the_prompt(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]], home: Path,
    judge: str, when: str, said: tuple[str, ...],
) -> None:  # fmt: skip
    guard(f"guards: [{{name: g, when: {when}, require: {{local_only: true}}}}]")
    policy.write_text(
        policy.read_text().replace("use: [fs/ok, cat/x]", "use: [fs/ok, near]")
        + JUDGES[judge]
        + "models: {near: {id: cat/x, caps: [vision]}}\n"
    )
    (home / "a.png").write_bytes(PNG)
    assert nr("ask", *said).exit == 0
    assert asked() == []


def test_a_label_that_a_guard_reads_is_not_asked_of_whom_it_forbids(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]]
) -> None:
    guard("guards: [{name: g, when: {label: {urgency: high}}, require: {local_only: true}}]")
    policy.write_text(policy.read_text() + JUDGES["a label"])
    done = nr("ask", "--json", "go on")
    assert (done.document["model"], asked()) == ("cat/x", [])
    assert done.document["decision"]["guards"][0]["result"] == "unknown"


@pytest.mark.parametrize("judge", JUDGES)
def test_a_prompt_that_no_guard_means_is_judged(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]], judge: str
) -> None:
    guard("guards: [{name: g, when: {contains: heron}, require: {local_only: true}}]")
    policy.write_text(policy.read_text() + JUDGES[judge])
    assert nr("ask", "--dry-run", "stork plans").exit == 0
    assert asked() == []
    assert nr("ask", "stork plans").exit == 0
    assert len(asked()) == 2


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_hears_neither_what_is_blocked_nor_what_is_taken_out(
    nr: Nr, guard: Callable[[str], None], policy: Path, asked: Callable[[], list[dict]], judge: str
) -> None:
    guard(
        "guards: [{name: b, when: {starts: heron}, block: true},"
        " {name: r, when: {starts: take}, require: {redact: [api_key]}}]"
    )
    policy.write_text(policy.read_text() + JUDGES[judge])
    assert nr("ask", "heron plans").exit == 80
    assert asked() == []
    assert nr("ask", f"take {SECRET}").exit == 0
    assert asked()
    assert SECRET not in json.dumps(asked())


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
