"""Where a provider's key is found, and that a second variable counts for its own vendor alone."""

from __future__ import annotations

import pytest

from nr_cli.catalog.vendors import VENDORS
from nr_cli.errors import ConfigError
from nr_cli.store.keys import find_credential
from nr_cli.types.policy import Provider
from nr_cli.types.request import Credential

GEMINI = str(VENDORS["gemini"]["base_url"])


def found(environ: dict[str, str], base_url: str = GEMINI, name: str | None = "GEMINI_API_KEY"):
    provider = Provider("p", "gemini", base_url, api_key_env=name)
    return find_credential(provider, environ, fingerprint=lambda key: f"print of {key}")


@pytest.mark.parametrize(
    ("environ", "key", "source"),
    [
        ({"GEMINI_API_KEY": "a"}, "a", "GEMINI_API_KEY"),
        ({"GOOGLE_API_KEY": "b"}, "b", "GOOGLE_API_KEY"),
        ({"GEMINI_API_KEY": "a", "GOOGLE_API_KEY": "b"}, "a", "GEMINI_API_KEY"),
        ({"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": " b\n"}, "b", "GOOGLE_API_KEY"),
    ],
    ids=["first", "second", "both", "a blank first"],
)
def test_the_second_variable_counts_where_the_first_is_not_set(
    environ: dict[str, str], key: str, source: str
) -> None:
    assert found(environ) == Credential(key, source, f"print of {key}")


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("https://proxy.example/v1beta", "GEMINI_API_KEY"),
        (GEMINI, "MY_KEY"),
        (GEMINI + ".evil.example", "GEMINI_API_KEY"),
    ],
    ids=["another place", "another variable", "a look-alike"],
)
def test_the_second_variable_goes_nowhere_but_to_its_vendor(base_url: str, name: str) -> None:
    credential = found({"GOOGLE_API_KEY": "b"}, base_url, name)
    assert credential.key is None
    assert credential.problem == f"{name} is not set"


def test_a_missing_key_names_both_variables_and_one_not_declared_names_none() -> None:
    assert found({}).problem == "GEMINI_API_KEY is not set, nor is GOOGLE_API_KEY"
    assert found({"GOOGLE_API_KEY": "b"}, name=None) == Credential(None, "no key declared")


def test_a_key_that_no_header_carries_is_named_by_the_variable_it_came_from() -> None:
    with pytest.raises(ConfigError, match=r"^GOOGLE_API_KEY: ") as raised:
        found({"GOOGLE_API_KEY": "sécret"})
    assert "sécret" not in raised.value.message
