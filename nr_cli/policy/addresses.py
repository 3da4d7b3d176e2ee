"""Tells which addresses stay on this machine, which stay in a private network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


def host_of(url: str) -> str:
    """Returns a URL's host in lower case without brackets, empty when there is none."""
    from urllib.parse import urlsplit

    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def without_user(url: str) -> str:
    """Returns a URL as it may be shown: without the user, the password that may stand in it."""
    scheme, mark, rest = url.partition("://")
    end = min((rest.find(sign) for sign in "/?#" if sign in rest), default=len(rest))
    return scheme + mark + rest[:end].rpartition("@")[2] + rest[end:]


def is_loopback(host: str) -> bool:
    """Says whether a host is this machine; a name is, only if it is `localhost` itself."""
    plain = host.strip("[]").lower()
    if plain == "localhost":
        return True
    address = _address(plain)
    return address is not None and address.is_loopback


def is_private(host: str) -> bool:
    """Says whether a host is an address of a private network (or this machine)."""
    if is_loopback(host):
        return True
    address = _address(host)
    return (
        address is not None
        and address.is_private
        and not (address.is_unspecified or address.is_multicast or address.is_reserved)
    )


def url_flaw(url: str, keyed: bool, local: bool) -> str | None:
    """Returns what forbids sending to a URL, None if nothing does.

    A key travels over TLS or loopback only; what is called local must be so by its address,
    because a name can point anywhere.
    """
    scheme, _, rest = url.partition("://")
    host = host_of(url)
    if scheme.lower() not in ("http", "https") or not host:
        return "must be an http:// or https:// URL with a host"
    if _port_is_none(url):
        return "must have a port from 1 to 65535, or none"
    if "@" in rest.split("/", 1)[0]:
        return "must not hold a user or password (name the key's variable in api_key_env)"
    if any(c.isspace() or not c.isprintable() for c in url):
        return "must not hold white space or control characters"
    if scheme.lower() == "http" and keyed and not is_loopback(host):
        return "would send a key over plain http:// to another host (use https://)"
    if local and not is_private(host):
        return "is called local but is neither a loopback nor a private address"
    return None


def _port_is_none(url: str) -> bool:
    """Says whether a URL names a port that cannot be one; called once it has a host."""
    from urllib.parse import urlsplit

    try:
        return urlsplit(url).port == 0
    except ValueError:
        return True


def _address(host: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address

    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
