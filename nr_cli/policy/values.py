"""Reads the small notations of policy values: durations, token counts, program lines."""

from __future__ import annotations

from collections.abc import Sequence

from nr_cli.types.json import Json

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400}
_BEYOND = 1e18  # no field holds as much; infinity is beyond, NaN is not below
_COUNTS = {"k": 1_000, "M": 1_000_000}


def read_number(value: Json) -> float | None:
    """Returns a finite number (a variable may have brought it as text), None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _is_plain(value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < _BEYOND else None


def is_endless(text: str) -> bool:
    """Says whether a text is YAML's word for NaN or an infinity, which JSON does not have."""
    return text.lower().lstrip("+-") in (".inf", ".nan")


def _is_plain(text: str) -> bool:
    """Says whether a text may be a number: no sign of another base, notation or language."""
    digits = text.lstrip("+-")
    leading_zero = digits[:1] == "0" and digits[1:2].isdigit()
    return len(text) <= 40 and not leading_zero and set(digits) <= set("0123456789.eE+-")


def read_duration(value: Json) -> float | None:
    """Returns seconds for `800ms`, `2s`, `5m`, `1h`, `7d` or a bare number, else None."""
    if isinstance(value, str):
        for unit in ("ms", "s", "m", "h", "d"):
            if value.endswith(unit):
                number = read_number(value.removesuffix(unit))
                return None if number is None else number * _SECONDS[unit]
    return read_number(value)


def read_count(value: Json) -> int | None:
    """Returns a whole number; `128k` is 128 000, as everywhere in a policy. Else None."""
    factor = 1
    if isinstance(value, str) and value[-1:] in _COUNTS:
        factor = _COUNTS[value[-1:]]
        value = value[:-1]
    number = read_number(value)
    if number is None or number * factor != int(number * factor):
        return None
    return int(number * factor)


def read_boolean(value: Json) -> bool | None:
    """Returns a boolean (a variable may have brought it as text), None for all else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def read_argv(value: Json) -> tuple[str, ...] | None:
    """Returns an argument list; a string is split as a shell would, without running one."""
    if isinstance(value, str):
        import shlex

        try:
            return tuple(shlex.split(value))
        except ValueError:
            return None
    if isinstance(value, Sequence) and all(isinstance(part, str) for part in value):
        return tuple(str(part) for part in value)
    return None
