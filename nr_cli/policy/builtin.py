"""Is the policy that holds when no file defines routes or a default."""

from __future__ import annotations

from collections.abc import Collection

from nr_cli.policy.document import Document
from nr_cli.types.json import Json, JsonObject

EMBEDDED = "local/smollm2-135m"
FILE = "built-in policy"


def builtin(found: Collection[str]) -> Document:
    """Returns the built-in policy for the providers whose credentials were found.

    With "openai" among them: hard prompts to the strongest model, easy ones to the cheapest. With
    none, everything goes to the embedded model, which is never preferred to a real backend. It is
    the document's fallback: merged behind the user's files, it counts only if they leave it room.
    """
    tree = _for_openai() if "openai" in found else _for_embedded()
    from hashlib import sha256

    digest = sha256(repr(tree).encode()).hexdigest()
    return Document(FILE, {}, {}, digest, fallback=tree)


def _for_openai() -> JsonObject:
    strongest, middle, cheapest = "openai/gpt-5", "openai/gpt-5-mini", "openai/gpt-5-nano"
    routes: list[Json] = [
        {"name": "hard", "when": {"complexity": ">=hard"}, "use": [strongest, middle]},
        {"name": "easy", "when": {"complexity": "<=easy"}, "use": [cheapest, middle]},
    ]
    return {
        "routes": routes,
        "default": {"use": [middle, strongest]},
    }


def _for_embedded() -> JsonObject:
    return {"default": {"use": EMBEDDED}}
