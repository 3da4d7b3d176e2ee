"""Keys that a program gives out: sent, never shown, run without a shell or other keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import KEY, Nr

Asked = Callable[[], list[dict]]


@pytest.fixture
def program(home: Path, policy: Path) -> Callable[[str], None]:
    """Writes a program of Python, names it where the key would be."""

    def write(body: str) -> None:
        path = home / "give key.py"
        path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
        os.chmod(path, 0o755)
        text = policy.read_text().replace("api_key_env: FS_KEY", f"api_key_cmd: ['{path}', 'x;y']")
        policy.write_text(text)

    return write


def test_the_first_line_is_the_key(nr: Nr, program: Callable[[str], None], asked: Asked) -> None:
    program(f"print('{KEY}'); print('second line')")
    done = nr("ask", "-v", "--json", "hi")
    assert done.exit == 0
    assert asked()[0]["headers"]["authorization"] == [f"Bearer {KEY}"]


def test_it_sees_no_other_key_and_no_shell(
    nr: Nr, program: Callable[[str], None], asked: Asked
) -> None:
    program("print('k0' + sys.argv[1].replace(';', '-') + str('FS_API_KEY' in os.environ) * 3)")
    assert nr("ask", "hi", env={"FS_API_KEY": KEY}).exit == 0
    assert asked()[0]["headers"]["authorization"] == ["Bearer k0x-yFalseFalseFalse"]


FAILURES = {
    "ends with an error": ("print('half a secret'); sys.exit(3)", "ended with 3"),
    "writes nothing": ("pass", "wrote nothing"),
    "writes to stderr alone": ("print('secret', file=sys.stderr)", "wrote nothing"),
}


@pytest.mark.parametrize(("body", "said"), FAILURES.values(), ids=FAILURES)
def test_a_program_that_gives_none_leaves_the_model_out(
    nr: Nr, program: Callable[[str], None], asked: Asked, body: str, said: str
) -> None:
    program(body)
    done = nr("ask", "hi")
    assert (done.exit, asked()) == (77, [])
    assert said in done.err
    assert "secret" not in done.err


def test_a_key_that_no_header_can_carry_is_not_shown(
    nr: Nr, program: Callable[[str], None], asked: Asked
) -> None:
    program("print('sk-\u2013dash')")
    done = nr("ask", "hi")
    assert (done.exit, asked()) == (78, [])
    assert "dash" not in done.err.replace("typographic dash", "")


def test_a_missing_program_is_named(nr: Nr, policy: Path) -> None:
    policy.write_text(
        policy.read_text().replace("api_key_env: FS_KEY", "api_key_cmd: no-such-thing")
    )
    done = nr("ask", "hi")
    assert done.exit == 77
    assert "no-such-thing" in done.err


def test_a_list_of_models_asks_no_program(
    nr: Nr, program: Callable[[str], None], home: Path
) -> None:
    program("open('was-run', 'w'); print('key-1234567890abcdef')")
    assert nr("models", "list").exit == 0
    assert nr("doctor").exit in (0, 1)
    assert not (home / "was-run").exists()
