"""Gives out a policy's providers, models, pools or routes, each built when first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, cast

from nr_cli.errors import ConfigError
from nr_cli.policy.document import Document, as_texts, is_list
from nr_cli.policy.reader import Reader
from nr_cli.policy.variables import has_variables, variables_in
from nr_cli.types.facts import BAND_EDGES, BANDS
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import (
    Finding,
    Keeping,
    Model,
    Path,
    Pick,
    Pool,
    Provider,
    Route,
    Scope,
    Timeouts,
    Use,
    When,
)
from nr_cli.types.recovery import Breaker, Recovery

if TYPE_CHECKING:
    from nr_cli.types.budget import Budget
    from nr_cli.types.guard import Guard
    from nr_cli.types.opinion import SecondOpinion

MIN_CONFIDENCE = 0.45


class Catalog(Protocol):
    """What is known of vendors without any policy; what is unknown is answered with None."""

    def names(self) -> tuple[str, ...]:
        """Returns the vendors' names."""
        ...

    def provider(self, name: str) -> JsonObject | None:
        """Returns a vendor's defaults, with the keys of a `providers` entry."""
        ...

    def model(self, provider: str, wire: str) -> JsonObject | None:
        """Returns a model's figures, with the keys of a `models` entry."""
        ...

    def models(self, provider: str) -> Iterator[str]:
        """Yields the names of a vendor's models."""
        ...


class Policy:
    """One checked policy with its environment; raises ConfigError where a value cannot be used.

    Nothing is built before it is asked for: a decision pays for the routes it walks, and a
    variable is an error only when its value is used.
    """

    def __init__(self, document: Document, env: Mapping[str, str], catalog: Catalog) -> None:
        self._document = document.complete()
        self._reader = Reader(self._document, env)
        self._catalog = catalog
        self._providers: dict[str, Provider] = {}
        self._models: dict[str, Model] = {}
        self._routes: dict[int, Route] = {}
        self._conditions: dict[int, Route] = {}

    @property
    def digest(self) -> str:
        """Returns the sha256 in hex of all that the policy was read from."""
        return self._document.digest

    @property
    def name(self) -> str:
        """Returns the policy's own name, empty when it has none."""
        return self._reader.text(("name",)) or ""

    @property
    def min_confidence(self) -> float:
        """Returns the confidence (0 to 1) below which an intent counts as unknown."""
        value = self._reader.number(("classify", "intent", "min_confidence"))
        return MIN_CONFIDENCE if value is None else value

    @property
    def bands(self) -> Mapping[str, float]:
        """Returns each band's upper edge (0 to 1); above the last one a prompt is extreme."""
        edges = {
            band: self._reader.number(("classify", "complexity", "bands", band))
            for band in BANDS[:-1]
        }
        return {band: BAND_EDGES[band] if edge is None else edge for band, edge in edges.items()}

    @cached_property
    def calibration(self) -> bytes | None:
        """Returns the file that fits the complexity to somebody's own prompts, None without one.

        Raises: ConfigError when it cannot be read.
        """
        path: Path = ("classify", "complexity", "calibration")
        name = self._reader.text(path)
        if name is None:
            return None
        from nr_cli.policy.include import read_beside

        place = self._document.place(path)
        try:
            return read_beside(place.file, name)
        except ValueError as error:
            where = f"{place.file}:{place.line}:{place.column}"
            raise ConfigError(f"{where}: {error}", "nr calibrate --out makes one") from None

    @cached_property
    def second_opinion(self) -> SecondOpinion | None:
        """Returns whom to ask where a complexity score is near an edge, None for nobody."""
        path: Path = ("classify", "complexity", "second_opinion")
        if self._document.get(path) is None:
            return None
        from nr_cli.types.opinion import SecondOpinion

        usual = SecondOpinion(self._reader.text((*path, "model")) or "")
        margin = self._reader.number((*path, "margin"))
        return usual._replace(
            margin=usual.margin if margin is None else margin,
            timeout=self._reader.duration((*path, "timeout")) or usual.timeout,
            if_fails=self._reader.text((*path, "if_fails")) or usual.if_fails,
        )

    @property
    def classifiers(self) -> Mapping[str, JsonObject]:
        """Returns the policy's own classifiers by name: `use` with all that belongs to it."""
        names = [name for name in self._section("classify") if name not in ("intent", "complexity")]
        return {name: self._classifier(name) for name in names}

    @property
    def default(self) -> Route | None:
        """Returns what answers when no route matches, None for `default: fail` or none."""
        if not isinstance(self._document.tree.get("default"), Mapping):
            return None
        return self._build_route("default", ("default",))

    @property
    def keeping(self) -> Keeping:
        """Returns how answers are kept where a route says nothing."""
        return self._build_keeping((), Keeping())

    @cached_property
    def guards(self) -> tuple[Guard, ...]:
        """Returns what narrows every choice. Raises: ConfigError for a value of no use."""
        listed = self._document.tree.get("guards")
        if not is_list(listed):
            return ()
        from nr_cli.policy.guards import read_guard

        places: list[Path] = [("guards", at) for at in range(len(listed))]
        return tuple(read_guard(self._reader, place, self._build_when) for place in places)

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """Returns what may be spent. Raises: ConfigError for a value of no use."""
        listed = self._document.tree.get("budgets")
        if not is_list(listed):
            return ()
        from nr_cli.policy.budgets import read_budget

        places: list[Path] = [("budgets", at) for at in range(len(listed))]
        return tuple(read_budget(self._reader, place, self._build_when) for place in places)

    @cached_property
    def recovery(self) -> Recovery:
        """Returns what follows failures where a route says nothing."""
        return self._build_recovery((), Recovery())

    @cached_property
    def breaker(self) -> Breaker:
        """Returns when backends rest."""
        if self._document.get(("breaker",)) is None:
            return Breaker()
        from nr_cli.policy.recovery import read_breaker

        return read_breaker(self._reader)

    def names(self) -> dict[str, tuple[str, ...]]:
        """Returns the names of models, pools, routes, providers, as `-m` takes them."""
        return {
            "models": tuple(self._section("models")),
            "pools": tuple(self._section("pools")),
            "routes": self._route_names,
            "providers": tuple(self._section("providers")),
        }

    def ids(self) -> Iterator[str]:
        """Yields "provider/model" of every model that the catalog knows."""
        for provider in dict.fromkeys((*self._section("providers"), *self._catalog.names())):
            yield from (f"{provider}/{wire}" for wire in self._catalog.models(provider))

    def key_variables(self) -> frozenset[str]:
        """Returns the variables that hold a key or a header of any provider, asked or not."""
        entries = self._section("providers").items()
        known = [self._catalog.provider(name) for name, _ in entries]
        stated = [*known, *(entry for _, entry in entries)]
        named = [entry.get("api_key_env") for entry in stated if isinstance(entry, Mapping)]
        in_headers = (self.header_variables(name) for name, _ in entries)
        return frozenset(name for name in named if isinstance(name, str)).union(*in_headers)

    def header_variables(self, provider: str) -> frozenset[str]:
        """Returns the variables that a provider's headers carry: keys, as a rule."""
        entry = self._section("providers").get(provider)
        headers = entry.get("headers") if isinstance(entry, Mapping) else None
        texts = headers.values() if isinstance(headers, Mapping) else ()
        found = (variables_in(text) for text in texts if isinstance(text, str))
        return frozenset[str]().union(*found)

    def provider(self, name: str) -> Provider:
        """Returns a provider of the policy or the catalog; the policy's values win key by key."""
        if name not in self._providers:
            self._providers[name] = self._build_provider(name)
        return self._providers[name]

    def model(self, name: str) -> Model:
        """Returns the model behind an alias or a "provider/model" id."""
        if name not in self._models:
            self._models[name] = self._build_model(name)
        return self._models[name]

    def own_keys(self, name: str) -> frozenset[str]:
        """Returns the keys that the policy itself writes in a model's entry, none for an id."""
        entry = self._section("models").get(name)
        return frozenset(entry) if isinstance(entry, Mapping) else frozenset()

    def pool(self, name: str) -> Pool:
        """Returns a pool by name."""
        path: Path = ("pools", name)
        if name not in self._section("pools"):
            raise self._unknown("pool", name, self._section("pools"))
        return Pool(
            name,
            self._names((*path, "models"), in_pool=True),
            cast(Pick, self._reader.text((*path, "pick")) or "first"),
            self._reader.number((*path, "min_quality")),
            self._reader.number((*path, "max_price")),
        )

    def route(self, name: str) -> Route:
        """Returns a route by name; "default" is the default."""
        for index, known in enumerate(self._route_names):
            if known == name:
                return self._route_at(index)
        default = self.default if name == "default" else None
        if default is None:
            raise self._unknown("route", name, self._route_names)
        return default

    def routes(self) -> Iterator[Route]:
        """Yields the routes in order, with their conditions alone.

        The rest of a route is built by `route` once it matches: what it names may be missing
        wherever it does not apply.
        """
        for index in range(len(self._route_list())):
            if index not in self._conditions:
                self._conditions[index] = self._build_condition(index)
            yield self._conditions[index]

    def _build_condition(self, index: int) -> Route:
        path: Path = ("routes", index)
        enabled = self._reader.flag((*path, "enabled"), True)
        when = self._build_when((*path, "when")) if enabled else None
        return Route(self._route_name(index), Use(()), when, enabled=enabled)

    def _section(self, key: str) -> Mapping[str, Json]:
        section = self._document.tree.get(key)
        return section if isinstance(section, Mapping) else {}

    def _route_list(self) -> Sequence[Json]:
        routes = self._document.tree.get("routes")
        return routes if isinstance(routes, Sequence) and not isinstance(routes, str) else ()

    @cached_property
    def _route_names(self) -> tuple[str, ...]:
        return tuple(self._route_name(index) for index in range(len(self._route_list())))

    def _route_name(self, index: int) -> str:
        return self._document.text(("routes", index, "name")) or f"route {index + 1}"

    def _route_at(self, index: int) -> Route:
        if index not in self._routes:
            self._routes[index] = self._build_route(self._route_name(index), ("routes", index))
        return self._routes[index]

    def _build_route(self, name: str, path: Path) -> Route:
        mode = self._reader.text((*path, "system_mode")) or "default"
        return Route(
            name=name,
            use=self._build_use((*path, "use")),
            when=self._build_when((*path, "when")),
            params=self._reader.expanded_map((*path, "params")),
            system=self._reader.text((*path, "system")),
            system_mode=cast('Literal["default", "prepend", "append", "replace"]', mode),
            timeout=self._reader.durations((*path, "timeout")),
            tags=self._reader.texts((*path, "tags")),
            enabled=self._reader.flag((*path, "enabled"), True),
            keeping=self._build_keeping(path, self.keeping),
            recovery=self._build_recovery(path, self.recovery),
        )

    def _build_recovery(self, path: Path, otherwise: Recovery) -> Recovery:
        at = self._document.get(path) if path else self._document.tree
        if not isinstance(at, Mapping) or not at.keys() & {"limits", "retry", "fallback"}:
            return otherwise
        from nr_cli.policy.recovery import read_recovery

        return read_recovery(self._reader, path, otherwise)

    def _build_keeping(self, path: Path, otherwise: Keeping) -> Keeping:
        path = (*path, "cache")
        if self._document.get(path) is None:
            return otherwise
        ttl = self._reader.duration((*path, "ttl"))
        scope = self._reader.text((*path, "scope"))
        stale = self._reader.duration((*path, "stale_if_error"))
        return Keeping(
            otherwise.ttl if ttl is None else ttl,
            cast(Scope, scope) or otherwise.scope,
            otherwise.stale if stale is None else stale,
            self._reader.flag((*path, "coalesce"), otherwise.coalesce),
        )

    def _build_use(self, path: Path) -> Use:
        use = self._document.get(path)
        if not isinstance(use, Mapping):
            return Use(self._names(path))
        pick = self._reader.text((*path, "pick")) or "first"
        return Use(self._names((*path, "models")), cast(Pick, pick))

    def _names(self, path: Path, in_pool: bool = False) -> tuple[str, ...]:
        """Returns the models or pools named at a path; judges the names that variables brought."""
        names = self._reader.texts(path)
        for index, name in enumerate(names):
            at = (*path, index) if is_list(self._document.get(path)) else path
            if has_variables(self._document.text(at) or ""):
                from nr_cli.policy.brought import refuse_name

                refuse_name(self._reader, self._catalog, at, name, in_pool)
        return names

    def _build_when(self, path: Path) -> When | None:
        node = self._document.get(path)
        if node is None:
            return None
        from nr_cli.policy.conditions import compile_when

        findings: list[Finding] = []

        def report(at: Path, code: str, message: str) -> None:
            findings.append(self._document.finding(at, code, message))

        written = as_texts(self._document, path)
        node = self._reader.expand_tree(written, path)
        if node != written:
            from nr_cli.policy.labels import known_intents, unknown_intents

            known = known_intents(self._section("classify"))
            for place, message in unknown_intents(node, path, known):
                report(place, "NR133", message)
        when = compile_when(node, path, report)
        if findings:
            raise ConfigError(str(findings[0]), findings=findings)
        return when

    def _build_provider(self, name: str) -> Provider:
        own = self._section("providers").get(name)
        known = self._catalog.provider(name)
        if own is None and known is None:
            names = (*self._section("providers"), *self._catalog.names())
            raise self._unknown("provider", name, names)
        entry = self._reader.overlay("providers", name, known or {})
        path: Path = ("providers", name)
        kind = entry.text((*path, "kind")) or ""
        provider = Provider(
            name=name,
            kind=kind,
            base_url=(entry.text((*path, "base_url")) or "").rstrip("/"),
            api_key_env=entry.text((*path, "api_key_env")),
            headers=entry.text_map((*path, "headers")),
            timeout=Timeouts(**entry.durations((*path, "timeout"))),
            local=entry.flag((*path, "local"), kind == "local"),
            quota_group=entry.text((*path, "quota_group")),
            rpm=entry.count((*path, "rpm")),
            api_key_cmd=entry.argv((*path, "api_key_cmd")),
            proxy=entry.text((*path, "proxy")),
            ca_file=entry.text((*path, "ca_file")),
            argv=entry.argv((*path, "command")),
            model_path=entry.text((*path, "model_path")),
            quirks=frozenset(entry.texts((*path, "quirks"))),
        )
        if not (provider.base_url or kind in ("local", "command")):
            refuse_homeless(name, kind)
        self._refuse_unsafe(provider)
        return provider

    def _refuse_unsafe(self, provider: Provider) -> None:
        """Repeats the check of the address, now that its variables have their values."""
        entry = self._section("providers").get(provider.name)
        if not isinstance(entry, Mapping) or not any(has_variables(str(v)) for v in entry.values()):
            return  # `check` has judged it; what reads URLs costs too much to load for nothing
        if not provider.base_url:
            return
        from nr_cli.policy.addresses import url_flaw

        keyed = provider.api_key_env is not None or bool(provider.api_key_cmd)
        flaw = url_flaw(provider.base_url, keyed, provider.local)
        if flaw is not None:
            raise self._reader.error(
                ("providers", provider.name, "base_url"), "NR142", f"base_url {flaw}"
            )

    def _build_model(self, name: str) -> Model:
        alias = name in self._section("models")
        path: Path = ("models", name)
        model_id = self._reader.text((*path, "id")) if alias else name
        vendor, slash, wire = (model_id or "").partition("/")
        if alias and has_variables(self._document.text((*path, "id")) or ""):
            from nr_cli.policy.brought import refuse_vendor

            refuse_vendor(self._reader, self._catalog, (*path, "id"), model_id or "")
        if not (vendor and slash and wire):
            known = (*self._section("models"), *self._section("pools"))
            raise self._unknown("model", name, known)
        provider = self.provider(vendor)
        known_model = self._catalog.model(vendor, wire) or {}
        entry = self._reader.overlay("models", name, known_model)
        return Model(
            name=name,
            provider=provider,
            wire=wire,
            caps=entry.text_set((*path, "caps")),
            context=entry.count((*path, "context")),
            max_output=entry.count((*path, "max_output")),
            price=entry.price((*path, "price")),
            quality=entry.number((*path, "quality")),
            params=entry.expanded_map((*path, "params")),
            system=entry.text((*path, "system")),
            tags=entry.texts((*path, "tags")),
        )

    @property
    def own_intents(self) -> JsonObject | None:
        """Returns the classifier of the policy's own intents, as in `classifiers`; None if none."""
        return self._by_example("intent", self.min_confidence) if self._labels("intent") else None

    def _classifier(self, name: str) -> JsonObject:
        path: Path = ("classify", name)
        use = self._reader.text((*path, "use"))
        if use == "examples":
            return self._by_example(name, self._reader.number((*path, "min_confidence")))
        words: dict[str, Json]
        if is_list(self._document.get((*path, "labels"))):
            words = {label: [] for label in self._reader.texts((*path, "labels"))}
        else:
            words = {
                label: list(self._words((*path, "labels", label), use == "regex"))
                for label in self._labels(name)
            }
        return {
            "use": use,
            "labels": words,
            "model": self._reader.text((*path, "model")),
            "prompt": self._reader.text((*path, "prompt")),
            "command": list(self._reader.argv((*path, "command"))),
            "timeout": self._reader.duration((*path, "timeout")),
            "if_fails": self._reader.text((*path, "if_fails")),
        }

    def _by_example(self, name: str, min_confidence: float | None) -> JsonObject:
        labels: dict[str, Json] = {}
        for label, form in self._labels(name).items():
            path: Path = ("classify", name, "labels", label)
            mapped = isinstance(form, Mapping)
            labels[label] = {
                "examples": self._reader.texts((*path, "examples") if mapped else path),
                "not": self._reader.texts((*path, "not")) if mapped else (),
            }
        return {"use": "examples", "labels": labels, "min_confidence": min_confidence}

    def _labels(self, name: str) -> Mapping[str, Json]:
        labels = self._document.get(("classify", name, "labels"))
        return labels if isinstance(labels, Mapping) else {}

    def _words(self, path: Path, are_patterns: bool) -> tuple[str, ...]:
        words = self._reader.texts(path)
        if are_patterns:
            from nr_cli.policy.brought import refuse_patterns

            refuse_patterns(self._reader, path, words)
        return words

    def _unknown(self, kind: str, name: str, known: Iterable[str]) -> ConfigError:
        from nr_cli.policy.suggest import did_you_mean, quote

        return ConfigError(f"unknown {kind} {quote(name)}{did_you_mean(name, known)}")


def refuse_homeless(name: str, kind: str) -> None:
    """Refuses a provider of a kind that is a server somewhere, without where. Raises: ConfigError.

    What the kind of a plugin needs, the plugin knows.
    """
    from nr_cli.policy.schema import SERVED
    from nr_cli.policy.suggest import quote

    if kind in SERVED:
        message = f'provider {quote(name)} needs "base_url": its address'
        raise ConfigError(message, "write it under providers")
