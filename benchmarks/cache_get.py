"""Compares a cache get among many entries with one among few: python benchmarks/cache_get.py."""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time

from nr_cli.store.cache import Cache


def get_ms(entries: int, runs: int) -> float:
    """Returns the median milliseconds of opening a cache of `entries` answers for one get."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(f"{folder}/cache")
        keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(entries)]
        for key in keys:
            cache.put(key, b"an answer of some words", {})
        cache.close()
        times = []
        for number in range(runs):
            began = time.perf_counter()
            fresh = Cache(f"{folder}/cache")
            assert fresh.get(keys[number * 7919 % entries], 3600) is not None
            fresh.close()
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Prints both medians with their ratio."""
    many = 5_000 if "--short" in sys.argv else 100_000
    small, large = get_ms(100, 200), get_ms(many, 200)
    print(f"get among 100: {small:.3f} ms, among {many:,}: {large:.3f} ms, "
          f"ratio {large / small:.2f} (goal 1.5)")  # fmt: skip


if __name__ == "__main__":
    main()
