"""`nr chat`: a conversation at a terminal, at a plain one, or from a pipe."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from nr_cli.cli.interrupts import Interrupts
from tests.conftest import KEY, Faults, Nr, command

TEXT = "The quick brown fox jumps over the lazy dog."
READY = r"\x1b\[\?2004h"  # what the editor sends when it begins to read
LEAVE = "Ctrl-D leaves"


def messages(faults: Faults, words: str) -> list[dict]:
    """The messages of the last request whose last turn holds these words."""
    rows = [json.loads(line) for line in faults.log.read_text().splitlines()]
    turns = [(row["json"] or {}).get("messages") for row in rows]
    return [found for found in turns if found and words in str(found[-1])][-1]


def said(faults: Faults, words: str) -> list[str]:
    return [turn["content"] for turn in messages(faults, words)]


def logged(home: Path) -> bool:
    """Whether anything was asked."""
    return (home / ".local/state/nr/history.db").exists()


def lines(*entries: str) -> bytes:
    return "".join(f"{entry}\n" for entry in entries).encode()


# From a pipe: each line a message, stdout the answers alone.


def test_each_line_of_a_pipe_is_a_turn(nr: Nr, faults: Faults) -> None:
    done = nr("chat", stdin=b"pipe one\n\npipe two")
    assert (done.exit, done.out, done.err) == (0, f"{TEXT}\n{TEXT}\n".encode(), "")
    assert said(faults, "pipe two") == ["pipe one", TEXT, "pipe two"]


ENTERED = {
    "block": (['"""', "one", "", "two", '"""'], "one\n\ntwo"),
    "tight block": (['"""one', 'two"""'], "one\ntwo"),
    "block of a line": (['"""one line"""'], "one line"),
    "slashes": (["//etc/hosts says"], "/etc/hosts says"),
    "indented": ([" /undo is a word here"], " /undo is a word here"),
}


def test_what_is_entered_is_what_is_sent(nr: Nr) -> None:
    entries = [line for entered, _ in ENTERED.values() for line in (*entered, "/new")]
    done = nr("chat", "-m", "cat/x", stdin=lines(*entries))
    sent = "".join(f"{sent}\n" for _, sent in ENTERED.values())
    assert (done.exit, done.out.decode()) == (0, sent)


TOLD = {
    "/modle x": 'did you mean "/model"?',
    "/etc/hosts": "//text",
    "/model oops": '/model: "oops" is no model',
    "/route lowd": 'did you mean "loud"?',
    "/file nowhere.txt": "nr: nowhere.txt: No such file",
    "/attach empty.bin": "nr: empty.bin: the file is empty",
    "/file": "/file PATH",
    "/undo": "no exchange to drop",
    "/retry": "nothing was sent",
    "/save": "nothing was said",
    "/why": "nothing was asked",
    "/cost": "nothing was answered yet",
    "/help": "/save [--force] [FILE]",
}


def test_what_cannot_be_done_is_told_with_nothing_sent(nr: Nr, home: Path, policy: Path) -> None:
    (home / "empty.bin").touch()
    with_routes(policy)
    done = nr("chat", stdin=lines(*TOLD, "/quit", "never read"))
    assert (done.exit, done.out) == (2, b"")
    assert [told for told in TOLD.values() if told not in done.err] == []
    assert not logged(home)


@pytest.mark.parametrize(
    ("entries", "code", "told"),
    [
        ([], 2, "no prompt"),
        (["", "  "], 2, "no prompt"),
        (["/file nowhere.txt", "/help"], 66, "/quit"),
        (['"""', "never ended"], 65, "not sent"),
        (["/cost", "/quit"], 0, "nothing was answered yet"),
    ],
    ids=["nothing", "blank", "missing file", "open block", "commands alone"],
)
def test_without_a_message_the_exit_tells_why(
    nr: Nr, entries: list[str], code: int, told: str
) -> None:
    done = nr("chat", stdin=lines(*entries))
    assert (done.exit, done.out) == (code, b"")
    assert told in done.err


def with_routes(policy: Path) -> None:
    policy.write_text(
        policy.read_text()
        + "routes: [{name: loud, when: {contains: shout}, use: fs/unicode, system: Loud.}]\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["-m", "oops"], 2), (["--route", "oops"], 2), (["-c"], 66), (["--cid", "01ABC"], 66),
     (["-f", "nowhere.txt"], 66), (["-t", "oops"], 2), (["--policy", "nowhere.yaml"], 78)],
    ids=["model", "route", "none yet", "unknown", "file", "template", "policy"],
)  # fmt: skip
def test_wrong_flags_end_it_before_a_word_is_read(nr: Nr, arguments: list[str], code: int) -> None:
    done = nr("chat", *arguments, stdin=b"hi\n")
    assert (done.exit, done.out) == (code, b"")
    assert done.err.startswith("nr: ")


def test_the_last_failure_is_the_exit_and_the_chat_goes_on(nr: Nr) -> None:
    entries = lines("/model fs/500", "bad", "/model fs/401", "worse", "/model cat/x", "good")
    done = nr("chat", stdin=entries)
    assert (done.exit, done.out) == (77, b"good\n")


@pytest.mark.parametrize("closed", ["stdin", "stdout"])
def test_without_a_place_to_read_or_write_nothing_is_asked(
    environ: dict[str, str], policy: Path, home: Path, closed: str
) -> None:
    redirect = {"stdin": "<&-", "stdout": ">&-"}[closed]
    done = subprocess.run(
        ["sh", "-c", f'echo hi | {{ "$@" {redirect}; }}', "sh", *command(["chat", "-m", "cat/x"])],
        env={**environ, "NR_POLICY": str(policy)}, cwd=home, capture_output=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == {"stdin": 2, "stdout": 74}[closed]
    assert not logged(home)


def test_a_reader_that_leaves_ends_it_by_sigpipe(
    environ: dict[str, str], policy: Path, home: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(["chat", "-m", "cat/x"]), input=b"one\ntwo\n", stdout=writer,
        stderr=subprocess.PIPE, env={**environ, "NR_POLICY": str(policy)}, cwd=home, timeout=20,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


# One conversation, whoever goes on with it.


def test_ask_and_chat_go_on_with_one_another(nr: Nr, faults: Faults) -> None:
    nr("ask", "-s", "Be brief.", "turn one")
    nr("chat", "-c", stdin=lines("turn two", "turn three"))
    nr("ask", "-c", "turn four")
    began = nr("log", "list", "--json").document[-1]["id"]
    nr("chat", "--cid", began, stdin=lines("turn five"))
    turns = said(faults, "turn five")
    assert turns[0] == "Be brief."
    assert turns[1::2] == ["turn one", "turn two", "turn three", "turn four", "turn five"]


def test_what_was_undone_is_sent_no_more(nr: Nr, faults: Faults) -> None:
    done = nr("chat", stdin=lines("stays", "wrong turn", "/undo", "right turn"))
    assert 'dropped "wrong turn"; 1 exchange left' in done.err
    assert said(faults, "right turn") == ["stays", TEXT, "right turn"]
    nr("ask", "-c", "afterwards")
    assert said(faults, "afterwards")[::2] == ["stays", "right turn", "afterwards"]
    logged = [row["prompt"] for row in nr("log", "list", "--json").document]
    assert "wrong turn" in logged, "it was asked, so the log has it"


def test_undoing_all_begins_another_conversation(nr: Nr, faults: Faults) -> None:
    nr("chat", stdin=lines("first of all", "/undo", "second of all"))
    nr("ask", "-c", "third of all")
    assert said(faults, "third of all")[::2] == ["second of all", "third of all"]


def test_a_new_conversation_keeps_the_pin_and_the_system_text(nr: Nr, faults: Faults) -> None:
    nr("chat", "-s", "Terse.", stdin=lines("/model fs/ok", "older", "/new", "newer"))
    assert said(faults, "newer") == ["Terse.", "newer"]


def test_a_failed_message_is_sent_again_with_its_files(
    nr: Nr, home: Path, faults: Faults, policy: Path
) -> None:
    policy.write_text(policy.read_text().replace("retry: {", "retry: {times: 0, "))
    (home / "notes.txt").write_text("the notes\n")
    entries = lines("/file 'notes.txt'", "try me", "/retry", "on we go")
    done = nr("chat", "-m", "fs/429_then_ok=1,0.011", stdin=entries)
    assert (done.exit, done.out.decode()) == (75, f"{TEXT}\n{TEXT}\n")
    fenced = "try me\n\nnotes.txt:\n```txt\nthe notes\n```"
    assert said(faults, "on we go") == [fenced, TEXT, "on we go"]


def test_an_answer_asked_for_again_is_another_one(nr: Nr, faults: Faults) -> None:
    done = nr("chat", "-m", "fs/nonce", stdin=lines("again", "/retry", "then"))
    first, second, _ = done.out.decode().splitlines()
    assert first != second
    assert said(faults, "then") == ["again", second, "then"]


def test_a_pin_holds_until_it_is_taken_back(nr: Nr, policy: Path) -> None:
    with_routes(policy)
    entries = lines("shout a", "/model cat/x", "b", "/route loud", "c", "/model auto", "d")
    done = nr("chat", "-v", stdin=entries)
    told = [line for line in done.err.splitlines() if "→" in line]
    taken = [line.removeprefix("nr: ").split(" · ")[0] for line in told]
    assert "· asked for by name ·" in told[2]
    assert taken == ["loud → fs/unicode", "pinned → cat/x", "loud → fs/unicode", "default → fs/ok"]


def test_the_system_text_is_set_and_dropped(nr: Nr, faults: Faults) -> None:
    nr("chat", stdin=lines("/system Be odd.", "sys one", "/system -", "sys two"))
    assert said(faults, "sys one") == ["Be odd.", "sys one"]
    assert said(faults, "sys two") == ["sys one", TEXT, "sys two"]


def test_a_sticky_chat_keeps_to_what_answered_first(nr: Nr, policy: Path, faults: Faults) -> None:
    with_routes(policy)
    entries = lines("shout it", "whisper it")
    done = nr("chat", "--sticky", "-v", stdin=entries)
    assert done.err.count("loud → fs/unicode") == 2
    assert messages(faults, "whisper it")[0] == {"role": "system", "content": "Loud."}
    assert "loud → " in nr("chat", "-c", "--sticky", "-v", stdin=b"on\n").err
    assert "loud → " in nr("ask", "-c", "--sticky", "-v", "once more").err
    assert "default → " in nr("chat", "-c", "-v", stdin=b"anew\n").err
    policy.write_text(policy.read_text().replace("name: loud", "name: noisy"))
    gone = nr("ask", "-c", "--sticky", "-v", "and now")
    assert "no route loud any more" in gone.err
    assert "default → " in gone.err


def test_a_sticky_pool_keeps_to_its_model(nr: Nr, policy: Path) -> None:
    policy.write_text(
        policy.read_text().replace(
            "default: {use: fs/ok}",
            "default: {use: {models: [cat/a, cat/b, cat/c, cat/d], pick: random}}",
        )
    )
    done = nr("chat", "--sticky", "-v", stdin=lines(*"abcdefgh"))
    assert len(set(re.findall(r"→ (cat/\w)", done.err))) == 1


def test_a_file_goes_along_with_the_next_message_alone(
    nr: Nr, home: Path, policy: Path, faults: Faults
) -> None:
    pixel = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001")
    (home / "dot.png").write_bytes(pixel)
    policy.write_text(policy.read_text() + "models: {eye: {id: fs/ok, caps: [vision]}}\n")
    done = nr("chat", "-m", "eye", stdin=lines("/attach dot.png", "look here", "and then"))
    assert done.exit == 0, done.err
    first, _, last = messages(faults, "and then")
    assert [part["type"] for part in first["content"]] == ["image_url", "text"]
    assert last["content"] == "and then"


def test_a_template_makes_each_message(nr: Nr, home: Path) -> None:
    folder = home / ".config/nr/templates"
    folder.mkdir(parents=True)
    (folder / "loud.yaml").write_text('prompt: "LOUD $input"\nsystem: "Be $mood."\n')
    assert nr("chat", "-t", "loud", stdin=b"x\n").exit == 2, "a value is missing"
    done = nr("chat", "-t", "loud", "-p", "mood", "odd", "-m", "cat/x", stdin=lines("a", "b"))
    assert done.out == b"Be odd.\n\nLOUD a\nBe odd.\n\nLOUD a\n\nBe odd.\n\nLOUD a\n\nLOUD b\n"


def test_a_conversation_too_long_for_every_model_says_what_to_do(nr: Nr, policy: Path) -> None:
    policy.write_text(
        policy.read_text() + "models: {small: {id: cat/x, context: 400, max_output: 100}}\n"
    )
    done = nr("chat", "-m", "small", stdin=lines("word " * 200, "word " * 200, "/undo", "fits"))
    assert done.exit == 80
    assert "the prompt is too long: about" in done.err
    assert "/undo drops the last exchange" in done.err
    assert done.out.endswith(b"\nfits\n")


def test_what_is_not_known_of_the_cost_is_no_nought(nr: Nr, policy: Path) -> None:
    policy.write_text(
        policy.read_text() + "models: {priced: {id: fs/ok, price: {in: 1000, out: 1000}}}\n"
    )
    assert (
        "1 answer: tokens unknown · cost unknown"
        in nr("chat", "-m", "cat/x", stdin=lines("a", "/cost")).err
    )
    entries = lines("a", "/cost", "/model fs/no_usage", "b", "/cost")
    told = nr("chat", "-m", "priced", stdin=entries).err
    assert "1 answer: 7 tokens in, 9 out · $0.016\n" in told
    assert "2 answers: 7 tokens in, 9 out, unknown for 1 · $0.016, unknown for 1\n" in told


def test_why_explains_the_last_decision(nr: Nr, policy: Path) -> None:
    with_routes(policy)
    told = nr("chat", stdin=lines("shout it", "/why")).err
    assert re.search(r"^intent ", told, re.MULTILINE)
    assert re.search(r"^  loud  match ", told, re.MULTILINE)


def test_a_conversation_is_saved_for_its_owner_over_nothing(nr: Nr, home: Path) -> None:
    entries = lines("/system Be kind.", "save me", "/save a talk.md", "/save a talk.md",
                    "more", "/save --force a talk.md", "/save")  # fmt: skip
    done = nr("chat", "-m", "cat/x", stdin=entries)
    saved = home / "a talk.md"
    assert done.err.count("a talk.md: is there already, so it stays") == 1
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    kept = nr("log", "list", "--json").document[-1]["id"]
    assert f"nr chat --cid {kept}" in done.err
    page = saved.read_text()
    assert page.startswith(f"# Conversation {kept}\n\n## System\n\nBe kind.\n\n## You\n\nsave me\n")
    assert "\n\n## cat/x\n\nBe kind.\n\nsave me\n" in page
    assert "\n\n## You\n\nmore\n" in page


@pytest.mark.parametrize("where", [".", "gone/talk.md", "fifo"])
def test_what_is_no_file_is_never_written_over(nr: Nr, home: Path, where: str) -> None:
    os.mkfifo(home / "fifo")
    done = nr("chat", "-m", "cat/x", stdin=lines("a", f"/save --force {where}", "b"))
    assert done.exit in (2, 74)
    assert done.out.endswith(b"b\n")
    assert stat.S_ISFIFO((home / "fifo").stat().st_mode)


def test_without_a_log_a_chat_has_no_name(nr: Nr, home: Path) -> None:
    done = nr("chat", "-n", "-m", "cat/x", stdin=lines("a", "b", "/save"))
    assert done.out == b"a\na\n\na\n\nb\n"
    assert "not kept" in done.err
    assert not logged(home)


# At a terminal.


class Terminal:
    """A person at a terminal that runs `nr chat`."""

    def __init__(self, child: pexpect.spawn, editing: bool) -> None:
        self.child = child
        self.ready = READY if editing else r"(?:^|\n)> "

    def expect(self, pattern: str) -> str:
        """Waits for this; returns what was shown before and of it."""
        self.child.expect(pattern)
        return (self.child.before + self.child.after).decode()

    def enter(self, *keys: str) -> None:
        """Types at the next prompt."""
        self.expect(self.ready)
        for key in keys:
            self.child.send(key)

    def leave(self) -> int:
        """Presses Ctrl-D; returns the exit status."""
        self.enter("\x04")
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.signalstatus is None
        return self.child.exitstatus


Chat = Callable[..., Terminal]


@pytest.fixture
def chat(environ: dict[str, str], policy: Path, home: Path) -> Iterator[Chat]:
    """Starts `nr chat` at a terminal of 24 lines, 80 columns."""
    children = []

    def start(*arguments: str, size: tuple[int, int] = (24, 80), **env: str) -> Terminal:
        program, *rest = command(["chat", *arguments])
        seen = {**environ, "NR_POLICY": str(policy), "TERM": "xterm", "LANG": "C.UTF-8", **env}
        child = pexpect.spawn(program, rest, env=seen, cwd=home, dimensions=size, timeout=15)
        child.delaybeforesend = None
        children.append(child)
        return Terminal(child, seen["TERM"] != "dumb")

    yield start
    for child in children:
        child.close(force=True)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_chat_at_a_terminal(chat: Chat, nr: Nr, faults: Faults, term: str) -> None:
    terminal = chat(TERM=term)
    terminal.enter("\x03")
    shown = terminal.expect("Ctrl-D or /quit leaves")
    for words in ("pty one", "pty two"):
        terminal.enter(f"{words} {term}\r")
        shown += terminal.expect("quick brown")
    terminal.child.setwinsize(10, 40)
    terminal.enter("/undo\r")
    shown += terminal.expect("1 exchange left")
    terminal.enter(f"pty three {term}\r")
    shown += terminal.expect("quick brown")
    assert terminal.leave() == 0
    shown += terminal.child.before.decode()
    turns = said(faults, f"pty three {term}")
    assert turns[::2] == [f"pty one {term}", f"pty three {term}"]
    assert ("\x1b" in shown) == (term != "dumb")
    nr("ask", "-c", f"pty four {term}")
    assert said(faults, f"pty four {term}")[:3] == turns[:3]


def outcomes(faults: Faults, behaviour: str) -> list[str]:
    return [row["outcome"] for row in faults.requests(behaviour)]


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_an_interrupt_stops_the_answer_alone(chat: Chat, nr: Nr, faults: Faults, term: str) -> None:
    behaviour = f"hang_after=3,{20 if term == 'dumb' else 21}"
    terminal = chat("--raw", "-m", f"fs/{behaviour}", TERM=term)
    terminal.enter("stop here\r")
    terminal.expect("The quick")
    terminal.child.sendintr()
    terminal.expect("stopped; what came stays")
    terminal.enter("/model fs/ok\r")
    terminal.expect("pinned to fs/ok")
    deadline = time.monotonic() + 5
    while outcomes(faults, behaviour) != ["client-gone"] and time.monotonic() < deadline:
        os.sched_yield()
    assert outcomes(faults, behaviour) == ["client-gone"], "the server was told at once"
    terminal.enter(f"after all {term}\r")
    terminal.expect("quick brown")
    assert terminal.leave() == 0
    nr("ask", "-c", f"much later {term}")
    for words in ("after all", "much later"):
        assert said(faults, f"{words} {term}")[:2] == ["stop here", "The quick "]


def test_lines_are_edited_completed_recalled(chat: Chat, faults: Faults, home: Path) -> None:
    terminal = chat()
    terminal.enter("\x1b[200~pasted one\npasted two\x1b[201~", "\x1b\r", "added", "\r")
    terminal.expect("quick brown")
    terminal.enter('"""\r', "in a block\r", '"""\r')
    terminal.expect("quick brown")
    # what only looks like a mouse's report; the editor's own answer would be a traceback
    terminal.enter("\x1b[31m", "/cos\t\r")
    terminal.expect("2 answers: 14 tokens in")
    terminal.enter(f"the key {KEY}\r")
    terminal.expect("quick brown")
    terminal.enter("the key AKIA" + "ABCDEFGHIJKLMNOP\r")
    terminal.expect("quick brown")
    assert terminal.leave() == 0
    turns = said(faults, "the key AKIA")
    assert turns[:3:2] == ["pasted one\npasted two\nadded", "in a block"]
    kept = home / ".local/state/nr/chat_lines"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [json.loads(line) for line in kept.read_text().splitlines()] == [
        "pasted one\npasted two\nadded", '"""\nin a block\n"""', "/cost",
    ]  # fmt: skip
    again = chat()
    again.enter("\x1b[A", "\r")
    again.expect("nothing was answered yet")
    assert again.leave() == 0


def test_a_search_that_is_broken_off_leaves_the_keys_to_the_entry(chat: Chat) -> None:
    terminal = chat("-m", "cat/x", "-n", "--raw")
    terminal.enter("\x12")
    terminal.expect("search")
    terminal.child.kill(signal.SIGINT)
    terminal.enter("typed after it\r")
    terminal.expect(r"\?2004l\s*typed after it")
    assert terminal.leave() == 0


@pytest.mark.parametrize(
    ("number", "term", "answering"),
    [
        (signal.SIGTERM, "xterm", False),
        (signal.SIGHUP, "xterm", False),
        (signal.SIGTERM, "xterm", True),
        (signal.SIGTERM, "dumb", False),
    ],
    ids=["term", "hangup", "during an answer", "dumb"],
)
def test_a_signal_ends_it_with_the_terminal_as_it_was(
    chat: Chat, number: int, term: str, answering: bool
) -> None:
    terminal = chat("--raw", "-m", "fs/hang_after=3,22", TERM=term)
    if answering:
        terminal.enter("begin\r")
        terminal.expect("The quick")
    else:
        terminal.expect(terminal.ready)
    terminal.child.kill(number)
    terminal.child.expect(pexpect.EOF)
    # the other end stays open, so the terminal's own settings can still be seen
    assert terminal.child.getecho()
    terminal.child.close()
    assert terminal.child.signalstatus == number


@pytest.mark.parametrize("own", [True, False], ids=["its own", "another's"])
def test_a_terminal_that_goes_away_ends_it(
    environ: dict[str, str], policy: Path, home: Path, own: bool
) -> None:
    """Whoever owns the terminal is sent a signal when it goes; for others it just ends."""
    here, there = os.openpty()
    child = subprocess.Popen(
        command(["chat"]), stdin=there, stdout=there, stderr=there, start_new_session=True,
        env={**environ, "NR_POLICY": str(policy), "TERM": "xterm"}, cwd=home,
        preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if own else None,
    )  # fmt: skip
    os.close(there)
    shown = b""
    while b"?2004h" not in shown:
        shown += os.read(here, 1000)
    os.close(here)
    assert child.wait(timeout=10) == (-signal.SIGHUP if own else 0)


def test_messages_at_a_terminal_answers_in_a_file(
    environ: dict[str, str], policy: Path, home: Path
) -> None:
    """The editor draws on stderr then; the file has the answers alone."""
    line = " ".join(command(["chat"])) + " -m cat/x >answers"
    seen = {**environ, "NR_POLICY": str(policy), "TERM": "xterm"}
    child = pexpect.spawn("sh", ["-c", line], env=seen, cwd=home, timeout=15)
    terminal = Terminal(child, editing=True)
    terminal.enter("to the file\r")
    assert terminal.leave() == 0
    assert (home / "answers").read_bytes() == b"to the file\n"


def test_an_interrupt_within_a_lock_of_python_s_own_is_still_one() -> None:
    lock = threading.Lock()

    @contextmanager
    def interrupted() -> Iterator[None]:
        try:
            yield
        finally:
            lock.release()

    with pytest.raises(KeyboardInterrupt), Interrupts().heeded(), interrupted():
        raise KeyboardInterrupt
    with pytest.raises(RuntimeError, match="bug"), Interrupts().heeded():
        raise RuntimeError("a bug")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.parametrize("size", [(80, 24), (40, 10)], ids=["usual", "small"])
def test_a_chat_as_a_person_sees_it(
    environ: dict[str, str], policy: Path, home: Path, size: tuple[int, int]
) -> None:
    """A whole screen: wide characters, a long line, a list, what was typed above its answer."""
    place = home / "screen"

    def tmux(*arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-S", str(place), "-f", "/dev/null", *arguments],
            env={**environ, "NR_POLICY": str(policy), "LANG": "C.UTF-8", "TERM": "xterm"},
            cwd=home, capture_output=True, text=True, timeout=10,
        ).stdout  # fmt: skip

    def screen_once(words: str) -> list[str]:
        """The rows that are not blank, once these words stand there above or at a prompt."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            shown = [row.rstrip() for row in tmux("capture-pane", "-p").splitlines()]
            found = [row for row in shown if row]
            if words in "".join(found) and found[-1].startswith(">"):
                return found
        raise AssertionError(shown)

    columns, rows = map(str, size)
    run = " ".join(command(["chat", "-m", "cat/x"]))
    tmux("new-session", "-d", "-x", columns, "-y", rows, run)
    try:
        screen_once(LEAVE)
        tmux("send-keys", "漢字 and **bold**", "M-Enter", "- item", "Enter")
        shown = screen_once("• item")
        assert shown[-5:-1] == ["> 漢字 and **bold**", "  - item", "漢字 and bold", " • item"]
        assert shown[-1] == ">"
        tmux("send-keys", "C-d")
    finally:
        tmux("kill-server")
