"""Measures the structure of a prompt: what makes work hard, whatever its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log2
from typing import NamedTuple

from nr_cli.classify.instruction import Task
from nr_cli.classify.lexicon import DENSE_FROM, Hit

CAP = 6000  # characters measured
WORD = re.compile(r"\w[\w'+-]*")
NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LARGE = re.compile(r"\d{4,}")
BULLET = re.compile(r"(?m)^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S")
CHOICE = re.compile(r"(?m)(?:^|\s)\(?[A-Ea-e][).:]\s?\S")
SIZE = re.compile(
    r"(\d{1,5})[ -]?(?:words?|sentences?|lines?|pages?|paragraphs?|points?|bullets?|characters?|"
    r"wörter|sätze|mots|phrases|palabras|parole|palavras|слов|字|文字|단어|items?|steps?|tokens?)\b"
)
FORMULA = re.compile(r"\\[a-z]{2,}|\b[a-z] ?\^ ?\d|\b[fgp]\([a-z]\)|\d\s*[+*/^=]\s*[\dxyn]")
SIGNS = "∫∑√≤≥∂∀∃∈⊂≡≠±×÷∞"
YES_NO = frozenset(
    "is are was were do does did would will could can should has have if am".split()  # noqa: SIM905 # a list would be a screen long
)
WH = frozenset("what who when where which whose what's who's why how".split())  # noqa: SIM905 # the same
IF = frozenset(
    [
        "if",
        "unless",
        "except",
        "without",
        "not",
        "never",
        "only",
        "each",
        "every",
        "both",
        "exactly",
        "least",
        "most",
        "must",
        "cannot",
        "but",
        "then",
        "otherwise",
        "while",
        "before",
        "after",
        "whether",
    ]  # the same
)


class Signals(NamedTuple):
    """Sizes are log2(1 + n), shares 0 to 1, flags 0 or 1; the names are the model card's."""

    words: float
    prose: float
    size: float
    material: float
    sentences: float
    word_length: float
    numbers: float
    large_numbers: float
    operators: float
    formula: float
    choices: float
    asks: float
    wh: float
    yes_no: float
    points: float
    limits: float
    hard: float
    easy: float
    proof: float
    code: float
    fences: float
    names: float
    quotes: float
    conditions: float
    wanted_size: float
    commas: float
    brackets: float
    capitals: float
    distinct: float
    lines: float
    role: float
    expertise: float
    tightness: float


def measure(task: Task, text: str, hits: Sequence[Hit], proof: tuple[str, ...]) -> Signals:
    """Returns the signals of a prompt.

    `hits` are the cues found in it, `proof` how cues begin that ask for a proof.
    """
    ask, prose, head = task.ask, task.prose[:CAP], text[: 2 * CAP]
    words = WORD.findall(prose.casefold())
    length = len(words) + _count_dense(prose) // 2
    asked = ask.split()
    numbers = NUMBER.findall(prose)
    sizes = [int(size) for size in SIZE.findall(prose)] if numbers else []
    count = prose.count
    hard = sum(hit.weight for hit in hits if hit.key == "hard")
    limits = sum(hit.key == "limits" for hit in hits)
    return Signals(
        words=log2(1 + len(asked) + _count_dense(ask) // 2),
        prose=log2(1 + length),
        size=log2(1 + len(text)),
        material=task.material / (1 + len(text)),
        sentences=log2(1 + sum(map(count, (". ", "? ", "。", ".\n", "! ")))),
        word_length=sum(map(len, words)) / (1 + len(words)),
        numbers=log2(1 + len(numbers)),
        large_numbers=log2(1 + len(LARGE.findall(prose))) if numbers else 0.0,
        operators=log2(1 + sum(map(count, "+=*/^\\<>")) + _count_signs(prose)),
        formula=float(FORMULA.search(prose) is not None),
        choices=float(len(CHOICE.findall(prose[-900:])) >= 3),
        asks=log2(1 + sum(map(count, "?？؟"))),
        wh=float(not WH.isdisjoint(words[:3])),
        yes_no=float(words[0] in YES_NO if words else False),
        points=log2(1 + len(BULLET.findall(prose))) if "\n" in prose else 0.0,
        limits=log2(1 + limits),
        hard=log2(1 + hard),
        easy=log2(1 + sum(hit.weight for hit in hits if hit.key == "easy")),
        proof=float(any(hit.key == "hard" and hit.cue.startswith(proof) for hit in hits)),
        code=log2(1 + sum(map(head.count, ("{", "}", ";", "()", "def ", "=>", "::", "import ")))),
        fences=log2(1 + head.count("```")),
        names=log2(1 + len(NAME.findall(prose))),
        quotes=log2(1 + sum(map(count, '"“«「'))),
        conditions=log2(1 + sum(word in IF for word in words)),
        wanted_size=log2(1 + max(sizes, default=0)),
        commas=log2(1 + sum(map(count, ",，、;"))),
        brackets=log2(1 + sum(map(count, "([（"))),
        capitals=sum(word.isupper() for word in asked) / (1 + len(asked)),
        distinct=len(set(words)) / (1 + len(words)),
        lines=log2(1 + head.count("\n")),
        role=float(task.plays_role),
        # among few words one expert term says more than among many
        expertise=hard / (4 + length),
        tightness=limits / (4 + length),
    )


def _count_dense(text: str) -> int:
    return 0 if text.isascii() else sum(sign >= DENSE_FROM for sign in text)


def _count_signs(text: str) -> int:
    return 0 if text.isascii() else sum(map(text.count, SIGNS))
