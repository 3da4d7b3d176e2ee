"""Every known vendor is a line of data that a policy can use: kind, address, key, quirks."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from nr_cli.catalog.lookup import Catalog
from nr_cli.catalog.vendors import VENDORS
from nr_cli.policy.addresses import is_loopback
from nr_cli.policy.schema import KINDS, QUIRKS, SERVED
from nr_cli.providers import openai, openai_responses
from nr_cli.providers.codec import codec_for
from nr_cli.types.json import Json
from nr_cli.types.message import Attachment, Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from tests.conftest import Nr

SERVERS = sorted(name for name, line in VENDORS.items() if line["kind"] in SERVED)
KEYLESS = ("lmstudio", "vllm", "llamacpp", "ollama")
SCHEMA: dict[str, Json] = {
    "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
    "additionalProperties": False,
}  # fmt: skip


def body(*quirks: str, params: dict[str, Json] | None = None, codec=openai) -> dict:
    provider = Provider("p", "openai", "http://127.0.0.1:1/v1", quirks=frozenset(quirks))
    messages = (Message("system", "s"), Message("user", "hi"))
    request = Request(Model("m", provider, "w"), messages, params or {}, Timeouts(), SCHEMA)
    return json.loads(codec.encode(request, Credential(None, "none")).body)


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_a_vendor_names_a_kind_that_has_a_codec_and_quirks_that_exist(name: str) -> None:
    line = VENDORS[name]
    assert line["kind"] in KINDS
    assert codec_for(str(line["kind"]))
    assert set(line.get("quirks", ())) <= set(QUIRKS)


@pytest.mark.parametrize("name", sorted(set(SERVERS) - {"azure"}))
def test_a_vendor_s_address_is_tls_with_a_key_or_loopback_without_one(name: str) -> None:
    line = VENDORS[name]
    address = urlsplit(str(line["base_url"]))
    assert not str(line["base_url"]).endswith("/")
    assert address.hostname
    if name in KEYLESS:
        assert is_loopback(address.hostname)
        assert line["local"] is True
        assert "api_key_env" not in line
    else:
        assert address.scheme == "https"
        assert str(line["api_key_env"]).isupper()


def test_no_two_vendors_share_an_address_or_a_variable() -> None:
    for key in ("base_url", "api_key_env"):
        values = [line[key] for line in VENDORS.values() if key in line]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("name", sorted(set(SERVERS) - {"azure"}))
def test_a_vendor_can_be_used_without_an_entry(nr: Nr, home: Path, name: str) -> None:
    (home / "vendor.yaml").write_text(f"version: 1\ndefault: {{use: {name}/some/model:tag}}\n")
    assert nr("policy", "check", "--strict", "vendor.yaml").exit == 0
    variable = str(VENDORS[name].get("api_key_env", ""))
    keyed = {variable: "sk-of-the-vendor"} if variable else {}
    done = nr("route", "--policy", "vendor.yaml", "--json", "hi", env=keyed)
    assert done.document["model_id"] == f"{name}/some/model:tag"
    if variable:
        assert nr("ask", "--policy", "vendor.yaml", "hi").exit == 77


def test_azure_is_of_no_use_before_its_address_is_given(nr: Nr, home: Path) -> None:
    (home / "azure.yaml").write_text("version: 1\ndefault: {use: azure/gpt}\n")
    checked = nr("policy", "check", "azure.yaml")
    assert checked.exit == 78
    assert b'provider "azure" needs "base_url"' in checked.out
    pinned = nr("ask", "-m", "azure/gpt", "hi", env={"AZURE_OPENAI_API_KEY": "k"})
    assert pinned.exit == 2
    assert 'provider "azure" needs "base_url"' in pinned.err
    (home / "azure.yaml").write_text(
        "version: 1\nproviders: {azure: {base_url: https://res.openai.azure.com}}\n"
        "default: {use: azure/gpt}\n"
    )
    assert nr("policy", "check", "--strict", "azure.yaml").exit == 0


@pytest.mark.parametrize("kind", sorted(SERVED))
def test_a_provider_of_one_s_own_needs_an_address_whatever_its_kind(
    nr: Nr, home: Path, kind: str
) -> None:
    (home / "own.yaml").write_text(
        f"version: 1\nproviders: {{mine: {{kind: {kind}}}}}\ndefault: {{use: mine/x}}\n"
    )
    assert b'provider "mine" needs "base_url"' in nr("policy", "check", "own.yaml").out


def test_a_vendor_s_name_that_is_misspelt_is_recognised(nr: Nr, home: Path) -> None:
    (home / "near.yaml").write_text("version: 1\ndefault: {use: opnrouter/x}\n")
    assert b'did you mean "openrouter"' in nr("policy", "check", "near.yaml").out
    assert 'did you mean "deepseek"' in nr("ask", "-m", "deepsek/x", "hi").err


def test_a_vendor_abroad_cannot_be_called_local(nr: Nr, home: Path) -> None:
    (home / "far.yaml").write_text(
        "version: 1\nproviders: {groq: {local: true}}\ndefault: {use: groq/x}\n"
    )
    assert b"NR142" in nr("policy", "check", "far.yaml").out


def test_an_entry_overrides_a_vendor_key_by_key() -> None:
    from nr_cli.policy.load import load
    from nr_cli.policy.policy import Policy

    text = "version: 1\nproviders: {mistral: {quirks: [no_strict], quota_group: eu}}\n"
    policy = Policy(load(text.encode(), "p.yaml"), {}, Catalog())
    mistral = policy.provider("mistral")
    assert mistral.base_url == "https://api.mistral.ai/v1"
    assert (mistral.quirks, mistral.quota_group) == ({"no_strict"}, "eu")
    assert policy.key_variables() == {"MISTRAL_API_KEY"}
    assert policy.provider("deepseek").quirks == {"no_json_schema"}


def test_a_quirk_that_nobody_knows_is_refused_with_the_nearest(nr: Nr, home: Path) -> None:
    (home / "quirk.yaml").write_text(
        "version: 1\nproviders: {groq: {quirks: no_strickt}}\ndefault: {use: groq/x}\n"
    )
    done = nr("policy", "check", "quirk.yaml")
    assert done.exit == 78
    assert b'did you mean "no_strict"' in done.out


@pytest.mark.parametrize("quirk", QUIRKS)
def test_every_quirk_changes_what_is_sent(quirk: str) -> None:
    params: dict[str, Json] = {"max_tokens": 9, "seed": 1}
    assert body(quirk, params=params) != body(params=params)


@pytest.mark.parametrize(
    ("quirk", "params", "gone", "there"),
    [
        ("no_stream_options", {}, "stream_options", {}),
        ("max_completion_tokens", {"max_tokens": 9}, "max_tokens", {"max_completion_tokens": 9}),
        ("random_seed", {"seed": 1}, "seed", {"random_seed": 1}),
        ("no_json_schema", {}, "", {"response_format": {"type": "json_object"}}),
        ("no_system_role", {}, "", {"messages": [{"role": "user", "content": "s\n\nhi"}]}),
    ],
)
def test_a_quirk_does_what_it_says(
    quirk: str, params: dict[str, Json], gone: str, there: dict[str, Json]
) -> None:
    written = body(quirk, params=params)
    assert gone not in written
    assert {key: written[key] for key in there} == there


def test_a_schema_that_the_server_does_not_know_is_told_in_words_before_all_else() -> None:
    first = body("no_json_schema")["messages"][0]
    assert first["role"] == "system"
    assert "JSON" in first["content"]
    assert json.dumps(SCHEMA) in first["content"]
    assert first["content"].endswith("\n\ns")


@pytest.mark.parametrize("codec", [openai, openai_responses], ids=["chat", "responses"])
def test_strict_mode_is_not_asked_of_a_server_that_refuses_it(codec) -> None:
    plain, quirky = body(codec=codec), body("no_strict", codec=codec)
    assert '"strict": true' in json.dumps(plain)
    assert '"strict": true' not in json.dumps(quirky)


def test_a_server_without_a_system_role_still_gets_the_files_of_the_first_turn() -> None:
    png = Attachment("cat.png", "image", "image/png", b"\x89PNG", "d")
    provider = Provider("p", "openai", "http://h/v1", quirks=frozenset({"no_system_role"}))
    turns = (Message("system", "s"), Message("assistant", "a"), Message("user", "hi", (png,)))
    call = openai.encode(
        Request(Model("m", provider, "w"), turns, {}, Timeouts()), Credential(None, "none")
    )
    assert [turn["role"] for turn in json.loads(call.body)["messages"]] == ["assistant", "user"]
    assert json.loads(call.body)["messages"][1]["content"][1:] == [
        {"type": "text", "text": "s\n\nhi"}
    ]
