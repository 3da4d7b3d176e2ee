"""Measures the structure of a prompt: what makes work hard, whatever its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log2

from nr_cli.classify.instruction import Task
from nr_cli.classify.lexicon import DENSE_FROM, Hit

CAP = 6000  # characters measured
# Kept as text: `re` compiles each when a prompt first gives it something to look for.
WORD = r"\w[\w'+-]*"
NAME = r"(?<=[a-z,;] )[A-Z][a-z]+"
NUMBER = r"\d+(?:[.,]\d+)*"
LARGE = r"\d{4,}"
BULLET = r"(?m)^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S"
CHOICE = r"(?m)(?:^|\s)\(?[A-Ea-e][).:]\s?\S"
SIZE = (
    r"(\d{1,5})[ -]?(?:words?|sentences?|lines?|pages?|paragraphs?|points?|bullets?|characters?|"
    r"wörter|sätze|mots|phrases|palabras|parole|palavras|слов|字|文字|단어|items?|steps?|tokens?)\b"
)
FORMULA = r"\\[a-z]{2,}|\b[a-z] ?\^ ?\d|\b[fgp]\([a-z]\)|\d\s*[+*/^=]\s*[\dxyn]"
SIGNS = "∫∑√≤≥∂∀∃∈⊂≡≠±×÷∞"
YES_NO = frozenset(
    (
        "is", "are", "was", "were", "do", "does", "did", "would", "will", "could", "can", "should",
        "has", "have", "if", "am",
    )
)  # fmt: skip
WH = frozenset(("what", "who", "when", "where", "which", "whose", "what's", "who's", "why", "how"))
IF = frozenset(
    (
        "if", "unless", "except", "without", "not", "never", "only", "each", "every", "both",
        "exactly", "least", "most", "must", "cannot", "but", "then", "otherwise", "while", "before",
        "after", "whether",
    )
)  # fmt: skip


def measure(task: Task, text: str, hits: Sequence[Hit], proof: tuple[str, ...]) -> dict[str, float]:
    """Returns the signals of a prompt by name: sizes are log2(1 + n), shares 0 to 1, flags 0 or 1.

    `hits` are the cues found in it, `proof` how cues begin that ask for a proof.
    """
    prose, head = task.prose[:CAP], text[: 2 * CAP]
    words = re.findall(WORD, prose.casefold())
    asked = task.ask.split()
    length = len(words) + _count_dense(prose) // 2
    cues = _cues(hits, proof)
    return {
        "words": log2(1 + len(asked) + _count_dense(task.ask) // 2),
        "prose": log2(1 + length),
        "letters": log2(1 + len(task.prose)),
        "size": log2(1 + len(text)),
        "material": task.material / (1 + len(text)),
        "sentences": _many(prose, ". ", "? ", "。", ".\n", "! "),
        "word_length": sum(map(len, words)) / (1 + len(words)),
        **_quantities(prose),
        **_questions(prose, words),
        **cues,
        **_marks(prose, head),
        "conditions": log2(1 + sum(word in IF for word in words)),
        "capitals": sum(word.isupper() for word in asked) / (1 + len(asked)),
        "distinct": len(set(words)) / (1 + len(words)),
        "role": float(task.plays_role),
        # among few words one expert term says more than among many
        "expertise": (2 ** cues["hard"] - 1) / (4 + length),
        "tightness": (2 ** cues["limits"] - 1) / (4 + length),
    }


def _quantities(prose: str) -> dict[str, float]:
    numbers = re.findall(NUMBER, prose)
    sizes = [int(size) for size in re.findall(SIZE, prose)] if numbers else []
    signs = 0 if prose.isascii() else sum(map(prose.count, SIGNS))
    return {
        "numbers": log2(1 + len(numbers)),
        "large_numbers": log2(1 + len(re.findall(LARGE, prose))) if numbers else 0.0,
        "operators": log2(1 + sum(map(prose.count, "+=*/^\\<>")) + signs),
        "formula": float(_holds_formula(prose)),
        "wanted_size": log2(1 + max(sizes, default=0)),
    }


def _questions(prose: str, words: list[str]) -> dict[str, float]:
    return {
        "choices": float(_holds_choices(prose[-900:])),
        "asks": _many(prose, *"?？؟"),
        "wh": float(not WH.isdisjoint(words[:3])),
        "yes_no": float(words[0] in YES_NO if words else False),
        "points": log2(1 + len(re.findall(BULLET, prose))) if "\n" in prose else 0.0,
    }


def _cues(hits: Sequence[Hit], proof: tuple[str, ...]) -> dict[str, float]:
    hard = [hit for hit in hits if hit.key == "hard"]
    return {
        "limits": log2(1 + sum(hit.key == "limits" for hit in hits)),
        "hard": log2(1 + sum(hit.weight for hit in hard)),
        "easy": log2(1 + sum(hit.weight for hit in hits if hit.key == "easy")),
        "proof": float(any(hit.cue.startswith(proof) for hit in hard)),
    }


def _marks(prose: str, head: str) -> dict[str, float]:
    return {
        "code": _many(head, "{", "}", ";", "()", "def ", "=>", "::", "import "),
        "fences": _many(head, "```"),
        "lines": _many(head, "\n"),
        "names": log2(1 + len(re.findall(NAME, prose))),
        "quotes": _many(prose, *'"“«「'),
        "commas": _many(prose, *",，、;"),
        "brackets": _many(prose, *"([（"),
    }


def _many(text: str, *marks: str) -> float:
    return log2(1 + sum(map(text.count, marks)))


def _count_dense(text: str) -> int:
    return 0 if text.isascii() else sum(sign >= DENSE_FROM for sign in text)


def _holds_formula(prose: str) -> bool:
    if not any(map(prose.__contains__, "\\^(+*/=")):
        return False
    return re.search(FORMULA, prose) is not None


def _holds_choices(end: str) -> bool:
    """Tells of a question with at least three lettered answers."""
    if sum(map(end.count, ").:")) < 3:
        return False
    return len(re.findall(CHOICE, end)) >= 3
