"""Names every transport failure: the one table from httpx exceptions to failure kinds."""

from __future__ import annotations

from urllib.parse import urlsplit

from nr_cli.errors import FailureKind
from nr_cli.types.steps import Broke


def broke_by(error: Exception, url: str) -> Broke:
    """Returns the failure an httpx or socket error stands for.

    The words are nr's own: httpx puts whole headers, keys included, into some of its messages.
    """
    import httpx

    host = host_of(url)
    lasting = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError)
    table: tuple[tuple[type[Exception], FailureKind, str], ...] = (
        (httpx.ConnectTimeout, FailureKind.TIMEOUT, f"no connection to {host} in time"),
        (httpx.TimeoutException, FailureKind.TIMEOUT, f"{host} was silent for too long"),
        (httpx.ConnectError, FailureKind.NETWORK, connect_words(error, host)),
        (httpx.ProxyError, FailureKind.NETWORK, f"the proxy refused the way to {host}"),
        (httpx.RemoteProtocolError, FailureKind.NETWORK, f"{host} closed or garbled the response"),
        (httpx.LocalProtocolError, FailureKind.NETWORK, f"a header for {host} cannot be sent"),
        (httpx.UnsupportedProtocol, FailureKind.NETWORK, f"{host}: base_url is not http(s)"),
        (httpx.InvalidURL, FailureKind.NETWORK, "base_url is not an address"),
        (httpx.TransportError, FailureKind.NETWORK, f"the connection to {host} broke"),
        (UnicodeError, FailureKind.NETWORK, f"{host} is not a host name"),
        (OSError, FailureKind.NETWORK, f"the connection to {host} broke"),
    )
    for kind_of_error, kind, detail in table:
        if isinstance(error, kind_of_error):
            return Broke(kind, detail, isinstance(error, lasting) or is_about_tls(error))
    raise error


def is_about_tls(error: Exception) -> bool:
    """Tells whether a connection failed because the other side is not who it should be."""
    import httpx

    words = str(error).lower()
    named = any(word in words for word in ("certificate", "ssl", "tls"))
    return isinstance(error, httpx.ConnectError) and named


def connect_words(error: Exception, host: str) -> str:
    """Returns why a connection could not be made, in words a person can act on."""
    words = str(error)
    lower = words.lower()
    if "certificate" in lower:
        return f"{host}: its certificate is not trusted ({certificate_words(words)})"
    if "ssl" in lower or "tls" in lower:
        return f"{host} does not speak TLS as expected"
    if any(part in lower for part in ("name or service", "name resolution", "nodename", "getaddr")):
        return f"cannot resolve {host}"
    if "refused" in lower:
        return f"{host} refused the connection: is the server running?"
    return f"cannot connect to {host}"


def certificate_words(words: str) -> str:
    """Returns OpenSSL's reason without its source file."""
    reason = words.partition("certificate verify failed:")[2] or "verification failed"
    return reason.rpartition(" (_ssl")[0].strip() or reason.strip()


def host_of(url: str) -> str:
    """Returns host:port of a URL, never its path, query or user."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname or url.partition('?')[0]}{port}"
    except ValueError:
        return "base_url"
