"""Judges the names that variables brought to a policy, which its check could not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nr_cli.policy.document import is_list
from nr_cli.policy.reader import Reader
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.policy import Path

if TYPE_CHECKING:
    from nr_cli.policy.policy import Catalog


def refuse_name(reader: Reader, catalog: Catalog, path: Path, name: str, in_pool: bool) -> None:
    """Refuses a name that is neither a model's nor, outside a pool, a pool's.

    Raises: ConfigError with the place.
    """
    models, pools = _names(reader, "models"), _names(reader, "pools")
    if name in models or (name in pools and not in_pool):
        return
    if name in pools:
        raise reader.error(path, "NR121", f"{quote(name)} is a pool (a pool holds models only)")
    if is_id(name):
        refuse_vendor(reader, catalog, path, name)
        return
    hint = did_you_mean(name, models if in_pool else (*models, *pools))
    kind = "model" if in_pool else "model or pool"
    advice = hint or " (write provider/model, or add it under models)"
    raise reader.error(path, "NR120", f"unknown {kind} {quote(name)}{advice}")


def refuse_vendor(reader: Reader, catalog: Catalog, path: Path, model_id: str) -> None:
    """Refuses a model id that is none, or of a provider that nobody knows. Raises: ConfigError."""
    if not is_id(model_id):
        message = f"{quote(model_id)} is not a model id (write provider/model)"
        raise reader.error(path, "NR120", message)
    vendor = model_id.partition("/")[0]
    known = (*_names(reader, "providers"), *catalog.names())
    if vendor not in known and catalog.provider(vendor) is None:
        hint = did_you_mean(vendor, known) or " (add it under providers)"
        raise reader.error(path, "NR122", f"unknown provider {quote(vendor)}{hint}")


def refuse_patterns(reader: Reader, path: Path, patterns: tuple[str, ...]) -> None:
    """Refuses a regular expression that may not run. Raises: ConfigError with the place."""
    from nr_cli.policy.regex import find_flaw

    for index, pattern in enumerate(patterns):
        at = item_at(reader, path, index)
        flaw = find_flaw(pattern) if has_variables(reader.document.text(at) or "") else None
        if flaw is not None:
            raise reader.error(at, "NR132", flaw)


def item_at(reader: Reader, path: Path, index: int) -> Path:
    """Returns the path of a text in a list, or of the one that stands for a list."""
    return (*path, index) if is_list(reader.document.get(path)) else path


def is_id(name: str) -> bool:
    """Says whether a name reads "provider/model"."""
    vendor, _, wire = name.partition("/")
    return bool(vendor and wire)


def _names(reader: Reader, section: str) -> tuple[str, ...]:
    entries = reader.document.tree.get(section)
    return tuple(entries) if isinstance(entries, Mapping) else ()
