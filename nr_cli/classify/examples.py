"""A policy's own classifier by example: the label whose examples a text is most like.

Learning happens once for each change of the examples; what was learnt is handed to `keep`, and a
loss of it costs learning again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.classify.certainty import FLOOR, lead_of
from nr_cli.classify.everyday import EVERYDAY
from nr_cli.classify.packed import MARK, Packed
from nr_cli.classify.pieces import cut, hash_word, words_of
from nr_cli.types.facts import Labelled
from nr_cli.types.json import Json, JsonObject

if TYPE_CHECKING:
    from nr_cli.classify.margins import Sample

SHORT = 600  # characters up to which a text is read whole, else what it asks for
COMPARED = 300  # examples of a label among which the nearest is looked for
SHOWN = 60  # characters of an example that a reason repeats
NOT_MEANT = "it is like an example of what is meant by no label"


class Keep(NamedTuple):
    """Where what was learnt stays: bytes by name, None for what is not there."""

    get: Callable[[str], bytes | None]
    put: Callable[[str, bytes], None]


KEEP_NOTHING = Keep(lambda name: None, lambda name, content: None)


def compile(
    spec: JsonObject, keep: Keep = KEEP_NOTHING, tick: Callable[[int, int], None] | None = None
) -> Callable[[str], Labelled]:
    """Returns the classifier of `{labels: {label: {examples, not}}, min_confidence}`.

    A list of texts stands for examples alone. `tick(done, total)` is told how learning goes on.
    """
    reader = Reader(spec)
    reader.prepare(keep, tick)
    return reader.read


class Reader:
    """The labels of one classifier with their examples."""

    def __init__(self, spec: JsonObject) -> None:
        labels = spec.get("labels")
        forms = labels if isinstance(labels, Mapping) else {}
        self._examples = {label: _texts(form, "examples") for label, form in forms.items()}
        self._not = [text for form in forms.values() for text in _texts(form, "not")]
        least = spec.get("min_confidence")
        self._least = float(least) if isinstance(least, int | float) else None
        self._known: dict[str, str] = {}
        self._packed: Packed | None = None

    def prepare(self, keep: Keep, tick: Callable[[int, int], None] | None = None) -> None:
        """Reads what was learnt before from `keep`, else learns it and puts it there."""
        self._known = {_folded(text): "" for text in self._not}
        for label, texts in self._examples.items():
            self._known.update((_folded(text), label) for text in texts)
        name = self._name()
        kept = keep.get(name)
        if kept is not None:
            try:
                self._packed = Packed(kept)
                return
            except (ValueError, KeyError, TypeError):
                pass  # damaged, or of another version: it is learnt again, replaced below
        from nr_cli.classify.margins import learn
        from nr_cli.classify.packed import pack

        content = pack(learn(self._samples(), tick))
        keep.put(name, content)
        self._packed = Packed(content)

    def read(self, text: str) -> Labelled:
        """Returns the label of a text, None where it is like no example."""
        assert self._packed is not None, "prepared before anything is read"
        known = self._known.get(_folded(text)) if len(text) <= SHORT else None
        if known:
            return Labelled(known, 1.0, "it is an example")
        if known is not None:
            return Labelled(None, 1.0, NOT_MEANT)
        from nr_cli.classify.instruction import read_task

        ask = text if len(text) <= SHORT else read_task(text[: 20 * SHORT]).ask
        scores = dict(zip(self._packed.labels, self._packed.scores(cut(ask)), strict=True))
        best = max((label for label in scores if label), key=scores.__getitem__, default="")
        if not best:
            return Labelled(None, 0.0, "no label has examples")
        others = [score for label, score in scores.items() if label != best]
        sure = self._packed.certainty.of(scores[best], lead_of(scores[best], others))
        if scores.get("", FLOOR) > scores[best]:
            return Labelled(None, sure, NOT_MEANT)
        least = self._packed.certainty.least if self._least is None else self._least
        if sure < least:
            why = f"no example is near ({best} at {sure:.2f}, below {least:.2f})"
            return Labelled(None, sure, why)
        return Labelled(best, sure, self._nearest(best, ask))

    def _nearest(self, label: str, text: str) -> str:
        """Returns how the example with most (rare) words in common begins, as a reason."""
        assert self._packed is not None, "prepared before anything is read"
        mine = {word: self._packed.rarity(hash_word(word)) for word in set(words_of(text))}
        best, found = 0.0, ""
        for example in self._examples[label][:COMPARED]:
            theirs = set(words_of(example))
            shared = sum(mine[word] for word in theirs if word in mine) / (len(theirs) or 1) ** 0.5
            if shared > best:
                best, found = shared, example
        flat = " ".join(found.split())
        shown = flat if len(flat) <= SHOWN else flat[: SHOWN - 1] + "…"
        return f'like "{shown}"' if shown else "like its examples"

    def _samples(self) -> Iterator[Sample]:
        from nr_cli.classify.margins import NONE, Sample

        for label, texts in self._examples.items():
            for text in texts:
                yield Sample(text, label)
        meant = {_folded(text) for texts in self._examples.values() for text in texts}
        for text in self._not:
            if _folded(text) not in meant:
                yield Sample(text, NONE)
        meant.update(map(_folded, self._not))
        for text in EVERYDAY:
            if _folded(text) not in meant:
                yield Sample(text, None)

    def _name(self) -> str:
        """Returns the digest of all that learning depends on, whatever order it stands in."""
        import hashlib
        import json

        meant = [sorted(texts) for _, texts in sorted(self._examples.items())]
        whole = [MARK.decode(), sorted(self._examples), meant, sorted(self._not), EVERYDAY]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _texts(form: Json, key: str) -> tuple[str, ...]:
    """Returns the texts under a key of a label's form; a form that is a list is of examples."""
    if isinstance(form, Mapping):
        form = form.get(key)
    elif key != "examples":
        return ()
    if isinstance(form, str):
        return (form,)
    return tuple(str(text) for text in form) if isinstance(form, Sequence) else ()


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
