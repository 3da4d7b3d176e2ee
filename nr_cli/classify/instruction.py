"""Parts what a prompt asks for from the material it brings along."""

from __future__ import annotations

import re
from typing import NamedTuple

END = 3000  # characters read at either end of a long prompt
SHORT = 600  # up to here a prompt is its own instruction
ASK = 450  # characters a paragraph may have to be the instruction of a long prompt
ENVELOPES = ("system-reminder", "system_reminder", "tools", "context", "env", "environment_details",
             "available_tools", "functions", "user_info")  # fmt: skip
# Claims about the task, dressing of the speaker: neither says what is asked.
CLAIMS = (
    "strongest model", "best model", "most powerful", "smartest model", "premium model",
    "largest model", "expensive model", "ignore the rules", "ignore previous", "ignore all",
    "ignore your", "urgent", "asap", "as soon as possible", "my job depends", "deep breath",
    "my career", "tip you", "think carefully", "think very hard", "highest tier", "top tier",
    "super important", "very important", "extremely important", "life depends", "no matter what",
    "high priority", "this is critical", "extremely complex", "very hard question", "expert-level",
)  # fmt: skip
ROLES = (
    "you are a ", "you are an ", "you're a ", "you're an ", "act as ", "act like ", "pretend ",
    "imagine you are ", "imagine you're ", "you are now ", "you are the ", "you will play ",
    "take the role ", "i want you to act ", "as an expert ", "as a world-class ", "eres un ",
    "tu es un", "vous êtes un", "du bist ein", "stell dir vor, du bist", "sei un ", "você é um",
    "ты опытный", "ты —", "представь, что ты", "你是一", "あなたは", "당신은 ",
)  # fmt: skip
SENTENCE = r"(?<=[.!?。！？؟।])\s*|\n+"
SAID = r"(?:\b(?:this|that|it)(?:['’]s| is) (?:(?:so|very|really|truly) )?)?"  # goes with a claim
PASTED = (
    r"^\s*(?:\[?\d{4}-\d\d-\d\d|\d\d:\d\d|\d+\.\d+\.\d+\.\d+|at [\w.$]+\(|[+@>|]|[{}<]|\"\w+\":)"
)


class Task(NamedTuple):
    """What is asked (`ask`), all prose of the prompt (`prose`), the size of the rest in chars."""

    ask: str
    prose: str
    material: int
    plays_role: bool


def read_task(text: str) -> Task:
    """Returns the parts of a prompt; of a long one both ends are read."""
    if "<" in text:
        text = _without_envelopes(text)
    ends = text if len(text) <= 2 * END else f"{text[:END]}\n\n{text[-END:]}"
    prose = _prose(ends)
    prose, plays_role = _without_dressing(prose)
    ask = prose if len(prose) <= SHORT else _ask(prose)
    return Task(ask, prose, max(0, len(text) - len(ask)), plays_role)


def _without_envelopes(text: str) -> str:
    """Returns the text without what an agent's harness wrapped around the user's words."""
    whole, low = text, text.lower()
    if len(low) != len(text):  # a letter that grows: places would not be the text's
        low = text
    for name in ENVELOPES:
        opening, closing = f"<{name}>", f"</{name}>"
        for _ in range(8):
            start = low.find(opening)
            end = low.find(closing, start)
            if start < 0 or end < 0:
                break
            end += len(closing)
            text, low = f"{text[:start]}\n{text[end:]}", f"{low[:start]}\n{low[end:]}"
    return text if text.strip() else whole


def _prose(text: str) -> str:
    """Returns the lines that a person wrote; code in fences, logs, quotes are material."""
    if "\n" not in text:
        return text
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and not (line and _is_pasted(line)):
            lines.append(line)
    prose = "\n".join(lines).strip()
    return prose or text


def _is_pasted(line: str) -> bool:
    return line[0] in '[0123456789+@>|{}<" \tad' and re.match(PASTED, line) is not None


def _without_dressing(prose: str) -> tuple[str, bool]:
    """Returns the prose without claims of importance or roles, and whether a role was given."""
    folded = prose.casefold()
    roles = [role for role in ROLES if role in folded]
    claims = [claim for claim in CLAIMS if claim in folded]
    if not roles and not claims:
        return prose, False
    kept = []
    for sentence in re.split(SENTENCE, prose):
        low = sentence.casefold()
        if roles and low.lstrip().startswith(tuple(roles)):
            continue
        if any(claim in low for claim in claims):
            parts = (_without_claims(part, claims) for part in re.split(r"[,;:—()]", sentence))
            sentence = ",".join(part for part in parts if part)
        kept.append(sentence)
    rest = "\n".join(part for part in kept if part.strip())
    return (rest if len(rest) > 3 else prose), bool(roles)


def _without_claims(clause: str, claims: list[str]) -> str:
    """Returns the clause without claims; nothing if hardly more than those was in it."""
    low = clause.casefold()
    found = [claim for claim in claims if claim in low]
    if not found:
        return clause
    for claim in found:
        said = rf"{SAID}{re.escape(claim)}[!.]*"
        clause = re.sub(said, " ", clause, flags=re.IGNORECASE)
    return clause if len(clause.split()) > 3 else ""


def _ask(prose: str) -> str:
    """Returns the first with the last paragraph where they are short, else such sentences."""
    paragraphs = [part for part in re.split(r"\n\s*\n", prose) if part.strip()]
    ends = paragraphs[:1] + paragraphs[1:][-1:]
    short = [part for part in ends if len(part) <= ASK]
    return "\n".join(short or [_edge(part) for part in ends] or [_edge(prose)])


def _edge(paragraph: str) -> str:
    if len(paragraph) <= ASK:
        return paragraph
    sentences = [part for part in re.split(SENTENCE, paragraph) if part.strip()]
    if len(sentences) < 3:
        return f"{paragraph[: ASK // 2]}\n{paragraph[-ASK // 2 :]}"
    return f"{sentences[0][:ASK]}\n{sentences[-1][-ASK:]}"
