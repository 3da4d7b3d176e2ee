"""Names the language of a text: by its script first, then by its commonest words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from functools import cache

HEAD, TAIL = 1500, 500  # characters looked at
LEAST = 2.0  # what must speak for a language in a text of more than three words
LEAD = 1.15  # how far the best must be ahead of the next, as a factor

# Where each block begins, with the script it belongs to; what has none belongs to no language.
BLOCKS: tuple[tuple[int, str], ...] = (
    (0x0000, "latin"), (0x0370, "el"), (0x0400, "cyrillic"), (0x0530, "hy"), (0x0590, "he"),
    (0x0600, "arabic"), (0x0780, ""), (0x0900, "hi"), (0x0980, "bn"), (0x0A00, ""),
    (0x0B80, "ta"), (0x0C00, "te"), (0x0C80, ""), (0x0E00, "th"), (0x0E80, ""), (0x10A0, "ka"),
    (0x1100, "ko"), (0x1200, ""), (0x1E00, "latin"), (0x1F00, "el"), (0x2000, ""),
    (0x3040, "kana"), (0x3100, ""), (0x3130, "ko"), (0x3190, ""), (0x3400, "han"), (0xA000, ""),
    (0xAC00, "ko"), (0xD7B0, ""), (0xF900, "han"), (0xFB00, ""),
)  # fmt: skip

STOPWORDS: dict[str, str] = {
    "en": "the of and to in is what how a for that with this you it are on write my be please i "
    "do does can from which who when why or me if have will would not as at by an was your "
    "hello hi thanks give make explain find hey good morning there much many",
    "es": "el la de que y en los las un una por para es cómo qué del se mi escribe cuál está "
    "pero más como al lo con su este esta tu hola gracias eres puedes quién dónde cuánto son "
    "haz dame buenos días",
    "fr": "le la les de des et un une que est pour dans avec ce comment quelle du mon écris "
    "qui sur pas je vous il elle au aux cette quel sont plus par ne ou où bonjour merci moi "
    "être fait donne peux",
    "de": "der die das und ist nicht ein eine den mit für auf wie was ich von zu schreibe dem "
    "des im einen wer wo kann auch es sie mir bitte hallo danke wenn aus bei nach zum zur über "
    "warum welche einem einer sind du mein guten",
    "it": "il la di che e un una per con come cosa del gli sono questo mio scrivi è della nel "
    "le i non si da al alla dei delle più chi quale ciao grazie mi ho perché qual fammi scrivimi",
    "pt": "o a de que e um uma para com como não do da os em por escreva qual é meu na no dos "
    "das se você mais são obrigado olá ao isso está quem eu faça esta este às pelo pela bom",
    "nl": "de het een en van is dat in niet met voor hoe wat ik op zijn schrijf te je die aan "
    "er ook maar dit bij waarom wie kun hallo bedankt mijn naar uit deze wordt worden geef",
    "pl": "w i na z jest to nie się jak do co o "
    "czy dla napisz mój po że są ten ta jaki jaka napisać "
    "mi od ale dlaczego kto cześć dziękuję przez tego które który jakie proszę oraz",
    "tr": "bir ve bu için ne nasıl ile de da mi mı olan yaz çok bana gibi nedir kim daha var "
    "en neden hangi merhaba teşekkürler olarak ben şu bunu kaç değil ya",
    "sv": "och att det är en som på för med vad hur jag inte den av skriv ett till i om har "
    "de du min mig hej tack kan vem varför från eller ska var detta så vilken",
    "da": "og at det er en som på for med hvad hvordan jeg ikke den af skriv et til i om har "
    "de du min mig hej tak kan hvem hvorfor fra eller skal var denne så hvilken",
    "fi": "ja on ei se että mitä miten kuinka olen minä sinä tämä kirjoita kuka miksi tai kun "
    "oli ovat hei kiitos mikä minun joka myös voi ole",
    "cs": "je a v na se to co jak že pro s z do napiš kdo proč který která jsem není ale nebo "
    "ahoj děkuji jaké můj jsou také by prosím při podle",
    "ro": "și de la în este un o cu pe care ce cum pentru nu să din mai scrie cine sunt "
    "mulțumesc salut sau al ale îmi fi dar unde",
    "hu": "a az és egy nem hogy mi van ez is írj ki miért szia köszönöm milyen meg vagy hogyan "
    "nekem csak kell mit melyik volt lehet",
    "vi": "là của và có cho không một các những tôi như thế nào hãy viết được gì bạn này với "
    "trong người chào cảm ơn ở từ về bao nhiêu",
    "id": "yang dan di untuk dengan ini apa bagaimana dari tidak adalah tolong saya buat ke "
    "itu pada dalam kamu siapa mengapa halo terima kasih akan bisa berapa jelaskan tulis atau",
}
# Letters that few languages write, each worth as much as a stopword; two of a kind say no more.
LETTERS: dict[str, str] = {
    "es": "ñ¿¡ó", "fr": "êœèùçà", "de": "ßüöä", "it": "òìùè", "pt": "ãõçê", "pl": "łżęąśźń",
    "tr": "ğışİ", "sv": "åäö", "da": "æøå", "fi": "äö", "cs": "řěůžš", "ro": "țșăâ", "hu": "őű",
    "vi": "ơưđạảấầẩậắằẹẻếềểệịọỏốồổộớờởợụủứừửựỳỹ",
}  # fmt: skip


def detect(text: str) -> str | None:
    """Returns an ISO 639-1 code, or None where there is too little text to tell.

    A long text is judged by its head with its tail, where people say what they want.
    """
    sample = text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"
    if not sample.isascii():
        found = _by_script(sample)
        if found is not None:
            return found
    return _by_words(sample.lower())


def _by_script(sample: str) -> str | None:
    """Returns the language that a script gives away; None for the Latin one."""
    counts = _count_scripts(sample)
    letters = sum(counts.values())
    if not letters:
        return None
    han, kana = counts.pop("han", 0), counts.pop("kana", 0)
    counts["ja" if kana * 10 > han else "zh"] = han + kana
    # A Latin word is long and a Chinese one is not, so Latin letters count half.
    counts["latin"] = counts.get("latin", 0) // 2
    script = max(counts, key=lambda name: counts[name])
    if script == "latin" or not counts[script]:
        return None
    if script == "cyrillic":
        return _by_cyrillic(sample)
    if script == "arabic":
        return "fa" if any(letter in sample for letter in "پچژگ") else "ar"
    return script


def _count_scripts(sample: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    starts = [start for start, _ in BLOCKS]
    for character, number in Counter(sample).items():
        if character.isalpha():
            script = BLOCKS[bisect_right(starts, ord(character)) - 1][1]
            if script:
                counts[script] = counts.get(script, 0) + number
    return counts


def _by_cyrillic(sample: str) -> str:
    if any(letter in sample for letter in "іїєґІЇЄҐ"):
        return "uk"
    russian = any(letter in sample for letter in "ыэёЫЭЁ")
    return "bg" if "ъ" in sample and not russian and " на " in sample else "ru"


def _by_words(sample: str) -> str | None:
    words = re.findall(r"[^\W\d_]+", sample)
    table = _words()
    scores: dict[str, float] = {}
    for word in words:
        codes = table.get(word, ())
        for code in codes:
            # a word that many languages share says little about each
            scores[code] = scores.get(code, 0.0) + (1.0 if len(codes) == 1 else 0.6)
    if not sample.isascii():
        for code, letters in LETTERS.items():
            found = sum(letter in sample for letter in letters)
            if found:
                scores[code] = scores.get(code, 0.0) + 0.7 * min(found, 3)
    return _pick(scores, len(words))


def _pick(scores: dict[str, float], words: int) -> str | None:
    ranked = sorted(scores.items(), key=lambda entry: -entry[1])
    if not ranked or ranked[0][1] < (LEAST if words > 3 else 0.95):
        return None
    if len(ranked) > 1 and ranked[0][1] < LEAD * ranked[1][1]:
        return None
    return ranked[0][0]


@cache
def _words() -> dict[str, tuple[str, ...]]:
    """Returns the languages of each stopword."""
    table: dict[str, tuple[str, ...]] = {}
    for code, words in STOPWORDS.items():
        for word in words.split():
            table[word] = (*table.get(word, ()), code)
    return table
