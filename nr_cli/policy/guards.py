"""Applies guards: what they forbid no flag, route or fallback allows again.

A guard that cannot tell whether it is meant applies: a check that fails must not open the door.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from nr_cli.errors import Refused
from nr_cli.policy.globs import matches_glob
from nr_cli.policy.reader import Reader
from nr_cli.policy.suggest import quote
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.guard import Guard, Guarding
from nr_cli.types.policy import Model, Path, When


class Bound(NamedTuple):
    """The guards that apply to one prompt, with how all of them fared."""

    guards: tuple[Guard, ...]
    trace: tuple[Guarding, ...]

    def bar(self, model: Model) -> str | None:
        """Returns why a model may not answer, None if it may."""
        for guard in self.guards:
            reason = _forbids(guard, model)
            if reason:
                return f"guard {quote(guard.name)}: {reason}"
        return None

    def bar_file(self, model: Model, has_files: bool) -> str | None:
        """Returns why a model may not get files that nothing can be taken out of."""
        kinds = ", ".join(sorted(self.redact))
        if not (kinds and has_files) or model.provider.local:
            return None
        return f"a guard takes out {kinds}, which cannot be done in a file that is sent as it is"

    @property
    def advice(self) -> str:
        """Returns what the guards that apply have to say to a person."""
        return "; ".join(guard.message for guard in self.guards if guard.message)

    @property
    def max_cost(self) -> float | None:
        """Returns what the ask may cost in US dollars."""
        costs = [guard.max_cost for guard in self.guards if guard.max_cost is not None]
        return min(costs, default=None)

    @property
    def deadline(self) -> float | None:
        """Returns the seconds that the ask may take."""
        times = [guard.deadline for guard in self.guards if guard.deadline is not None]
        return min(times, default=None)

    @property
    def redact(self) -> frozenset[str]:
        """Returns what is replaced before anything is sent."""
        return frozenset[str]().union(*(guard.redact for guard in self.guards))

    def refusal(self) -> Refused | None:
        """Returns the refusal of a prompt that a guard blocks, None where none does."""
        for guard in self.guards:
            if guard.block:
                return Refused(f"guard {quote(guard.name)} blocks this prompt", guard.message)
        return None


def bind(guards: Iterable[Guard], seen: Sequence[Facts], before: Collection[str] = ()) -> Bound:
    """Returns the guards that apply, by the facts of the prompt with those of all else sent.

    One named in `before` applied to an earlier turn of the conversation, and still does.
    """
    applied: list[Guard] = []
    trace: list[Guarding] = []
    for guard in guards:
        truth, because = ("yes", "it has no condition")
        if guard.when is not None:
            truth, because = _judge(guard.when, seen)
        if truth != "yes" and guard.name in before:
            truth, because = ("yes", "it applied to an earlier turn of this conversation")
        if truth == "no":
            trace.append(Guarding(guard.name, "no", because))
            continue
        applied.append(guard)
        result = "applies" if truth == "yes" else "unknown"
        because = because if truth == "yes" else f"it applies since this is not known: {because}"
        trace.append(Guarding(guard.name, result, because, guard.message))  # type: ignore[arg-type] # one of the two
    return Bound(tuple(applied), tuple(trace))


def _judge(when: When, seen: Sequence[Facts]) -> Verdict:
    """Returns the verdict that counts: a yes before what is not known, that before a no."""
    verdicts: list[Verdict] = []
    for facts in seen:
        verdicts.append(when.test(facts))
        if verdicts[-1].truth == "yes":
            return verdicts[-1]
    return next((verdict for verdict in verdicts if verdict.truth == "unknown"), verdicts[0])


def _forbids(guard: Guard, model: Model) -> str:
    provider = model.provider
    if guard.local_only and not provider.local:
        return "local models only"
    if _named(guard.deny_models, (model.name, model.id)):
        return "this model is denied"
    if _named(guard.deny_providers, (provider.name,)):
        return "this provider is denied"
    if guard.allow_models is not None and not _named(guard.allow_models, (model.name, model.id)):
        return "not among the models it allows"
    allowed = guard.allow_providers
    if allowed is not None and not _named(allowed, (provider.name,)):
        return "not among the providers it allows"
    return ""


def _named(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return any(matches_glob(pattern, name) for pattern in patterns for name in names)


def read_guard(reader: Reader, path: Path, build_when: Callable[[Path], When | None]) -> Guard:
    """Returns one guard of a policy. Raises: ConfigError for a value that cannot be used."""
    require: Path = (*path, "require")

    def names(key: str) -> tuple[str, ...]:
        return reader.texts((*require, key))

    def names_if_any(key: str) -> tuple[str, ...] | None:
        return None if reader.document.get((*require, key)) is None else names(key)

    return Guard(
        name=reader.text((*path, "name")) or "",
        when=build_when((*path, "when")),
        local_only=reader.flag((*require, "local_only"), False),
        allow_models=names_if_any("allow_models"),
        deny_models=names("deny_models"),
        allow_providers=names_if_any("allow_providers"),
        deny_providers=names("deny_providers"),
        max_cost=reader.number((*require, "max_cost")),
        deadline=reader.duration((*require, "deadline")),
        redact=frozenset(names("redact")),
        block=reader.flag((*path, "block"), False),
        message=reader.text((*path, "message")) or "",
    )
