"""A classifier: the first label one of whose words opens the prompt.

classify:
  act: {use: opening, labels: {fix: [fix, repair], explain: [explain, why]}}
routes:
  - {name: fixes, when: {label: {act: fix}}, use: big}

The policy names the labels; the function it compiles is called once for each prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.types.json import JsonObject


def compile(spec: JsonObject, search: object) -> Callable[[str], str | None]:
    """Returns the function from a text to its label, None where no label fits."""
    labels = spec["labels"]
    assert isinstance(labels, Mapping), "nr has checked the policy"
    words = {str(word).casefold(): label for label, own in labels.items() for word in own}

    def classify(text: str) -> str | None:
        first = next(iter(text.split(maxsplit=1)), "")
        return words.get(first.casefold().rstrip(":,!"))

    return classify
