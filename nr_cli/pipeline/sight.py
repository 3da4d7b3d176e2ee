"""Gathers what guards go by beside the prompt itself: all else that is sent.

A guard applies where it holds for any of these: for the prompt, for an earlier prompt of the
conversation, for the whole of it in one text. One text alone would not do: more words around a
prompt change how it begins, how long it is, what it does not hold, so that a system text could
lift a guard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nr_cli.types.facts import Facts
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.prompt import Ask, Prompt


def facts_beside(
    ask: Ask, of_turn: Callable[[Ask], Facts], of_all: Callable[[Ask], Facts]
) -> tuple[Facts, ...]:
    """Returns the facts of each earlier prompt, then of all that is sent as one text.

    Without turns, system text, or texts in options or schema there are none: the prompt is all.
    """
    turns = [turn for turn in ask.prompt.turns if turn.role == "user"]
    found = [of_turn(_ask_again(ask, turn)) for turn in turns]
    around = [*(turn.text for turn in ask.prompt.turns), ask.prompt.system or ""]
    around += [*_texts_in([*ask.params.values()]), *_texts_in(ask.schema)]
    before = "\n\n".join(text for text in around if text)
    if before:
        text = f"{before}\n\n{ask.prompt.text}"
        found.append(of_all(ask._replace(prompt=ask.prompt._replace(text=text))))
    return tuple(found)


def _ask_again(ask: Ask, turn: Message) -> Ask:
    """Returns an earlier prompt as if it were asked now, alone."""
    names = tuple(file.name for file in turn.attachments)
    prompt = Prompt(turn.text, None, ask.prompt.source, names, turn.attachments)
    return ask._replace(prompt=prompt)


def _texts_in(node: Json) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts_in(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts_in(value)
