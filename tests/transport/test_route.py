"""The way a request takes: whose proxy, whose certificates, and what is refused."""

from __future__ import annotations

import ssl

import pytest

from nr_cli.errors import ConfigError
from nr_cli.transport.faults import host_of
from nr_cli.transport.route import find_way, is_loopback
from nr_cli.types.steps import HttpCall

AWAY = "https://model.example/v1/chat/completions"
PLAIN = "http://model.example/v1/chat/completions"
HERE = "http://127.0.0.1:9/v1/chat/completions"


def call(url: str, proxy: str | None = None, ca_file: str | None = None) -> HttpCall:
    return HttpCall(url, (), b"", proxy=proxy, ca_file=ca_file)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        (AWAY, {"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "http://q:1"}, "http://p:1"),
        (PLAIN, {"HTTPS_PROXY": "http://p:1", "http_proxy": "http://q:1"}, "http://q:1"),
        (AWAY, {"ALL_PROXY": "https://p:1"}, "https://p:1"),
        (HERE, {"HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}, None),
        ("http://[::1]:9/v1", {"ALL_PROXY": "http://p:1"}, None),
        (AWAY, {"ALL_PROXY": "http://p:1", "no_proxy": " .other.example , model.example"}, None),
        (AWAY, {"ALL_PROXY": "http://p:1", "no_proxy": "*.example"}, None),
        (AWAY, {"ALL_PROXY": "http://p:1", "no_proxy": "MODEL.EXAMPLE"}, None),
        (AWAY, {"HTTPS_PROXY": ""}, None),
        (AWAY, {}, None),
    ],
)
def test_the_environment_names_a_proxy_for_others_only(
    url: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert find_way(call(url), environ).proxy == proxy


def test_the_proxy_of_the_policy_comes_before_the_environment() -> None:
    way = find_way(call(AWAY, proxy="http://own:1"), {"ALL_PROXY": "http://p:1"})
    assert way.proxy == "http://own:1"


@pytest.mark.parametrize("proxy", ["socks5://p:1", "socks5h://user:word@p:1", "p:1", "file:///x"])
def test_a_proxy_of_no_use_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_way(call(AWAY), {"ALL_PROXY": proxy})
    assert "word" not in str(caught.value) + caught.value.hint


def test_tls_is_verified_and_plain_http_has_none() -> None:
    way = find_way(call(AWAY), {})
    assert isinstance(way.verify, ssl.SSLContext)
    assert way.verify.verify_mode == ssl.CERT_REQUIRED
    assert way.verify.check_hostname
    assert find_way(call(HERE), {}).verify is False


@pytest.mark.parametrize("where", ["policy", "environment"])
def test_a_ca_file_that_holds_no_certificate_is_refused_by_name(tmp_path, where: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    named = str(path)
    environ = {"SSL_CERT_FILE": named} if where == "environment" else {}
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        find_way(call(AWAY, ca_file=None if environ else named), environ)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("LOCALHOST", True), ("127.0.0.1", True), ("127.255.255.254", True), ("[::1]", True),
        ("localhost.example", False), ("127.0.0.1.example", False), ("1270.0.0.1", False),
        ("0.0.0.0", False), ("::ffff:8.8.8.8", False), ("", False),
    ],
)  # fmt: skip
def test_only_this_machine_is_taken_for_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) == here


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:word@model.example:8443/v1?key=abc", "model.example:8443"),
        ("https://model.example/v1?key=abc#f", "model.example"),
        ("http://[bad", "base_url"),
        ("not an address?key=abc", "not an address"),
    ],
)
def test_an_address_is_shown_without_user_path_or_query(url: str, shown: str) -> None:
    assert host_of(url) == shown
