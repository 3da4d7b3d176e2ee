"""Lists what a policy may hold: one table for each kind of section.

From these tables come the check of a file with its messages, the JSON Schema for editors, so a key
is added in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from nr_cli.types.policy import Path

if TYPE_CHECKING:
    from nr_cli.plugins import Group

Shape: TypeAlias = Literal[
    "text", "texts", "text_map", "number", "count", "boolean", "duration", "free_map", "argv",
    "section", "named", "listed", "use", "when", "default", "headers", "url", "variable", "labels",
    "follow", "shares",
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
        "guards": Field("listed", "what no flag, route or fallback may lift", section="guard"),
        "budgets": Field("listed", "what may be spent in a day, a week, a month", section="budget"),
        "limits": Field("section", "one budget over all requests of an ask", section="limits"),
        "retry": Field("section", "how often one model is asked again", section="retry"),
        "breaker": Field("section", "when a backend rests", section="breaker"),
        "fallback": Field("section", "what follows each kind of failure", section="fallback"),
        "routes": Field("listed", "top to bottom, the first match wins", section="route"),
        "default": Field("default", "what answers when no route matches, or the word fail"),
    },
    "provider": {
        "kind": Field("text", "the protocol", choices=KINDS, plugins="providers"),
        "base_url": Field("url", "the address with its version, such as http://127.0.0.1:8080/v1"),
        "api_key_env": Field("variable", "the name of the variable that holds the key"),
        "api_key_cmd": Field("argv", "a program that writes the key, such as: pass show openai"),
        "headers": Field("headers", "headers to send along; never a key"),
        "timeout": Field("section", "how long each phase may take", section="timeout"),
        "local": Field("boolean", "whether it counts as this machine or its private network"),
        "quota_group": Field("text", "providers of one group share an upstream limit"),
        "rpm": Field("count", "the most requests a minute, over all processes", low=1, high=1000),
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
        "stale_if_error": Field("duration", "how much older an answer may be that serves when every"
                                " model failed; else none does", low=0, high=YEARS),
        "coalesce": Field("boolean", "equal asks at the same time wait for one answer; else true"),
    },
    "guard": {
        "name": Field("text", "the guard's name", required=True, fixed=True),
        "when": Field("when", "where it applies; where that cannot be told it does, too"),
        "require": Field("section", "what must hold for any model that answers", section="require"),
        "block": Field("boolean", "true refuses the prompt"),
        "message": Field("text", "what a person is told"),
    },
    "budget": {
        "name": Field("text", "the budget's name", required=True, fixed=True),
        "limit": Field("number", "US dollars", over=0, required=True, fixed=False),
        "per": Field("text", "the period, by local time; a week begins on Monday", required=True,
                     choices=("day", "week", "month")),
        "when": Field("when", "the asks that it counts; all of them if nothing is said"),
        "at": Field("shares", "what happens above which share: warn, downgrade, block; else"
                    " 100%: block"),
        "downgrade_to": Field("texts", "models or pools that answer instead"),
        "unpriced": Field("texts", "globs of models without a known price that may answer all the"
                          " same; others are refused"),
    },
    "require": {
        "local_only": Field("boolean", "true: only providers with local: true"),
        "allow_models": Field("texts", "globs of aliases or ids; all others are denied"),
        "deny_models": Field("texts", "globs of aliases or ids"),
        "allow_providers": Field("texts", "globs of providers; all others are denied"),
        "deny_providers": Field("texts", "globs of providers"),
        "max_cost": Field("number", "the most US dollars, by estimate", low=0),
        "deadline": Field("duration", "for everything together", over=0, high=DAY),
        "redact": Field("texts", "what is replaced before anything is sent",
                        choices=("api_key", "private_key", "pii")),
    },
    "limits": {
        "attempts": Field("count", "the most requests; 6 if nothing is said", low=1, high=100),
        "deadline": Field("duration", "for everything together; else the longest total",
                          over=0, high=DAY),
        "max_cost": Field("number", "the most US dollars, by estimate", low=0),
    },
    "retry": {
        "times": Field("count", "how often after the first try; 2 if nothing is said", low=0,
                       high=20),
        "backoff": Field("section", "how long to wait before each", section="backoff"),
        "respect_retry_after": Field("boolean", "wait as long as the server says; else true"),
        "max_wait": Field("duration", "the longest such wait; else 20s with another candidate,"
                          " the deadline without", low=0, high=DAY),
    },
    "backoff": {
        "base": Field("duration", "the first wait; 100ms, 1s for an overload, if nothing is said",
                      low=0, high=DAY),
        "factor": Field("number", "what each wait is multiplied by; else 2", low=1, high=10),
        "max": Field("duration", "the longest wait; 5s, 20s if nothing is said", low=0, high=DAY),
        "jitter": Field("text", "full (else): a random part of the wait; none: all of it",
                        choices=("full", "none")),
    },
    "breaker": {
        "failures": Field("count", "how many in a row open it; 5 if nothing is said", low=1,
                          high=1000),
        "window": Field("duration", "within which time; else 60s", over=0, high=DAY),
        "cooldown": Field("duration", "how long it rests, times the rests in a row; else 30s",
                          over=0, high=300),
        "half_open": Field("count", "how many may try it at once after that; else 1", low=1,
                           high=100),
        "share": Field("text", "who rests together; quota_group (else) is the provider where it"
                       " names none", choices=("quota_group", "provider", "model")),
    },
    "fallback": {
        "rate_limit": Field("follow", "429; retry, next if nothing is said"),
        "overloaded": Field("follow", "503, 529; retry, next"),
        "network": Field("follow", "no connection, or one that broke; retry, next"),
        "server": Field("follow", "other 5xx, 409; retry, next"),
        "timeout": Field("follow", "408, 425, or a phase's time is over; next"),
        "quota": Field("follow", "402, 429 without credit; next"),
        "model_not_found": Field("follow", "404, 405, 410; next"),
        "auth": Field("follow", "401, 403; next, with a warning"),
        "context_length": Field("follow", "too long for the model; upgrade"),
        "unsupported": Field("follow", "what the model cannot do; upgrade"),
        "content_filter": Field("follow", "the backend refused; fail"),
        "bad_request": Field("follow", "400, 422; fail"),
        "invalid_response": Field("follow", "an answer that cannot be read; next"),
        "stream_broken": Field("follow", "cut before anything was shown; retry, next. A map has"
                               " before_output beside after_output: fail", section="broken"),
    },
    "broken": {
        "before_output": Field("follow", "while nothing was shown; retry, next"),
        "after_output": Field("text", "once something was shown nobody follows", choices=("fail",)),
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
        "limits": Field("section", "its budget, key by key over the policy's", section="limits"),
        "retry": Field("section", "its retries, key by key over the policy's", section="retry"),
        "fallback": Field("section", "what follows a failure, kind by kind over the policy's",
                          section="fallback"),
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
    if key not in ("name", "when", "enabled", "override")
}
# What a budget may call for.
ACTIONS = ("warn", "downgrade", "block")
# What may follow a failure; any other word is the name of a model or a pool.
STEPS = ("retry", "next", "upgrade", "fail")
# Sections that take any other key: what it then must be.
OPEN_SECTIONS: Mapping[str, str] = {"params": "", "classify": "classifier"}

# Keys of the language that this version does not carry out: an error, because a policy that
# names them would otherwise be obeyed in part.
LATER: Mapping[str, tuple[str, ...]] = {
    "policy": ("log", "tests"),
    "cache": ("mode", "only_deterministic", "max_size", "vary", "never"),
    "pool": ("sticky", "cost_weight"),
    "intent": ("map", "use"),
    "complexity": ("use",),
    "route": ("cascade", "hedge", "sticky"),
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
        elif field.shape == "follow" and field.section and steps and isinstance(steps[0], str):
            table = field.section
        elif field.shape == "use" and steps and isinstance(steps[0], str):
            table = "use"
        else:
            return _item(field) if field.shape != "when" else None
    return None


def _item(field: Field) -> Field:
    """Returns the field of one scalar among those that a field holds."""
    several = field.shape in ("texts", "text_map", "argv", "use", "labels", "follow")
    return field._replace(shape="text") if several else field
