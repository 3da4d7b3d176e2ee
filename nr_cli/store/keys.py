"""Finds a provider's key; says where it came from, never what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nr_cli.catalog.vendors import SECOND_KEYS
from nr_cli.errors import ConfigError
from nr_cli.types.policy import Provider
from nr_cli.types.request import Credential


def find_credential(
    provider: Provider, environ: Mapping[str, str], fingerprint: Callable[[str], str]
) -> Credential:
    """Returns the key of a provider's declared variable, or the reason why there is none.

    Where a vendor's own tools know a second variable, it is read when the first is not set.

    Raises: ConfigError for a key that no header can carry or no wire may.
    """
    name = provider.api_key_env
    if not name:
        return Credential(None, "no key declared")
    second = SECOND_KEYS.get((provider.base_url, name), "")
    found = next((named for named in (name, second) if environ.get(named, "").strip()), None)
    if found is None:
        problem = f"{name} is not set" + (f", nor is {second}" if second else "")
        return Credential(None, name, problem=problem)
    key = environ[found].strip()
    if not all("!" <= character <= "~" for character in key):
        raise ConfigError(
            f"{found}: the key holds characters that no header can carry",
            "copy the key again; white space or a typographic dash is a common cause",
        )
    return Credential(key, found, fingerprint(key))
