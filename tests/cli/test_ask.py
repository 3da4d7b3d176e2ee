"""`nr ask` at the command line: what goes in, what comes out, what a shell sees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nr_cli.cli.blocks import code_block
from nr_cli.cli.screen import Neutraliser, neutralise
from tests.conftest import KEY, Faults, Nr, command

TEXT = b"The quick brown fox jumps over the lazy dog.\n"


@pytest.mark.parametrize(
    ("arguments", "stdin", "asked"),
    [
        (["a", "b"], None, "a b"),
        (["q"], b"from stdin\n", "q\n\nfrom stdin\n"),
        ([], b"alone", "alone"),
        (["-"], b"alone", "alone"),
        (["a {{stdin}} c"], b"b", "a b c"),
        (["a {{stdin}}c"], None, "a c"),
        (["q", "--no-stdin"], b"ignored", "q"),
        ([], b"\xef\xbb\xbfbom", "bom"),
        ([], b"nul\x00byte", "nul\x00byte"),
        ([], "é".encode("latin-1") + b"t", "\ufffdt"),
    ],
    ids=["words", "both", "stdin", "dash", "place", "empty place", "no stdin", "bom", "nul", "bad"],
)
def test_the_prompt_is_arguments_then_stdin(
    nr: Nr, arguments: list[str], stdin: bytes | None, asked: str
) -> None:
    done = nr("ask", "-m", "cat/x", *arguments, stdin=stdin)
    assert done.exit == 0
    assert done.out.decode() == (asked if asked.endswith("\n") else asked + "\n")
    assert ("not UTF-8" in done.err) == ("\ufffd" in asked)


def test_a_file_is_fenced_and_named_between_argument_and_stdin(nr: Nr, home: Path) -> None:
    (home / "a.py").write_text("x = '```'\n")
    done = nr("ask", "-m", "cat/x", "-f", "a.py", "look", stdin=b"end")
    assert done.out.decode() == "look\n\na.py:\n````py\nx = '```'\n````\n\nend\n"


def test_a_url_is_fetched_without_a_key(nr: Nr, faults: Faults) -> None:
    url = f"http://127.0.0.1:{faults.port}/v1/models"
    done = nr("ask", "-m", "cat/x", "--no-cache", "-f", url, "look")
    assert done.out.decode().startswith(f"look\n\n{url}:\n```")
    assert b'"object"' in done.out
    asked = [json.loads(row) for row in faults.log.read_text().splitlines()][-1]
    assert asked["method"] == "GET"
    assert "authorization" not in asked["headers"]


@pytest.mark.parametrize(
    "path", ["/f/404/x", "/f/redirect_302=same/x", "/f/rst_before/x", "/f/gzip_bomb=100/x"]
)
def test_a_url_that_gives_no_text_is_a_missing_file(nr: Nr, faults: Faults, path: str) -> None:
    done = nr("ask", "-m", "cat/x", "-f", f"http://127.0.0.1:{faults.port}{path}", "look")
    assert (done.exit, done.out) == (66, b"")


@pytest.mark.parametrize(
    ("arguments", "exit"),
    [
        (["ask"], 2),
        (["ask", "  "], 2),
        (["ask", "-f", "missing.txt", "q"], 66),
        (["ask", "--bogus", "q"], 2),
        (["ask", "-m", "nobody", "q"], 2),
        (["ask", "--cache", "sometimes", "q"], 2),
        (["ask", "-o", "model", "x", "q"], 2),
        (["ask", "--timeout", "-1", "q"], 2),
        (["asc"], 2),
        (["chat"], 2),
        (["ask", "--policy", "missing.yaml", "q"], 78),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_misuse_has_its_exit_and_prints_nothing_on_stdout(
    nr: Nr, arguments: list[str], exit: int
) -> None:
    done = nr(*arguments)
    assert (done.exit, done.out) == (exit, b"")
    assert done.err.startswith("nr: ")
    document = nr(*arguments, "--json").document
    assert document["error"]["exit"] == exit


def test_json_is_ascii_and_has_every_promised_field(nr: Nr) -> None:
    done = nr("ask", "-m", "fs/ansi", "--json", "hi")
    assert done.out.isascii()
    assert done.document.keys() == {
        "version", "answer", "reasoning", "finish", "route", "model", "model_id", "provider",
        "usage", "cost", "cache", "attempts", "decision", "overhead_ms", "error",
    }  # fmt: skip
    assert done.document["usage"]["input_tokens"] == 7
    assert done.document["cost"] == {"usd": None, "known": False}
    assert done.document["decision"]["version"] == 1


def test_jsonl_streams_the_events_in_order(nr: Nr) -> None:
    rows = [json.loads(line) for line in nr("ask", "-m", "fs/ok", "--jsonl", "hi").out.splitlines()]
    names = [row["event"] for row in rows]
    assert names[:2] == ["decided", "started"]
    assert names[-2:] == ["finished", "served"]
    assert "".join(row["text"] for row in rows if row["event"] == "text") == TEXT.decode().strip()


def test_usage_and_routing_line_go_to_stderr(nr: Nr) -> None:
    done = nr("ask", "-uv", "hi")
    assert done.out == TEXT
    assert "default → fs/ok" in done.err
    assert "7 in (0 cached), 9 out · cost unknown" in done.err


def test_the_same_ask_again_comes_from_the_cache(nr: Nr, faults: Faults) -> None:
    first = nr("ask", "-m", "fs/nonce", "same")
    asked = len(faults.requests("nonce"))
    assert nr("ask", "-m", "fs/nonce", "same").out == first.out
    assert nr("ask", "-m", "fs/nonce", "--offline", "same").out == first.out
    assert nr("ask", "-m", "fs/nonce", "--cache", "only", "same").out == first.out
    assert len(faults.requests("nonce")) == asked
    assert nr("ask", "-m", "fs/nonce", "--no-cache", "same").out != first.out
    assert nr("ask", "-m", "fs/nonce", "-o", "temperature", "0.1", "same").out != first.out
    assert nr("ask", "-m", "fs/nonce", "--offline", "other").exit == 81


def test_cache_why_names_the_field_that_differs(nr: Nr) -> None:
    nr("ask", "-m", "fs/ok", "-o", "temperature", "0.1", "hi")
    assert nr("cache", "why", "-m", "fs/ok", "-o", "temperature", "0.1", "hi").exit == 0
    done = nr("cache", "why", "-m", "fs/ok", "-o", "temperature", "0.9", "hi")
    assert done.exit == 1
    assert b"params.temperature: 0.9 here, 0.1 there" in done.out


def test_a_file_is_replaced_by_a_whole_answer_alone(nr: Nr, home: Path) -> None:
    target = home / "out.md"
    target.write_text("old")
    assert nr("ask", "-m", "fs/length", "-O", "out.md", "hi").out == b""
    assert target.read_text() == "old"
    assert (home / "out.md.partial").read_text().startswith("this answer was cut")
    assert nr("ask", "-m", "fs/ok", "-O", "out.md", "hi").exit == 0
    assert target.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("answer", "first", "last"),
    [
        ("a\n```py\nx\n```\nb\n~~~\ny\n```\n~~~\n", "x\n", "y\n```\n"),
        ("no block", "no block", "no block"),
        ("````\n```\nin\n```\n````\n", "```\nin\n```\n", "```\nin\n```\n"),
        ("```\nopen", "open", "open"),
        ("```\na\x0cb\x85c\u2028d\x1ce\r\nf\rg\n```\n",)
        + ("a\x0cb\x85c\u2028d\x1ce\r\nf\rg\n",) * 2,
        ("1. do\n\n   ```sh\n   a\n     b\n   ```\n2. it\n", "a\n  b\n", "a\n  b\n"),
        ("- x\n  - y\n\n    ```\n    a\n\n    b\n    ```\n", "a\n\nb\n", "a\n\nb\n"),
        ("10. - ```\n      a\n      ```\n      z\n", "a\n", "a\n"),
        ("-\t```\n\ta\n\t```\n", "a\n", "a\n"),
        ("1. x\n   ```\na\n   ```\n", "a\n", "a\n"),
        ("    ```\n    a\n    ```\n", "    ```\n    a\n    ```\n", "    ```\n    a\n    ```\n"),
        ("- x\n\nend\n\n    ```\n", "- x\n\nend\n\n    ```\n", "- x\n\nend\n\n    ```\n"),
        ("  ```\n   a\n b\n  ```\n", " a\nb\n", " a\nb\n"),
        ("~~~~ `js` ~\n~~~\n````\n~~~~~ \n", "~~~\n````\n", "~~~\n````\n"),
        ("``` a`b\n```\nc", "c", "c"),
        ("```\na\n    ```\n", "a\n    ```\n", "a\n    ```\n"),
        ("* * *\n```\na\n```", "a\n", "a\n"),
        ("-     ```\n\n      a\n", "-     ```\n\n      a\n", "-     ```\n\n      a\n"),
    ],
    ids=[
        "two",
        "none",
        "nested",
        "open",
        "odd line ends",
        "item",
        "nested items",
        "marker's line",
        "tab",
        "code left of its item",
        "indented",
        "after a list",
        "indented fence",
        "tildes",
        "inline",
        "closing too far in",
        "thematic break",
        "code in an item",
    ],
)
def test_a_code_block_is_taken_without_its_fence(answer: str, first: str, last: str) -> None:
    assert code_block(answer, last=False) == first
    assert code_block(answer, last=True) == last


def shell(line: str, environ: dict[str, str], policy: Path) -> subprocess.CompletedProcess[bytes]:
    environ = {**environ, "NR_POLICY": str(policy), "NR": " ".join(command([]))}
    return subprocess.run(["bash", "-c", line], env=environ, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    ("line", "exit", "out"),
    [
        ("$NR ask hi > /dev/full", 74, b""),
        ("$NR ask hi >&-", 74, b""),
        ("$NR ask hi 2>&-", 0, TEXT),
        ("$NR ask hi <&-", 0, TEXT),
        ("$NR ask <&-", 2, b""),
        ("$NR route --jsonl <&-", 2, b""),
        ("$NR route --jsonl < /dev/null", 0, b""),
        ("$NR ask -m fs/endless=20 hi | head -c 5; exit ${PIPESTATUS[0]}", 141, b"tick "),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $NR ask -m cat/x é", 0, "é\n".encode()),
        ("env -u HOME $NR ask hi", 0, TEXT),
        ("HOME=/dev/null/x $NR ask hi", 0, TEXT),
        ("umask 000; $NR ask hi; find $HOME -path '*nr*' -perm /077", 0, TEXT),
    ],
)
def test_a_shell_sees_what_it_should(
    environ: dict[str, str], policy: Path, line: str, exit: int, out: bytes
) -> None:
    done = shell(line, environ, policy)
    assert (done.returncode, done.stdout) == (exit, out), done.stderr


LISTINGS = [
    "--version",
    "--help",
    "cache stats",
    "cache path",
    "log path",
    "policy schema",
    "route q",
]


@pytest.mark.parametrize("listing", LISTINGS)
def test_every_command_says_that_its_output_was_lost(
    environ: dict[str, str], policy: Path, listing: str
) -> None:
    for line in (f"$NR {listing} > /dev/full", f"$NR {listing} >&-"):
        done = shell(line, environ, policy)
        assert done.returncode == 74, (line, done.stderr)
        assert b"write error" in done.stderr
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "wb") as nobody:
        done = subprocess.run(
            command(listing.split()), env={**environ, "NR_POLICY": str(policy)},
            stdin=subprocess.DEVNULL, stdout=nobody, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_an_answer_that_could_not_be_written_is_in_the_history(
    nr: Nr, environ: dict[str, str], policy: Path
) -> None:
    shell("$NR ask paid > /dev/full", environ, policy)
    assert b"quick brown" in nr("log", "search", "quick", "--json").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_ask_by_that_signal_with_the_partial_kept(
    environ: dict[str, str], policy: Path, nr: Nr, number: int
) -> None:
    ask = subprocess.Popen(
        command(["ask", "-m", "fs/slow_drip=0.3", "signalled"]),
        env={**environ, "NR_POLICY": str(policy)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert ask.stdout is not None
    seen = os.read(ask.stdout.fileno(), 100)
    ask.send_signal(number)
    sent = time.monotonic()
    out, err = ask.communicate(timeout=10)
    assert time.monotonic() - sent < 1
    assert ask.returncode == -number
    assert seen + out in TEXT
    assert err == b""
    assert b"interrupted" in nr("log", "list", "--json").out


def on_terminal(
    environ: dict[str, str], policy: Path, *arguments: str, **env: str
) -> tuple[str, int]:
    program, *rest = command(["ask", *arguments])
    child = pexpect.spawn(
        program,
        rest,
        env={**environ, "NR_POLICY": str(policy), "TERM": "xterm", "LANG": "C.UTF-8", **env},
        dimensions=(30, 80),
        timeout=15,
    )
    shown = child.read().decode()
    child.close()
    return shown, child.exitstatus


def test_markdown_is_drawn_on_a_terminal(environ: dict[str, str], policy: Path) -> None:
    shown, exit = on_terminal(environ, policy, "-m", "cat/x", "# Head\n\n**bold** [l](http://x.y)")
    assert exit == 0
    assert "\x1b[1mbold" in shown
    assert "**" not in shown
    assert "\x1b]8" not in shown


@pytest.mark.parametrize("behaviour", ["ansi", "ansi_split"])
@pytest.mark.parametrize("dumb", [False, True], ids=["markdown", "dumb"])
def test_no_control_character_of_a_model_reaches_the_terminal(
    environ: dict[str, str], policy: Path, behaviour: str, dumb: bool
) -> None:
    env = {"TERM": "dumb"} if dumb else {}
    shown, _ = on_terminal(environ, policy, "-m", f"fs/{behaviour}", "hi", **env)
    assert "^[]52;c" in shown
    for character in "\x07\x08\x7f\x9b\x9d\u202e\U000e0041":
        assert character not in shown
    assert "\x1b]" not in shown
    assert ("\x1b" in shown) is False or not dumb


def test_a_key_that_a_server_echoes_is_never_shown(environ: dict[str, str], policy: Path) -> None:
    shown, exit = on_terminal(environ, policy, "-m", "fs/leaky_error", "hi")
    assert exit == 77
    assert KEY not in shown
    assert "***" in shown


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_neutral_text_is_the_same_for_every_chunking_and_holds_no_control(
    text: str, cuts: list[int]
) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    stream = Neutraliser()
    pieces = [stream.feed(text[a:b]) for a, b in pairwise(places)]
    shown = "".join(pieces) + stream.end()
    assert shown == neutralise(text)
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in shown)


@pytest.mark.parametrize(
    ("key", "exit"),
    [("sk-good\n", 0), ("sk-in ner", 78), ("sk-a\nX-Evil: 1", 78), ("sk–dash", 78), ("", 77)],
    ids=["newline at the end", "space", "newline inside", "dash", "missing"],
)
def test_a_key_no_header_can_carry_is_never_sent(nr: Nr, key: str, exit: int) -> None:
    done = nr("ask", "--no-cache", "hi", env={"FS_KEY": key})
    assert done.exit == exit
    assert "Evil" not in done.err


def test_a_program_never_sees_a_key_of_any_provider(nr: Nr, home: Path, policy: Path) -> None:
    shown = policy.read_text().replace("[cat]", "[env]")
    (home / "env.yaml").write_text(shown)
    done = nr("ask", "--policy", "env.yaml", "-m", "cat/x", "hi", env={"OTHER_API_KEY": "x"})
    assert done.exit == 0
    assert b"PATH=" in done.out
    assert b"KEY" not in done.out


def test_a_project_policy_is_refused_until_it_is_named(
    nr: Nr, environ: dict[str, str], home: Path, policy: Path
) -> None:
    below = home / "work" / "deep"
    below.mkdir(parents=True)
    (home / "work" / ".git").mkdir()
    (home / "work" / "routes.yaml").write_text(policy.read_text())
    done = subprocess.run(
        command(["ask", "hi"]), env=environ, cwd=below, capture_output=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (78, b"")
    assert b"--policy" in done.stderr


def test_a_dry_run_prints_the_decision_without_a_key_and_sends_nothing(
    nr: Nr, faults: Faults
) -> None:
    asked = len(faults.requests("ok"))
    done = nr("ask", "--dry-run", "hi", env={"FS_KEY": ""})
    assert done.exit == 0
    assert b"chain       fs/ok" in done.out
    assert b"pinned" not in done.out, "nothing was: the default answers where no rule stands"
    assert len(faults.requests("ok")) == asked


def test_a_dry_run_of_events_is_the_one_event_that_happens(nr: Nr, faults: Faults) -> None:
    asked = len(faults.requests("ok"))
    done = nr("ask", "--dry-run", "--jsonl", "hi")
    assert (done.exit, done.document["event"]) == (0, "decided")
    assert done.document["decision"]["chain"] == ["fs/ok"]
    assert len(faults.requests("ok")) == asked


def test_route_explains_without_a_key_and_jsonl_answers_in_order(nr: Nr) -> None:
    done = nr("route", "--json", "Prove it", env={"FS_KEY": ""})
    assert done.exit == 0
    assert done.document["model"] == "fs/ok"
    rows = b'{"id": "a", "prompt": "hello"}\n{"prompt": ""}\n{"id": 3, "prompt": "2+2"}\n'
    done = nr("route", "--jsonl", stdin=rows)
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [row["id"] for row in answers] == ["a", 2, 3]
    assert "error" in answers[1]
    assert answers[0]["complexity"]["band"] == "trivial"
    assert done.exit == 3


@pytest.mark.parametrize(
    ("row", "id", "words"),
    [
        (b'{"id": NaN, "prompt": "x"}', 2, "NaN"),
        (b'{"id": "a", "prompt": "x", "score": NaN}', "a", "NaN"),
        (b'{"id": 1e999, "prompt": ""}', 2, "prompt"),
        (b'{"id": "b", "prompt": ""}', "b", "prompt"),
        (b'{"id": 7, "prompt": "x", "system": 5}', 7, '"system" is not a text'),
        (b'{"id": "c", "prompt": "x", "attachments": 5}', "c", "not a list"),
        (b'{"id": "d", "prompt": "\xff"}', "d", "not UTF-8"),
        (b'{"id": "e", "prompt": "\\ud800"}', "e", "surrogate"),
        (b"[" * 100_000, 2, "not JSON"),
        (b'{"id": "f"', 2, "not JSON"),
        (b"[1]", 2, "not a JSON object"),
        (b'{"id": {}, "prompt": 1}', 2, "prompt"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_row_is_a_row_with_its_id_among_good_ones(
    nr: Nr, row: bytes, id: object, words: str
) -> None:
    done = nr("route", "--jsonl", stdin=b'{"prompt": "x"}\n' + row + b'\n{"id": 0, "prompt": "x"}')
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.exit == 3
    assert [answer["id"] for answer in answers] == [1, id, 0]
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert words in answers[1]["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [["a", "word"], ["-f", "x"], ["-a", "x"], ["-t", "x"], ["-p", "a=b"], ["--no-stdin"]],
    ids=lambda arguments: arguments[0],
)
def test_rows_take_no_prompt_beside_them(nr: Nr, arguments: list[str]) -> None:
    done = nr("route", "--jsonl", *arguments, stdin=b'{"prompt": "x"}')
    assert (done.exit, done.out) == (2, b"")
    assert "not with --jsonl" in done.err


def test_a_system_text_is_that_of_each_row_without_its_own(nr: Nr, policy: Path) -> None:
    limits = "models: {small: {id: cat/x, context: 300}}\n"
    policy.write_text(policy.read_text().replace("use: fs/ok", "use: small") + limits)
    rows = b'{"prompt": "x"}\n{"prompt": "x", "system": "short"}'
    done = nr("route", "--jsonl", "-o", "max_tokens", "9", "-s", "long " * 400, stdin=rows)
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert ["error" in answer for answer in answers] == [True, False]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("gpt-5", "openai/gpt-5"), ("openi/gpt-5", "openai"), ("OpenAI/gpt-5", "openai")],
)
def test_an_unknown_model_is_told_which_known_one_was_meant(nr: Nr, name: str, meant: str) -> None:
    done = nr("ask", "-m", name, "hi")
    assert (done.exit, done.out) == (2, b"")
    assert f'did you mean "{meant}"?' in done.err


# Presses Ctrl-C in the middle of an import, as a person in a hurry does.
HURRY = """
import os, signal, sys
class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == "nr_cli.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Presses())
import nr_cli.__main__
nr_cli.__main__.main()
"""


def test_ctrl_c_while_nr_still_loads_ends_it_without_a_traceback(environ: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", HURRY], env=environ, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")
