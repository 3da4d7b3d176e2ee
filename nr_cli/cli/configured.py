"""Gathers the providers with the models that policy or catalog name, however broken a policy is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from nr_cli.errors import ConfigError, NrError, UsageError
from nr_cli.types.policy import Model, Provider
from nr_cli.types.request import Credential

if TYPE_CHECKING:
    from nr_cli.app import Router
    from nr_cli.cli.env import Outside
    from nr_cli.policy.policy import Policy


class Configured:
    """What a user could ask from here; `problem` is the policy's own, where it cannot be read.

    Without a readable policy the built-in one stands, so that keys and models can still be seen.
    """

    def __init__(self, router: Router) -> None:
        """Takes a router, whose policy is read when it is first needed."""
        self.router = router
        self._problem: NrError | None = None

    @property
    def problem(self) -> NrError | None:
        """Returns why the policy in force cannot be read, if it cannot."""
        return self._problem if self.policy else None

    @cached_property
    def policy(self) -> Policy:
        """Returns the policy in force, the built-in one in place of a broken one."""
        try:
            return self.router.policy
        except NrError as error:
            from nr_cli.policy.document import Document
            from nr_cli.policy.policy import Policy

            self._problem = error
            return Policy(Document("", {}, {}, ""), self.router.environ, self.router.catalog)

    @cached_property
    def models(self) -> dict[str, Model]:
        """Returns the models that the policy names, by alias or id, in its order."""
        names = self.policy.names()
        pools = {pool: self.policy.pool(pool).models for pool in names["pools"]}
        wanted: list[str] = [*names["models"]]
        for members in pools.values():
            wanted += members
        for use in self._uses():
            wanted += [name for name in use if name not in pools]
        found: dict[str, Model] = {}
        for name in dict.fromkeys(wanted):
            try:
                found[name] = self.policy.model(name)
            except ConfigError:
                continue  # `nr policy check` names it; a list shows what can be used
        return found

    def _uses(self) -> Iterator[tuple[str, ...]]:
        """Yields the names that routes and the default point at."""
        names = self.policy.names()["routes"]
        try:
            for name in names:
                yield self.policy.route(name).use.names
            if self.policy.default is not None:
                yield self.policy.default.use.names
        except ConfigError:
            return  # a variable without a value: `nr policy check` and doctor name it

    @cached_property
    def providers(self) -> dict[str, Provider]:
        """Returns the policy's own providers, those of its models, then the known vendors."""
        names = [*self.policy.names()["providers"]]
        names += [model.provider.name for model in self.models.values()]
        names += self.router.catalog.vendors()
        found: dict[str, Provider] = {}
        for name in dict.fromkeys(names):
            try:
                found[name] = self.policy.provider(name)
            except ConfigError:
                continue  # as above
        return found

    @property
    def in_use(self) -> list[Provider]:
        """Returns the providers that the policy names or that have a key."""
        named = {*self.policy.names()["providers"]}
        named |= {model.provider.name for model in self.models.values()}
        return [
            provider
            for provider in self.providers.values()
            if provider.name in named or self.credential(provider).key is not None
        ]

    def model(self, name: str) -> Model:
        """Returns a model by alias or id. Raises: UsageError with the name that was meant."""
        if name in self.models:
            return self.models[name]
        vendor, _, wire = name.partition("/")
        if vendor in self.providers and wire:
            return self.policy.model(name)
        from nr_cli.policy.suggest import did_you_mean, quote

        names = [*self.models]
        for provider in self.providers:
            names += [f"{provider}/{known}" for known in self.router.catalog.models(provider)]
        ends = [full for full in names if full.endswith(f"/{name}")]
        hint = f' (did you mean "{ends[0]}"?)' if ends else did_you_mean(name, names)
        raise UsageError(f"unknown model {quote(name)}{hint}", "see nr models list --all")

    def provider(self, name: str) -> Provider:
        """Returns a provider by name. Raises: UsageError with the name that was meant."""
        if name not in self.providers:
            from nr_cli.policy.suggest import did_you_mean, quote

            hint = did_you_mean(name, self.providers)
            raise UsageError(f"unknown provider {quote(name)}{hint}", "see nr keys list")
        return self.providers[name]

    def key(self, provider: Provider) -> Credential:
        """Returns a provider's key. Raises: ConfigError for one that must not be used."""
        from nr_cli.store.keys import find_credential

        if provider.api_key_cmd:  # a password manager may ask: not for a list
            provider = provider._replace(api_key_cmd=())
            found = find_credential(provider, self.router.environ, lambda secret: "")
            return Credential(None, "api_key_cmd") if found.key is None else found
        return find_credential(provider, self.router.environ, lambda secret: "")

    def credential(self, provider: Provider) -> Credential:
        """Returns a provider's key, or as its problem why it has none, however that came."""
        try:
            return self.key(provider)
        except ConfigError as error:
            return Credential(None, "", problem=f"{error.message} ({error.hint})")


def tell_broken(outside: Outside, known: Configured) -> None:
    """Says on stderr why the policy does not count, if it does not."""
    if known.problem is not None:
        first = known.problem.message.splitlines()[0]
        outside.say(f"nr: the policy is passed by: {first}")


def key_words(credential: Credential) -> str:
    """Returns where a key comes from, or why there is none, never the key."""
    if credential.key is not None:
        return credential.source
    return f"no key: {credential.problem}" if credential.problem else "none needed"
