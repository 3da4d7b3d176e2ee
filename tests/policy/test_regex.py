"""Regular expressions in a policy: refused by shape, bounded in time."""

import re
import signal
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.policy import linear
from nr_cli.policy.regex import MOST_TEXT, find_flaw, search_any


@pytest.fixture(autouse=True)
def without_re2(request, monkeypatch):
    """Most rules here are those of Python's engine; the marked ones are RE2's."""
    if "re2" not in request.keywords:
        monkeypatch.setattr(linear, "_engine", lambda: None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"(a+)+$", "repeats a repeat"),
        (r"(x+x+)+y", "repeats a repeat"),
        (r"(?:a|b*)*", "repeats a repeat"),
        (r"(?:(a{0,500})b){1,500}", "repeats a repeat"),
        (r"(?=(a+)+b)", "repeats a repeat"),
        (r"(a)\1", "refers back"),
        (r"(?P<x>a)(?P=x)", "refers back"),
        (r"(a)?(?(1)b|c)", "refers back"),
        (r"(?<=a)b", "looks behind"),
        (r"(?<!a)b", "looks behind"),
        (r"(a", "is not a regular expression"),
        (r"[[a-z]", "is ambiguous"),
        ("a" * 1025, "at most 1024"),
        ("(" * 500 + ")" * 500, "groups"),
    ],
    ids=lambda value: value[:20],
)
def test_a_pattern_that_can_blow_up_is_refused(pattern, said):
    assert said in find_flaw(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"\b(todo|fixme)\b", r"\s+$", r"(?i)a{2,5}(b|c)*", r"(?=.*x).*y", r"(?P<n>\d+)-\w+", "ü|ß"],
)
def test_an_ordinary_pattern_is_allowed(pattern):
    assert find_flaw(pattern) is None


@pytest.mark.parametrize("text", [" " * 60_000, " " * 60_000 + "x", " " * 30_000 + "x"])
def test_a_slow_search_ends_in_time_without_an_answer(text):
    began = time.perf_counter()
    outcome, _ = search_any([r"\s+$"], text)
    assert time.perf_counter() - began < 0.2
    assert outcome in ("overtime", "cut")


def test_all_patterns_share_one_budget():
    began = time.perf_counter()
    outcome, _ = search_any([r"\s+$", r"\s+!$", r"\s+\?$"], " " * 30_000 + "x")
    assert outcome == "overtime"
    assert time.perf_counter() - began < 0.2


def test_case_is_ignored_unless_the_pattern_minds():
    assert search_any(["STRONG"], "strong")[0] == "yes"
    assert search_any(["(?-i:STRONG)"], "strong")[0] == "no"


@pytest.mark.parametrize(
    ("pattern", "text", "outcome"),
    [
        ("needle", "x" * (MOST_TEXT - 6) + "needle" + "x", "yes"),
        ("needle", "x" * MOST_TEXT + "needle", "cut"),
        ("needle", "x" * MOST_TEXT, "no"),
        ("x$", "x" * (MOST_TEXT + 1), "cut"),
        ("x$", "x" * MOST_TEXT, "yes"),
        ("^x", "x" * (MOST_TEXT + 1), "yes"),
    ],
    ids=["inside", "beyond", "nowhere", "no end in sight", "at the end", "at the start"],
)
def test_only_the_first_32_kib_are_searched(pattern, text, outcome):
    assert search_any([pattern], text)[0] == outcome


def test_the_alarm_of_somebody_else_survives():
    rang = []
    previous = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    before = signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        search_any(["a+b"], "aaab")
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, previous)
    assert 0 < left <= 30
    assert rang == [True]


@pytest.mark.parametrize(
    ("pattern", "text", "outcome"),
    [
        ("todo|fixme", "x" * 5000 + "FIXME", "yes"),
        (r"\d+", "room 7", "yes"),
        (r"\d+", "room 7" * 1000, "unbounded"),
        (r"\d+ \d+", "room 7", "unbounded"),
    ],
)
def test_outside_the_main_thread_only_what_is_quick_by_shape_runs(pattern, text, outcome):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(search_any([pattern], text)[0]))
    thread.start()
    thread.join()
    assert seen == [outcome]


PATTERNS = [
    r"a+b", r"\bword\b", r"^\s*x", r"x\s*$", r"[\w.]+@\w+", r"\d{2,4}", r"(?:ab|cd)+", r"[^\s,]+,",
    r"\W\d", r"a.c", r"[]a]+", r"[^]a]b", r"\$\d", r"(?i:Ab)c", r"x\Z", r"é+", r"\S\s\S", r"[\d-]x",
]  # fmt: skip
TEXTS = st.text(st.sampled_from("ab cdxAB,.@9$\n-\t]é_ñ٣"), max_size=30)


@pytest.mark.re2
@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_re2_finds_what_python_finds(pattern, text):
    pytest.importorskip("re2", reason="google-re2 is not installed")
    found = linear.search_any([pattern], text)
    assert found is None or found[0] == ("yes" if re.search(pattern, text, re.IGNORECASE) else "no")


@pytest.mark.re2
@pytest.mark.parametrize("pattern", [r"\s+$", r"(a+)+$", r"(x+x+)+y", r"\s+!\Z"])
def test_with_re2_no_pattern_takes_long(pattern):
    pytest.importorskip("re2", reason="google-re2 is not installed")
    for text in (" " * 60_000 + "x", "a" * 60_000 + "!", "x" * 60_000):
        began = time.perf_counter()
        assert linear.search_any([pattern], text) is not None
        assert time.perf_counter() - began < 0.2


@pytest.mark.re2
def test_with_re2_a_thread_needs_no_alarm():
    pytest.importorskip("re2", reason="google-re2 is not installed")
    told = []
    thread = threading.Thread(target=lambda: told.append(search_any([r"\s+$"], " " * 30_000 + "x")))
    thread.start()
    thread.join()
    assert told == [("no", r"\s+$")]


@pytest.mark.re2
@pytest.mark.parametrize("pattern", [r"(?=a)b", r"a(?!b)", r"(?x) a b", r"a++", r"(?m)^a$"])
def test_what_means_something_else_to_re2_is_left_to_python(pattern):
    assert linear.translate(pattern, True) is None
