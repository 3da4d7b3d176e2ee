"""Brings in the conditions that plugins offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from nr_cli import plugins
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

if TYPE_CHECKING:
    from nr_cli.policy.conditions import Condition, Report, Test


class PluggedCondition:
    """A plugin's condition, whose failures are named errors and whose verdicts are checked."""

    def __init__(self, plugin: plugins.Plugin, offer: Condition) -> None:
        self._plugin = plugin
        self._compile = plugins.guarded(plugin, offer.compile)
        self.NEEDS = tuple(str(name) for name in offer.NEEDS)
        self.SCHEMA: JsonObject = offer.SCHEMA if isinstance(offer.SCHEMA, Mapping) else {}

    def compile(self, value: Json, at: Path, report: Report) -> Test | None:
        """Returns the plugin's test, or None once a fault of the value was reported."""
        faults: list[str] = []

        def note(place: Path, code: str, message: str) -> None:
            faults.append(message)
            report(place, code, message)

        test = self._compile(value, at, note)
        if test is None and not faults:
            report(at, "NR131", f"{self._plugin.label} refuses this value")
        return None if test is None else self._checked(plugins.guarded(self._plugin, test))

    def _checked(self, test: Test) -> Test:
        def judge(facts: Facts) -> Verdict:
            verdict = test(facts)
            if isinstance(verdict, Verdict) and verdict.truth in ("yes", "no", "unknown"):
                return verdict
            raise plugins.failure(self._plugin, TypeError("its verdict is no Verdict"))

        return judge


def find_condition(key: str) -> Condition | None:
    """Returns the usable plugin condition of this key, None when there is none."""
    found = plugins.find("conditions", key)
    if found is None or found.offer is None:
        return None
    return PluggedCondition(found.plugin, cast("Condition", found.offer))


def plugged_schemas() -> dict[str, Json]:
    """Returns the JSON Schema of each usable plugin condition by its key."""
    found = {key: find_condition(key) for key in plugins.names("conditions")}
    return {key: condition.SCHEMA for key, condition in found.items() if condition is not None}
