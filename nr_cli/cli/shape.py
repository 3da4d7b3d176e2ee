"""Reads what --schema takes: JSON Schema, a file of it, or a line of fields."""

from __future__ import annotations

import json
import os
import re

from nr_cli.cli.strict import refuse_constant
from nr_cli.errors import InputError, UsageError
from nr_cli.types.json import Json, JsonObject

TYPES: dict[str, str] = {
    "str": "string", "string": "string", "text": "string",
    "int": "integer", "integer": "integer",
    "float": "number", "number": "number",
    "bool": "boolean", "boolean": "boolean",
    "object": "object", "dict": "object",
    "list": "array", "array": "array",
}  # fmt: skip
FIELD = r"(?P<name>[^\W\d]\w*)(?P<optional>\?)?(?:\s+(?P<list>\[)?(?P<type>\w+)(?(list)\]))?"
EXAMPLE = "write it as 'name, age int, tags [str]: what they are', JSON Schema, or a file's path"


def read_schema(text: str, multi: bool = False) -> JsonObject:
    """Returns the JSON Schema that --schema means; with `multi` a list of such under "items".

    Raises: UsageError for what is no schema, InputError for a file that cannot be read.
    """
    schema = _checked(_read(text))
    if not multi:
        return schema
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": schema}},
        "required": ["items"],
    }


def _read(text: str) -> Json:
    if text.lstrip().startswith("{"):
        return _parse(text, "--schema")
    if text.endswith(".json") or os.path.sep in text or os.path.isfile(text):
        try:
            with open(text, encoding="utf-8-sig") as file:
                return _parse(file.read(), text)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise InputError(f"--schema {text}: {why}", "check the path") from None
        except UnicodeDecodeError:
            raise UsageError(f"--schema {text}: not UTF-8", EXAMPLE) from None
    return fields_schema(text)


def _parse(text: str, place: str) -> Json:
    try:
        schema: Json = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON: {error}", EXAMPLE) from None
    return schema


def _checked(schema: Json) -> JsonObject:
    """Returns the schema once it is one. Raises: UsageError."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(schema, dict):
        raise UsageError("--schema: not a JSON object", EXAMPLE)
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise UsageError(f"--schema: {error.json_path}: {error.message[:200]}", EXAMPLE) from None
    if _leads_out(schema):
        raise UsageError("--schema: $ref may only name a part of the schema itself", "inline it")
    return schema


def _leads_out(schema: Json) -> bool:
    """Tells whether a schema refers to another document, which nothing here fetches."""
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str) and not target.startswith("#"):
            return True
        return any(_leads_out(part) for part in schema.values())
    return isinstance(schema, list) and any(_leads_out(part) for part in schema)


def fields_schema(text: str) -> JsonObject:
    """Returns the schema of fields written `name type: what it is`, one a line or by commas.

    Types are str (where none is named), int, float, bool, `[type]` for a list; a name with `?`
    may be missing.

    Raises: UsageError naming the field.
    """
    lines = text.splitlines() if "\n" in text.strip() else text.split(",")
    properties: dict[str, Json] = {}
    required: list[Json] = []
    for line in filter(None, map(str.strip, lines)):
        head, _, about = line.partition(":")
        parsed = re.fullmatch(FIELD, head.strip())
        kind = TYPES.get((parsed["type"] or "str").lower()) if parsed else None
        if parsed is None or kind is None:
            raise UsageError(f"--schema: cannot read the field {line!r}", EXAMPLE)
        field: dict[str, Json] = {"type": kind}
        if parsed["list"]:
            field = {"type": "array", "items": field}
        if about.strip():
            field["description"] = about.strip()
        properties[parsed["name"]] = field
        if not parsed["optional"]:
            required.append(parsed["name"])
    if not properties:
        raise UsageError("--schema: it names no field", EXAMPLE)
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
