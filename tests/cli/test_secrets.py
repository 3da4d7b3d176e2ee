"""A secret stays where it belongs: out of the log, the cache, the error messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import KEY, Faults, Nr

SHAPED = "sk-" + "proj-4f" * 6


def kept(home: Path) -> bytes:
    """All that nr has written below its home, less what the test wrote there itself."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "policy.yaml"]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("length", [0, 280, 290, 299, 580, 590, 599])
def test_a_key_that_an_error_would_cut_in_two_is_still_not_told(
    nr: Nr, home: Path, length: int
) -> None:
    done = nr("ask", "-m", f"fs/leaky_error={length}", "hi")
    assert done.exit == 65
    assert KEY[:8] not in done.err
    assert KEY[:8].encode() not in kept(home)


@pytest.mark.parametrize("behaviour", ["leaky_header=x-team", "leaky_header=x-two"])
def test_what_a_variable_puts_into_a_header_is_told_to_nobody(
    nr: Nr, home: Path, faults: Faults, behaviour: str
) -> None:
    path = home / "headers.yaml"
    url = f"http://127.0.0.1:{faults.port}/v1"
    path.write_text(
        f"""version: 1
providers:
  fs: {{kind: openai, base_url: "{url}", headers: {{x-team: "${{TEAM}}", x-two: "a ${{TEAM}}"}}}}
  env: {{kind: command, command: [sh, -c, 'echo "[$TEAM]"'], local: true}}
default: {{use: fs/ok}}
"""
    )
    team = "team-token-0123456789"
    done = nr("ask", "--policy", str(path), "-m", f"fs/{behaviour}", "hi", env={"TEAM": team})
    assert done.exit == 65
    assert "***" in done.err
    assert team not in done.err
    assert team.encode() not in kept(home)
    seen = nr("ask", "--policy", str(path), "-m", "env/x", "-n", "hi", env={"TEAM": team})
    assert seen.out == b"[]\n"


def test_an_answer_that_echoes_the_key_is_neither_logged_with_it_nor_cached(
    nr: Nr, home: Path
) -> None:
    for _ in range(2):
        # a file, since `nr` itself asserts that no key is printed
        done = nr("ask", "-m", "fs/leaky_answer", "-O", "answer.txt", "-v", "hi")
        assert "cache miss" in done.err
    (home / "answer.txt").unlink()
    assert KEY.encode() not in kept(home)
    assert "You sent Bearer *** to me" in nr("log", "list", "--json").out.decode()


@pytest.mark.parametrize(
    ("secret", "hidden"),
    [
        (SHAPED, "key *** end"),
        ("-----BEGIN " + "PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "key *** end"),
        ("-----BEGIN " + "PRIVATE KEY-----\nabc", "key ***"),
    ],
    ids=["api key", "private key", "private key without an end"],
)
def test_a_secret_in_an_answer_stays_out_of_log_and_cache(
    nr: Nr, home: Path, secret: str, hidden: str
) -> None:
    asked = f"key {secret} end"
    assert nr("ask", "-m", "cat/x", asked).out.decode() == asked + "\n"
    assert "cache miss" in nr("ask", "-v", "-m", "cat/x", asked).err
    rows = nr("log", "list", "--json").out.decode()
    assert f'"answer": "{hidden}' in rows
    for form in (secret, secret.partition("\n")[2]):
        assert not form or form.encode() not in kept(home)


def test_a_secret_among_the_options_stays_out_of_the_log_and_the_cache_s_labels(
    nr: Nr, home: Path
) -> None:
    short = "sk-" + "a1" * 12
    assert nr("ask", "-m", "fs/ok", "-o", "user", short, "hi").exit == 0
    assert short.encode() not in kept(home)
    assert short not in nr("cache", "why", "-m", "fs/ok", "-o", "user", "x", "hi").out.decode()


def test_a_secret_among_a_program_s_arguments_stays_out_of_the_cache_s_labels(
    nr: Nr, home: Path
) -> None:
    policy = home / "token.yaml"
    policy.write_text(
        "version: 1\nproviders:\n"
        '  prog: {kind: command, command: [sh, -c, cat, "${TOKEN}"], local: true}\n'
        "default: {use: prog/x}\n"
    )
    env = {"NR_POLICY": str(policy), "TOKEN": "hush-hush"}
    assert nr("ask", "hi", env=env).exit == 0
    why = nr("cache", "why", "ho", env=env | {"TOKEN": "other"})
    assert b"model.provider.argv: #" in why.out
    assert b"hush-hush" not in why.out + kept(home)


def test_a_secret_in_an_error_stays_out_of_the_log(nr: Nr, home: Path) -> None:
    policy = home / "loud.yaml"
    policy.write_text(
        "version: 1\nproviders:\n"
        "  loud: {kind: command, command: [sh, -c, 'cat >&2; exit 65'], local: true}\n"
        "default: {use: loud/x}\n"
    )
    done = nr("ask", "--policy", str(policy), f"key {SHAPED}")
    assert done.exit == 65
    assert SHAPED.encode() not in kept(home)
