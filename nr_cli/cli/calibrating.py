"""Fits the reader to labelled prompts, telling by held-out folds what that is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from nr_cli.classify import refit
from nr_cli.measure import curve
from nr_cli.measure.bootstrap import Interval, resample
from nr_cli.types.facts import BANDS

if TYPE_CHECKING:
    from nr_cli.cli.evalrows import Expected
    from nr_cli.cli.evaluating import Pair
    from nr_cli.types.json import Json

FOLDS = 5
FAILING = (0.05, 0.25, 0.47, 0.73, 0.93)  # the share of small models that fail, by band
HARDLY = 0.6  # the share that fails above which a prompt counts as hard: bands begin there
LEAST = 60  # prompts below which nothing can be told
LEAST_OF_A_KIND = 10


class Labelled(NamedTuple):
    """A prompt with what came out: scores of two models, or how badly a small one served (0, 1).

    A strong model is worth it where it gains more than `least`.
    """

    text: str
    weak: float
    strong: float
    least: float = 0.1

    @property
    def gain(self) -> float:
        """Returns what the strong model is worth here."""
        return self.strong - self.weak

    @property
    def is_worth_it(self) -> bool:
        """Tells whether a strong model is called for."""
        return self.gain > self.least


def label_by(text: str, expected: Expected, pair: Pair | None) -> Labelled | None:
    """Returns what a row says of its prompt: by outcomes, complexity, band; None for nothing."""
    scores = expected.outcomes
    if pair is not None and pair.weak in scores and pair.strong in scores:
        return Labelled(text, scores[pair.weak], scores[pair.strong])
    fails = expected.complexity
    if fails is None and expected.band is not None:
        fails = FAILING[BANDS.index(expected.band)]
    return None if fails is None else Labelled(text, 1 - fails, 1.0, HARDLY)


class Outcome(NamedTuple):
    """What a calibration is worth: a figure before and after, the bounds of their difference."""

    rows: int
    worth: int
    figure: str
    before: float
    after: float
    gain: Interval
    share: float

    @property
    def is_real(self) -> bool:
        """Tells whether the gain is beyond what chance would give in 95 of 100 draws."""
        return self.gain.low > 0

    def told(self) -> dict[str, Json]:
        """Returns the JSON of it."""
        return {
            "rows": self.rows,
            "worth_a_strong_model": self.worth,
            "figure": self.figure,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "gain": [round(self.gain.low, 4), round(self.gain.high, 4)],
            "beyond_noise": self.is_real,
            "share": round(self.share, 4),
        }


class Wish(NamedTuple):
    """What is wanted: a share of strong calls, or a share of the gap that is to be recovered."""

    share: float | None
    quality: float | None
    edge: float


def calibrate(
    rows: Sequence[Labelled],
    read: Callable[[str], float],
    wish: Wish,
    tick: Callable[[int, int], None],
) -> tuple[refit.Fitted, Outcome]:
    """Returns the fit to all rows, with what folds that were held out say of it.

    `read` gives the reader's own score; `tick(done, total)` is told of each fold.
    """
    samples = [refit.Sample(row.text, read(row.text), row.gain) for row in rows]
    # by the text: a prompt that was asked twice is not learnt in one fold, tried in another
    folds = [crc32(row.text.strip().casefold().encode("utf-8", "replace")) % FOLDS for row in rows]
    said = [0.0] * len(samples)
    for fold in range(FOLDS):
        tick(fold, FOLDS + 1)
        fit = refit.learn([one for one, its in zip(samples, folds, strict=True) if its != fold])
        for at in (at for at, its in enumerate(folds) if its == fold):
            one = samples[at]
            raw = refit.signals_of(one.text, one.base)
            said[at] = fit.say(refit.see(one.text, raw, fit.mean, fit.spread))
    tick(FOLDS, FOLDS + 1)
    outcome = judge(rows, [one.base for one in samples], said, wish)
    fit = refit.place(refit.learn(samples), said, outcome.share, wish.edge)
    tick(FOLDS + 1, FOLDS + 1)
    return fit, outcome


def judge(
    rows: Sequence[Labelled], before: Sequence[float], after: Sequence[float], wish: Wish
) -> Outcome:
    """Returns what the scores after are worth against those before."""
    weak, strong = [row.weak for row in rows], [row.strong for row in rows]
    first, second = curve.rank(before), curve.rank(after)

    def apgr(ranking: curve.Ranking, times: Sequence[int] | None = None) -> float:
        found = curve.apgr(curve.trace(ranking, weak, strong, times))
        return 0.5 if found is None else found

    def gain(times: Sequence[int]) -> float:
        return apgr(second, times) - apgr(first, times)

    worth = sum(row.is_worth_it for row in rows)
    share = worth / len(rows) if wish.share is None else wish.share
    if wish.quality is not None:
        share = curve.cpt(curve.trace(second, weak, strong), wish.quality) or share
    bounds = resample(len(rows), gain) or Interval(0.0, 0.0)
    return Outcome(len(rows), worth, "APGR", apgr(first), apgr(second), bounds, share)


def explain(outcome: Outcome, out: str | None) -> str:
    """Returns the figures in words; `out` is the file that was written."""
    change = outcome.after - outcome.before
    bounds = f"{outcome.gain.low:+.3f} to {outcome.gain.high:+.3f}"
    lines = [
        f"{outcome.rows:,} prompts; a strong model is worth it for {outcome.worth:,} of them",
        f"on {FOLDS} folds that were held out, {outcome.figure} (0.5 is chance):",
        f"  before  {outcome.before:.3f}",
        f"  after   {outcome.after:.3f}  ({change:+.3f}, in 95 of 100 draws {bounds})",
        f"hard or above  {outcome.share:.0%} of such prompts",
    ]
    if not outcome.is_real:
        lines.append("no better than chance would make it: more labelled prompts may help")
    if out is not None:
        lines += [
            f"written: {out}; with it in the policy's directory, the policy names it:",
            f"  classify: {{complexity: {{calibration: {out.rpartition('/')[2]}}}}}",
        ]
    return "\n".join(lines)
