"""Compares the directory nr was started in."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.globs import matches_path
from nr_cli.policy.operands import SCALAR, clip, listed, one_or_many, read_words, unknown
from nr_cli.policy.suggest import quote
from nr_cli.types.facts import Facts, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

_STARTS = ("/", "~/", "**/")
_WHOLE = ("~", "**")

NEEDS = ("cwd", "env")
SCHEMA: JsonObject = one_or_many(SCALAR)


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test for path globs: `*` within a directory, `**` across, `~` for the home."""
    globs = read_words(value, at, report)
    lost = [glob for glob in globs or () if not glob.startswith(_STARTS) and glob not in _WHOLE]
    if lost:
        message = f"{quote(lost[0])} never matches a whole path (begin it with / or ~/ or **/)"
        report(at, "NR131", message)
    if globs is None or lost:
        return None
    globs = tuple(glob.removesuffix("/") or "/" for glob in globs)

    def test(facts: Facts) -> Verdict:
        fact = facts.get("cwd")
        if not isinstance(fact.value, str):
            return unknown("cwd", fact)
        for glob in globs:
            whole = _home(facts) + glob[1:] if glob.startswith("~") else glob
            if matches_path(whole, fact.value):
                return Verdict("yes", f"cwd {clip(fact.value)} is like {clip(glob)}")
        return Verdict("no", f"cwd {clip(fact.value)} is not like {listed(globs)}")

    return test


def _home(facts: Facts) -> str:
    """Returns the home directory, or a tilde (which no path starts with) when there is none."""
    env = facts.get("env").value
    home = env.get("HOME") if isinstance(env, Mapping) else None
    return home.rstrip("/") if isinstance(home, str) and home else "~"
