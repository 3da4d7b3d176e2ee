"""Lists what a policy may hold: one table for each kind of section.

From these tables come the check of a file with its messages, the JSON Schema for editors, so a key
is added in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Path

if TYPE_CHECKING:
    from nr_cli.plugins import Group

Shape: TypeAlias = Literal[
    "text", "texts", "text_map", "number", "count", "boolean", "duration", "free_map", "argv",
    "section", "named", "listed", "use", "when", "default", "headers", "url", "variable", "labels",
]  # fmt: skip


class Field(NamedTuple):
    """One key: the shape of its value, what it is for, what bounds it.

    `section` names the table of a "section" (a map), of each entry of a "named" map, of each item
    of a "listed" one. `over` is an exclusive lower bound. `plugins` is the group of plugins whose
    names are choices too. A `fixed` value is read before any variable is.
    """

    shape: Shape
    about: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    over: float | None = None
    section: str = ""
    required: bool = False
    plugins: Group | None = None
    fixed: bool = False


SCOPES = ("user", "project", "shared")
IF_FAILS = ("keep", "up", "abstain")
PICKS = ("first", "cheapest", "best", "random")
KINDS = ("openai", "openai-responses", "azure", "anthropic", "gemini", "ollama", "local", "command")
# The kinds that speak to a server: those need its address.
SERVED = frozenset(KINDS) - {"local", "command"}
QUIRKS = (
    "max_completion_tokens", "no_json_schema", "no_stream_options", "no_strict", "no_system_role",
    "random_seed",
)  # fmt: skip
CAPS = ("vision", "audio", "document", "tools", "json", "long_context", "reasoning")
SYSTEM_MODES = ("default", "prepend", "append", "replace")
DAY = 86_400.0
YEARS = 10 * 366 * DAY


def _phase(about: str) -> Field:
    return Field("duration", about, over=0, high=DAY)


SECTIONS: Mapping[str, Mapping[str, Field]] = {
    "policy": {
        "version": Field("count", "the version of the policy language", low=1, high=1),
        "name": Field("text", "a name for this policy"),
        "requires": Field("text", 'the oldest nr that may read this, such as ">=0.1"'),
        "include": Field("texts", "globs of files beside this one that belong to the policy"),
        "providers": Field("named", "where requests can go", section="provider"),
        "models": Field("named", "aliases of models", section="model"),
        "pools": Field("named", "models that may stand in for each other", section="pool"),
        "classify": Field("section", "how prompts are read", section="classify"),
        "cache": Field("section", "how answers are kept", section="cache"),
        "routes": Field("listed", "top to bottom, the first match wins", section="route"),
        "default": Field("default", "what answers when no route matches, or the word fail"),
    },
    "provider": {
        "kind": Field("text", "the protocol", choices=KINDS, plugins="providers"),
        "base_url": Field("url", "the address with its version, such as http://127.0.0.1:8080/v1"),
        "api_key_env": Field("variable", "the name of the variable that holds the key"),
        "headers": Field("headers", "headers to send along; never a key"),
        "timeout": Field("section", "how long each phase may take", section="timeout"),
        "local": Field("boolean", "whether it counts as this machine or its private network"),
        "quota_group": Field("text", "providers of one group share an upstream limit"),
        "proxy": Field("url", "the proxy to go through"),
        "ca_file": Field("text", "a file of certificates to trust"),
        "command": Field("argv", "the program to run, for kind command"),
        "model_path": Field("text", "a GGUF file, for kind local"),
        "quirks": Field("texts", "where the server departs from the protocol", choices=QUIRKS),
    },
    "timeout": {
        "connect": _phase("until the connection stands; 5s if nothing is said"),
        "first_token": _phase("until the first piece of the answer; 60s"),
        "idle": _phase("between two pieces; 30s"),
        "total": _phase("for the whole answer; 120s"),
    },
    "model": {
        "id": Field("text", "provider/model", required=True),
        "caps": Field("texts", "what it can do", choices=CAPS),
        "context": Field("count", "its window in tokens, such as 128k", low=1),
        "max_output": Field("count", "the longest answer in tokens", low=1),
        "price": Field("section", "US dollars per million tokens", section="price"),
        "quality": Field("number", "0 to 100, for pick: best and min_quality", low=0, high=100),
        "params": Field("section", "parameters to send with every request", section="params"),
        "system": Field("text", "a system prompt"),
        "tags": Field("texts", "free labels"),
    },
    "price": {
        "in": Field("number", "for input", low=0, required=True),
        "out": Field("number", "for output", low=0, required=True),
        "cached_in": Field("number", "for input read from the vendor's cache", low=0),
        "cache_write": Field("number", "for input written to the vendor's cache", low=0),
    },
    "cache": {
        "ttl": Field("duration", "how long an answer serves, such as 30d; else 7d",
                     over=0, high=YEARS),
        "scope": Field("text", "user (else): whoever has the same key; project, shared: all who"
                       " have the cache, with another key or none", choices=SCOPES),
    },
    "pool": {
        "models": Field("texts", "names of models", required=True),
        "pick": Field("text", "how to order them", choices=PICKS),
        "min_quality": Field("number", "leave out what is below", low=0, high=100),
        "max_price": Field("number", "leave out what costs more per million tokens", low=0),
    },
    "classify": {
        "intent": Field("section", "how the intent is read", section="intent"),
        "complexity": Field("section", "how the complexity is read", section="complexity"),
    },
    "intent": {
        "min_confidence": Field("number", "below it, the intent is unknown", low=0, high=1),
        "labels": Field("labels", "intents of your own, each by examples", section="label"),
    },
    "complexity": {
        "bands": Field("section", "each band's upper edge", section="bands"),
        "calibration": Field("text", "a file of nr calibrate, beside this one"),
        "second_opinion": Field("section", "whom to ask near an edge that decides the route",
                                section="second_opinion"),
    },
    "second_opinion": {
        "model": Field("text", "a model or pool that judges the prompt", required=True),
        "margin": Field("number", "how near the score must be to an edge; else 0.05", low=0,
                        high=0.5),
        "timeout": _phase("for its answer; 2s if nothing is said"),
        "if_fails": Field("text", "keep (else): the band that was read; up: the harder one;"
                          " abstain: none, the complexity is unknown", choices=IF_FAILS),
    },
    "bands": {
        "trivial": Field("number", "upper edge of trivial", low=0, high=1),
        "easy": Field("number", "upper edge of easy", low=0, high=1),
        "medium": Field("number", "upper edge of medium", low=0, high=1),
        "hard": Field("number", "upper edge of hard; above it is extreme", low=0, high=1),
    },
    "classifier": {
        "use": Field("text", "how labels are found", required=True,
                     choices=("keywords", "regex", "examples", "llm", "command"),
                     plugins="classifiers"),
        "labels": Field("labels", "words, patterns, examples or the meaning of each label; a list"
                        " of labels for llm, command", section="label"),
        "model": Field("text", "for llm: a model or pool that judges the prompt"),
        "prompt": Field("text", "for llm: what it is to judge by"),
        "command": Field("argv", "for command: the program, which reads the prompt on stdin"),
        "timeout": _phase("for llm, command: until the label; 5s, 2s if nothing is said"),
        "if_fails": Field("text", "for llm, command: a label instead, or abstain (else)"),
        "min_confidence": Field("number", "for use: examples, below it there is no label;"
                                " 0.35 if nothing is said, less for a reader seldom wrong",
                                low=0, high=1),
    },
    "label": {
        "examples": Field("texts", "prompts that have this label", required=True),
        "not": Field("texts", "prompts that are like these but have no label"),
    },
    "route": {
        "name": Field("text", "the route's name", required=True, fixed=True),
        "when": Field("when", "the condition; without one the route always matches"),
        "use": Field("use", "a model, a pool, a list of them, or {models, pick}", required=True),
        "params": Field("section", "parameters to send", section="params"),
        "system": Field("text", "a system prompt"),
        "system_mode": Field("text", "how it meets the user's own", choices=SYSTEM_MODES),
        "timeout": Field("section", "how long each phase may take", section="timeout"),
        "tags": Field("texts", "free labels"),
        "cache": Field("section", "how its answers are kept", section="cache"),
        "enabled": Field("boolean", "false switches the route off"),
        "override": Field("boolean", "true replaces the route of this name in a farther file",
                          fixed=True),
    },
    "use": {
        "models": Field("texts", "names of models or pools", required=True),
        "pick": Field("text", "how to order them", choices=PICKS),
    },
    "params": {
        "temperature": Field("number", "how free the choice of words is", low=0, high=2),
        "top_p": Field("number", "the share of probability to choose from", low=0, high=1),
        "max_tokens": Field("count", "the longest answer in tokens", low=1),
        "seed": Field("count", "a seed for repeatable answers"),
        "presence_penalty": Field("number", "against repeated topics", low=-2, high=2),
        "frequency_penalty": Field("number", "against repeated words", low=-2, high=2),
    },
}  # fmt: skip

# The default is a route without a name or a condition.
DEFAULT: Mapping[str, Field] = {
    key: field
    for key, field in SECTIONS["route"].items()
    if key in ("use", "params", "system", "system_mode", "timeout", "tags", "cache")
}
# Sections that take any other key: what it then must be.
OPEN_SECTIONS: Mapping[str, str] = {"params": "", "classify": "classifier"}

# Keys of the language that this version does not carry out: an error, because a policy that
# names them would otherwise be obeyed in part.
LATER: Mapping[str, tuple[str, ...]] = {
    "policy": ("guards", "limits", "retry", "breaker", "fallback", "budgets", "log", "tests"),
    "cache": ("mode", "only_deterministic", "stale_if_error", "max_size", "vary", "never",
              "coalesce"),
    "provider": ("api_key_cmd",),
    "pool": ("sticky", "cost_weight"),
    "intent": ("map", "use"),
    "complexity": ("use",),
    "route": ("cascade", "fallback", "hedge", "limits", "retry", "breaker", "sticky"),
    "use": ("sticky", "cost_weight"),
}  # fmt: skip
# Values of the language that this version does not carry out, by field.
LATER_VALUES: Mapping[str, tuple[str, ...]] = {
    "pick": ("fastest", "balanced", "weighted"),
}


def fields_of(section: str) -> Mapping[str, Field]:
    """Returns the table of a section by name."""
    return DEFAULT if section == "default" else SECTIONS[section]


def field_at(path: Path) -> Field | None:
    """Returns what bounds the scalar at a path of a policy, None where nothing does."""
    table, steps = "policy", list(path)
    while steps:
        step = str(steps.pop(0))
        field = fields_of(table).get(step) if table else None
        if field is None:
            table = OPEN_SECTIONS.get(table, "")
            if not table:
                return None
        elif (
            field.shape == "labels" and len(steps) > 1 and isinstance(steps[1], str)
        ) or field.shape in ("named", "listed"):
            table, steps = field.section, steps[1:]
        elif field.shape in ("section", "default"):
            table = field.section or "default"
        elif field.shape == "use" and steps and isinstance(steps[0], str):
            table = "use"
        else:
            return _item(field) if field.shape != "when" else None
    return None


def _item(field: Field) -> Field:
    """Returns the field of one scalar among those that a field holds."""
    several = field.shape in ("texts", "text_map", "argv", "use", "labels")
    return field._replace(shape="text") if several else field


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
