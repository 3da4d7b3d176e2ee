"""That a shell completes nr, wherever its script came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Nr


@pytest.fixture
def programs(home: Path) -> Path:
    folder = home / "bin"
    folder.mkdir()
    (folder / "nr").write_text(f'#!/bin/sh\nexec {sys.executable} -m nr_cli "$@"\n')
    (folder / "nr").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        ("nr mod", {"models"}),
        ("nr keys s", {"set"}),
        ("nr ask --no-f", {"--no-fallback"}),
        ("nr cache ", {"stats", "prune", "clear", "why", "path", "export", "import"}),
        ("nr nothing ", set()),
        ("nr keys set f", {"fireworks", "fs"}),
        ("nr ask -m fs/", {"fs/ok"}),
    ],
)
def test_bash_completes_commands_with_flags(
    nr: Nr, home: Path, environ, programs: Path, policy: Path, words: str, replies: set[str]
) -> None:
    script = home / "script"
    script.write_bytes(nr("completion", "bash").out)
    typed = words.split(" ")
    done = subprocess.run(
        ["bash", "--norc", "-c", f". {script}; COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1};"
         ' _nr_completion nr; printf "%s\\n" "${COMPREPLY[@]}"'],
        env={**environ, "NR_POLICY": str(policy), "PATH": f"{programs}:{environ['PATH']}"},
        capture_output=True, text=True, timeout=30, cwd=home,
    )  # fmt: skip
    assert set(done.stdout.split()) == replies
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/nr"),
        ("zsh", ".zfunc/_nr"),
        ("fish", ".config/fish/completions/nr.fish"),
    ],
)
def test_install_puts_the_script_where_the_shell_looks_once(
    nr: Nr, home: Path, shell: str, place: str
) -> None:
    first, second = (nr("completion", shell, "--install") for _ in range(2))
    assert (first.exit, second.exit) == (0, 0)
    assert (home / place).read_bytes() == nr("completion", shell).out
    assert str(home / place) in first.err
    assert "there already" in second.err
    (home / place).write_text("# mine\n")
    done = nr("completion", shell, "--install")
    assert (done.exit, (home / place).read_text()) == (2, "# mine\n")


def test_zsh_reads_what_its_file_is_from_the_first_line(nr: Nr) -> None:
    assert nr("completion", "zsh").out.startswith(b"#compdef nr\n")


def test_another_shell_is_a_misuse(nr: Nr) -> None:
    done = nr("completion", "bsh")
    assert done.exit == 2
    assert 'did you mean "bash"' in done.err


def test_doctor_sees_what_is_installed(nr: Nr) -> None:
    shell = {"SHELL": "/bin/fish"}
    assert b"none for fish" in nr("doctor", env=shell).out
    nr("completion", "fish", "--install")
    assert b"installed for fish" in nr("doctor", env=shell).out
