"""Fetches a text the user named by URL, within limits, never with a key."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from nr_cli.errors import InputError, TooSlow
from nr_cli.policy.addresses import without_user
from nr_cli.transport.faults import broke_by
from nr_cli.transport.inflate import Inflater, Undecodable
from nr_cli.transport.route import find_way
from nr_cli.types.steps import HttpCall

if TYPE_CHECKING:
    import httpx

LONGEST = 30.0  # seconds for everything together
REDIRECTS = 3
LINE_END = {ord("\r"): "^M", ord("\n"): "^J", ord("\t"): "^I"}


class Wish(NamedTuple):
    """What is fetched for which flag, within how many bytes, until when."""

    flag: str
    accept: str
    largest: int
    deadline: float


def fetch(
    url: str,
    environ: Mapping[str, str],
    flag: str,
    accept: str,
    largest: int,
    within: float | None = None,
) -> bytes:
    """Returns the body of a GET, at most `largest` bytes in 30 s; `flag` is named in errors.

    `within` is what is left of the user's own limit in seconds. A thread does the work: no look-up
    of a name, no dripping head outlasts the limit.

    Raises: InputError, ConfigError for a proxy or CA file of no use, TooSlow past `within`.
    """
    from queue import Empty, SimpleQueue
    from threading import Thread

    hurried = within is not None and within < LONGEST
    limit = within if within is not None and hurried else LONGEST
    wish = Wish(flag, accept, largest, time.monotonic() + LONGEST)
    results: SimpleQueue[bytes | Exception] = SimpleQueue()

    def work() -> None:
        try:
            results.put(follow(url, environ, wish))
        except Exception as error:
            results.put(error)  # raised again by whoever waits

    Thread(target=work, daemon=True).start()
    try:
        result = results.get(timeout=limit)
    except Empty:
        where = f"{flag} {shown(url)}"
        if hurried:
            raise TooSlow(f"{where}: not whole within --timeout", "raise --timeout") from None
        raise InputError(f"{where}: not whole after {LONGEST:.0f} s", "try again") from None
    if isinstance(result, Exception):
        raise result
    return result


def follow(url: str, environ: Mapping[str, str], wish: Wish) -> bytes:
    """Returns the body of a GET, wherever it leads.

    The user may name any host. A redirect may lead to public addresses only, so that a page
    cannot send the request into a private network.

    Raises: InputError, ConfigError.
    """
    first = shown(url)
    for _ in range(REDIRECTS + 1):
        body, target = _get(url, environ, wish)
        if target is None:
            return body
        try:
            url = urljoin(url, target)
        except ValueError:
            raise InputError(f"{wish.flag} {first}: redirected to what is no address") from None
        if not is_public(url):
            raise InputError(
                f"{wish.flag}: redirected to {shown(url)}, which is not a public address"
            )
    raise InputError(f"{wish.flag} {first}: redirected more than {REDIRECTS} times")


def shown(url: str) -> str:
    """Returns a URL as messages tell it: one line, without a password."""
    return without_user(url).translate(LINE_END)


def is_address(url: str) -> bool:
    """Tells whether a URL is one that a request can be made of."""
    import httpx

    try:
        parts = urlsplit(url)
        # A port that cannot be one is a ValueError, but only when it is asked for.
        return bool(parts.hostname and parts.port != 0 and httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        return False


def _get(url: str, environ: Mapping[str, str], wish: Wish) -> tuple[bytes, str | None]:
    """Returns the body, or the address that a redirect names."""
    import httpx

    where = f"{wish.flag} {shown(url)}"
    if not is_address(url):
        raise InputError(f"{where}: not an address", "check it")
    way = find_way(HttpCall(url, (), b""), environ)
    timeout = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": None}
    headers = {"accept": wish.accept, "accept-encoding": "identity"}
    request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout})
    try:
        with httpx.HTTPTransport(verify=way.verify, proxy=way.proxy, trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                if response.has_redirect_location:
                    return b"", response.headers["location"]
                if response.status_code != 200:
                    raise InputError(f"{where}: HTTP {response.status_code}", "check the address")
                return _read(where, response, wish), None
            finally:
                response.close()
    except Undecodable as error:
        raise InputError(f"{where}: {error}") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise InputError(f"{where}: {reason_of(error, url)}", "check the address") from None


def reason_of(error: Exception, url: str) -> str:
    """Returns why a request failed, in words of nr's own."""
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return "not an address, or it leads to none"
    return broke_by(error, url).detail


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

    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    try:
        found = socket.getaddrinfo(parts.hostname, None)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(entry[4][0]).is_global for entry in found)
