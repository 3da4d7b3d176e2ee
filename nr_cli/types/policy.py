"""The nouns of a policy once it is read: providers, models, pools, routes, findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json
from nr_cli.types.recovery import Recovery

Scope: TypeAlias = Literal["user", "project", "shared"]
Pick: TypeAlias = Literal["first", "cheapest", "best", "random"]
Severity: TypeAlias = Literal["error", "warning"]
Path: TypeAlias = "tuple[str | int, ...]"


class Finding(NamedTuple):
    """One remark on a policy file; `code` is stable ("NR112"), line and column start at 1."""

    file: str
    line: int
    column: int
    code: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        """Returns the remark as one line an editor can jump from."""
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.message}"


class Timeouts(NamedTuple):
    """Seconds each phase of a request may take."""

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 30.0
    total: float = 120.0


class Price(NamedTuple):
    """US dollars per million tokens; cached prices default to the plain input price.

    `over` holds what a whole request costs once its input exceeds a number of tokens, smallest
    first. `audio_input` is there where sound costs otherwise than text.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    over: tuple[tuple[int, Price], ...] = ()
    audio_input: float | None = None

    def at(self, input_tokens: int) -> Price:
        """Returns the price of a request with so much input."""
        reached = [price for above, price in self.over if input_tokens > above]
        return reached[-1] if reached else self


class Provider(NamedTuple):
    """Where requests go: one protocol at one address under one credential.

    `argv` belongs to kind "command", `model_path` to kind "local". `quirks` names ways in which a
    vendor departs from the protocol; the codec of the kind knows them. `rpm` is the most requests
    a minute, over all processes; `api_key_cmd` the program that knows the key.
    """

    name: str
    kind: str
    base_url: str = ""
    api_key_env: str | None = None
    headers: Mapping[str, str] = {}
    timeout: Timeouts = Timeouts()
    local: bool = False
    quota_group: str | None = None
    proxy: str | None = None
    ca_file: str | None = None
    argv: tuple[str, ...] = ()
    model_path: str | None = None
    quirks: frozenset[str] = frozenset()
    rpm: int | None = None
    api_key_cmd: tuple[str, ...] = ()


class Model(NamedTuple):
    """One model at one provider; None means not known, which is never taken for zero.

    `name` is the alias a policy uses (or the id itself), `id` is "provider/model", `wire` is
    the name the provider's own protocol wants. `context` and `max_output` are in tokens,
    `quality` is 0 to 100.
    """

    name: str
    provider: Provider
    wire: str
    caps: frozenset[str] | None = None
    context: int | None = None
    max_output: int | None = None
    price: Price | None = None
    quality: float | None = None
    params: Mapping[str, Json] = {}
    system: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Returns "provider/model", the name that is the same in every policy."""
        return f"{self.provider.name}/{self.wire}"


class Use(NamedTuple):
    """What a route points at: names of models or pools in order, and how to pick."""

    names: tuple[str, ...]
    pick: Pick = "first"


class Pool(NamedTuple):
    """Models that may stand in for each other."""

    name: str
    models: tuple[str, ...]
    pick: Pick = "first"
    min_quality: float | None = None
    max_price: float | None = None


class When(NamedTuple):
    """A compiled condition, with the names of the facts it reads."""

    test: Callable[[Facts], Verdict]
    needs: frozenset[str]


class Keeping(NamedTuple):
    """How answers are kept: for how many seconds, for whom.

    In scope "user" an answer serves the key that paid for it alone; in the others it serves whoever
    has the cache, with another key or none. Where every model failed one that is `stale` seconds
    too old may serve. `coalesce` lets equal asks wait for one answer.
    """

    ttl: float = 7 * 86400.0
    scope: Scope = "user"
    stale: float | None = None
    coalesce: bool = True


class Route(NamedTuple):
    """One rule: where its condition holds, its `use` answers with these settings.

    `when` is None for a route that always matches. `timeout` holds only what the route says,
    in seconds by phase name.
    """

    name: str
    use: Use
    when: When | None = None
    params: Mapping[str, Json] = {}
    system: str | None = None
    system_mode: Literal["default", "prepend", "append", "replace"] = "default"
    timeout: Mapping[str, float] = {}
    tags: tuple[str, ...] = ()
    enabled: bool = True
    keeping: Keeping = Keeping()
    recovery: Recovery = Recovery()
