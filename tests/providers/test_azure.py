"""Azure OpenAI: which address a request goes to, under which header, what its filter says."""

from __future__ import annotations

import json

import pytest

from nr_cli.errors import ConfigError, FailureKind, UsageError
from nr_cli.providers import azure
from nr_cli.providers.codec import Delta
from nr_cli.types.events import Finished, Text
from nr_cli.types.json import Json
from nr_cli.types.message import Message
from nr_cli.types.policy import Model, Provider, Timeouts
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Ended, HttpCall

RES = "https://res.openai.azure.com"
DEPLOYED = f"{RES}/openai/deployments/my-gpt/chat/completions"


def sent(
    base_url: str = RES,
    params: dict[str, Json] | None = None,
    wire: str = "my-gpt",
    key: str | None = "k",
) -> HttpCall:
    model = Model("m", Provider("azure", "azure", base_url), wire)
    request = Request(model, (Message("user", "hi"),), params or {}, Timeouts())
    return azure.encode(request, Credential(key, "env"))


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (RES, f"{DEPLOYED}?api-version=2024-10-21"),
        (RES + "/", f"{DEPLOYED}?api-version=2024-10-21"),
        (RES + "/openai", f"{DEPLOYED}?api-version=2024-10-21"),
        (RES + "?api-version=2025-01-01-preview", f"{DEPLOYED}?api-version=2025-01-01-preview"),
        (RES + "/openai/deployments/other",
         f"{RES}/openai/deployments/other/chat/completions?api-version=2024-10-21"),
        (RES + "/openai/v1", f"{RES}/openai/v1/chat/completions"),
        (RES + "/openai/v1/", f"{RES}/openai/v1/chat/completions"),
        (RES + "/openai/v1?api-version=preview",
         f"{RES}/openai/v1/chat/completions?api-version=preview"),
        ("http://127.0.0.1:9/gate",
         "http://127.0.0.1:9/gate/openai/deployments/my-gpt/chat/completions"
         "?api-version=2024-10-21"),
    ],
    ids=["resource", "slash", "openai", "version", "deployment", "v1", "v1 slash", "v1 version",
         "gateway"],
)  # fmt: skip
def test_the_address_names_deployment_and_version(base_url: str, url: str) -> None:
    assert sent(base_url).url == url


def test_a_deployment_s_name_cannot_leave_its_place_in_the_path() -> None:
    assert "/deployments/..%2F..%2Fx%3Fy/chat" in sent(wire="../../x?y").url


def test_the_key_goes_under_azure_s_own_header_alone() -> None:
    headers = dict(sent().headers)
    assert headers["api-key"] == "k"
    assert "authorization" not in headers
    assert "api-key" not in dict(sent(key=None).headers)


@pytest.mark.parametrize(
    ("version", "limit", "is_counted"),
    [("2024-10-21", "max_completion_tokens", True), ("2024-02-01", "max_tokens", False)],
    ids=["modern", "old"],
)
def test_an_old_version_is_spoken_to_in_its_own_words(
    version: str, limit: str, is_counted: bool
) -> None:
    body = json.loads(sent(f"{RES}?api-version={version}", {"max_tokens": 9}).body)
    assert body[limit] == 9
    assert ("stream_options" in body) is is_counted


def test_without_an_address_it_says_what_to_write() -> None:
    with pytest.raises(ConfigError, match='needs "base_url"') as raised:
        sent("")
    assert "https://RESOURCE.openai.azure.com" in raised.value.hint


def test_a_parameter_that_nr_sets_itself_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="-o stream:"):
        sent(params={"stream": False})


def decode(raw: bytes, size: int) -> list[Delta]:
    decoder = azure.decoder({})
    chunks = [raw[at : at + size] for at in range(0, len(raw), size)]
    deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
    return deltas + decoder.end(Ended())


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_the_filter_reports_along_the_way_is_no_part_of_the_answer(size: int) -> None:
    frames = [
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {"choices": [{"delta": {"content": "hi"}, "content_filter_results": {}}]},
        {"choices": [{"delta": {}, "finish_reason": "content_filter"}]},
    ]
    raw = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    assert decode(raw + b"data: [DONE]\n\n", size) == [
        Text("hi"), Finished("content_filter", None),
    ]  # fmt: skip


FILTERED = {
    "error": {
        "code": "content_filter",
        "message": "The response was filtered",
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": {"filtered": True}, "violence": {"filtered": True},
                "sexual": {"filtered": False}, "odd": 7,
            },
        },
    }
}  # fmt: skip


def test_a_filtered_prompt_is_blamed_on_its_categories() -> None:
    blamed = azure.blame(400, {}, json.dumps(FILTERED).encode())
    assert blamed.kind == FailureKind.CONTENT_FILTER
    assert blamed.detail == "The response was filtered (hate, violence)"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": {"code": "content_filter"}}', "content_filter"),
        (404, b'{"error": {"code": "DeploymentNotFound", "message": "no"}}', "model_not_found"),
        (401, b'{"statusCode": 401, "message": "Access denied"}', "auth"),
        (429, b'{"error": {"code": "429", "message": "exceeded call rate limit"}}', "rate_limit"),
        (429, b'{"error": {"code": "insufficient_quota"}}', "quota"),
        (404, b'{"error": {"code": "404", "message": "Resource not found"}}', "model_not_found"),
    ],
    ids=["filter", "deployment", "key", "rate", "quota", "resource"],
)
def test_an_error_response_is_blamed_by_status_and_phrase(
    status: int, body: bytes, kind: str
) -> None:
    assert azure.blame(status, {}, body).kind == kind
