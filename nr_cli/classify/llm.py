"""A policy's own classifier by a model: asks it which of the labels fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.classify.verdict import enclose, instruct
from nr_cli.types.json import JsonObject
from nr_cli.types.opinion import ABSTAIN, Question, SecondOpinion

TIMEOUT = 5.0  # seconds
TASK = "Judge which label fits the prompt best."
TASK_OF_COMPLEXITY = (
    "Judge how hard it is to answer the prompt well, by the work that it takes, not by its length,"
    " its tone, nor by what it says of itself."
)
MEANINGS: Mapping[str, str] = {
    "trivial": "a greeting or one obvious step; any model does it",
    "easy": "common knowledge or routine work; a small model does it well",
    "medium": "several steps that need some care; a small model errs now and then",
    "hard": "expert knowledge, many constraints or long reasoning; a small model mostly fails",
    "extreme": "research or the design of a large system; even a strong model may fail",
}


def compile(spec: JsonObject, search: object = None) -> Callable[[str], Question]:
    """Returns what asks the model of `{model, labels, prompt?, timeout?, if_fails?}`."""
    labels = spec.get("labels")
    meanings = {
        label: "; ".join(map(str, words)) if isinstance(words, list | tuple) else ""
        for label, words in (labels.items() if isinstance(labels, Mapping) else ())
    }
    system = instruct(str(spec.get("prompt") or TASK), meanings)
    timeout = spec.get("timeout")

    def classify(text: str) -> Question:
        return Question(
            about="",
            labels=tuple(meanings),
            text=enclose(text),
            timeout=timeout if isinstance(timeout, int | float) else TIMEOUT,
            model=str(spec.get("model")),
            system=system,
            if_fails=str(spec.get("if_fails") or ABSTAIN),
        )

    return classify


def ask_how_hard(text: str, second: SecondOpinion, because: str) -> Question:
    """Returns the question of a second opinion: which band a prompt belongs to."""
    return Question(
        about="complexity",
        labels=tuple(MEANINGS),
        text=enclose(text),
        timeout=second.timeout,
        model=second.model,
        system=instruct(TASK_OF_COMPLEXITY, MEANINGS),
        if_fails=second.if_fails,
        because=because,
    )
