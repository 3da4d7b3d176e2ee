"""Where keys are kept, which source of one wins, what is refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pexpect
import pytest

from tests.conftest import KEY, Faults, Nr, command

POLICY = """version: 1
providers:
  fs: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1", api_key_env: FS_KEY}}
default: {{use: fs/ok}}
"""
SECRET = "sk-kept-0123456789"


@pytest.fixture
def kept(home: Path) -> Path:
    return home / ".config" / "nr" / "keys.json"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "FS_KEY"}


@pytest.fixture
def policy(home: Path, faults: Faults) -> Path:
    path = home / "policy.yaml"
    path.write_text(POLICY.format(port=faults.port))
    return path


def test_a_kept_key_is_private_and_reaches_its_backend(
    nr: Nr, kept: Path, home: Path, faults: Faults
) -> None:
    assert nr("ask", "hi").exit == 77
    done = nr("keys", "set", "fs", stdin=SECRET.encode() + b"\n")
    assert (done.exit, done.out) == (0, b"")
    assert SECRET not in done.err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert nr("ask", "--no-cache", "hi").exit == 0
    assert faults.requests("ok")[-1]["headers"]["authorization"] == [f"Bearer {SECRET}"]
    assert nr("keys", "which", "fs").out == b"keys.json\n"


def test_a_variable_goes_before_the_file(nr: Nr) -> None:
    nr("keys", "set", "fs", stdin=SECRET.encode())
    assert nr("keys", "which", "fs", env={"FS_KEY": KEY}).out == b"FS_KEY\n"
    assert nr("keys", "which", "fs", env={"FS_KEY": " "}).out == b"keys.json\n"


def test_a_key_is_printed_when_it_is_to_be_revealed_alone(nr: Nr) -> None:
    nr("keys", "set", "fs", stdin=SECRET.encode())
    plain = nr("keys", "get", "fs")
    assert SECRET.encode() not in plain.out
    assert plain.exit == 0
    assert nr("keys", "get", "fs", "--reveal").out == SECRET.encode() + b"\n"
    assert SECRET not in nr("keys", "list").out.decode()
    assert nr("keys", "list", "--json").document[0] == {
        "provider": "fs", "source": "keys.json", "problem": None,
    }  # fmt: skip


def test_a_key_stays_with_the_address_it_was_set_for(nr: Nr, policy: Path) -> None:
    nr("keys", "set", "fs", stdin=SECRET.encode())
    policy.write_text(POLICY.format(port=1))
    done = nr("keys", "which", "fs")
    assert done.exit == 77
    assert "is for http://127.0.0.1:" in done.err
    assert nr("ask", "hi").exit == 77


@pytest.mark.parametrize(
    ("typed", "exit", "word"),
    [
        (b"", 2, "empty"),
        (b"\n", 2, "empty"),
        (b"sk-a b\n", 78, "characters"),
        (b"sk-a\nb\n", 78, "characters"),
        ("sk–a\n".encode(), 78, "characters"),
        (b"sk-\xff\n", 78, "characters"),
        (b"x" * 20_000, 2, "more than a key"),
    ],
    ids=["nothing", "a newline", "a blank", "two lines", "a dash", "not UTF-8", "too long"],
)
def test_what_is_no_key_is_refused(nr: Nr, kept: Path, typed: bytes, exit: int, word: str) -> None:
    done = nr("keys", "set", "fs", stdin=typed)
    assert (done.exit, kept.exists()) == (exit, False)
    assert word in done.err


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(nr: Nr, kept: Path, mode: int) -> None:
    nr("keys", "set", "fs", stdin=SECRET.encode())
    kept.chmod(mode)
    for line in (("keys", "which", "fs"), ("ask", "hi"), ("keys", "set", "fs")):
        done = nr(*line, stdin=SECRET.encode())
        assert done.exit == 78
        assert f"chmod 600 {kept}" in done.err
    assert nr("ask", "hi", env={"FS_KEY": "sk-env"}).exit == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"fs": 3}', '{"fs": {"key": "a b", "origin": "x"}}', '{"fs": {}}']
)
def test_a_damaged_file_is_named(nr: Nr, kept: Path, text: str) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text(text)
    kept.chmod(0o600)
    done = nr("keys", "which", "fs")
    assert done.exit == 78
    assert str(kept) in done.err


def test_an_unknown_provider_is_met_with_the_one_that_was_meant(nr: Nr) -> None:
    done = nr("keys", "set", "opneai", stdin=b"sk-x")
    assert done.exit == 2
    assert 'did you mean "openai"' in done.err


def test_keys_work_with_a_broken_policy(nr: Nr, policy: Path, kept: Path) -> None:
    policy.write_text("version: 1\ndefalt: x\n")
    assert nr("keys", "set", "openai", stdin=SECRET.encode()).exit == 0
    assert json.loads(kept.read_text())["openai"]["origin"] == "https://api.openai.com"
    done = nr("keys", "which", "openai")
    assert done.out == b"keys.json\n"
    assert "the policy is passed by" in done.err


def test_two_that_set_keys_at_once_lose_none(nr: Nr, kept: Path, environ, home: Path) -> None:
    names = [f"p{number}" for number in range(6)]
    entries = "\n".join(
        f"  {name}: {{kind: openai, base_url: 'https://{name}.test/v1', api_key_env: K}}"
        for name in names
    )
    policy = home / "many.yaml"
    policy.write_text(f"version: 1\nproviders:\n{entries}\n")
    running = [
        subprocess.Popen(
            command(("keys", "set", name, "--policy", str(policy))),
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, cwd=home,
        )
        for name in names
    ]  # fmt: skip
    for child in running:
        child.communicate(SECRET.encode(), timeout=30)
    assert sorted(json.loads(kept.read_text())) == names
    assert os.listdir(kept.parent) == ["keys.json"]


def test_a_key_is_asked_for_without_echo(nr: Nr, environ, policy: Path, home: Path) -> None:
    line = command(("keys", "set", "fs"))
    child = pexpect.spawn(
        line[0], line[1:], env={**environ, "NR_POLICY": str(policy), "TERM": "dumb"},
        cwd=str(home), encoding="utf-8", timeout=20,
    )  # fmt: skip
    child.expect("key for fs: ")
    child.waitnoecho()
    child.sendline(SECRET)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert SECRET not in (child.before or "")
    assert nr("keys", "get", "fs", "--reveal").out == SECRET.encode() + b"\n"


def test_the_built_in_policy_uses_a_kept_key(nr: Nr, home: Path) -> None:
    bare = {"NR_POLICY": ""}
    assert nr("route", "--json", "hi", env=bare).document["model"].startswith("local/")
    nr("keys", "set", "openai", stdin=SECRET.encode(), env=bare)
    assert nr("route", "--json", "hi", env=bare).document["model"].startswith("openai/")


@pytest.mark.parametrize(
    "name", ["FS_KEY", "HF_TOKEN", "GITHUB_TOKEN", "GOOGLE_API_KEY", "X_API_KEY"]
)
def test_a_program_that_answers_sees_no_key(nr: Nr, home: Path, name: str) -> None:
    """The fixture refuses the canary on stdout; what is no key arrives."""
    path = home / "program.yaml"
    path.write_text(
        "version: 1\nproviders:\n  all: {kind: command, command: [env], local: true}\n"
        "  fs: {kind: openai, base_url: 'http://127.0.0.1:1/v1', api_key_env: FS_KEY}\n"
        "default: {use: all/env}\n"
    )
    done = nr("ask", "hi", env={name: KEY, "NR_POLICY": str(path), "OTHER": "seen"})
    assert done.exit == 0
    assert b"OTHER=seen" in done.out
