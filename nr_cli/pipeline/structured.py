"""Holds an answer to its JSON Schema, with one round of repair.

Theory. Whether a protocol enforces a schema or the system text merely asks for it, the answer is
judged here, by the same rules. The first answer that fails is shown to the same model once more
beside what is wrong with it. An answer that fails twice is no answer: nothing of it is printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from nr_cli.errors import ExitCode, NrError
from nr_cli.pipeline.allowance import Allowance
from nr_cli.pipeline.chain import Reached, walk
from nr_cli.pipeline.ports import Ports
from nr_cli.types.events import Event
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.message import Message
from nr_cli.types.record import Usage
from nr_cli.types.recovery import Recovery
from nr_cli.types.steps import Reply, Step

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

    from nr_cli.policy.regex import Outcome

MOST_FLAWS = 5
FENCED = r"```[\w-]*[ \t]*\n(.*?)\n[ \t]*```"

REPAIR = """\
Your answer does not satisfy the JSON Schema:
{flaws}
Answer again with the corrected JSON alone."""


class Unsatisfied(NrError):
    """The answer failed its schema, and failed again after it was told why."""

    code = "invalid_response"
    exit = ExitCode.BAD_DATA


def satisfy(
    reached: Reached, schema: JsonObject, ports: Ports, allowance: Allowance, recovery: Recovery
) -> Generator[Step | Event, Reply, Reached]:
    """Yields the events of a repair where one is needed; returns the end with the JSON alone.

    An answer that was cut, or that ended other than naturally, is returned as it is.

    Raises: Unsatisfied; Exhausted when the repair itself fails.
    """
    for is_repair in (False, True):
        outcome = reached.outcome
        if outcome.failed is not None or outcome.finish not in ("stop", None):
            return reached
        text, flaws = judge(outcome.text, schema)
        if not flaws:
            return reached._replace(outcome=outcome._replace(text=text))
        if is_repair:
            break
        reached = yield from _again(reached, flaws, ports, allowance, recovery)
    error = Unsatisfied(
        f"{reached.request.model.id}: the answer does not satisfy its schema: {flaws[0]}",
        "loosen --schema, or choose a stronger model",
    )
    error.attempts = reached.attempts
    raise error


def _again(
    reached: Reached, flaws: list[str], ports: Ports, allowance: Allowance, recovery: Recovery
) -> Generator[Step | Event, Reply, Reached]:
    """Asks the same model once more, told what is wrong; tokens of both rounds count."""
    told = REPAIR.format(flaws="\n".join(f"- {flaw}" for flaw in flaws))
    said = Message("assistant", reached.outcome.text)
    messages = (*reached.request.messages, said, Message("user", told))
    request = reached.request._replace(messages=messages)
    try:
        second = yield from walk([request], ports, allowance, recovery, buffered=True)
    except NrError as error:
        error.attempts = (*reached.attempts, *error.attempts)
        raise
    usage = sum_usages(reached.outcome.usage, second.outcome.usage)
    return Reached(
        reached.request,
        second.outcome._replace(usage=usage),
        (*reached.attempts, *second.attempts),
        reached.waited_ms + second.waited_ms,
    )


def sum_usages(one: Usage | None, other: Usage | None) -> Usage | None:
    """Returns the tokens of both; what one side did not count is not known."""
    if one is None or other is None:
        return None
    return Usage(*(mine + theirs for mine, theirs in zip(one, other, strict=True)))


def judge(text: str, schema: JsonObject) -> tuple[str, list[str]]:
    """Returns the JSON of an answer with what is wrong with it, in words, at most five."""
    found = find_json(text)
    if found is None:
        return text, ["it is not JSON"]
    source, value = found
    from jsonschema.validators import extend, validator_for

    extended = extend(  # type: ignore[no-untyped-call]  # jsonschema leaves it without types
        validator_for(dict(schema)), {"pattern": _match}
    )
    bounded: type[Validator] = extended
    validator = bounded(dict(schema))
    try:
        errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
    except RecursionError:  # an answer can be as deep as its model likes, so this is its flaw
        return source, ["it is nested too deep"]
    return source, [f"{error.json_path}: {error.message[:200]}" for error in errors[:MOST_FLAWS]]


def _match(_validator: object, pattern: str, value: Json, _schema: object) -> Iterator[Exception]:
    """Yields the flaw of a text that a `pattern` does not match, or not within a bounded time."""
    from jsonschema.exceptions import ValidationError

    from nr_cli.policy.regex import search_any, why_unknown

    if not isinstance(value, str):
        return
    outcome: Outcome = "unbounded"
    with suppress(re.error):  # flags for all of a pattern may not stand in a group
        outcome, _ = search_any([f"(?-i:{pattern})"], value)
    if outcome == "unbounded":  # beside other threads: its shape was judged when it was read
        outcome = "yes" if re.search(pattern, value) else "no"
    if outcome == "no":
        yield ValidationError(f"{value!r} does not match {pattern!r}")
    elif outcome != "yes":
        yield ValidationError(f"{pattern!r} {why_unknown(outcome)}")


def find_json(text: str) -> tuple[str, Json] | None:
    """Returns the JSON document of an answer as (its text, its value): alone, or in one fence."""
    fenced = re.findall(FENCED, text, re.DOTALL)
    for source in (text.strip(), *(fenced if len(fenced) == 1 else ())):
        try:
            return source, json.loads(source, parse_constant=_refuse)
        except (ValueError, RecursionError):
            continue  # prose around a fence is common: the fence is tried next
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def instruction(schema: JsonObject) -> str:
    """Returns the system text that asks for an answer where the protocol cannot enforce it."""
    document = json.dumps(schema, ensure_ascii=False)
    return (
        "Answer with one JSON document alone, no prose and no code fence, that satisfies this"
        f" JSON Schema:\n{document}"
    )
