"""Measures how long a decision takes.

Run it as `python benchmarks/deciding.py [--short] [--check]`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from random import Random

from goals import Row, read_options, report

from nr_cli.app import Router
from nr_cli.cli.env import Outside
from nr_cli.types.prompt import Ask, Prompt

ROUTES = 200
LETTERS = "eeeeeetttttaaaaooooiiiinnnnssshhhrrrdddlllucmfwypvbgkjqxz"
# What the rules of a long policy look at, in turn; none of them matches the prompts used here.
CONDITIONS = (
    '{{contains: "zz{n}"}}',
    '{{tokens: ">9{n}k"}}',
    "{{has: [diff], lines: {n}}}",
    "{{intent: translate, language: ja}}",
    '{{env: {{NR_BENCH_{n}: "1"}}}}',
    '{{cwd: "**/nowhere{n}/**", tty: true}}',
    '{{starts: "fix {n}"}}',
    '{{not: {{source: args}}, chars: ">{n}"}}',
)


def write_policy(path: str, conditions: Sequence[str] = CONDITIONS) -> None:
    """Writes a policy of many routes, of which only the last one matches."""
    rows = [
        f"  - {{name: r{n}, when: {conditions[n % len(conditions)].format(n=n)}, use: c/x}}"
        for n in range(ROUTES - 1)
    ]
    rows.append('  - {name: last, when: {complexity: ">=trivial"}, use: c/x}')
    with open(path, "w", encoding="utf-8") as file:
        file.write("version: 1\nproviders: {c: {kind: command, command: [cat], local: true}}\n")
        file.write("routes:\n" + "\n".join(rows) + "\ndefault: {use: c/x}\n")


def decide_ms(router: Router, text: str, runs: int) -> float:
    """Returns the median milliseconds of one decision."""
    times = []
    for number in range(runs + 1):
        ask = Ask(Prompt(f"{text} {number}"))
        began = time.perf_counter()
        router.decide(ask)
        if number:
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def write_prose(length: int) -> str:
    """Returns a text whose words are as unevenly common as those of a language."""
    random = Random(1)
    vocabulary = ["".join(random.choices(LETTERS, k=random.randint(2, 11))) for _ in range(20_000)]
    shares = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    return " ".join(random.choices(vocabulary, shares, k=length // 5))[:length]


def contains_ms(home: str, runs: int) -> float:
    """Returns the median milliseconds of a decision whose every route looks for words."""
    policy = os.path.join(home, "contains.yaml")
    write_policy(policy, ('{{contains: "zz{n}"}}', '{{contains: ["report {n}", "quartz{n}"]}}'))
    environ = {"HOME": home, "NR_POLICY": policy}
    router = Router(environ, Outside(environ).surroundings())
    return decide_ms(router, write_prose(1_000_000), runs)


def rows_per_second(policy: str, home: str, count: int) -> float:
    """Returns the prompts per second of one `nr route --jsonl`, start-up included."""
    rows = "".join(
        json.dumps({"prompt": f"Explain point {number} of the plan in two sentences."}) + "\n"
        for number in range(count)
    )
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nr_cli", "route", "--jsonl"],
        input=rows.encode(),
        stdout=subprocess.DEVNULL,
        env={**os.environ, "HOME": home, "NR_POLICY": policy},
        check=True,
    )
    return count / (time.perf_counter() - began)


def main() -> int:
    """Prints one row for each figure."""
    options = read_options(__doc__)
    words = "Explain why the deployment of the second service fails after the update. "
    with tempfile.TemporaryDirectory() as home:
        policy = os.path.join(home, "policy.yaml")
        write_policy(policy)
        environ = {"HOME": home, "NR_POLICY": policy}
        router = Router(environ, Outside(environ).surroundings())
        kilobyte = decide_ms(router, words * 14, 20 if options.short else 200)
        megabyte = decide_ms(router, words * 14_000, 3 if options.short else 20)
        contains = contains_ms(home, 3 if options.short else 20)
        speed = rows_per_second(policy, home, 500 if options.short else 2_000)
    rows = [
        Row(f"{ROUTES} routes, 1 kB, median", kilobyte, "ms", most=1),
        Row(f"{ROUTES} routes, 1 MB, median", megabyte, "ms", most=50),
        Row(f"{ROUTES} routes of contains, 1 MB, median", contains, "ms", most=50),
        Row(f"nr route --jsonl, {ROUTES} routes", speed, "prompts/s", least=500),
    ]
    return report(rows, options.check)


if __name__ == "__main__":
    sys.exit(main())
