"""What is sent to a chat-completions server, and which kinds of provider there are."""

from __future__ import annotations

import json

import pytest

from nr_cli.errors import UsageError
from nr_cli.providers import openai
from nr_cli.providers.codec import codec_for
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import HttpCall

NO_KEY = Credential(None, "none")
KEY = Credential("sk-1", "env")
HERE = "http://127.0.0.1:1/v1"


def sent(
    base_url: str = HERE,
    params: dict[str, Json] | None = None,
    headers: dict[str, str] | None = None,
    credential: Credential = NO_KEY,
    prompt: str = "hi",
) -> HttpCall:
    provider = Provider("p", "openai", base_url, headers=headers or {})
    messages = (Message("system", "s"), Message("user", prompt))
    return openai.encode(
        Request(Model("m", provider, "org/wire"), messages, params or {}, Timeouts()), credential
    )


def body(call: HttpCall) -> dict[str, Json]:
    document: dict[str, Json] = json.loads(call.body)
    return document


def test_the_body_is_a_streamed_chat_with_usage_asked_for() -> None:
    assert body(sent(params={"temperature": 0.5})) == {
        "model": "org/wire",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
    }


@pytest.mark.parametrize("base_url", [HERE, HERE + "/"])
def test_the_path_follows_the_base_url(base_url: str) -> None:
    assert sent(base_url).url == HERE + "/chat/completions"


def test_a_key_is_a_bearer_token_and_without_one_there_is_no_header() -> None:
    assert dict(sent(credential=KEY).headers)["authorization"] == "Bearer sk-1"
    assert "authorization" not in dict(sent().headers)


def test_a_header_of_the_policy_is_sent_once_under_its_lower_case_name() -> None:
    names = [name for name, _ in sent(headers={"X-Org": "a", "Accept": "b"}).headers]
    assert names.count("x-org") == names.count("accept") == 1
    assert len(names) == len({name.lower() for name in names})


@pytest.mark.parametrize("name", ["model", "messages", "stream", "stream_options", "n"])
def test_a_parameter_that_nr_sets_itself_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"-o {name}:"):
        sent(params={name: 1})


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        (HERE, "max_tokens"),
        ("https://api.openai.com.evil.example/v1", "max_tokens"),
    ],
    ids=["openai", "another", "look-alike"],
)
def test_the_token_limit_goes_under_the_name_the_server_knows(base_url: str, name: str) -> None:
    found = body(sent(base_url, {"max_tokens": 9})).keys() & {"max_tokens", "max_completion_tokens"}
    assert found == {name}


def test_a_lone_surrogate_in_a_prompt_never_breaks_the_request() -> None:
    messages = body(sent(prompt="a\ud800b"))["messages"]
    assert "a?b" in str(messages) or "a\ufffdb" in str(messages)


@pytest.mark.parametrize("kind", ["codec", "framing", "blame", "nobody", "", "../x", "os.path"])
def test_what_is_no_protocol_has_no_codec(kind: str) -> None:
    with pytest.raises(LookupError):
        codec_for(kind)
