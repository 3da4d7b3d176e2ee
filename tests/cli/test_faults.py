"""What a server does wrong, and what a person, a pipe and a script see of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.conftest import Faults, Nr

TEXT = b"The quick brown fox jumps over the lazy dog.\n"
UNI = "naïve café — 日本語 🎉👩‍👩‍👧 z̶a̶ ✓\n".encode()

WHOLE = {
    "ok": TEXT,
    "unicode": UNI,
    "one_byte": UNI,
    "split_utf8": UNI,
    "crlf": UNI,
    "cr": TEXT,
    "comments": TEXT,
    "multiline_data": TEXT,
    "no_done": TEXT,
    "no_finish": TEXT,
    "after_done": TEXT,
    "done_no_newline": TEXT,
    "json_when_stream": TEXT,
    "gzip": TEXT,
    "gzip_stream": TEXT,
    "long_length": TEXT,
    "content_list": b"part one part two\n",
    "surrogate": "a\ufffdb\n".encode(),
    "nul": b"a\x00b\n",
    "reasoning": TEXT,
}

BROKEN = {  # behaviour: (exit, kind, stdout)
    "cut=4": (3, "stream_broken", b"The quick brown \n"),
    "cut_clean=4": (3, "stream_broken", b"The quick brown \n"),
    "cut_close=4": (3, "stream_broken", b"The quick brown \n"),
    "cut_midutf8": (69, "network", b""),
    "err_in_stream=4": (3, "stream_broken", b"The quick brown \n"),
    "err_first_in_stream": (75, "rate_limit", b""),
    "err_200": (69, "server", b""),
    "bad_frame": (3, "stream_broken", b"The quick \n"),
    "wrong_ctype": (76, "invalid_response", b""),
    "invalid_json": (76, "invalid_response", b""),
    "not_object": (76, "invalid_response", b""),
    "empty_choices": (76, "invalid_response", b""),
    "content_number": (76, "invalid_response", b""),
    "null_content": (76, "invalid_response", b""),
    "empty_content": (76, "invalid_response", b""),
    "gzip_bad": (76, "invalid_response", b""),
    "gzip_bomb=100": (76, "invalid_response", b""),
    "deep_json": (76, "invalid_response", b""),
    "huge_line=20": (76, "invalid_response", b""),
    "refusal": (82, "content_filter", b"I can't help with that.\n"),
    "content_filter": (82, "content_filter", b"partial\n"),
    "short_length": (69, "network", b""),
    "redirect_307=other": (69, "network", b""),
    "rst_before": (69, "network", b""),
    "fin_before": (69, "network", b""),
    "400": (65, "bad_request", b""),
    "401": (77, "auth", b""),
    "402": (69, "quota", b""),
    "404": (69, "model_not_found", b""),
    "408": (75, "timeout", b""),
    "413": (65, "context_length", b""),
    "429=3600": (75, "rate_limit", b""),
    "429_quota": (69, "quota", b""),
    "500": (69, "server", b""),
    "501": (69, "unsupported", b""),
    "503": (75, "overloaded", b""),
    "529": (75, "overloaded", b""),
    "context_length": (65, "context_length", b""),
    "html_502": (69, "server", b""),
    "leaky_error": (77, "auth", b""),
}

# One of each sort runs always; the rest of both tables is the long tail, marked slow.
OFTEN = {
    "unicode", "split_utf8", "crlf", "comments", "no_done", "json_when_stream", "gzip_stream",
    "cut=4", "cut_clean=4", "err_in_stream=4", "err_200", "wrong_ctype", "empty_content",
    "gzip_bomb=100", "refusal", "content_filter", "redirect_307=other", "401", "404", "429=3600",
    "500", "503", "context_length", "leaky_error",
}  # fmt: skip


def rows(table: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in OFTEN else pytest.mark.slow) for name in table]


@pytest.mark.parametrize("behaviour", rows(WHOLE))
def test_a_whole_answer_reaches_a_pipe_byte_for_byte_and_stderr_stays_empty(
    nr: Nr, behaviour: str
) -> None:
    done = nr("ask", "-m", f"fs/{behaviour}", "--no-cache", "hi")
    assert (done.exit, done.out, done.err) == (0, WHOLE[behaviour], "")


@pytest.mark.parametrize("behaviour", rows(BROKEN))
def test_a_failure_has_its_kind_its_exit_and_at_most_five_lines(nr: Nr, behaviour: str) -> None:
    exit, kind, out = BROKEN[behaviour]
    done = nr("ask", "-m", f"fs/{behaviour}", "--no-cache", "hi")
    assert (done.exit, done.out) == (exit, out)
    assert kind in done.err
    assert behaviour in done.err
    assert len(done.err.splitlines()) <= 5


@pytest.mark.parametrize("behaviour", ["cut=4", "401", "wrong_ctype", "429=3600"])
def test_json_is_one_document_also_for_a_failure(nr: Nr, behaviour: str) -> None:
    exit, kind, out = BROKEN[behaviour]
    done = nr("ask", "-m", f"fs/{behaviour}", "--no-cache", "--json", "hi")
    assert done.exit == exit == done.document["error"]["exit"]
    assert done.document["error"]["code"] == kind
    assert done.document["attempts"][0]["kind"] == kind
    assert done.document["answer"] == (out.decode().rstrip("\n") or None)


@pytest.mark.parametrize("behaviour", ["hang", "heartbeat_only", "header_drip"])
def test_a_silent_server_costs_the_timeout_and_no_more(nr: Nr, behaviour: str) -> None:
    done = nr("ask", "-m", f"fs/{behaviour}", "--timeout", "1", "hi")
    assert (done.exit, done.out) == (75, b"")


def test_an_answer_cut_at_the_token_limit_is_shown_and_said(nr: Nr) -> None:
    done = nr("ask", "-m", "fs/length", "hi")
    assert (done.exit, done.out) == (3, b"this answer was cut by the token li\n")
    assert "max_tokens" in done.err


def test_a_tool_call_is_never_run(nr: Nr) -> None:
    done = nr("ask", "-m", "fs/tool_calls", "hi")
    assert (done.exit, done.out) == (3, b"")
    assert "tool" in done.err


def test_a_redirect_is_never_followed(nr: Nr, faults: Faults) -> None:
    before = len(faults.requests("ok"))
    nr("ask", "-m", "fs/redirect_308=same", "hi")
    assert len(faults.requests("ok")) == before


@pytest.mark.parametrize("behaviour", ["cut=4", "length", "tool_calls", "no_finish", "bad_utf8"])
def test_only_whole_natural_clean_answers_are_kept(nr: Nr, behaviour: str) -> None:
    nr("ask", "-m", f"fs/{behaviour}", "keep?")
    assert nr("ask", "-m", f"fs/{behaviour}", "--cache", "only", "keep?").exit == 81


FALLBACK = """version: 1
providers:
  fs: {{kind: openai, base_url: "http://127.0.0.1:{port}/v1"}}
routes:
  - {{name: two, use: [fs/{first}, fs/ok]}}
default: {{use: fs/ok}}
"""


@pytest.mark.parametrize(
    "first", ["500", "401", "wrong_ctype", "err_first_in_stream", "rst_before"]
)
def test_the_next_candidate_answers_before_anything_was_shown(
    nr: Nr, faults: Faults, tmp_path, first: str
) -> None:
    policy = tmp_path / "two.yaml"
    policy.write_text(FALLBACK.format(port=faults.port, first=first))
    done = nr("ask", "--policy", str(policy), "--no-cache", "hi")
    assert (done.exit, done.out) == (0, TEXT)
    assert bool(done.err) == (first == "401"), "a broken key is always told, else a pipe is silent"


def test_after_the_first_text_nothing_is_glued(nr: Nr, faults: Faults, tmp_path) -> None:
    policy = tmp_path / "two.yaml"
    policy.write_text(FALLBACK.format(port=faults.port, first="cut=4"))
    done = nr("ask", "--policy", str(policy), "--no-cache", "hi")
    assert (done.exit, done.out) == (3, b"The quick brown \n")
    done = nr("ask", "--policy", str(policy), "--no-cache", "--no-stream", "hi")
    assert (done.exit, done.out) == (0, TEXT), "where nothing is shown early, the next may answer"


def test_a_content_filter_is_never_shopped_around(nr: Nr, faults: Faults, tmp_path) -> None:
    policy = tmp_path / "two.yaml"
    policy.write_text(FALLBACK.format(port=faults.port, first="content_filter"))
    assert nr("ask", "--policy", str(policy), "--json", "hi").exit == 82
