"""Chooses the way a request takes: its proxy, its TLS settings, its socket."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from nr_cli.errors import ConfigError
from nr_cli.policy.addresses import is_loopback
from nr_cli.types.steps import HttpCall

if TYPE_CHECKING:
    import ssl


class Way(NamedTuple):
    """How to reach an origin; `verify` is False only where there is no TLS to verify."""

    proxy: str | None
    verify: ssl.SSLContext | bool


def find_way(call: HttpCall, environ: Mapping[str, str]) -> Way:
    """Returns the way for a call. Raises: ConfigError for a proxy or CA file of no use."""
    parts = urlsplit(call.url)
    proxy = call.proxy or proxy_of(parts.scheme, parts.hostname or "", environ)
    if proxy and not proxy.startswith(("http://", "https://")):
        scheme = proxy.partition(":")[0]
        raise ConfigError(
            f"proxy: {scheme} is not a kind of proxy nr can use",
            "use an http:// or https:// proxy, or set NO_PROXY",
        )
    return Way(proxy, trust(call.ca_file, environ) if parts.scheme == "https" else False)


def proxy_of(scheme: str, host: str, environ: Mapping[str, str]) -> str | None:
    """Returns the proxy the environment names for a host; loopback never has one."""
    if is_loopback(host):
        return None
    lower = {name.lower(): value for name, value in environ.items()}
    skipped = [part.strip().lstrip("*.").lower() for part in lower.get("no_proxy", "").split(",")]
    name = host.lower()
    if lower.get("no_proxy", "").strip() == "*":
        return None
    if any(part and (name == part or name.endswith("." + part)) for part in skipped):
        return None
    return lower.get(f"{scheme}_proxy") or lower.get("all_proxy") or None


def trust(ca_file: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Returns the TLS context. Raises: ConfigError when the named CA file cannot be used."""
    import ssl

    named = ca_file or environ.get("SSL_CERT_FILE")
    folder = environ.get("SSL_CERT_DIR")
    try:
        if named or folder:
            return ssl.create_default_context(cafile=named, capath=folder)
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    except (OSError, ssl.SSLError):
        where = f"{named or folder}"
        state = "cannot be used" if os.path.exists(where) else "does not exist"
        raise ConfigError(
            f"{where}: this CA file {state}", "correct ca_file or SSL_CERT_FILE"
        ) from None
