"""Reads the values of a document in their fields' notations, variables replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from nr_cli.errors import ConfigError
from nr_cli.policy import values
from nr_cli.policy.document import Document, is_list
from nr_cli.policy.variables import Missing, expand, has_variables
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path, Price

T = TypeVar("T")
_NUMERIC = frozenset("+-.0123456789")


class Reader:
    """One document with its environment; every method raises ConfigError with a place.

    Nothing written is an empty value or None. A value that is there in the wrong shape can only
    come from a variable, since `check` has seen the rest.
    """

    def __init__(self, document: Document, env: Mapping[str, str]) -> None:
        self.document = document
        self._env = env

    def overlay(self, section: str, name: str, known: JsonObject) -> Reader:
        """Returns a reader of one entry whose missing keys are filled from `known`."""
        entries = self.document.tree.get(section)
        own = entries.get(name) if isinstance(entries, Mapping) else None
        entry = {**known, **own} if isinstance(own, Mapping) else known
        return Reader(self.document._replace(tree={section: {name: entry}}), self._env)

    def error(self, path: Path, code: str, message: str) -> ConfigError:
        """Returns the error for a value of this policy, with its place."""
        finding = self.document.finding(path, code, message)
        return ConfigError(str(finding), findings=[finding])

    def text(self, path: Path) -> str | None:
        """Returns a scalar as it was written, None where there is none."""
        source = self.document.text(path)
        return None if source is None else self._expand(source, path)

    def _expand(self, source: str, path: Path) -> str:
        value = expand(source, self._env)
        if isinstance(value, Missing):
            raise self.error(path, "NR130", value.message)
        if "$" in source and has_variables(source):
            self._judge(value, path)
        return value

    def _judge(self, value: str, path: Path) -> None:
        """Refuses what variables have made of a value; `check` could not know it."""
        from nr_cli.policy.bounds import find_expanded_flaw
        from nr_cli.policy.schema import field_at

        field = field_at(path)
        flaw = field and find_expanded_flaw(field, path, value)
        if flaw:
            raise self.error(path, *flaw)

    def texts(self, path: Path) -> tuple[str, ...]:
        """Returns a list of texts; a single text is a list of one."""
        node = self.document.get(path)
        if node is None:
            return ()
        if isinstance(node, Mapping | str | int | float):
            text = self.text(path)
            return () if text is None else (text,)
        texts = (self.text((*path, index)) for index in range(len(node)))
        return tuple(text for text in texts if text is not None)

    def expand_tree(self, node: Json, path: Path) -> Json:
        """Returns a value with the variables in all its texts replaced."""
        if isinstance(node, str):
            return self._expand(node, path)
        if isinstance(node, Mapping):
            return {key: self.expand_tree(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, Sequence):
            return [self.expand_tree(value, (*path, at)) for at, value in enumerate(node)]
        return node

    def expanded_map(self, path: Path) -> JsonObject:
        """Returns a map with the variables in it replaced, numbers in their own notation read."""
        node = self.expand_tree(self.document.get(path), path)
        return (
            {key: self._number(value, (*path, key)) for key, value in node.items()}
            if isinstance(node, Mapping)
            else {}
        )

    def _number(self, value: Json, path: Path) -> Json:
        """Returns the number that a text stands for (`4k`), where its field is one."""
        if not (isinstance(value, str) and value[:1] in _NUMERIC):
            return value
        from nr_cli.policy.schema import field_at

        field = field_at(path)
        if field is None or field.shape not in ("number", "count"):
            return value
        return (values.read_count if field.shape == "count" else values.read_number)(value)

    def read(self, path: Path, read: Callable[[Json], T | None], expected: str) -> T | None:
        """Returns a value in its field's notation, None where none is written."""
        node = self.document.get(path)
        if node is None:
            return None
        value = read(self._expand(node, path) if isinstance(node, str) else node)
        if value is None:
            raise self.error(path, "NR111", f"{path[-1]} must be {expected}")
        return value

    def number(self, path: Path) -> float | None:
        """Returns a number."""
        return self.read(path, values.read_number, "a number")

    def flag(self, path: Path, otherwise: bool) -> bool:
        """Returns a boolean."""
        value = self.read(path, values.read_boolean, "true or false")
        return otherwise if value is None else value

    def durations(self, path: Path) -> dict[str, float]:
        """Returns seconds by phase."""
        node = self.document.get(path)
        phases = node if isinstance(node, Mapping) else {}
        return {phase: self.duration((*path, phase)) or 0.0 for phase in phases}

    def duration(self, path: Path) -> float | None:
        """Returns seconds."""
        return self.read(path, values.read_duration, "a duration such as 2s")

    def count(self, path: Path) -> int | None:
        """Returns a whole number such as `128k`."""
        return self.read(path, values.read_count, "a whole number such as 8192 or 128k")

    def argv(self, path: Path) -> tuple[str, ...]:
        """Returns a program's argument list."""
        node = self.document.get(path)
        if isinstance(node, Sequence) and not isinstance(node, str):
            return self.texts(path)
        return self.read(path, values.read_argv, "a command line or a list") or ()

    def text_map(self, path: Path) -> dict[str, str]:
        """Returns texts by name."""
        node = self.document.get(path)
        names = node if isinstance(node, Mapping) else {}
        return {name: self.text((*path, name)) or "" for name in names}

    def text_set(self, path: Path) -> frozenset[str] | None:
        """Returns a set of texts, None where none is written: not known is not empty."""
        return None if self.document.get(path) is None else frozenset(self.texts(path))

    def price(self, path: Path) -> Price | None:
        """Returns a price in US dollars per million tokens, None unless both ways are known.

        `over` with `audio_in` come from the catalog alone.
        """
        into, out = self.number((*path, "in")), self.number((*path, "out"))
        if into is None or out is None:
            return None
        cached, write = self.number((*path, "cached_in")), self.number((*path, "cache_write"))
        audio = self.number((*path, "audio_in"))
        return Price(into, out, cached, write, self._steps((*path, "over")), audio)

    def _steps(self, path: Path) -> tuple[tuple[int, Price], ...]:
        """Returns the prices of large requests, each with the input it begins above."""
        node = self.document.get(path)
        steps = []
        for index in range(len(node) if is_list(node) else 0):
            above, price = self.count((*path, index, "above")), self.price((*path, index))
            if above is not None and price is not None:
                steps.append((above, price))
        return tuple(steps)
