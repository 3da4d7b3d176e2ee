"""The first reader: intent with complexity from structure, cue words, length; no training.

A long paste is not the task: what is asked stands in its first or last paragraph, so cues are
looked for there, while the size of the rest counts for little. Words that only claim importance
("urgent", "use the strongest model") are no cue at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache

from nr_cli.classify.bands import band_of
from nr_cli.classify.cues import EASY, HARD, INTENTS
from nr_cli.types.facts import INTENTS as LABELS
from nr_cli.types.facts import Classification, Complexity, Intent, Label

HEAD = 1200  # characters of the instruction that are read at either end
WRAPPERS = re.compile(
    r"<system-reminder>.*?</system-reminder>|<(?:tools|context|env)>.*?</(?:tools|context|env)>",
    re.DOTALL | re.IGNORECASE,
)
CONSTRAINT = (
    r"\b(?:must|should|without|at most|at least|exactly|only|unless|except|ensure|require)\b"
)
STEP = r"(?m)^\s*(?:\d+[.)]|[-*•])\s|\b(?:first|second|then|finally|next)\b"
MATH = r"[∫∑√≤≥∂∀∃→]|\\(?:frac|int|sum)|\b\d+\s*[-+*/^]\s*\d+|\bx\^?\d|\bf\(x\)"
FENCE = r"```|\b(?:def|return|class|import|SELECT|function)\b.*[(:;{]|Traceback|diff --git|^\s+at "
DENSE_FROM = "\u0e00"  # from here on scripts put no spaces between words


def read(
    text: str, tokens: int | None = None, edges: Mapping[str, float] | None = None
) -> Classification:
    """Returns the reading of a prompt; never fails, whatever the text.

    `tokens` is an estimate if one is at hand, `edges` the upper edge of each band.
    """
    task, pasted = instruction(text)
    folded = task.casefold()
    intent, why = read_intent(folded, text[:HEAD])
    score, reasons = read_complexity(folded, task, pasted, intent.label)
    return Classification(intent, Complexity(band_of(score, edges), score), (why, *reasons)[:3])


def instruction(text: str) -> tuple[str, int]:
    """Returns the part of a prompt that says what to do, with the characters of the rest."""
    if len(text) > 4 * HEAD:
        text, rest = text[: 2 * HEAD] + "\n\n" + text[-2 * HEAD :], len(text) - 4 * HEAD
    else:
        rest = 0
    if "<" in text:
        text = re.sub(WRAPPERS, " ", text)
    if len(text) <= HEAD:
        return text, rest
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    ends = [part for part in (paragraphs[:1] + paragraphs[1:][-1:]) if len(part) <= HEAD]
    task = "\n\n".join(ends) or text[: HEAD // 2] + "\n" + text[-HEAD // 2 :]
    return task, rest + len(text) - len(task)


def read_intent(folded: str, head: str) -> tuple[Intent, str]:
    """Returns the likeliest intent; its confidence is its share of all the cues, damped."""
    scores: dict[Label, float] = {}
    first: dict[Label, str] = {}
    for label in LABELS:
        hits = find_cues(INTENTS[label], folded)
        if hits:
            # a cue at the head is usually the verb that says what to do
            leads = any(hit in folded[:40] for hit in hits)
            scores[label] = min(len(hits), 3) + (1.5 if leads else 0)
            first[label] = hits[0]
    if re.search(FENCE, head, re.MULTILINE):
        scores["code"] = scores.get("code", 0) + 1.5
    if re.search(MATH, folded):
        scores["math"] = scores.get("math", 0) + 1.5
    if not scores:
        guess: Label = "chat" if len(folded.split()) <= 3 and len(folded) < 24 else "factual"
        return Intent(guess, 0.3), "no telling words"
    best = max(scores, key=lambda label: scores[label])
    confidence = scores[best] / (sum(scores.values()) + 0.8)
    cue = first.get(best)
    return Intent(best, round(confidence, 3)), f'says "{cue}"' if cue else "its shape"


BASE: dict[Label, float] = {
    "code": 0.42, "math": 0.42, "reasoning": 0.55, "summarize": 0.32, "translate": 0.28,
    "extract": 0.26, "rewrite": 0.28, "writing": 0.36, "brainstorm": 0.34, "factual": 0.24,
    "chat": 0.08, "data": 0.42, "agentic": 0.52,
}  # fmt: skip


def read_complexity(
    folded: str, task: str, pasted: int, label: Label
) -> tuple[float, tuple[str, ...]]:
    """Returns the score 0 to 1 with what drove it, strongest first."""
    drives: list[tuple[float, str]] = []
    words = _length_in_words(task)
    hard = len(find_cues(HARD, folded))
    easy = len(find_cues(EASY, folded))
    constraints = len(re.findall(CONSTRAINT, folded))
    steps = len(re.findall(STEP, folded))
    if hard:
        drives.append((min(0.5, 0.3 + 0.12 * (hard - 1)), "asks for expert work"))
    if constraints > 1:
        drives.append((min(0.2, 0.05 * constraints), f"{constraints} constraints"))
    if steps > 1:
        drives.append((min(0.15, 0.04 * steps), f"{steps} steps"))
    if easy and not hard:
        drives.append((-0.12, "a simple kind of request"))
    if words <= 12 and not hard:
        drives.append((-0.06, "short, common words"))
    elif words > 40:
        drives.append((min(0.2, 0.07 * math.log2(words / 40)), f"{words} words of instruction"))
    if pasted > 20_000:
        drives.append((0.08, "a very long paste"))
    score = min(0.98, max(0.02, BASE[label] + sum(weight for weight, _ in drives)))
    ranked = sorted(drives, key=lambda drive: -abs(drive[0]))
    return round(score, 3), tuple(reason for _, reason in ranked)


def _length_in_words(task: str) -> int:
    """Returns the length in words; scripts without spaces count two characters as one."""
    if task.isascii():
        return len(task.split())
    dense = sum(character >= DENSE_FROM for character in task)
    return len(task.split()) + dense // 2


def find_cues(stems: str, folded: str) -> list[str]:
    """Returns the stems found at a word's start, or anywhere in scripts without spaces.

    Plain searching rather than a pattern: compiling one would cost more than reading a prompt.
    """
    return [stem for stem in _split(stems) if stem in folded and _begins_word(stem, folded)]


def _begins_word(stem: str, folded: str) -> bool:
    """Tells whether a stem stands at a word's start; one of three letters must be the word."""
    if stem[0] >= DENSE_FROM:
        return True
    at = folded.find(stem)
    while at >= 0:
        end = at + len(stem)
        starts = at == 0 or not folded[at - 1].isalnum()
        ends = len(stem) > 3 or end == len(folded) or not folded[end].isalnum()
        if starts and ends:
            return True
        at = folded.find(stem, at + 1)
    return False


@cache
def _split(stems: str) -> list[str]:
    return stems.split("|")
