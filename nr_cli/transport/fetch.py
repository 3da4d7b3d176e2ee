"""Fetches a text the user named by URL, within limits, never with a key."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from nr_cli.errors import InputError
from nr_cli.transport.faults import broke_by
from nr_cli.transport.inflate import Inflater, Undecodable
from nr_cli.transport.route import find_way
from nr_cli.types.steps import HttpCall

if TYPE_CHECKING:
    import httpx

LARGEST = 10 * 1024 * 1024
LONGEST = 30.0  # seconds for everything together
REDIRECTS = 3
HEADERS = (("accept", "text/*, application/json"), ("accept-encoding", "identity"))


def fetch(url: str, environ: Mapping[str, str]) -> bytes:
    """Returns the body of a GET, at most 10 MiB in 30 s.

    The user may name any host. A redirect may lead to public addresses only, so that a page
    cannot send the request into a private network.

    Raises: InputError, ConfigError for a proxy or CA file of no use.
    """
    deadline = time.monotonic() + LONGEST
    for _ in range(REDIRECTS + 1):
        body, target = _get(url, environ, deadline)
        if target is None:
            return body
        url = urljoin(url, target)
        if not is_public(url):
            raise InputError(f"-f: redirected to {url}, which is not a public address")
    raise InputError(f"-f {url}: redirected more than {REDIRECTS} times")


def _get(url: str, environ: Mapping[str, str], deadline: float) -> tuple[bytes, str | None]:
    """Returns the body, or the address that a redirect names."""
    import httpx

    way = find_way(HttpCall(url, (), b""), environ)
    timeout = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": None}
    request = httpx.Request("GET", url, headers=list(HEADERS), extensions={"timeout": timeout})
    try:
        with httpx.HTTPTransport(verify=way.verify, proxy=way.proxy, trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                if response.is_redirect:
                    return b"", response.headers["location"]
                if response.status_code != 200:
                    raise InputError(f"-f {url}: HTTP {response.status_code}", "check the address")
                return _read(url, response, deadline), None
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise InputError(f"-f {url}: {broke_by(error, url).detail}", "check the address") from None
    except Undecodable as error:
        raise InputError(f"-f {url}: {error}") from None


def _read(url: str, response: httpx.Response, deadline: float) -> bytes:
    inflater = Inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    for chunk in response.iter_raw():
        for piece in inflater.feed(chunk):
            body += piece
        if len(body) > LARGEST:
            raise InputError(f"-f {url}: more than {LARGEST >> 20} MiB", "name a smaller text")
        if time.monotonic() > deadline:
            raise InputError(f"-f {url}: not whole after {LONGEST:.0f} s", "try again")
    inflater.end()
    return bytes(body)


def is_public(url: str) -> bool:
    """Tells whether every address of a URL's host is a public one."""
    import ipaddress
    import socket

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        found = socket.getaddrinfo(parts.hostname, None)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(entry[4][0]).is_global for entry in found)
