"""Times `nr log stats` over a log of 100,000 asks, the whole process.

Run it as `python benchmarks/counting.py [--short] [--check]`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator

from goals import Row, read_options, report
from timing import interleave

from nr_cli.store.history import History, HistoryRow, history_path, new_id

ASKS, FEW = 100_000, 5_000
BATCH = 5_000
RULES = [{"name": f"rule {n}", "result": "no", "because": "intent is not code"} for n in range(20)]


def make_rows(count: int) -> Iterator[HistoryRow]:
    """Yields asks of the last month of about 2.5 kB, a quarter of them from the cache."""
    chance, now = random.Random(1), time.time()
    for number in range(count):
        moment, hit = now - chance.random() * 30 * 86_400, chance.random() < 0.25
        intent = chance.choice([None, {"value": "code"}, {"value": "chat"}])
        yield HistoryRow(
            id=new_id(moment), time=moment, prompt=f"prompt {number // 3} " + "x" * 300,
            system=None, answer=f"answer {number // 3} " + "y" * 600,
            route=chance.choice(["code", "facts", "default", None]),
            model=chance.choice(["small", "large", "local"]), model_id="vendor/model",
            provider="vendor", status="ok", exit=0, error=None,
            input_tokens=chance.randrange(500), output_tokens=chance.randrange(900),
            cost=chance.choice([None, 0.002, 0.01]), cache="hit" if hit else "miss",
            ms=2.0 if hit else chance.lognormvariate(6.5, 0.7),
            decision=json.dumps({"version": 1, "intent": intent, "rules": RULES}),
        )  # fmt: skip


def fill(state_dir: str, count: int) -> None:
    """Writes a log of so many asks."""
    log, rows = History(history_path(state_dir)), make_rows(count)
    for _ in range(count // BATCH):
        if log.add_all([next(rows) for _ in range(BATCH)]) != BATCH:
            raise SystemExit(f"the log was not written: {log.trouble}")


def main() -> int:
    """Prints the median of the text, of the page."""
    options = read_options(__doc__)
    asks = FEW if options.short else ASKS
    with tempfile.TemporaryDirectory() as place:
        state = os.path.join(place, "nr")
        fill(state, asks)
        command = [sys.executable, "-m", "nr_cli", "log", "stats"]
        page = [*command, "--html", os.path.join(place, "page.html")]
        environ = {**os.environ, "NR_STATE_DIR": state}
        seen = interleave({"nr log stats": command, "nr log stats --html": page}, environ, 5)
    rows = [Row(f"{name}, {asks:,} asks", one.ms / 1000, "s", most=1) for name, one in seen.items()]
    peak = max(one.peak_mb for one in seen.values())
    return report([*rows, Row("peak memory", peak, "MB", most=100)], options.check)


if __name__ == "__main__":
    sys.exit(main())
