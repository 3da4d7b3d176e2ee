"""Compares what the policy's own classifiers say."""

from __future__ import annotations

from nr_cli.policy.conditions import Report, Test
from nr_cli.policy.operands import SCALAR, clip, judge_glob, named, one_or_many, read_map, unknown
from nr_cli.types.facts import Facts, Truth, Verdict
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

NEEDS = ("label.",)
SCHEMA: JsonObject = named(one_or_many(SCALAR))


def compile(value: Json, at: Path, report: Report) -> Test | None:
    """Returns a test that each named classifier gave (any of) the value beside it."""
    wanted = read_map(value, at, report)
    if wanted is None:
        return None

    def test(facts: Facts) -> Verdict:
        verdicts: list[Verdict] = []
        for name, words in wanted:
            fact = facts.get(f"label.{name}")
            known = isinstance(fact.value, str)
            shown = f"label {clip(name)}"
            verdict = judge_glob(shown, str(fact.value), words) if known else unknown(shown, fact)
            if verdict.truth == "no":
                return verdict
            verdicts.append(verdict)
        truth: Truth = (
            "unknown" if any(verdict.truth == "unknown" for verdict in verdicts) else "yes"
        )
        said = [verdict.because for verdict in verdicts if verdict.truth == truth]
        return Verdict(truth, "; ".join(said))

    return test
