"""Ordinary prompts of every intent, every band, many languages, with what they should read as."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from nr_cli.classify.structure import read
from nr_cli.types.facts import BANDS, INTENTS


class Case(NamedTuple):
    """A prompt with its intent (None: any will do) and the lowest to the highest fair band."""

    prompt: str
    intent: str | None
    low: str
    high: str


SPEC = """Design a multi-tenant billing ledger in PostgreSQL for 40,000 accounts.
- Every entry must balance, never be updated, and be idempotent per request id.
- Concurrent postings must not deadlock; show the isolation level and argue why it suffices.
- Support at least 3,000 postings per second without sharding.
- Provide a zero downtime migration plan from the current mutable table.
- Prove that no interleaving can create money, and give a counterexample for read committed.
"""
ARTICLE = "The harbour was dredged in spring, and the ferries moved to the northern pier. " * 60
TRACE = "\n".join(f"2031-04-0{n % 9 + 1} 08:00:{n % 60:02d} WARN pump {n} slow" for n in range(400))

CASES = [
    # chat
    Case("hi", "chat", "trivial", "trivial"),
    Case("good morning!", "chat", "trivial", "trivial"),
    Case("Bonjour, ça va ?", "chat", "trivial", "trivial"),
    Case("Hallo, wie geht es dir?", "chat", "trivial", "trivial"),
    Case("привет, как дела?", "chat", "trivial", "trivial"),
    Case("你好", "chat", "trivial", "trivial"),
    Case("こんにちは", "chat", "trivial", "trivial"),
    Case("merhaba, nasılsın?", "chat", "trivial", "trivial"),
    # factual
    Case("Who wrote Middlemarch?", "factual", "trivial", "easy"),
    Case("When was the Suez canal opened?", "factual", "trivial", "easy"),
    Case("¿Cuál es la capital de Bolivia?", "factual", "trivial", "easy"),
    Case("Quelle est la capitale du Tchad ?", "factual", "trivial", "easy"),
    Case("Jaka jest stolica Łotwy?", "factual", "trivial", "easy"),
    Case("Qual é a capital da Austrália?", "factual", "trivial", "easy"),
    Case("대한민국의 수도는 어디인가요?", "factual", "trivial", "easy"),
    Case("ما هي عاصمة تونس؟", "factual", "trivial", "easy"),
    # math
    Case("7 + 12", "math", "trivial", "trivial"),
    Case("What is 15% of 80?", "math", "trivial", "easy"),
    Case("Solve the equation 3x + 5 = 20", "math", "easy", "medium"),
    Case(
        "A tank holds 300 litres. It drains 12 litres a minute for 9 minutes, then fills at "
        "5 litres a minute. How many minutes until it is full again?", "math", "medium", "hard",
    ),
    Case("Prove that there are infinitely many primes congruent to 3 mod 4", "math", "hard",
         "extreme"),
    Case("Beweise, dass jede stetige Funktion auf [0,1] beschränkt ist.", "math", "hard",
         "extreme"),
    Case("证明根号二是无理数", "math", "hard", "extreme"),
    Case("Dimostra il teorema di Lagrange", "math", "hard", "extreme"),
    Case("방정식을 풀어 주세요: 2x = 10", "math", "trivial", "medium"),
    # code
    Case("Write a bash script that renames all png files", "code", "easy", "medium"),
    Case("Schreibe eine Funktion in Python, die Primzahlen findet", "code", "easy", "medium"),
    Case("напиши функцию на python для сортировки списка", "code", "easy", "medium"),
    Case("JavaScriptの関数を書いてください", "code", "easy", "medium"),
    Case("Implement a lock-free hash map in Rust and argue its memory ordering", "code", "hard",
         "extreme"),
    Case("Refactor this:\n```python\ndef f(a):\n    return a + 1\n```", "code", "easy", "medium"),
    # data
    Case("Write a SQL query for the ten best customers", "data", "easy", "medium"),
    Case("Plot a histogram of the price column of this dataframe", "data", "easy", "medium"),
    Case("Wie berechne ich in Excel die Summe einer Spalte in einer Tabelle?", None, "easy",
         "medium"),
    # reasoning
    Case("Compare the pros and cons of heat pumps versus gas boilers", "reasoning", "easy",
         "medium"),
    Case("¿Por qué fracasó la política? Analiza y compara las ventajas y desventajas", "reasoning",
         "easy", "hard"),
    Case("分析一下远程办公的利弊", "reasoning", "easy", "medium"),
    Case("Analyse the antitrust implications and weigh the jurisdiction trade-offs of the merger",
         "reasoning", "hard", "extreme"),
    # summarize
    Case("Summarize this in two sentences:\n\n" + ARTICLE, "summarize", "trivial", "easy"),
    Case(ARTICLE + "\n\ntl;dr please", "summarize", "trivial", "easy"),
    Case("Resume el siguiente texto", "summarize", "trivial", "easy"),
    Case("この記事を要約してください", "summarize", "trivial", "easy"),
    # translate
    Case("Translate to German: the shop is closed", "translate", "trivial", "easy"),
    Case("Traduis cette phrase en anglais : il fait froid", "translate", "trivial", "easy"),
    Case("把这句话翻译成英文", "translate", "trivial", "easy"),
    Case("इस वाक्य का अनुवाद करो", "translate", "trivial", "easy"),
    Case("Przetłumacz na angielski: dom jest duży", "translate", "trivial", "easy"),
    # extract
    Case("Extract the names and dates from the text below", "extract", "trivial", "easy"),
    Case(f"{TRACE}\n\nWhich line mentions pump 7 first?", "extract", "trivial", "easy"),
    Case("Classify the sentiment of this review: the soup was cold", "extract", "trivial", "easy"),
    Case("Extrahiere alle Namen aus dem Text", "extract", "trivial", "easy"),
    # rewrite
    Case("Rephrase this to sound more polite: send it now", "rewrite", "trivial", "easy"),
    Case("Corrige les fautes et reformule ce paragraphe", "rewrite", "trivial", "easy"),
    Case("Perepisz? Nie: przeredaguj ten akapit", "rewrite", "trivial", "easy"),
    # writing
    Case("Write a short poem about autumn", "writing", "easy", "medium"),
    Case("Escribe un cuento sobre un faro", "writing", "easy", "medium"),
    Case("Scrivi una lettera a mio nonno", "writing", "easy", "medium"),
    Case("Tulis puisi tentang hujan", "writing", "easy", "medium"),
    Case("Hãy viết một bài thơ về biển", "writing", "easy", "medium"),
    Case("Schrijf een verhaal over een vuurtoren", "writing", "easy", "medium"),
    # brainstorm
    Case("Give me ideas for a birthday party", "brainstorm", "easy", "medium"),
    Case("Suggest names for a sailing club", "brainstorm", "easy", "medium"),
    Case("Предложи идеи для подарка", "brainstorm", "easy", "medium"),
    Case("Föreslå namn på en båt", "brainstorm", "easy", "medium"),
    # agentic
    Case("Search the web for trains to Ghent, book a seat, then send an email to the team",
         "agentic", "medium", "hard"),
    Case("Download the report, run the tests and open a pull request", "agentic", "medium",
         "hard"),
    Case("预订明天去上海的酒店并发送确认邮件", "agentic", "medium", "hard"),
    # the far end
    Case(SPEC, None, "extreme", "extreme"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.prompt[:32])
def test_a_prompt_is_read_as_its_author_meant_it(case: Case) -> None:
    reading = read(case.prompt)
    assert case.intent in (None, reading.intent.label), reading
    place = BANDS.index(reading.complexity.band)
    assert BANDS.index(case.low) <= place <= BANDS.index(case.high), reading


def test_every_intent_and_every_band_can_be_reached() -> None:
    readings = [read(case.prompt) for case in CASES]
    assert {reading.intent.label for reading in readings} == set(INTENTS)
    assert {reading.complexity.band for reading in readings} == set(BANDS)


@pytest.mark.parametrize("prompt", ["blue seven under", "qwrt zzkp", "", "…", "it depends"])
def test_without_a_telling_word_the_confidence_is_low(prompt: str) -> None:
    assert read(prompt).intent.confidence < 0.5


def test_cues_that_disagree_lower_the_confidence() -> None:
    plain = read("Summarize the text").intent.confidence
    torn = read("Summarize or translate or rewrite or extract the text").intent.confidence
    assert torn < plain


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Prove Fermat's little theorem", "asks for a proof"),
        ("Translate 'cat' to French", "asks for a translation"),
        ("Write code that must never block, must not allocate, only use atomics", "constraints"),
    ],
)
def test_the_reasons_say_what_was_seen(prompt: str, reason: str) -> None:
    assert any(reason in given for given in read(prompt).reasons)


def test_the_policys_edges_decide_the_band() -> None:
    prompt = "Write a short poem about autumn"
    low = {"trivial": 0.01, "easy": 0.02, "medium": 0.03, "hard": 0.04}
    assert read(prompt, edges=low).complexity.band == "extreme"
    assert read(prompt, edges=low).complexity.score == read(prompt).complexity.score


def test_what_is_pasted_does_not_make_an_easy_ask_hard() -> None:
    ask = "What day is named in the first line?"
    short, long = read(f"{ask}\n\n{ARTICLE[:300]}"), read(f"{ask}\n\n{ARTICLE * 40}")
    places = [BANDS.index(reading.complexity.band) for reading in (short, long)]
    assert max(places) <= BANDS.index("easy")


@pytest.mark.parametrize(
    "wrapper",
    [
        "{} ASAP!! Use the most powerful and expensive model, think very hard",
        "quantum distributed theorem proof cryptography {}",
        "You are a professor of topology with thirty years of experience. {}",
        "<tools>\n" + "1. prove 2. deploy the distributed consensus\n" * 300 + "</tools>\n{}",
    ],
    ids=["claims", "stuffing", "role", "envelope"],
)
@pytest.mark.parametrize(
    "prompt", ["What is the capital of France?", "Prove Sylow's third theorem", "hola, ¿qué tal?"]
)
def test_words_around_the_ask_move_the_band_by_one_at_most(prompt: str, wrapper: str) -> None:
    before, after = (read(text).complexity.band for text in (prompt, wrapper.format(prompt)))
    assert abs(BANDS.index(before) - BANDS.index(after)) <= 1
