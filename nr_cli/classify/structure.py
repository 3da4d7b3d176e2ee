"""Reads intent together with complexity from structure, cue words, length; nothing is trained.

Two questions are kept apart. *What is asked* is looked for in the instruction alone (the ends of
a long prompt), by cue words of the languages seen, those that lead a sentence counting most.
*How likely a small model fails* starts from the kind of work, then moves with what makes work
hard: expert terms, constraints, steps, quantities, length; for work on brought material
(summaries, translations, extracts) only the instruction counts, so a long paste stays easy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from nr_cli.classify.bands import band_of
from nr_cli.classify.instruction import Task, read_task
from nr_cli.classify.lexicon import DENSE_FROM, Hit, find_cues
from nr_cli.types.facts import INTENTS, Classification, Complexity, Intent, Label

WORD = r"\w[\w'+-]*"
NUMBER = r"\d+(?:[.,]\d+)*"
ARITHMETIC = r"(?<!\d)\d{1,3}\s*[-+*/×÷x]\s*\d{1,3}(?!\d)"
SIGNS = "∫∑√≤≥∂∀∃∈⊂≡≠±×÷∞"
FORMULA = r"\\[a-z]{2,}|\b[a-z] ?\^ ?\d|\b[fgp]\([a-z]\)|\d\s*[+*/^=]\s*[\dxyn]"
BULLET = r"(?m)^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S"
CHOICE = r"(?m)(?:^|\s)\(?[A-Ea-e][).:]\s?\S"
CODE = (
    r"```|^(?:Traceback|diff --git|\s+at [\w.$]+\()|\bdef \w+\(|\bfunction \w*\(|#include|=>|\(\)|"
    r"[;{]\s*$|\bSELECT\b.+\bFROM\b"
)
WH = (
    "what who when where which whose what's who's how qué quién cuándo dónde cuál qui quand où"
    " quel quelle was wer wann wo welche chi quando dove quale quem onde qual wat wie wanneer"
    " waar welke co kto kiedy gdzie kim nerede vad vem var vilken apa siapa что кто когда где"
)
PROVE = ("prove", "prouve", "demuestra", "démontre", "dimostra", "demonstr", "udowodnij", "докажи")
ROW = 4  # expert words side by side from which they are no sentence
YES_NO = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "would",
        "will",
        "could",
        "can",
        "should",
        "has",
        "have",
        "if",
    ]
)
POLITE = "please kindly thanks thank could would you can bitte porfavor s'il"

BASE: dict[str, float] = {
    "code": 0.40, "math": 0.38, "reasoning": 0.44, "summarize": 0.28, "translate": 0.24,
    "extract": 0.27, "rewrite": 0.24, "writing": 0.34, "brainstorm": 0.30, "factual": 0.24,
    "chat": 0.06, "data": 0.40, "agentic": 0.50,
}  # fmt: skip
ON_MATERIAL: frozenset[Label] = frozenset(("summarize", "translate", "extract", "rewrite", "chat"))
NAMES: dict[str, str] = {
    "code": "asks for code", "math": "asks for mathematics", "reasoning": "asks for reasoning",
    "summarize": "asks for a summary", "translate": "asks for a translation",
    "extract": "asks to pick out parts of a text", "rewrite": "asks to rework a text",
    "writing": "asks for a text", "brainstorm": "asks for ideas", "factual": "asks for a fact",
    "chat": "small talk", "data": "asks about data", "agentic": "asks for actions",
}  # fmt: skip


class Drive(NamedTuple):
    """One thing that moves the complexity, with the phrase a user reads."""

    weight: float
    reason: str


def read(
    text: str, tokens: int | None = None, edges: Mapping[str, float] | None = None
) -> Classification:
    """Returns the reading of a prompt; never fails, whatever the text.

    `tokens` is an estimate if one is at hand, `edges` the upper edge (0 to 1) of each band.
    """
    task = read_task(text)
    folded = fold(task.ask)
    words = re.findall(WORD, folded)
    hits = without_stuffing(find_cues(words, folded), words)
    intent = read_intent(task, words, hits, text)
    score, drives = read_complexity(task, words, hits, intent.label, tokens or len(text) // 4)
    cue = NAMES[intent.label] if intent.confidence >= 0.35 else "no telling words"
    drives = sorted(drives, key=lambda drive: -abs(drive.weight))
    reasons = (cue, *(drive.reason for drive in drives))
    return Classification(intent, Complexity(band_of(score, edges), score), reasons[:3])


def fold(text: str) -> str:
    """Returns the text as cues are written: without case, with one kind of apostrophe."""
    return text.casefold().replace("’", "'")


def without_stuffing(hits: list[Hit], words: list[str]) -> list[Hit]:
    """Returns the hits without rows of expert words: a sentence has other words between them."""
    stuffed = find_stuffing(hits, words)
    if not stuffed:
        return hits
    elsewhere = {word for at, word in enumerate(words) if at not in stuffed}
    return [hit for hit in hits if hit.at not in stuffed or words[hit.at] in elsewhere]


def find_stuffing(hits: list[Hit], words: list[str]) -> frozenset[int]:
    """Returns the places of words in a row of expert words; "prove" begins a wish, ends no row."""
    found = {words[hit.at] for hit in hits if hit.key == "hard" and hit.at < len(words)}
    hard = {word for word in found if not word.startswith(PROVE)}
    if len(hard) < ROW:
        return frozenset()
    places = {at for at, word in enumerate(words) if word in hard}
    rows = (at for at in places if places.issuperset(range(at, at + ROW)))
    return frozenset(at + step for at in rows for step in range(ROW))


def read_intent(task: Task, words: list[str], hits: list[Hit], text: str) -> Intent:
    """Returns the likeliest intent; its confidence (0 to 1) is low where cues are few or differ."""
    scores = score_cues(task, words, hits, text)
    if not scores:
        short = len(words) <= 3 and not _dense(task.ask) > 8
        return Intent("chat" if short else "factual", 0.2)
    scores = {label: score / (1 + 0.06 * score) for label, score in scores.items()}
    ranked = sorted(scores.values(), reverse=True)
    best = max(scores, key=lambda label: scores[label])
    return Intent(best, round(ranked[0] / (sum(ranked[:3]) + 0.9), 3))


def score_cues(task: Task, words: list[str], hits: list[Hit], text: str) -> dict[Label, float]:
    """Returns how strongly cue words together with the form of a prompt speak for each intent."""
    scores: dict[Label, float] = {}
    leads = _leading_places(words)
    for hit in hits:
        if hit.key in BASE:
            label: Label = INTENTS[_place_of(hit.key)]
            gain = hit.weight * (1.6 if hit.at in leads else 1.0)
            if label == "chat" and len(words) > 12:
                gain *= 0.3  # a greeting before a request is no chat
            scores[label] = scores.get(label, 0.0) + gain
    if any(hit.key == "hard" and hit.cue.startswith(PROOF) for hit in hits):
        scores["math"] = scores.get("math", 0.0) + 2.5
    for label, gain in _shape_cues(task, words, text):
        scores[label] = scores.get(label, 0.0) + gain
    return scores


def _leading_places(words: list[str]) -> frozenset[int]:
    """Returns the places of the first words that are not mere courtesy."""
    telling = (at for at, word in enumerate(words[:12]) if word not in _words(POLITE))
    return frozenset(at for at, _ in zip(telling, range(3), strict=False))


@cache
def _place_of(key: str) -> int:
    return [str(label) for label in INTENTS].index(key)


def _shape_cues(task: Task, words: list[str], text: str) -> list[tuple[Label, float]]:
    """Returns what the form of a prompt says about its intent."""
    cues: list[tuple[Label, float]] = []
    ask = task.ask
    if _holds_code(text[:1500]):
        cues.append(("code", 1.5))
    if _holds_formula(ask):
        cues.append(("math", 2.0))
    if _count_numbers(ask) >= 2 and ("how many" in ask or "how much" in ask or "What is" in ask):
        cues.append(("math", 2.6))
    if _holds_choices(task.prose[-800:]):
        cues.append(("reasoning", 1.2))
    if words and ask.rstrip().endswith(("?", "？", "؟")):
        if not _words(WH).isdisjoint(words[:3]):
            cues.append(("factual", 0.8))
        if task.material > 600:
            cues.append(("extract", 1.5))
        if words[0] in YES_NO:
            cues.append(("reasoning", 1.0))
    if task.plays_role:
        cues.append(("chat", 1.6))
    return cues


def read_complexity(
    task: Task, words: list[str], hits: list[Hit], label: str, tokens: int
) -> tuple[float, list[Drive]]:
    """Returns the score (0 to 1) with what drove it."""
    whole = task.ask if label in ON_MATERIAL or task.ask is task.prose else task.prose
    if whole is not task.ask:
        folded = fold(whole)
        words = re.findall(WORD, folded)
        hits = without_stuffing(find_cues(words, folded), words)
    length = len(words) + _dense(whole) // 2
    drives = _word_drives(hits, words, length)
    drives += _form_drives(whole, label, length, tokens)
    score = BASE[label] + sum(drive.weight for drive in drives)
    # Past .8 each further step counts less, so that a score never says more than it can know.
    score = 0.8 + 0.2 * math.tanh((score - 0.8) * 2.5) if score > 0.8 else score
    return round(max(0.02, score), 3), drives


def _word_drives(hits: list[Hit], words: list[str], length: int) -> list[Drive]:
    drives: list[Drive] = []
    hard = sorted((hit for hit in hits if hit.key == "hard"), key=lambda hit: -hit.weight)
    easy = sum(hit.weight for hit in hits if hit.key == "easy")
    if hard:
        gain = sum(
            0.13 * hit.weight * share
            for hit, share in zip(hard, (1.0, 0.75, 0.55, 0.4, 0.3, 0.2, 0.1, 0.1), strict=False)
        )
        cue = hard[0].cue
        proves = any(hit.cue.startswith(PROOF) for hit in hard)
        reason = "asks for a proof" if proves else f'expert work ("{cue}")'
        drives.append(Drive(gain + (0.14 if proves else 0.0), reason))
    elif easy:
        drives.append(Drive(-min(0.12, 0.06 * easy), "a simple kind of request"))
    limits = frozenset(hit.cue for hit in hits if hit.key == "limits")
    count = sum(word in limits for word in words) or len(limits)
    if count > 1:
        drives.append(Drive(min(0.22, 0.035 * count), f"{count} constraints"))
    return drives


PROOF = (
    "prove", "proof", "prouve", "preuve", "demuestra", "démontre", "demostr", "beweis", "dimostra",
    "demonstr", "bewijs", "udowodnij", "kanıtla", "ispat", "bevis", "chứng minh", "buktikan",
    "докажи", "доведи", "证明", "証明", "증명", "أثبت", "برهن", "सिद्ध", "พิสูจน์",
)  # fmt: skip


def _form_drives(whole: str, label: str, length: int, tokens: int) -> list[Drive]:
    drives: list[Drive] = []
    size = max(-0.12, min(0.25, 0.08 * math.log2((length + 1) / 16)))
    if label == "chat":
        size *= 0.4
    drives.append(Drive(size, f"{length} words of instruction" if length > 14 else "a short ask"))
    bullets = len(re.findall(BULLET, whole)) if "\n" in whole else 0
    if bullets > 1:
        drives.append(Drive(min(0.18, 0.03 * bullets), f"{bullets} points"))
    numbers = len(re.findall(NUMBER, whole))
    if length <= 30 and re.search(ARITHMETIC, whole):
        # fades with length, so that polite words around a sum do not make it hard at once
        drives.append(Drive(-0.2 * min(1.0, (31 - length) / 22), "small numbers"))
    elif numbers > 2 and label in ("math", "reasoning", "data"):
        drives.append(Drive(min(0.12, 0.025 * numbers), f"{numbers} quantities"))
    if tokens > 100 and label != "chat":
        # Length tells even where it is all material: there is more to lose in it.
        drives.append(Drive(min(0.08, 0.02 * math.log2(tokens / 100)), f"about {tokens} tokens"))
    return drives


def _holds_code(head: str) -> bool:
    if not any(mark in head for mark in ("`", "{", ";", "(", "=", "#", "Trace", "diff", "FROM")):
        return False
    return re.search(CODE, head, re.MULTILINE) is not None


def _count_numbers(text: str) -> int:
    return len(re.findall(NUMBER, text))


def _holds_formula(text: str) -> bool:
    if not text.isascii() and any(sign in text for sign in SIGNS):
        return True
    return any(mark in text for mark in "\\^=+*/(") and re.search(FORMULA, text) is not None


def _holds_choices(text: str) -> bool:
    """Tells of a question with at least three lettered answers."""
    if not any(f"{mark}{end}" in text for mark in "Aa" for end in ").:"):
        return False
    return len(re.findall(CHOICE, text)) >= 3


def _dense(text: str) -> int:
    """Returns how many characters stand in scripts that put no spaces between words."""
    return 0 if text.isascii() else sum(character >= DENSE_FROM for character in text)


@cache
def _words(table: str) -> frozenset[str]:
    return frozenset(table.split())
