"""Decides which models may answer a prompt, in which order, with the trace that shows why.

A pin (`-m`, `--route`) comes first; else the routes are walked top to bottom until one matches;
else the default answers. The use's names become candidates, those that cannot serve are dropped
with a reason, `pick` orders the rest. When all are dropped the prompt is refused: the next route
is never tried, since a rule that sends a prompt somewhere also says where it must not go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from nr_cli.errors import (
    ConfigError,
    ExitCode,
    InputError,
    NoCredential,
    NrError,
    Refused,
    TooLong,
    UsageError,
)
from nr_cli.policy.candidates import Barred, Demand, Judged, Kind, PickRandom, judge
from nr_cli.policy.suggest import did_you_mean, did_you_mean_model, quote
from nr_cli.policy.values import read_count
from nr_cli.types.decision import Candidate, Decision, Rule
from nr_cli.types.facts import Classification, Fact, Facts, Truth, Verdict
from nr_cli.types.policy import Keeping, Model, Pool, Route, Use
from nr_cli.types.prompt import Ask
from nr_cli.types.recovery import Limits, Recovery

_RESULTS: dict[Truth, Literal["match", "no", "unknown"]] = {
    "yes": "match",
    "no": "no",
    "unknown": "unknown",
}
Ordered: TypeAlias = "tuple[Sequence[Judged], Sequence[Candidate]]"
_SHOWN = 3  # dropped candidates an error names


if TYPE_CHECKING:  # a Protocol costs half a millisecond when it is defined
    from nr_cli.policy.guards import Bound
    from nr_cli.types.budget import Budget, Spent
    from nr_cli.types.guard import Guard

    class Rulebook(Protocol):
        """What deciding reads of a policy; an unknown name raises ConfigError."""

        @property
        def digest(self) -> str:
            """The sha256 of all that the policy was read from."""
            ...

        @property
        def default(self) -> Route | None:
            """What answers when no route matches."""
            ...

        @property
        def keeping(self) -> Keeping:
            """How answers are kept where a route says nothing."""
            ...

        @property
        def budgets(self) -> Sequence[Budget]:
            """What may be spent."""
            ...

        @property
        def guards(self) -> Sequence[Guard]:
            """What narrows every choice."""
            ...

        @property
        def recovery(self) -> Recovery:
            """What follows failures where a route says nothing."""
            ...

        def names(self) -> Mapping[str, Sequence[str]]:
            """Returns the names under "models", "pools", "routes", "providers"."""
            ...

        def ids(self) -> Iterator[str]:
            """Yields "provider/model" of every model there is to know."""
            ...

        def routes(self) -> Iterator[Route]:
            """Yields the routes in order, each compiled only when reached."""
            ...

        def route(self, name: str) -> Route:
            """Returns a route, also "default"."""
            ...

        def model(self, name: str) -> Model:
            """Returns the model behind an alias or a "provider/model" id."""
            ...

        def pool(self, name: str) -> Pool:
            """Returns a pool."""
            ...


class _Reading:
    """Facts that remember which of them were read."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.read: dict[str, Fact] = {}

    def get(self, name: str) -> Fact:
        fact = self.read.get(name)
        if fact is None:
            fact = self.read[name] = self._facts.get(name)
        return fact


class _Chosen(NamedTuple):
    """The route that answers; `name` as the record shows it, `rules` how the walk went."""

    name: str | None
    settings: Route
    rules: tuple[Rule, ...] = ()


def decide(
    policy: Rulebook,
    ask: Ask,
    facts: Facts,
    barred: Barred,
    pick_random: PickRandom,
    classification: Callable[[], Classification] | None = None,
    sees: Callable[[Facts], Sequence[Facts]] | None = None,
    spent: Callable[[Budget], Spent] | None = None,
) -> Decision:
    """Returns the decision; its `overhead_ms` is 0 until the caller measures.

    `barred(model)` says why a model cannot be used at all (offline, not installed), None if it
    can; a reason that is a missing key begins with "no key", one that is a file's size with "too
    large". `sees(facts)` returns all facts that guards go by, from those of the prompt; `spent`
    says what a budget was used for. `pick_random(n)` returns a number below n. `classification` is
    called once, after everything else, for the record alone.

    Raises UsageError for an unknown pin, ConfigError for a policy that names what is not there,
    NoCredential when every candidate lacks its key, InputError when a file is too large for all
    that could read it, Refused when none is left for other reasons or nothing matches; the last
    three carry the decision as `decision`.
    """
    reading = _Reading(facts)
    bound = _bind(policy, ask, sees(reading) if sees else (reading,))
    chosen = _choose(policy, ask, reading)
    limits = _limit(chosen.settings, ask, bound)
    demand = _read_demand(ask, chosen.settings, reading)._replace(max_cost=limits.max_cost)
    search = _Search(policy, ask, demand, _guarded(bound, ask, barred), pick_random)
    budgets = _budgets(policy, reading)
    judged, chain, notes = search.within(chosen.settings.use, budgets, spent)
    read = classification() if classification else None
    decision = Decision(
        policy_digest=policy.digest,
        route=chosen.name,
        settings=chosen.settings,
        chain=tuple(candidate.model for candidate in chain),
        rules=chosen.rules,
        candidates=tuple(entry.candidate for entry in judged),
        pick=chosen.settings.use.pick,
        facts=reading.read,
        intent=read.intent if read else None,
        complexity=read.complexity if read else None,
        reasons=read.reasons if read else (),
        needs=tuple(sorted(demand.needs)),
        input_tokens=demand.tokens or 0,
        output_tokens=demand.output(chain[0].model if chain else None),
        est_cost=chain[0].est_cost if chain else None,
        overhead_ms=0.0,
        limits=limits,
        budgets=budgets,
        notes=notes,
        spares=search.spare(chosen.settings.recovery),
        guards=bound.trace if bound else (),
        redact=bound.redact if bound else frozenset(),
    )
    error = _find_error(decision, judged, demand, bound)
    if error is not None:
        raise error
    return decision


class _Search(NamedTuple):
    """Finds the candidates for one prompt."""

    policy: Rulebook
    ask: Ask
    demand: Demand
    barred: Barred
    pick_random: PickRandom

    def judge(self, use: Use, demand: Demand) -> Ordered:
        return judge(self.policy, use, demand, self.barred, self.pick_random)

    def order(self, use: Use) -> Ordered:
        """Returns all candidates, judged, then those that are asked, in order."""
        ask, demand = self.ask, self.demand
        judged, chain = self.judge(use, demand)
        if not chain and ask.schema is not None and "response_format" not in ask.params:
            # any model can be told of a schema in words, and is held to it afterwards
            judged, chain = self.judge(use, demand._replace(needs=demand.needs - {"json"}))
        if ask.prefer is not None:
            chain = sorted(chain, key=lambda candidate: candidate.model.name != ask.prefer)
        return judged, chain if ask.fallback else chain[:1]

    def within(
        self,
        use: Use,
        budgets: tuple[Budget, ...],
        spent: Callable[[Budget], Spent] | None,
    ) -> tuple[Sequence[Judged], Sequence[Candidate], tuple[str, ...]]:
        """Returns what `order` does, less what the budgets forbid, with what they have to say."""
        judged, chain = self.order(use)
        if not (budgets and chain and spent):
            return judged, chain, ()
        from nr_cli.policy.budgets import narrow

        return narrow(budgets, spent, judged, chain, lambda names: self.order(Use(names)))

    def spare(self, recovery: Recovery) -> dict[str, tuple[Model, ...]]:
        """Returns the models that a kind of failure brings in, judged as any other candidate."""
        named = {kind: follow.models for kind, follow in recovery.fallback.items() if follow.models}
        if not self.ask.fallback:
            return {}
        return {
            kind: tuple(entry.model for entry in self.judge(Use(names), self.demand)[1])
            for kind, names in named.items()
        }


def _limit(settings: Route, ask: Ask, bound: Bound | None) -> Limits:
    """Returns the one budget of an ask: of each limit the smallest."""
    limits = settings.recovery.limits.narrowed(None, ask.max_cost)
    return limits.narrowed(bound.deadline, bound.max_cost) if bound else limits


def _find_error(
    decision: Decision, judged: Sequence[Judged], demand: Demand, bound: Bound | None
) -> NrError | None:
    """Returns why nobody may answer, None where somebody may."""
    refusal = bound.refusal() if bound is not None else None
    if refusal is not None:
        refusal.decision = decision
    if refusal is not None or decision.chain:
        return refusal
    error = _refuse(decision, judged, demand)
    error.hint = error.hint or (bound.advice if bound else "")
    return error


def _bind(policy: Rulebook, ask: Ask, seen: Sequence[Facts]) -> Bound | None:
    """Returns the guards that apply, None for a policy without guards."""
    if not policy.guards:
        return None
    from nr_cli.policy.guards import bind

    return bind(policy.guards, seen, ask.prompt.bound)


def _budgets(policy: Rulebook, facts: Facts) -> tuple[Budget, ...]:
    """Returns the budgets that count for a prompt."""
    if not policy.budgets:
        return ()
    from nr_cli.policy.budgets import applying

    return applying(policy.budgets, facts)


def _guarded(bound: Bound | None, ask: Ask, barred: Barred) -> Barred:
    """Returns what bars a model: a guard before anything else."""
    if bound is None:
        return barred
    has_files = bool(ask.prompt.attachments) or any(turn.attachments for turn in ask.prompt.turns)
    return lambda model: bound.bar(model) or bound.bar_file(model, has_files) or barred(model)


def _choose(policy: Rulebook, ask: Ask, facts: Facts) -> _Chosen:
    """Returns the pinned route, else the first that matches, else the default."""
    if ask.model is not None and ask.route is not None:
        raise UsageError("--model and --route both pin the route (give one of them)")
    if ask.model is not None:
        return _pin_model(policy, ask.model)
    if ask.route is not None:
        return _pin_route(policy, ask.route, "--route")
    rules: list[Rule] = []
    for route in policy.routes():
        if not route.enabled:
            rules.append(Rule(route.name, "disabled", "enabled is false"))
            continue
        if route.when is None:
            verdict = Verdict("yes", "it has no condition")
        else:
            verdict = route.when.test(facts)
        rules.append(Rule(route.name, _RESULTS[verdict.truth], verdict.because))
        if verdict.truth == "yes":
            rest = policy.names()["routes"][len(rules) :]
            rules += [Rule(name, "not reached", f"{route.name} matched first") for name in rest]
            return _Chosen(route.name, policy.route(route.name), tuple(rules))
    default = policy.default
    nothing = Route("", Use(()))
    return _Chosen("default" if default else None, default or nothing, tuple(rules))


def _pin_model(policy: Rulebook, name: str) -> _Chosen:
    """Returns what `-m` names: a model, a pool, a "provider/model" id or a route."""
    names = policy.names()
    if name in names["models"] or name in names["pools"]:
        return _Chosen(None, _pinned(policy, name))
    if name in names["routes"] or (name == "default" and policy.default):
        return _pin_route(policy, name, "-m")
    vendor, _, wire = name.partition("/")
    if not (vendor and wire):
        known = (*names["models"], *names["pools"], *names["routes"])
        hint = did_you_mean_model(name, known, policy.ids())
        hint = hint or " (nr models list --all shows them)"
        raise UsageError(f"-m: {quote(name)} is no model, pool or route{hint}")
    try:
        policy.model(name)
    except ConfigError as error:
        if error.findings:  # the provider is known, but its entry in the policy is broken
            raise
        raise UsageError(f"-m {quote(name)}: {error.message}", error.hint) from None
    return _Chosen(None, _pinned(policy, name))


def _pinned(policy: Rulebook, name: str) -> Route:
    return Route(name, Use((name,)), keeping=policy.keeping, recovery=policy.recovery)


def _pin_route(policy: Rulebook, name: str, flag: str) -> _Chosen:
    known = policy.names()["routes"]
    if name not in known and not (name == "default" and policy.default):
        hint = did_you_mean(name, (*known, "default")) or " (see nr policy check)"
        raise UsageError(f"{flag}: unknown route {quote(name)}{hint}")
    route = policy.route(name)
    if not route.enabled:
        raise UsageError(f"{flag}: route {quote(name)} is disabled (set enabled: true to use it)")
    return _Chosen(name, route)


def _read_demand(ask: Ask, settings: Route, facts: Facts) -> Demand:
    tokens, needs = facts.get("tokens").value, facts.get("needs").value
    return Demand(
        tokens if isinstance(tokens, int) else None,
        needs if isinstance(needs, frozenset) else frozenset(),
        read_count({**settings.params, **ask.params}.get("max_tokens")),
    )


def _refuse(decision: Decision, judged: Sequence[Judged], demand: Demand) -> NrError:
    """Returns the error for a decision without a chain; it carries the decision."""
    kinds = {entry.kind for entry in judged}
    if kinds == {"window"}:
        error: NrError = _too_long(judged, demand)
    elif not judged:
        error = Refused(
            "no route matches this prompt, and the policy has no default",
            "add default: {use: MODEL}, or name a model with -m",
        )
    else:
        where = f"route {quote(decision.route)}" if decision.route else "the pinned model or pool"
        lines = [f"  {entry.candidate.model.name}: {entry.candidate.reason}" for entry in judged]
        more = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        said = "\n".join([f"{where}: no model can answer", *lines[:_SHOWN], *more])
        error = _error_of(kinds, said)
    error.decision = decision
    return error


def _error_of(kinds: set[Kind], said: str) -> NrError:
    """Returns the error for candidates that were dropped for these kinds of reasons."""
    if kinds == {"key"}:
        return NoCredential(said, "set the variable that the reason names")
    if "size" in kinds and kinds <= {"size", "need"}:
        return InputError(said, "send a smaller file", ExitCode.BAD_DATA)
    return Refused(said)


def _too_long(judged: Sequence[Judged], demand: Demand) -> TooLong:
    """Returns the refusal of a prompt that no window holds, with the widest one's numbers."""
    widest = max((entry.candidate.model for entry in judged), key=lambda model: model.context or 0)
    return TooLong(
        f"the prompt is too long: about {demand.tokens} tokens and {demand.output(widest)} for"
        f" the answer, while {widest.name} holds {widest.context}",
        "shorten the prompt, or use a model with a larger context",
    )
