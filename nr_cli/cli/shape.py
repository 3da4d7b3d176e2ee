"""Reads what --schema takes: JSON Schema, a file of it, or a line of fields."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

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
        "properties": {"items": {"type": "array", "items": _moved(schema)}},
        "required": ["items"],
    }


def _moved(schema: JsonObject) -> Json:
    """Returns the schema of one item: what it calls `#` stands further in from now on.

    A schema with an id of its own keeps its references: they go by that.
    """

    def move(part: Json) -> Json:
        if isinstance(part, list):
            return [move(entry) for entry in part]
        if not isinstance(part, dict):
            return part
        moved = {key: move(value) for key, value in part.items()}
        for key in ("$ref", "$dynamicRef"):
            target = part.get(key)
            if isinstance(target, str) and (target == "#" or target.startswith("#/")):
                moved[key] = f"#/properties/items/items{target[1:]}"
        return moved

    return schema if "$id" in schema else move(schema)


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
        led_out = _leads_out(schema)
    except SchemaError as error:
        raise UsageError(f"--schema: {error.json_path}: {error.message[:200]}", EXAMPLE) from None
    except RecursionError:
        raise UsageError("--schema: it is nested too deep", "make it flatter") from None
    if led_out:
        raise UsageError("--schema: $ref may only name a part of the schema itself", "inline it")
    _follow_refs(schema)
    _refuse_endless(schema)
    return schema


def _refuse_endless(schema: Json) -> None:
    """Raises: UsageError for a pattern whose shape lets a search take longer than anybody waits."""
    from nr_cli.policy.regex import find_flaw

    if isinstance(schema, list):
        for part in schema:
            _refuse_endless(part)
    if not isinstance(schema, dict):
        return
    named = schema.get("patternProperties")
    patterns = [schema.get("pattern"), *(named if isinstance(named, dict) else ())]
    for pattern in patterns:
        flaw = find_flaw(pattern) if isinstance(pattern, str) else None
        if flaw:
            raise UsageError(f"--schema: pattern {flaw}", "write it without that")
    for part in schema.values():
        _refuse_endless(part)


def _follow_refs(schema: JsonObject) -> None:
    """Raises: UsageError for a reference that leads nowhere, or back to itself without end.

    Each is tried on null: a circle does not depend on the value, and a tree that names itself
    under `properties` or `items` ends there.
    """
    from jsonschema.validators import validator_for
    from referencing.exceptions import Unresolvable

    validator = validator_for(schema)(schema)
    for key, target in _refs(schema):
        try:
            list(validator.evolve(schema={key: target}).iter_errors(None))
        except Unresolvable:
            raise UsageError(f"--schema: {key} {target}: no such part", "define it") from None
        except RecursionError:
            raise UsageError(f"--schema: {key} {target}: leads in a circle", "break it") from None


def _refs(schema: Json) -> Iterator[tuple[str, str]]:
    parts = schema if isinstance(schema, list) else ()
    if isinstance(schema, dict):
        for key in ("$ref", "$dynamicRef"):
            target = schema.get(key)
            if isinstance(target, str):
                yield key, target
        parts = tuple(schema.values())
    for part in parts:
        yield from _refs(part)


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
        if parsed["name"] in properties:
            raise UsageError(f"--schema: the field {parsed['name']} stands twice", EXAMPLE)
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
