"""Writes the JSON Schema of a policy file for editors."""

from __future__ import annotations

from collections.abc import Mapping

from nr_cli.policy.schema import ACTIONS, OPEN_SECTIONS, SECTIONS, Field, fields_of
from nr_cli.types.json import Json, JsonObject

SHARE = r"^[0-9]{1,3}(\.[0-9]{1,2})?%$"


def json_schema() -> JsonObject:
    """Returns the JSON Schema (draft 2020-12) of a policy file, for editors."""
    definitions: dict[str, Json] = {name: _section_schema(name) for name in SECTIONS}
    definitions["default"] = _section_schema("default")
    definitions["when"] = _when_schema()
    policy = definitions.pop("policy")
    assert isinstance(policy, Mapping)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "routes.yaml, the policy language of nr, version 1",
        **policy,
        "$defs": definitions,
    }


def _when_schema() -> JsonObject:
    from nr_cli.policy.conditions import schema

    return schema()


def _section_schema(name: str) -> JsonObject:
    fields = fields_of(name)
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {key: _field_schema(field) for key, field in fields.items()},
    }
    required: list[Json] = [key for key, field in fields.items() if field.required]
    if required:
        schema["required"] = required
    others = OPEN_SECTIONS.get(name)
    if others is None:
        schema["additionalProperties"] = False
    elif others:
        schema["additionalProperties"] = {"$ref": f"#/$defs/{others}"}
    return schema


def _field_schema(field: Field) -> JsonObject:
    return {"description": field.about, **_shape_schema(field)}


def _shape_schema(field: Field) -> JsonObject:
    reference: JsonObject = {"$ref": f"#/$defs/{field.section}"}
    match field.shape:
        case "section":
            return reference
        case "named":
            return {"type": "object", "additionalProperties": reference}
        case "listed":
            return {"type": "array", "items": reference}
        case "shares":
            actions: JsonObject = {"enum": [*ACTIONS]}
            return {"type": "object", "patternProperties": {SHARE: actions},
                    "additionalProperties": False}  # fmt: skip
        case "follow" if field.section:
            return {"anyOf": [*_TEXTS, reference]}
        case "follow":
            return {"anyOf": [*_TEXTS]}
        case "use":
            either: list[Json] = [*_TEXTS, {"$ref": "#/$defs/use"}]
            return {"anyOf": either}
        case "default":
            return {"anyOf": [{"const": "fail"}, {"$ref": "#/$defs/default"}]}
        case "when":
            return {"$ref": "#/$defs/when"}
        case "texts" | "argv":
            items = _text_schema(field)
            return {"anyOf": [items, {"type": "array", "items": items}]}
        case "labels":
            label: JsonObject = {"anyOf": [*_TEXTS, reference]}
            named: JsonObject = {"type": "object", "additionalProperties": label}
            return {"anyOf": [named, {"type": "array", "items": _SCALAR}]}
        case "text_map" | "headers":
            values: JsonObject = {"anyOf": _TEXTS} if field.shape == "text_map" else _SCALAR
            return {"type": "object", "additionalProperties": values}
        case "number" | "count" | "duration" | "boolean":
            return _typed_schema(field)
        case "variable":
            return {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
        case _:
            return _text_schema(field)


_SCALAR: JsonObject = {"type": ["string", "number", "boolean"]}
_TEXTS: tuple[Json, ...] = (_SCALAR, {"type": "array", "items": _SCALAR})
_NUMBER = r"\+?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"  # as `values` reads it
_NOTATION: Mapping[str, str] = {
    "count": rf"^({_NUMBER}[kM]?|.*\$\{{.*)$",
    "duration": rf"^({_NUMBER}(ms|s|m|h|d)?|.*\$\{{.*)$",
    "number": r"\$\{",
    "boolean": r"\$\{",
}


def _text_schema(field: Field) -> JsonObject:
    if field.choices:
        choices: list[Json] = [*field.choices, *_plugged(field)]
        return {"anyOf": [{"enum": choices}, {"type": "string", "pattern": r"\$\{"}]}
    return {**_SCALAR, "pattern": r"^([^$]|\$[^{])*\$?$"} if field.fixed else _SCALAR


def _plugged(field: Field) -> tuple[str, ...]:
    """Returns the names that plugins add to a field's choices."""
    if field.plugins is None:
        return ()
    from nr_cli.plugins import names

    return tuple(name for name in names(field.plugins) if name not in field.choices)


def _typed_schema(field: Field) -> JsonObject:
    """A typed value may also be a text that holds a variable, or its own notation (`128k`)."""
    kind = {"boolean": "boolean", "count": "integer"}.get(field.shape, "number")
    typed: dict[str, Json] = {"type": kind}
    bounds = (("minimum", field.low), ("maximum", field.high), ("exclusiveMinimum", field.over))
    if field.fixed:
        return typed
    typed.update({key: bound for key, bound in bounds if bound is not None})
    return {"anyOf": [typed, {"type": "string", "pattern": _NOTATION[field.shape]}]}
