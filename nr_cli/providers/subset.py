"""Reduces a JSON Schema to the keywords that constrained decoding understands."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nr_cli.types.json import Json, JsonObject

KEPT = frozenset({"type", "required", "title", "description", "$ref"})
# What says nothing of the answer.
DROPPED = frozenset({"$schema", "$id", "$comment"})
# Keywords whose value is a schema, a list of schemas, or schemas by name.
ONE = frozenset({"items"})
MANY = frozenset({"anyOf", "allOf"})
NAMED = frozenset({"properties", "$defs", "definitions"})
FORMATS = frozenset({
    "date-time", "date", "time", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
})  # fmt: skip


def reduce(schema: Json) -> Json:
    """Returns a schema that decoding can keep to.

    A bound that decoding cannot keep (`minimum`, `maxLength`, …) is told in the description
    instead, so that the model still aims at it; whoever asked validates against the whole schema.
    Objects that name their properties are closed, as the protocol wants. One that names none is
    left as it is, since closing would empty it.
    """
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:  # it stands alone, but for the definitions at the root
        schema = {name: schema[name] for name in ("$ref", "$defs", "definitions") if name in schema}
    reduced: dict[str, Json] = {}
    told: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword == "oneOf" and "anyOf" not in schema:
            reduced["anyOf"] = _reduce_all(value)  # the nearest that decoding keeps
        elif keyword in ONE:
            reduced[keyword] = reduce(value)
        elif keyword in MANY:
            reduced[keyword] = _reduce_all(value)
        elif keyword in NAMED and isinstance(value, Mapping):
            reduced[keyword] = {name: reduce(part) for name, part in value.items()}
        elif _is_kept(keyword, value):
            reduced[keyword] = value
        elif keyword not in DROPPED and keyword != "additionalProperties":
            told[keyword] = value
    if told:
        words = [reduced.get("description"), json.dumps(told, ensure_ascii=False)]
        reduced["description"] = "\n".join(word for word in words if isinstance(word, str))
    return _closed(schema, reduced)


def _reduce_all(schemas: Json) -> Json:
    return [reduce(schema) for schema in schemas] if isinstance(schemas, list | tuple) else schemas


def _is_kept(keyword: str, value: Json) -> bool:
    if keyword == "format":
        return isinstance(value, str) and value in FORMATS
    if keyword == "enum":
        return isinstance(value, list | tuple) and not any(map(_is_compound, value))
    if keyword == "const":
        return not _is_compound(value)
    return keyword in KEPT or (keyword == "minItems" and value in (0, 1))


def _is_compound(value: Json) -> bool:
    return isinstance(value, list | tuple | Mapping)


def _closed(schema: JsonObject, reduced: dict[str, Json]) -> dict[str, Json]:
    """Returns an object's schema, closed where it names its properties."""
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        reduced["additionalProperties"] = reduce(more)
    elif "properties" in reduced:
        reduced["additionalProperties"] = False
    elif more is not None:
        reduced["additionalProperties"] = more
    return reduced
