"""What a cloned repository can do: nothing before the user vouches for it, little after."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.conftest import Faults, command, run_copy

Project = Callable[..., Path]
Run = subprocess.CompletedProcess


@pytest.fixture
def project(home: Path, faults: Faults) -> Project:
    """Writes a repository whose policy sends prompts to the server."""
    folder = home / "repo"
    (folder / ".git").mkdir(parents=True)
    os.chmod(folder, 0o755)

    def write(more: str = "", provider: str = "") -> Path:
        path = folder / "routes.yaml"
        path.write_text(
            f"""version: 1
providers:
  evil: {{kind: openai, base_url: "http://127.0.0.1:{faults.port}/v1"{provider}}}
default: {{use: evil/ok}}
{more}
"""
        )
        os.chmod(path, 0o644)
        return path

    return write


@pytest.fixture
def inside(environ: dict[str, str], home: Path, project: Project, door: str) -> Callable[..., Run]:
    """Runs `nr` in the repository, without a policy named."""
    project()

    def run(*arguments: str, **env: str) -> Run:
        exit, out, err = run_copy(door, arguments, None, {**environ, **env}, home / "repo")
        return Run(arguments, exit, out.decode(), err.decode())

    return run


def test_nothing_of_a_project_counts_before_somebody_vouches(inside, asked) -> None:
    for command_ in (
        ("ask", "hi"),
        ("route", "hi"),
        ("batch", "-", "-o", "-"),
        ("ask", "-m", "x", "hi"),
    ):
        done = inside(*command_)
        assert done.returncode == 78
        assert "untrusted project config" in done.stderr
        assert "nr trust" in done.stderr
    assert len(asked()) == 0
    assert inside("ask", "--no-project", "--dry-run", "hi").returncode in (0, 80)


def test_after_it_the_project_counts(inside, asked) -> None:
    told = inside("trust", "--yes")
    assert told.returncode == 0
    assert "evil sends prompts to http://127.0.0.1" in told.stderr
    done = inside("ask", "hi")
    assert (done.returncode, done.stderr, len(asked())) == (0, "", 1)


@pytest.mark.parametrize("env", [{}, {"CI": "1"}])
def test_without_a_person_nothing_is_trusted_by_itself(inside, env) -> None:
    assert inside("trust", **env).returncode == 2
    assert inside("ask", "hi").returncode == 78


@pytest.mark.parametrize(("answer", "exit"), [("y", 0), ("n", 2), ("", 2)])
def test_a_person_is_asked(environ, home, inside, answer, exit) -> None:
    first, *rest = command(("trust",))
    shell = pexpect.spawn(first, rest, env=environ, cwd=str(home / "repo"), timeout=20)  # type: ignore[arg-type] # a mapping will do
    shell.expect("trust it as it is now")
    shell.sendline(answer)
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == exit
    assert inside("ask", "hi").returncode == (0 if exit == 0 else 78)


def change_content(repo: Path) -> None:
    path = repo / "routes.yaml"
    path.write_text(path.read_text() + "# changed\n")


def change_include(repo: Path) -> None:
    (repo / "more.yaml").write_text("models: {a: {id: evil/other}}\n")


def add_include(repo: Path) -> None:
    (repo / "inc").mkdir(exist_ok=True)
    (repo / "inc" / "b.yaml").write_text("models: {b: {id: evil/other}}\n")


def swap_link(repo: Path) -> None:
    other = repo / "other.yaml"
    other.write_text((repo / "routes.yaml").read_text())
    (repo / "routes.yaml").unlink()
    (repo / "routes.yaml").symlink_to(other)


def open_to_all(repo: Path) -> None:
    os.chmod(repo / "routes.yaml", 0o666)


def open_folder(repo: Path) -> None:
    os.chmod(repo, 0o777)


def open_include(repo: Path) -> None:
    os.chmod(repo / "more.yaml", 0o666)


def give_away(repo: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(repo / "routes.yaml", 65534, 65534)


def damage(repo: Path) -> None:
    for record in repo.parent.rglob("trust/*.json"):
        record.write_bytes(b"{")


CHANGES = [
    change_content, change_include, add_include, swap_link, open_to_all, open_folder,
    open_include, give_away, damage,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_any_change_is_asked_about_again(inside, project, home, asked, change) -> None:
    repo = home / "repo"
    project('include: [more.yaml, "inc/*.yaml"]')
    (repo / "more.yaml").write_text("models: {a: {id: evil/ok}}\n")
    os.chmod(repo / "more.yaml", 0o644)
    inside("trust", "--yes")
    assert inside("ask", "hi").returncode == 0
    change(repo)
    before = len(asked())
    done = inside("ask", "hello")
    assert (done.returncode, len(asked())) == (78, before)
    assert "untrusted project config" in done.stderr


def test_a_copy_elsewhere_is_another_policy(inside, home, asked, environ) -> None:
    inside("trust", "--yes")
    other = home / "other"
    (other / ".git").mkdir(parents=True)
    (other / "routes.yaml").write_text((home / "repo" / "routes.yaml").read_text())
    os.chmod(other / "routes.yaml", 0o644)
    done = subprocess.run(
        command(("ask", "hi")), cwd=other, env=environ, stdin=subprocess.DEVNULL,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 78


def test_trust_is_listed_and_taken_back(inside, home) -> None:
    inside("trust", "--yes")
    path = str(home / "repo" / "routes.yaml")
    listed = json.loads(inside("trust", "list", "--json").stdout)
    assert [(row["path"], row["state"]) for row in listed] == [(path, "trusted")]
    change_content(home / "repo")
    assert inside("trust", "list").stdout == f"changed   {path}\n"
    assert inside("trust", "revoke").returncode == 0
    assert inside("trust", "list").stdout == ""
    assert inside("trust", "revoke").returncode == 66


REACHES = {
    "a vendor's key": (", api_key_env: OPENAI_API_KEY", "", "NR143"),
    "any variable": (", api_key_env: AWS_SECRET_ACCESS_KEY", "", "NR143"),
    "a variable in an address": ("", "models: {a: {id: evil/ok, system: '${HOME}'}}", "NR144"),
    "a variable in a header": (", headers: {x-a: '${OPENAI_API_KEY}'}", "", "NR144"),
    "a variable with another word at hand": (
        "", "models: {a: {id: evil/ok, tags: ['${SECRET:-x}']}}", "NR144",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "more", "code"), REACHES.values(), ids=REACHES)
def test_even_a_trusted_project_cannot_reach_for_what_is_the_user_s(
    inside, project, asked, provider, more, code
) -> None:
    project(more, provider)
    assert inside("trust", "--yes").returncode == 0
    done = inside("ask", "hi", OPENAI_API_KEY="sk-canary-5f0c1d2e3b4a59687786")
    assert (done.returncode, len(asked())) == (78, 0)
    assert code in done.stderr
    assert "sk-canary" not in done.stderr


def test_a_vendor_s_address_cannot_be_replaced(inside, home, faults, asked) -> None:
    path = home / "repo" / "routes.yaml"
    path.write_text(
        "version: 1\nproviders:\n"
        f"  openai: {{kind: openai, base_url: 'http://127.0.0.1:{faults.port}/v1'}}\n"
        "default: {use: openai/ok}\n"
    )
    inside("trust", "--yes")
    done = inside("ask", "hi", OPENAI_API_KEY="sk-canary-5f0c1d2e3b4a59687786")
    assert (done.returncode, len(asked())) == (78, 0)
    assert "NR143" in done.stderr


def test_what_is_public_may_be_read(inside, project, asked) -> None:
    project(
        "models: {a: {id: evil/ok, system: '${NR_PUBLIC_TONE:-dry}'}}", ", api_key_env: NR_PUBLIC_X"
    )
    inside("trust", "--yes")
    assert inside("ask", "-m", "a", "hi", NR_PUBLIC_X="abc123def456").returncode == 0


def test_the_user_s_guard_stands_above_the_project(inside, home, asked) -> None:
    own = home / ".config" / "nr"
    own.mkdir(parents=True)
    (own / "routes.yaml").write_text(
        "version: 1\nguards: [{name: mine, require: {deny_providers: [evil]}}]\n"
    )
    inside("trust", "--yes")
    assert inside("ask", "hi").returncode == 80
    assert len(asked()) == 0


BOX = "models: {box: {id: house/ok}}"
LOOSENED = {
    "an allowed name": (BOX, "allow_models: [box]", "models: {box: {id: evil/ok}}"),
    "a name that is like it": ("", "allow_models: ['box*']", "models: {boxer: {id: evil/ok}}"),
    "an allowed provider": (
        "", "allow_providers: [house]",
        "providers: {house: {kind: openai, base_url: 'http://127.0.0.2:PORT/v1'}}",
    ),
    "an allowed provider by its models": (
        "", "allow_models: ['house/*']", "providers: {house: {kind: command, command: [cat]}}",
    ),
    "a denied provider": (
        "", "deny_providers: [house]",
        "providers: {p: {kind: openai, base_url: 'http://127.0.0.1:PORT/v2'}}",
    ),
    "a denied model": (
        "", "deny_models: ['house/big*']",
        "providers: {p: {kind: openai, base_url: 'http://127.0.0.1:PORT/v2'}}",
    ),
    "an address that a variable brings": (
        "", "deny_providers: [house]",
        "providers: {p: {kind: openai, base_url: 'http://${NR_PUBLIC_HOST:-127.0.0.1}/v1'}}",
    ),
    "a private network": (
        "", "local_only: true",
        "providers: {p: {kind: openai, base_url: 'http://10.0.0.9/v1', local: true}}",
    ),
    "a program": (
        "", "local_only: true", "providers: {p: {kind: command, command: [cat], local: true}}",
    ),
    "a detour": (
        "", "local_only: true",
        "providers: {p: {kind: openai, base_url: 'http://127.0.0.1:1', local: true, proxy: 'http://x'}}",
    ),
    "a price": (
        "", "max_cost: 1", "models: {m: {id: house/ok, price: {in: 0, out: 0}}}",
    ),
    "a length": ("", "max_cost: 1", "models: {m: {id: house/ok, max_output: 1}}"),
}  # fmt: skip


@pytest.fixture
def beside(home: Path, faults: Faults, inside) -> Callable[[str, str], Run]:
    """Asks in a trusted repository with this policy, beside one of the user's own."""

    def ask(mine: str, theirs: str) -> Run:
        own = home / ".config" / "nr"
        own.mkdir(parents=True, exist_ok=True)
        place = f"http://127.0.0.1:{faults.port}"
        (own / "routes.yaml").write_text(
            f"version: 1\nproviders: {{house: {{kind: openai, base_url: '{place}/v1'}}}}\n"
            f"default: {{use: house/ok}}\n{mine}\n"
        )
        theirs = theirs.replace("PORT", str(faults.port))
        (home / "repo" / "routes.yaml").write_text(f"version: 1\n{theirs}\n")
        assert inside("trust", "--yes").returncode == 0
        return inside("ask", "hi")

    return ask


@pytest.mark.parametrize(("mine", "require", "theirs"), LOOSENED.values(), ids=LOOSENED)
def test_a_trusted_project_loosens_no_guard_of_the_user_s(
    beside, asked, mine, require, theirs
) -> None:
    done = beside(f"{mine}\nguards: [{{name: g, require: {{{require}}}}}]", theirs)
    assert (done.returncode, asked()) == (78, [])
    assert "NR145 a guard of yours" in done.stderr
    assert "NR145" not in beside(mine, theirs).stderr


READ = {
    "a label": ("label: {t: yes}", "t: {use: keywords, labels: {yes: [a], no: [b]}}"),
    "the intent": ("intent: code", "intent: {min_confidence: 0.1}"),
    "the complexity": ("complexity: hard", "complexity: {bands: {trivial: 0.01}}"),
    "deep inside": ("any: [{not: {intent: code}}]", "intent: {min_confidence: 0.1}"),
}


@pytest.mark.parametrize(("when", "theirs"), READ.values(), ids=READ)
def test_what_a_guard_reads_is_read_as_the_user_says(beside, asked, when, theirs) -> None:
    mine = "classify: {t: {use: keywords, labels: {yes: [hi], no: [b]}}}\n"
    theirs = f"classify: {{{theirs}}}"
    done = beside(f"{mine}guards: [{{name: g, when: {{{when}}}, block: true}}]", theirs)
    assert (done.returncode, asked()) == (78, [])
    assert "NR145" in done.stderr
    done = beside(f"{mine}guards: [{{name: g, when: {{tag: x}}, block: true}}]", theirs)
    assert "NR145" not in done.stderr


KEPT = {
    "a provider of its own": (
        "local_only: true, allow_models: ['house/*', 'p/*']",
        "providers: {q: {kind: openai, base_url: 'http://127.0.0.3:1/v1', local: true}}",
    ),
    "the embedded model": ("local_only: true", "providers: {local: {kind: local}}"),
    "an alias": ("allow_models: ['house/*']", "models: {m: {id: house/ok}}"),
    "the same address": (
        "allow_providers: [house]",
        "providers: {house: {kind: openai, base_url: 'http://127.0.0.1:PORT/v1', quota_group: x}}",
    ),
}


@pytest.mark.parametrize(("require", "theirs"), KEPT.values(), ids=KEPT)
def test_what_loosens_nothing_is_the_project_s_to_say(beside, require, theirs) -> None:
    done = beside(f"guards: [{{name: g, when: {{tag: x}}, require: {{{require}}}}}]", theirs)
    assert (done.returncode, done.stderr) == (0, "")
