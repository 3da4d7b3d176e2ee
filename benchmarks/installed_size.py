"""Prints how many megabytes a distribution takes with all that it requires, in this environment.

python installed_size.py NAME
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution


def measure(name: str, seen: set[str]) -> int:
    """Returns the bytes of a distribution with its requirements, each counted once."""
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain in seen:
        return 0
    seen.add(plain)
    try:
        found = distribution(plain)
    except PackageNotFoundError:
        return 0  # required on another system, or by an extra
    files = (found.locate_file(file) for file in found.files or ())
    size = sum(file.stat().st_size for file in files if file.is_file())
    for line in found.requires or ():
        if "extra ==" not in line:
            size += measure(re.split(r"[^\w.-]", line, maxsplit=1)[0], seen)
    return size


print(f"{measure(sys.argv[1], set()) / 1e6:.0f}")
