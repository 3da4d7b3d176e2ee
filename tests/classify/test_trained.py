"""The trained reader: what it must get right, how it behaves when its weights are of no use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.classify import trained, weights
from nr_cli.classify.reading import read
from nr_cli.classify.weights import WeightsError
from nr_cli.types.facts import BANDS, INTENTS

LOG = "\n".join(f"12:{n % 60:02d}:07 worker {n} took a job" for n in range(600))
PAGE = "The harbour was dredged in spring, so the ferries moved to the northern pier. " * 60

READINGS: dict[str, tuple[str, str, str]] = {  # prompt: (intent, lowest band, highest band)
    "hello there, how are you?": ("chat", "trivial", "easy"),
    "gracias": ("chat", "trivial", "trivial"),
    "What is the capital of Peru?": ("factual", "trivial", "easy"),
    "日本の首都はどこですか": ("factual", "trivial", "easy"),
    "столица Перу?": ("factual", "trivial", "easy"),
    "Translate 'good night' to Italian": ("translate", "trivial", "easy"),
    "переведи на английский: кошка": ("translate", "trivial", "easy"),
    "Summarize the article below in three points": ("summarize", "trivial", "medium"),
    "Fasse den Text zusammen": ("summarize", "trivial", "easy"),
    "Rewrite this sentence so that it is politer": ("rewrite", "trivial", "medium"),
    "Brainstorm names for a bakery": ("brainstorm", "trivial", "easy"),
    "Write a poem about the sea": ("writing", "trivial", "medium"),
    "Napisz wiersz o morzu": ("writing", "trivial", "medium"),
    "Write a Python function that merges two sorted lists": ("code", "trivial", "medium"),
    "用Python写一个函数": ("code", "trivial", "medium"),
    "Calculate 12 * 17 + 3": ("math", "trivial", "easy"),
    "Résous l'équation x^2 = 4": ("math", "trivial", "medium"),
    "Which column of this csv has the highest average of rows?": ("data", "trivial", "medium"),
    "Search the web for flights, then book a seat and send an email to Ana": (
        "agentic", "trivial", "medium",
    ),
    "Prove Sylow's third theorem": ("math", "medium", "extreme"),
    "Prove that every finite integral domain is a field, then generalise the argument": (
        "math", "hard", "extreme",
    ),
    "Implement a lock-free multi-producer queue in C++ and prove that it is linearizable": (
        "code", "hard", "extreme",
    ),
    f"What time is it in the first line?\n\n{LOG}": ("extract", "trivial", "easy"),
}  # fmt: skip


@pytest.mark.parametrize("prompt", READINGS, ids=lambda prompt: prompt[:30])
def test_a_plain_prompt_is_read_as_a_person_would(prompt: str) -> None:
    intent, low, high = READINGS[prompt]
    reading = trained.read(prompt)
    assert reading.intent.label == intent, reading
    assert BANDS.index(low) <= BANDS.index(reading.complexity.band) <= BANDS.index(high), reading


@given(st.text(max_size=300))
@settings(deadline=None)
def test_no_text_is_too_odd_to_read(text: str) -> None:
    reading = trained.read(text)
    assert reading.intent.label in INTENTS
    assert 0 <= reading.intent.confidence <= 1
    assert 0 <= reading.complexity.score <= 1
    assert 1 <= len(reading.reasons) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "7", "\n" * 1_000_000, "x" * 10_000_000, "\ud800" * 50, "1" * 5000,
        "🎉" * 3000, "((" * 5000, "\0\x1b[31m" * 900, "语" * 100_000, "<tools>" * 3000,
        "á" * 9000, "A) " * 4000, "\\frac{" * 4000, "1. " * 9000, "`" * 9000,
    ],
    ids=lambda text: f"{len(text)} of {text[:2]!r}",
)  # fmt: skip
def test_a_huge_or_broken_text_is_read_all_the_same(text: str) -> None:
    assert trained.read(text).complexity.band in BANDS


def test_the_score_is_a_matter_of_the_prompt_alone() -> None:
    first = trained.read("Plan a week of meals for two people with clashing diets.")
    trained.read("Prove it." * 300)
    assert trained.read("Plan a week of meals for two people with clashing diets.") == first


def test_the_policys_edges_decide_the_band_not_the_score() -> None:
    prompt = "Write a short poem about autumn"
    low = {"trivial": 0.001, "easy": 0.002, "medium": 0.003, "hard": 0.004}
    assert trained.read(prompt, low).complexity.band == "extreme"
    assert trained.read(prompt, low).complexity.score == trained.read(prompt).complexity.score


def test_what_is_pasted_does_not_make_an_easy_ask_hard() -> None:
    reading = trained.read(f"What day is named in the first line?\n\n{PAGE * 40}")
    assert BANDS.index(reading.complexity.band) <= BANDS.index("easy")


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Prove Fermat's little theorem with care", "asks for mathematics"),
        ("Translate 'cat' to French", "asks for a translation"),
        ("hi", "a short"),
        ("Prove by induction that the theorem holds for every compact manifold", "theorem"),
    ],
)
def test_the_reasons_say_what_was_seen(prompt: str, reason: str) -> None:
    assert any(reason in given for given in trained.read(prompt).reasons)


def cut(whole: bytes) -> bytes:
    return whole[:-1000]


def flip(whole: bytes) -> bytes:
    return whole[:900_000] + bytes([whole[900_000] ^ 1]) + whole[900_001:]


def flip_header(whole: bytes) -> bytes:
    return whole.replace(b'"temperature": 0', b'"temperature": 9', 1)


def older(whole: bytes) -> bytes:
    return b"nr-reader-0\n" + whole[12:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": cut, "a bit": flip, "header": flip_header, "version": older, "empty": lambda _: b"",
    "another file": lambda _: b"\x89PNG" * 9000, "header alone": lambda whole: whole[:16384],
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_weights_are_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    place = tmp_path / "reader.bin"
    place.write_bytes(damage(Path(weights.PLACE).read_bytes()))
    with pytest.raises(WeightsError, match=r"reader\.bin"):
        weights.load(str(place))


@pytest.mark.parametrize("what", ["missing", "a directory"])
def test_weights_that_cannot_be_read_are_refused(tmp_path: Path, what: str) -> None:
    place = tmp_path / "reader.bin"
    if what == "a directory":
        place.mkdir()
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.load(str(place))


def test_the_weights_are_small() -> None:
    assert Path(weights.PLACE).stat().st_size <= 2_000_000


def test_the_reader_in_use_is_the_trained_one() -> None:
    prompt = "Prove that the square root of eleven is irrational"
    assert read(prompt) == trained.read(prompt)
