"""Compiles a `when:` map into one three-valued test.

Adding a condition is adding a file here whose name is its key. It holds three names:

    NEEDS    the facts it reads; one that ends in "." is completed by the keys of its value
    SCHEMA   the JSON Schema of its value
    compile  (value, at, report) -> Test | None: reports what is wrong, None after a report

Logic is Kleene's: unknown AND no = no, unknown OR yes = yes, not unknown = unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, cast

from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path, When

Report: TypeAlias = "Callable[[Path, str, str], None]"
Test: TypeAlias = "Callable[[Facts], Verdict]"

CONNECTIVES = ("all", "any", "not")
LATER = frozenset({"spend", "budget_left", "offline", "resting"})
# Parts of one map are tried in this order, so that a dear fact is read only when it decides.
_DEAR = {"git_branch": 1, "git_remote": 1, "matches": 1, "intent": 2, "complexity": 2, "label": 3}
_SHOWN = 3  # reasons a joined explanation names before it counts the rest
_SELF: JsonObject = {"$ref": "#/$defs/when"}


if TYPE_CHECKING:  # a Protocol costs half a millisecond when it is defined

    class Condition(Protocol):
        """What every file of this directory offers."""

        NEEDS: tuple[str, ...]
        SCHEMA: JsonObject

        def compile(self, value: Json, at: Path, report: Report) -> Test | None:
            """Returns the test for this value, or None once its fault is reported."""
            ...


class _Part(NamedTuple):
    """One compiled member of a map, with what it costs to try."""

    cost: int
    test: Test
    needs: frozenset[str]


def compile_when(node: Json, path: Path, report: Report) -> When | None:
    """Returns the compiled condition, or None when anything in it was reported.

    Codes: NR112 unknown key, NR113 a key of a later version, NR131 a value of the wrong shape,
    NR132 a regular expression that is refused, NR133 a word that is not in its list.
    """
    part = _compile_map(node, path, report)
    return None if part is None else When(part.test, part.needs)


def schema() -> JsonObject:
    """Returns the JSON Schema of `when`; it nests by reference to `#/$defs/when`."""
    several: JsonObject = {"anyOf": [_SELF, {"type": "array", "items": _SELF, "minItems": 1}]}
    keys: dict[str, Json] = dict.fromkeys(CONNECTIVES, several)
    for name in condition_names():
        keys[name] = _condition(name).SCHEMA
    from nr_cli.policy.plugged import plugged_schemas

    return {
        "type": "object",
        "description": "all of these hold; a list is any of, except under needs",
        "properties": {**plugged_schemas(), **keys},
        "additionalProperties": False,
        "minProperties": 1,
    }


@cache
def condition_names() -> tuple[str, ...]:
    """Returns the key of every condition there is, in alphabetical order."""
    from pkgutil import iter_modules

    return tuple(sorted(module.name for module in iter_modules(__path__)))


def _condition(key: str) -> Condition:
    return cast("Condition", import_module(f"{__name__}.{key}"))


@cache
def _find(key: str) -> Condition | None:
    """Returns the condition of this key, nr's or a plugin's, without listing the directory."""
    if not key.isascii() or not key.isidentifier() or key.startswith("_"):
        return None
    name = f"{__name__}.{key}"
    try:
        return cast("Condition", import_module(name))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    if key in LATER:
        return None  # the caller reports it, as it does a key that nobody offers
    from nr_cli.policy.plugged import find_condition

    return find_condition(key)


def _compile_map(node: Json, at: Path, report: Report) -> _Part | None:
    """Returns the AND of a map's members."""
    if not isinstance(node, Mapping):
        report(at, "NR131", 'this must be a map of conditions (such as {tokens: ">8k"})')
        return None
    if not node:
        report(at, "NR131", "this holds no condition (name one, or leave it out to match always)")
        return None
    parts = [_compile_member(key, value, (*at, key), report) for key, value in node.items()]
    return _join(_both, parts)


def _compile_member(key: str, value: Json, at: Path, report: Report) -> _Part | None:
    if key in CONNECTIVES:
        return _compile_connective(key, value, at, report)
    condition = _find(key)
    if condition is None:
        _report_key(key, at, report)
        return None
    test = condition.compile(value, at, report)
    if test is None:
        return None
    return _Part(_DEAR.get(key, 0), test, _needs(condition.NEEDS, value))


def _compile_connective(key: str, value: Json, at: Path, report: Report) -> _Part | None:
    """Returns `any`, `all` or `not`; a list under `not` means that none of it may hold."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        parts = [_compile_map(value, at, report)]
    elif value:
        parts = [_compile_map(node, (*at, index), report) for index, node in enumerate(value)]
    else:
        report(at, "NR131", f"{key} is empty (name at least one condition)")
        return None
    joined = _join(_both if key == "all" else _either, parts)
    return joined._replace(test=_negate(joined.test)) if joined and key == "not" else joined


def _report_key(key: str, at: Path, report: Report) -> None:
    if key in LATER:
        report(at, "NR113", f"condition {quote(key)} is not in this version of nr (leave it out)")
        return
    from nr_cli import plugins

    broken = plugins.problem_of("conditions", key)
    names = (*condition_names(), *plugins.names("conditions"), *CONNECTIVES)
    hint = f" ({broken})" if broken else did_you_mean(key, names)
    report(at, "NR112", f"unknown condition {quote(key)}{hint}")


def _needs(names: tuple[str, ...], value: Json) -> frozenset[str]:
    """Returns the facts read, those of `label: {urgency: high}` by their full names."""
    needs = [name for name in names if not name.endswith(".")]
    for prefix in names:
        if prefix.endswith(".") and isinstance(value, Mapping):
            needs += [prefix + key for key in value]
    return frozenset(needs)


def _join(how: Callable[[tuple[Test, ...]], Test], parts: list[_Part | None]) -> _Part | None:
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    if len(whole) == 1:
        return whole[0]
    whole.sort(key=lambda part: part.cost)
    needs = frozenset().union(*(part.needs for part in whole))
    return _Part(whole[-1].cost, how(tuple(part.test for part in whole)), needs)


def _both(tests: tuple[Test, ...]) -> Test:
    def test(facts: Facts) -> Verdict:
        held: list[str] = []
        unknown: list[str] = []
        for part in tests:
            verdict = part(facts)
            if verdict.truth == "no":
                return verdict
            (held if verdict.truth == "yes" else unknown).append(verdict.because)
        return Verdict("unknown", _list(unknown)) if unknown else Verdict("yes", _list(held))

    return test


def _either(tests: tuple[Test, ...]) -> Test:
    def test(facts: Facts) -> Verdict:
        failed: list[str] = []
        unknown: list[str] = []
        for part in tests:
            verdict = part(facts)
            if verdict.truth == "yes":
                return verdict
            (failed if verdict.truth == "no" else unknown).append(verdict.because)
        return Verdict("unknown", _list(unknown)) if unknown else Verdict("no", _list(failed))

    return test


def _negate(inner: Test) -> Test:
    def test(facts: Facts) -> Verdict:
        truth, because = inner(facts)
        if truth == "yes":
            return Verdict("no", f"{because}, which `not` excludes")
        return Verdict("yes" if truth == "no" else "unknown", because)

    return test


def _list(reasons: list[str]) -> str:
    if len(reasons) <= _SHOWN:
        return "; ".join(reasons)
    return "; ".join(reasons[:_SHOWN]) + f"; {len(reasons) - _SHOWN} more"
