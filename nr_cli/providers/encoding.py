"""Builds the parts of a call that protocols other than OpenAI's share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from nr_cli.errors import UsageError
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Provider
from nr_cli.types.steps import HttpCall


class Dialect(NamedTuple):
    """What becomes of an option's name in one protocol.

    `renamed` holds the protocol's own names, `lacking` the options it has no word for, each with
    what to do instead, `reserved` what nr decides itself. All other names are the vendor's own.
    """

    protocol: str
    renamed: Mapping[str, str]
    lacking: Mapping[str, str]
    reserved: frozenset[str]

    def translate(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """Returns the options under the protocol's names.

        Raises: UsageError for one that is reserved or that the protocol lacks.
        """
        for name in params:
            if name in self.reserved:
                raise UsageError(f"-o {name}: nr sets this itself (leave it out)")
            if name in self.lacking:
                raise UsageError(
                    f"-o {name}: the {self.protocol} protocol has no such option"
                    f" ({self.lacking[name]})"
                )
        return {self.renamed.get(name, name): value for name, value in params.items()}


def listed(value: Json) -> Json:
    """Returns a lone text as a list of one, as `stop` may be given either way."""
    return [value] if isinstance(value, str) else value


def mapping_of(params: dict[str, Json], name: str) -> dict[str, Json]:
    """Takes an option that holds options of its own out of `params`.

    Raises: UsageError when it is no object.
    """
    value = params.pop(name, None)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(f'-o {name}: must be a JSON object, such as {{"key": 1}}')
    return dict(value)


def effort_of(params: dict[str, Json], known: Mapping[str, object]) -> str | None:
    """Takes `reasoning_effort` out of `params`, None when it is absent.

    Raises: UsageError for a word that the table does not hold.
    """
    effort = params.pop("reasoning_effort", None)
    if effort is None or (isinstance(effort, str) and effort in known):
        return effort
    raise UsageError(f"-o reasoning_effort: must be one of {', '.join(known)}")


def system_of(messages: tuple[Message, ...]) -> str:
    """Returns the system text for a protocol that wants it apart from the turns."""
    return "\n\n".join(turn.text for turn in messages if turn.role == "system" and turn.text)


def turns_of(messages: tuple[Message, ...]) -> list[list[Message]]:
    """Returns the turns without system text; neighbours of one role stand together.

    An empty turn is left out: the protocols refuse one, it says nothing.
    """
    groups: list[list[Message]] = []
    for turn in messages:
        if turn.role == "system" or not (turn.text or turn.attachments):
            continue
        if groups and groups[-1][0].role == turn.role:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return groups


def post(
    provider: Provider, path: str, own: Mapping[str, str], body: Mapping[str, Json]
) -> HttpCall:
    """Returns the POST of a JSON body; the policy's headers win over the codec's `own`."""
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "accept-encoding": "identity",
        **own,
        **{name.lower(): value for name, value in provider.headers.items()},
    }
    return HttpCall(
        url=provider.base_url.rstrip("/") + path,
        headers=tuple(headers.items()),
        body=to_json(body),
        proxy=provider.proxy,
        ca_file=provider.ca_file,
    )


def to_json(body: Mapping[str, Json]) -> bytes:
    """Returns a body as JSON. Raises: UsageError for a number that JSON does not have."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise UsageError(
            "a parameter or the schema holds NaN or an infinity", "JSON has no such number"
        ) from None
    return text.encode("utf-8", "replace")
