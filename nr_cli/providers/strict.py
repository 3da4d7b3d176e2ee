"""Judges whether OpenAI's strict mode can enforce a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nr_cli.types.json import Json, JsonObject

NAME = "answer"  # the protocol wants a name; it means nothing

# What strict mode enforces (2025-06). A schema with any other keyword is not for it.
PLAIN = frozenset({
    "type", "enum", "const", "description", "title", "required", "$ref", "pattern", "multipleOf",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
})  # fmt: skip
FORMATS = frozenset({
    "date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid",
})  # fmt: skip
NAMED = frozenset({"properties", "$defs", "definitions"})
NOTES = frozenset({"$schema", "$id", "$comment", "examples", "default"})  # these demand nothing


class Named(NamedTuple):
    """A schema as it is sent, with whether the mode that holds the model to it may be asked for."""

    schema: JsonObject
    strict: bool

    def document(self) -> dict[str, Json]:
        """Returns the fields in which both of OpenAI's protocols want it."""
        return {"name": NAME, "schema": self.schema, "strict": self.strict}


def fit(schema: JsonObject, allowed: bool = True) -> Named:
    """Returns the schema in the form strict mode wants, or as it is where that would change it.

    An object that says nothing of further properties is closed: every answer to the closed schema
    is one to the open schema. A property that may be left out stays so, and then strict mode, which
    demands all, is not asked for: a model that must fill in a value makes one up.
    """
    closed = _close(schema) if allowed else None
    if closed is None or closed.get("type") != "object":
        return Named(schema, strict=False)
    return Named(closed, strict=True)


def _close(schema: Json) -> dict[str, Json] | None:
    """Returns a schema with its objects closed, None where strict mode cannot carry it."""
    if not isinstance(schema, Mapping):
        return None
    closed: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword in NOTES:
            continue
        part = _close_part(keyword, value)
        if part is None and keyword not in PLAIN:
            return None
        closed[keyword] = part
    return closed if _is_object_whole(closed) else None


def _close_part(keyword: str, value: Json) -> Json:
    if keyword in PLAIN or (keyword == "format" and value in FORMATS):
        return value
    if keyword == "additionalProperties":
        return False if value is False else None
    if keyword == "items":
        return _close(value)
    if keyword in NAMED and isinstance(value, Mapping):
        return _close_all(value)
    if keyword == "anyOf" and isinstance(value, list | tuple):
        parts = [_close(part) for part in value]
        return None if None in parts else parts
    return None


def _close_all(schemas: JsonObject) -> dict[str, Json] | None:
    closed = {name: _close(schema) for name, schema in schemas.items()}
    return None if None in closed.values() else dict(closed)


def _is_object_whole(schema: dict[str, Json]) -> bool:
    """Closes an object that names its properties; tells whether it demands all of them."""
    properties, kind = schema.get("properties"), schema.get("type")
    is_object = kind == "object" or (isinstance(kind, list | tuple) and "object" in kind)
    if not is_object and properties is None:
        return True
    if not is_object or not isinstance(properties, Mapping):
        return False  # a map of any names, or properties of what may be no object
    required = schema.get("required")
    demanded = set(required) if isinstance(required, list | tuple) else set()
    schema["additionalProperties"] = False
    return demanded >= set(properties)
