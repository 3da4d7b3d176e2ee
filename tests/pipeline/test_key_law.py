"""The law of the cache key: every field counts unless it is denied by name."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nr_cli.pipeline import cachekey
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Price, Provider, Timeouts
from nr_cli.types.request import Request

PROVIDER = Provider("p", "openai", "http://127.0.0.1:1/v1")
MODEL = Model("m", PROVIDER, "wire")
REQUEST = Request(MODEL, (Message("user", "hi"),), {"seed": 1}, Timeouts())

# Another value for each field there is: a new field must be given one here.
OTHERS: dict[str, object] = {
    "messages": (Message("user", "ho"),),
    "params": {"seed": 2},
    "timeouts": Timeouts(total=1.0),
    "schema": {"type": "object"},
    "input_tokens": 7,
    "estimate": 0.5,
    "model.name": "alias",
    "model.wire": "other",
    "model.caps": frozenset({"tools"}),
    "model.context": 7,
    "model.max_output": 7,
    "model.price": Price(1.0, 1.0),
    "model.quality": 7.0,
    "model.params": {"seed": 3},
    "model.system": "s",
    "model.tags": ("t",),
    "model.provider.name": "q",
    "model.provider.kind": "command",
    "model.provider.base_url": "http://127.0.0.1:2/v1",
    "model.provider.api_key_env": "KEY",
    "model.provider.headers": {"x-org": "a"},
    "model.provider.timeout": Timeouts(idle=1.0),
    "model.provider.local": True,
    "model.provider.quota_group": "g",
    "model.provider.rpm": 7,
    "model.provider.api_key_cmd": ("pass",),
    "model.provider.proxy": "http://127.0.0.1:9",
    "model.provider.ca_file": "/ca.pem",
    "model.provider.argv": ("cat",),
    "model.provider.model_path": "/model.gguf",
    "model.provider.quirks": frozenset({"odd"}),
}


def changed(path: str, value: object) -> Request:
    """The request with one field set to another value."""
    *_, name = path.split(".")
    if path.startswith("model.provider."):
        provider = PROVIDER._replace(**{name: value})  # type: ignore[arg-type] # any field's value
        return REQUEST._replace(model=MODEL._replace(provider=provider))
    if path.startswith("model."):
        return REQUEST._replace(model=MODEL._replace(**{name: value}))  # type: ignore[arg-type] # any field's value
    return REQUEST._replace(**{name: value})  # type: ignore[arg-type] # any field's value


def key_of(request: Request, fingerprint: str = "") -> str:
    return cachekey.key(cachekey.fields(request, fingerprint))


def test_every_field_of_a_request_is_known_here() -> None:
    known = {name for name in Request._fields if name != "model"}
    known |= {f"model.{name}" for name in Model._fields if name != "provider"}
    known |= {f"model.provider.{name}" for name in Provider._fields}
    assert OTHERS.keys() == known
    assert known > cachekey.DENIED


@pytest.mark.parametrize("path", OTHERS)
def test_a_field_changes_the_key_unless_it_is_denied(path: str) -> None:
    same = key_of(changed(path, OTHERS[path])) == key_of(REQUEST)
    assert same == (path in cachekey.DENIED)


JSONS: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
NAMES = st.text(st.sampled_from('ab.\x00"{'), min_size=1, max_size=4)
TURNS = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=500)),
    max_size=3,
).map(tuple)


def sent(turns: tuple[Message, ...]) -> list[object]:
    """What a backend sees of a conversation: files by media type with content."""
    return [
        (role, text, [(file.media_type, file.digest) for file in files])
        for role, text, files in turns
    ]


@given(TURNS, TURNS)
@settings(deadline=None)
def test_other_words_are_another_key_and_the_same_words_the_same(
    one: tuple[Message, ...], other: tuple[Message, ...]
) -> None:
    keys = [key_of(REQUEST._replace(messages=turns)) for turns in (one, other)]
    assert (keys[0] == keys[1]) == (sent(one) == sent(other))
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)


@given(st.dictionaries(NAMES, JSONS, max_size=3), NAMES, JSONS)
@settings(deadline=None)
def test_setting_a_parameter_to_another_value_is_another_key(
    params: dict[str, Json], name: str, value: Json
) -> None:
    assume(name not in params or repr(params[name]) != repr(value))
    one = key_of(REQUEST._replace(params=params))
    assert key_of(REQUEST._replace(params={**params, name: value})) != one


@given(st.lists(st.tuples(NAMES, JSONS), max_size=4, unique_by=lambda pair: pair[0]))
@settings(deadline=None)
def test_the_order_of_parameters_is_no_difference(pairs: list[tuple[str, Json]]) -> None:
    keys = [key_of(REQUEST._replace(params=dict(order))) for order in (pairs, pairs[::-1])]
    assert keys[0] == keys[1]


@given(st.text(min_size=41, max_size=80))
@settings(deadline=None)
def test_labels_never_hold_the_words_of_a_prompt_or_a_header(words: str) -> None:
    provider = PROVIDER._replace(headers={"x-org": words})
    request = REQUEST._replace(
        messages=(Message("user", words),), model=MODEL._replace(provider=provider)
    )
    labels = cachekey.labels(cachekey.fields(request, "fingerprint"))
    assert words not in repr(labels)
    assert "fingerprint" not in labels.values()
