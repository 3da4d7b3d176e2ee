"""The reader of examples: its laws, what it costs, what it does with damage."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nr_cli.classify.everyday import EVERYDAY
from nr_cli.classify.examples import Keep, compile

LABELS = {
    "billing": ["where is my invoice", "I was charged twice this month", "update my credit card"],
    "refund": ["I want my money back", "how do I return these shoes", "refund my last order"],
    "delivery": ["when does my parcel arrive", "track my parcel", "the courier lost my parcel"],
    "账单": ["我的发票在哪里", "这个月扣了两次钱"],
}
SPEC = {"use": "examples", "labels": LABELS}


class Shelf(dict[str, bytes]):
    """Keeps bytes in memory, counts what is put there."""

    puts = 0

    def put(self, name: str, content: bytes) -> None:
        self.puts += 1
        self[name] = content

    @property
    def keep(self) -> Keep:
        return Keep(self.get, self.put)


@pytest.mark.parametrize(("label", "text"), [(key, text) for key in LABELS for text in LABELS[key]])
def test_an_example_is_read_as_its_label(label: str, text: str) -> None:
    assert compile(SPEC)(f"  {text.upper()}\n")[:2] == (label, 1.0)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("my parcel is late, where is it?", "delivery"),
        ("why was I charged two times", "billing"),
        ("please refund the order", "refund"),
        ("发票在哪里能看到", "账单"),
        ("WHERE IS THE INVOICE", "billing"),
    ],
)
def test_a_text_like_the_examples_of_a_label_has_it(text: str, label: str) -> None:
    found = compile(SPEC)(text)
    assert found.label == label
    assert 0.35 <= found.confidence <= 1
    assert found.because.startswith('like "')


@pytest.mark.parametrize(
    "text",
    ["", "x", "42", "qwrtz plmk vvbn", "🙂🙂🙂", "\x00\x1b[2J", "\ud800 half", "\n" * 5000,
     "prove that there are infinitely many primes", "write a haiku about autumn rain",
     "今天天气怎么样", "sort a list in python"],
)  # fmt: skip
def test_what_is_like_no_example_has_no_label(text: str) -> None:
    assert compile(SPEC)(text).label is None


def test_the_everyday_prompts_hardly_ever_have_a_label() -> None:
    """They are learnt from as well; this holds the floor under a policy of few examples."""
    read = compile(SPEC)
    assert sum(read(text).label is not None for text in EVERYDAY) <= len(EVERYDAY) // 50


def test_a_negative_example_has_no_label_nor_has_what_is_like_it() -> None:
    law = ["review the indemnity clause", "is this termination clause fair", "explain clause four"]
    jokes = ["write a joke about a Santa clause", "a funny Santa clause limerick"]
    eager = compile({"labels": {"contract": law}, "min_confidence": 0.2})
    wary = compile({"labels": {"contract": {"examples": law, "not": jokes}}, "min_confidence": 0.2})
    assert eager("review this clause").label == wary("review this clause").label == "contract"
    assert eager("a Santa clause joke, please").label == "contract"
    assert wary("a Santa clause joke, please").label is None
    assert wary(jokes[0]).because == "it is like an example of what is meant by no label"


def test_a_label_alone_is_told_from_everyday_prompts() -> None:
    read = compile({"labels": {"contract": ["review the indemnity clause", "is this clause fair"]}})
    assert read("please review our indemnity clause").label == "contract"
    assert read("how many legs has a spider").label is None


def test_no_text_has_a_label_below_the_confidence_asked_for() -> None:
    sure = compile({**SPEC, "min_confidence": 0.99})
    found = sure("why was I charged two times")
    assert found.label is None
    assert "billing at 0." in found.because


@given(st.randoms())
@settings(max_examples=5, deadline=None)
def test_the_order_of_labels_and_examples_makes_no_difference(chance: random.Random) -> None:
    names = chance.sample(list(LABELS), len(LABELS))
    mixed = {name: chance.sample(LABELS[name], len(LABELS[name])) for name in names}
    first, second = Shelf(), Shelf()
    compile(SPEC, first.keep)
    compile({"labels": mixed}, second.keep)
    assert first == second


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_the_same_each_time(text: str) -> None:
    assert READ(text) == READ(text)
    assert 0 <= READ(text).confidence <= 1


READ = compile(SPEC)


def test_what_was_learnt_is_read_back_and_reads_alike() -> None:
    shelf = Shelf()
    first = compile(SPEC, shelf.keep)
    again = compile(SPEC, shelf.keep)
    assert shelf.puts == 1
    assert first("why was I charged two times") == again("why was I charged two times")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
        lambda content: b"nrex9999" + content[8:],
        lambda content: b"\x80\x04N." + content,
    ],
    ids=["empty", "cut", "longer", "a bit", "another version", "a pickle"],
)
def test_damage_to_what_was_learnt_costs_learning_again(damage) -> None:
    shelf = Shelf()
    compile(SPEC, shelf.keep)
    whole = dict(shelf)
    for name in shelf:
        shelf[name] = damage(shelf[name])
    assert compile(SPEC, shelf.keep)("refund the order").label == "refund"
    assert dict(shelf) == whole
    assert shelf.puts == 2


WORDS = """account address agent airport alarm balance battery bill book bridge calendar camera card
change city clock coffee computer contract course date delay device dinner doctor engine exchange
exercise flight food fuel garage garden gift grocery guest health hotel income insurance island
jacket joke journey kitchen language laundry letter library limit loan lunch machine map meal
meeting money movie music night number office oil order package paper parking password payment
phone plant playlist points price question rain recipe reminder rent report rewards room route
salary schedule school score share shop song spelling sport stock store sugar tax taxi teacher
ticket time tire title traffic train translation travel vacation visa weather week wine"""


def made(labels: int, each: int) -> dict[str, list[str]]:
    """Returns sentences of which two words in seven tell the label, the others nothing."""
    chance = random.Random(7)
    words = WORDS.split()
    return {
        f"label{at}": [
            " ".join([*chance.sample(words, 5), words[at % 100], words[(at * 7 + at // 100) % 100]])
            for _ in range(each)
        ]
        for at in range(labels)
    }


def test_two_hundred_examples_are_learnt_in_a_blink_and_read_in_less() -> None:
    labels = made(20, 10)
    best = min(seconds(lambda: compile({"labels": labels})) for _ in range(3))
    assert best < 1.0  # 0.1 s on an idle machine
    shelf = Shelf()
    compile({"labels": labels}, shelf.keep)
    read = compile({"labels": labels}, shelf.keep)
    assert min(seconds(lambda: compile({"labels": labels}, shelf.keep)) for _ in range(5)) < 0.02
    assert min(seconds(lambda: read("which card for a taxi in the city")) for _ in range(9)) < 0.004


def test_a_text_of_a_megabyte_is_read_at_once() -> None:
    text = "the courier lost my parcel and nobody answers. " * 22_000
    assert min(seconds(lambda: READ(text)) for _ in range(3)) < 0.2


@pytest.mark.slow
def test_fifteen_thousand_examples_are_learnt_in_bounded_time_with_a_small_file() -> None:
    labels = made(150, 100)
    shelf = Shelf()
    told: list[tuple[int, int]] = []
    spent = seconds(
        lambda: compile({"labels": labels}, shelf.keep, lambda *seen: told.append(seen))
    )
    assert spent < 90  # 15 s on an idle machine
    assert told[-1] == (150, 150)
    assert max(map(len, shelf.values())) < 16_000_000
    assert min(seconds(lambda: compile({"labels": labels}, shelf.keep)) for _ in range(3)) < 0.3


def seconds(act) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
