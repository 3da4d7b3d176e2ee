"""Names the language of a text: by its script first, then by its commonest words."""

from __future__ import annotations

import re
from functools import cache

SAMPLE = 2000
LEAST = 2  # stopwords that must be seen before a Latin-script language is named

SCRIPTS: tuple[tuple[str, str], ...] = (
    ("\u3040-\u30ff", "ja"),
    ("\uac00-\ud7af", "ko"),
    ("\u4e00-\u9fff", "zh"),
    ("\u0600-\u06ff", "ar"),
    ("\u0900-\u097f", "hi"),
    ("\u0e00-\u0e7f", "th"),
    ("\u0590-\u05ff", "he"),
    ("\u0370-\u03ff", "el"),
)
STOPWORDS: dict[str, str] = {
    "en": "the of and to in is what how a for that with this you it are on write my be please",
    "es": "el la de que y en los las un una por con para es cómo qué del se mi escribe",
    "fr": "le la les de des et un une que est pour dans avec ce comment quelle du mon écris",
    "de": "der die das und ist nicht ein eine den mit für auf wie was ich von zu schreibe",
    "it": "il la di che e un una per con come cosa del gli sono questo mio scrivi è",
    "pt": "o a de que e um uma para com como não do da os em por escreva qual é meu",
    "nl": "de het een en van is dat in niet met voor hoe wat ik op zijn schrijf te",
    "pl": "w i na z jest to nie się jak do co o czy dla napisz mój po że",
    "tr": "bir ve bu için ne nasıl ile de da mi mı olan yaz çok bana gibi",
    "sv": "och att det är en som på för med vad hur jag inte den av skriv",
    "vi": "là của và có cho không một các những tôi như thế nào hãy viết được",
    "id": "yang dan di untuk dengan ini apa bagaimana dari tidak adalah tolong saya buat",
}


def detect(text: str) -> str | None:
    """Returns an ISO 639-1 code, or None where there is too little text to tell."""
    sample = text[:SAMPLE]
    if not sample.isascii():
        found = by_script(sample)
        if found is not None:
            return found
    words = re.findall(r"[^\W\d_]+", sample.lower())
    scores = {code: sum(word in stop for word in words) for code, stop in _stopwords().items()}
    best = max(scores, key=lambda code: scores[code])
    least = LEAST if len(words) > 3 else 1
    rivals = [code for code, score in scores.items() if score == scores[best]]
    return best if scores[best] >= least and len(rivals) == 1 else None


def by_script(sample: str) -> str | None:
    """Returns the language that a script of its own gives away."""
    letters = sum(character.isalpha() for character in sample) or 1
    for span, code in SCRIPTS:
        if len(re.findall(f"[{span}]", sample)) > letters * (0.05 if code == "ja" else 0.3):
            return code
    cyrillic = re.findall("[\u0400-\u04ff]", sample)
    if len(cyrillic) > letters * 0.3:
        return "uk" if re.search("[іїєґІЇЄҐ]", sample) else "ru"
    return None


@cache
def _stopwords() -> dict[str, frozenset[str]]:
    return {code: frozenset(words.split()) for code, words in STOPWORDS.items()}
