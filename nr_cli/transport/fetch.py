"""Fetches a text the user named by URL, within limits, never with a key."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
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
TEXT = "text/*, application/json"


class Wish(NamedTuple):
    """What is fetched for which flag, within how many bytes."""

    flag: str
    accept: str
    largest: int
    deadline: float


def fetch(
    url: str,
    environ: Mapping[str, str],
    flag: str = "-f",
    accept: str = TEXT,
    largest: int = LARGEST,
) -> bytes:
    """Returns the body of a GET, at most `largest` bytes in 30 s; `flag` is named in errors.

    The user may name any host. A redirect may lead to public addresses only, so that a page
    cannot send the request into a private network.

    Raises: InputError, ConfigError for a proxy or CA file of no use.
    """
    wish = Wish(flag, accept, largest, time.monotonic() + LONGEST)
    for _ in range(REDIRECTS + 1):
        body, target = _get(url, environ, wish)
        if target is None:
            return body
        url = urljoin(url, target)
        if not is_public(url):
            raise InputError(f"{flag}: redirected to {url}, which is not a public address")
    raise InputError(f"{flag} {url}: redirected more than {REDIRECTS} times")


def _get(url: str, environ: Mapping[str, str], wish: Wish) -> tuple[bytes, str | None]:
    """Returns the body, or the address that a redirect names."""
    import httpx

    way = find_way(HttpCall(url, (), b""), environ)
    timeout = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": None}
    headers = {"accept": wish.accept, "accept-encoding": "identity"}
    request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout})
    where = f"{wish.flag} {url}"
    try:
        with httpx.HTTPTransport(verify=way.verify, proxy=way.proxy, trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                if response.is_redirect:
                    return b"", response.headers["location"]
                if response.status_code != 200:
                    raise InputError(f"{where}: HTTP {response.status_code}", "check the address")
                return _read(where, response, wish), None
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise InputError(f"{where}: {broke_by(error, url).detail}", "check the address") from None
    except Undecodable as error:
        raise InputError(f"{where}: {error}") from None


def _read(where: str, response: httpx.Response, wish: Wish) -> bytes:
    inflater = Inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    for chunk in response.iter_raw():
        for piece in inflater.feed(chunk):
            body += piece
        if len(body) > wish.largest:
            raise InputError(f"{where}: more than {wish.largest >> 20} MiB", "name a smaller one")
        if time.monotonic() > wish.deadline:
            raise InputError(f"{where}: not whole after {LONGEST:.0f} s", "try again")
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
