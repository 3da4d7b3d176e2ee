"""Answers what is known of a vendor or a model."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from nr_cli.catalog.vendors import LOCAL_WINDOW, VENDORS
from nr_cli.types.json import Json, JsonObject

EMBEDDED_NAME = "smollm2-135m"
EMBEDDED: JsonObject = {
    "context": LOCAL_WINDOW,
    "max_output": 256,
    "caps": ["json"],
    "price": {"in": 0, "out": 0},
    "quality": 5,
}
FOLDER = os.path.join(os.path.dirname(__file__), "models")
SHORTLIST = "_shortlist"  # the table of the models worth choosing, by provider
REFRESHED = "catalog"  # below the data directory: the tables that `nr models update` wrote
# Endings of a wire name that may stand for the same model; a table says which of them do.
MARKS = ("-latest", "-20990131", "-2099-01-31")


class Table(NamedTuple):
    """What one provider's file holds: entries by wire name, with where and when they come from."""

    models: Mapping[str, Json]
    source: str
    date: str


NO_TABLE = Table({}, "", "")


class Catalog:
    """What nr knows without being told; a policy overrides it key by key.

    Each provider's table is read when one of its models is first asked for. `troubles` names the
    refreshed tables that could not be used.
    """

    def __init__(self, data_dir: str | None = None) -> None:
        """Takes the data directory, where a refreshed table may lie."""
        self.troubles: list[str] = []
        self._refreshed = data_dir and os.path.join(data_dir, REFRESHED)
        self._tables: dict[str, Table] = {}

    def names(self) -> tuple[str, ...]:
        """Returns the names of all known vendors."""
        return tuple(VENDORS)

    def provider(self, name: str) -> JsonObject | None:
        """Returns a known vendor's settings under the keys of a `providers` entry."""
        return VENDORS.get(name)

    def vendors(self) -> Mapping[str, JsonObject]:
        """Returns every known vendor by name."""
        return VENDORS

    def model(self, provider: str, wire: str) -> JsonObject | None:
        """Returns a known model's facts under the keys of a `models` entry."""
        if provider == "local":
            return EMBEDDED
        return find(self.table(provider).models, wire)

    def models(self, provider: str) -> Iterator[str]:
        """Yields the wire names that are known of a provider."""
        return iter((EMBEDDED_NAME,) if provider == "local" else self.table(provider).models)

    def table(self, provider: str) -> Table:
        """Returns a provider's table: the refreshed one unless the packaged one is newer."""
        if provider not in self._tables:
            # a name of the user's own need not be a file name
            is_file = provider.replace("-", "").isalnum()
            self._tables[provider] = self._read(provider) if is_file else NO_TABLE
        return self._tables[provider]

    def shortlist(self, provider: str) -> Iterator[tuple[str, frozenset[str], float, float]]:
        """Yields a provider's models worth choosing: wire name, abilities, rank, relative cost."""
        if SHORTLIST not in self._tables:
            self._tables[SHORTLIST] = self._read(SHORTLIST)
        rows = self._tables[SHORTLIST].models.get(provider)
        for wire, row in rows.items() if isinstance(rows, Mapping) else ():
            if isinstance(row, list) and len(row) == 3:
                rank, cost, caps = row
                yield wire, frozenset(caps), rank, cost

    def _read(self, provider: str) -> Table:
        packaged = read_table(os.path.join(FOLDER, f"{provider}.json")) or NO_TABLE
        if not self._refreshed:
            return packaged
        path = os.path.join(self._refreshed, f"{provider}.json")
        try:
            refreshed = read_table(path)
        except (OSError, ValueError) as error:
            self.troubles.append(f"{path}: {reason_of(error)}")
            return packaged  # dated as well, and told to whoever lists the models
        return refreshed if refreshed and refreshed.date >= packaged.date else packaged


def read_table(path: str) -> Table | None:
    """Returns a table's file, None where there is none. Raises: OSError, ValueError."""
    try:
        with open(path, "rb") as file:
            held = json.loads(file.read())
    except FileNotFoundError:
        return None
    if not isinstance(held, dict) or not isinstance(held.get("models"), dict):
        raise ValueError("not a table of models")
    if not all(isinstance(entry, dict) for entry in held["models"].values()):
        raise ValueError("not a table of models")
    return Table(held["models"], str(held.get("source", "")), str(held.get("date", "")))


def reason_of(error: OSError | ValueError) -> str:
    """Returns in a few words why a table could not be read."""
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0)
    return "damaged"


def find(models: Mapping[str, Json], wire: str) -> JsonObject | None:
    """Returns the entry of a wire name, or of the name without an ending that means the same."""
    entry = models.get(wire)
    if isinstance(entry, Mapping):
        return current(entry)
    name, mark = split_mark(wire)
    entry = models.get(name) or models.get(f"{name}-latest") if mark else None
    if isinstance(entry, Mapping):
        same = entry.get("same")
        if isinstance(same, list) and (mark in same or wire[len(name) :] in same):
            return current(entry)
    return None


def current(entry: JsonObject) -> JsonObject:
    """Returns the entry without a price whose last day is over."""
    price = entry.get("price")
    if isinstance(price, Mapping) and "until" in price:
        import time

        if time.strftime("%Y-%m-%d", time.gmtime()) >= str(price["until"]):
            return {key: value for key, value in entry.items() if key != "price"}
    return entry


def split_mark(wire: str) -> tuple[str, str]:
    """Returns a name without its ending, with the ending as `MARKS` writes it, "" for none."""
    if wire.endswith("-latest"):
        return wire[:-7], MARKS[0]
    if wire[-9:-6] == "-20" and wire[-6:].isdigit():
        return wire[:-9], MARKS[1]
    day = wire[-11:]
    if day[:3] == "-20" and day[5:6] == day[8:9] == "-" and day.replace("-", "").isdigit():
        return wire[:-11], MARKS[2]
    return wire, ""


def plain_date(name: str, mark: str) -> str:
    """Returns a name with an ending of `MARKS`, in the place of the one that it has."""
    return split_mark(name)[0] + mark
