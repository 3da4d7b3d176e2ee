"""Brings in the protocols that plugins offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nr_cli import plugins
from nr_cli.errors import ConfigError, FailureKind
from nr_cli.providers.codec import Blame, Decoder, Delta, Malformed
from nr_cli.types.request import Credential, Request
from nr_cli.types.steps import Call, Ended, HttpCall, ProcessCall

if TYPE_CHECKING:
    from nr_cli.providers.codec import Codec


class PluggedCodec:
    """A plugin's codec; what it fails at is a failed attempt, so that the chain goes on."""

    def __init__(self, plugin: plugins.Plugin, offer: Codec) -> None:
        self._plugin = plugin
        self._offer = offer

    def encode(self, request: Request, credential: Credential) -> Call:
        """Returns the plugin's call. Raises: ConfigError when it fails, UsageError as any codec."""
        call = plugins.guarded(self._plugin, self._offer.encode)(request, credential)
        if isinstance(call, HttpCall | ProcessCall):
            return call
        raise plugins.failure(self._plugin, TypeError("encode returned no call"))

    def decoder(self, headers: Mapping[str, str]) -> Decoder:
        """Returns a decoder whose exceptions are malformed responses."""
        fresh = plugins.guarded(self._plugin, self._offer.decoder)(headers)
        return PluggedDecoder(self._plugin, fresh)

    def blame(self, status: int, headers: Mapping[str, str], body: bytes) -> Blame:
        """Returns the plugin's blame, or a server's failure where it has none."""
        try:
            blame = self._offer.blame(status, headers, body)
        except Exception as error:
            # the attempt has failed already; the detail, which the user reads, says of what else
            return Blame(FailureKind.SERVER, self._failed(error))
        return blame if isinstance(blame, Blame) else Blame(FailureKind.SERVER, "")

    def _failed(self, error: Exception) -> str:
        return f"{self._plugin.label} failed: {plugins.reason(error)}"


class PluggedDecoder:
    """A plugin's decoder."""

    def __init__(self, plugin: plugins.Plugin, decoder: Decoder) -> None:
        self._plugin = plugin
        self._decoder = decoder

    def feed(self, chunk: bytes) -> list[Delta]:
        """Returns what these bytes complete."""
        try:
            return list(self._decoder.feed(chunk))
        except Exception as error:
            return self._broken(error)  # a failed attempt, whose detail the user reads

    def end(self, ended: Ended) -> list[Delta]:
        """Returns what the end of the stream completes."""
        try:
            return list(self._decoder.end(ended))
        except Exception as error:
            return self._broken(error)

    def _broken(self, error: Exception) -> list[Delta]:
        return [Malformed(f"{self._plugin.label} failed: {plugins.reason(error)}")]


def find_codec(kind: str) -> Codec:
    """Returns the codec that a plugin offers for a kind.

    Raises: LookupError when none does, ConfigError when the one that does is broken.
    """
    found = plugins.find("providers", kind)
    if found is None:
        raise LookupError(kind)
    if found.offer is None:
        raise ConfigError(f"{found.plugin.label}: {found.plugin.problem}", "update or uninstall it")
    return PluggedCodec(found.plugin, cast("Codec", found.offer))
