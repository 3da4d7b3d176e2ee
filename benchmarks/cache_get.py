"""Compares a cache get among many entries with one among few.

Run it as `python benchmarks/cache_get.py [--short] [--check]`.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time

from goals import Row, read_options, report

from nr_cli.store.cache import Cache

RUNS = 200


def fill(folder: str, entries: int) -> list[str]:
    """Returns the keys of a cache that now holds so many answers."""
    cache = Cache(folder)
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(entries)]
    for key in keys:
        cache.put(key, b"an answer of some words", {})
    cache.close()
    return keys


def get_ms(folder: str, key: str) -> float:
    """Returns the milliseconds of opening the cache for one get."""
    began = time.perf_counter()
    cache = Cache(folder)
    found = cache.get(key, 3600)
    cache.close()
    spent = (time.perf_counter() - began) * 1000
    if found is None:
        raise SystemExit("an answer that was kept is gone")
    return spent


def main() -> int:
    """Prints both medians with their ratio; the two caches are read in turn."""
    options = read_options(__doc__)
    sizes = (100, 5_000 if options.short else 100_000)
    times: dict[int, list[float]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as place:
        kept = {size: fill(f"{place}/{size}", size) for size in sizes}
        for number in range(RUNS):
            for size, keys in kept.items():
                times[size].append(get_ms(f"{place}/{size}", keys[number * 7919 % size]))
    few, many = (statistics.median(times[size]) for size in sizes)
    rows = [
        Row(f"get among {sizes[0]:,}", few, "ms"),
        Row(f"get among {sizes[1]:,}", many, "ms"),
        Row("ratio", many / few, "times", most=1.5),
    ]
    return report(rows, options.check)


if __name__ == "__main__":
    sys.exit(main())
