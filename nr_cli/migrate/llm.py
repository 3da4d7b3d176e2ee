"""Reads what the `llm` tool keeps: keys, aliases, models, templates, its log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from nr_cli.migrate.haul import Haul
from nr_cli.migrate.sources import (
    config_dir,
    entries,
    maps,
    read_json,
    read_text,
    read_yaml,
    text_of,
    word,
)
from nr_cli.migrate.vendors import (
    OTHER_NAMES,
    VENDORS,
    add_key,
    add_provider,
    add_vendor,
    is_near,
    model_id,
    variable_of,
)
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.template import Template

# The aliases that `llm` has by itself (0.36), as its users write them.
ITS_OWN = {"4o": "gpt-4o", "4o-mini": "gpt-4o-mini", "4.1": "gpt-4.1", "4.1-mini": "gpt-4.1-mini",
           "4.1-nano": "gpt-4.1-nano", "4": "gpt-4", "gpt4": "gpt-4", "3.5": "gpt-3.5-turbo",
           "chatgpt": "gpt-3.5-turbo"}  # fmt: skip
CARRIED = {"prompt", "system", "model", "defaults", "options", "extract", "extract_last",
           "schema_object", "name", "type"}  # fmt: skip


def read(environ: Mapping[str, str]) -> Haul:
    """Returns what can be carried over from `llm`."""
    haul = Haul("llm")
    place = environ.get("LLM_USER_PATH") or config_dir(environ, "io.datasette.llm")
    read_extra_models(haul, os.path.join(place, "extra-openai-models.yaml"))
    for alias, target in read_json(haul, os.path.join(place, "aliases.json")).items():
        meant = resolve(haul, word(target) or "")
        if meant is None:
            haul.left.append(f"alias {alias}: {word(target)} is no model that nr can reach")
        elif meant != alias:
            haul.add_model(alias, {"id": str(haul.models.get(meant, {"id": meant})["id"])})
    default = (read_text(haul, os.path.join(place, "default_model.txt")) or "").strip()
    haul.default = resolve(haul, default) if default else None
    if default and haul.default is None:
        haul.left.append(f"the default model {default}: no model that nr can reach")
    read_keys(haul, os.path.join(place, "keys.json"))
    read_templates(haul, os.path.join(place, "templates"))
    read_log(haul, os.path.join(place, "logs.db"))
    return haul


def resolve(haul: Haul, name: str) -> str | None:
    """Returns the alias or "provider/model" that means what a name means to `llm`, if any."""
    if name in haul.models:
        return name
    known = model_id(ITS_OWN.get(name, name))
    if known is not None:
        add_vendor(haul, known.partition("/")[0])
    return known


def read_extra_models(haul: Haul, path: str) -> None:
    """Reads the models at addresses of the user's own."""
    for row in maps(read_yaml(haul, path, "models").get("models")):
        name, wire, base = (word(row.get(key)) for key in ("model_id", "model_name", "api_base"))
        if name is None:
            continue
        key = word(row.get("api_key_name"))
        provider = key or name if base else "openai"
        if base:
            entry: dict[str, Json] = {"kind": "openai", "base_url": base}
            if is_near(base):
                entry["local"] = True
            elif key:
                entry["api_key_env"] = variable_of(key)
            if haul.providers.get(provider, entry) != entry:
                provider = name
            if not add_provider(haul, provider, entry):
                continue
        else:
            add_vendor(haul, provider)
        haul.add_model(name, {"id": f"{provider}/{wire or name}"})
        aliases = row.get("aliases")
        for alias in aliases if isinstance(aliases, list) else ():
            haul.add_model(str(alias), {"id": f"{provider}/{wire or name}"})


def read_keys(haul: Haul, path: str) -> None:
    """Reads whose keys there are, not the keys."""
    for name in read_json(haul, path):
        if name.startswith("//"):
            continue
        provider = OTHER_NAMES.get(name, name)
        if provider in VENDORS:
            add_vendor(haul, provider)
        entry = haul.providers.get(provider)
        if entry is None:
            haul.left.append(f"key {name}: no provider that nr knows")
        elif "api_key_env" in entry:
            add_key(haul, provider, f"llm keys get {name}")
        else:
            haul.left.append(f"key {name}: its server is on this machine, asked without a key")


def read_templates(haul: Haul, folder: str) -> None:
    """Reads the templates."""
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if file.endswith(".yaml"):
            name = file.removesuffix(".yaml")
            tree = read_yaml(haul, os.path.join(folder, file))
            if tree:
                haul.add_template(name, translate(haul, name, tree))


def translate(haul: Haul, name: str, tree: JsonObject) -> Template:
    """Returns a template of `llm` as one of nr's; `left` says what it loses."""
    import json

    lost = sorted(tree.keys() - CARRIED)
    if lost:
        haul.left.append(f"template {name}: without its {', '.join(lost)}")
    model = word(tree.get("model"))
    meant = resolve(haul, model) if model else None
    if model and meant is None:
        haul.left.append(f"template {name}: without its model {model}")
    schema = tree.get("schema_object")
    block: Literal["first", "last"] | None = "first" if tree.get("extract") is True else None
    return Template(
        prompt=text_of(tree.get("prompt")),
        system=text_of(tree.get("system")),
        defaults={key: str(value) for key, value in entries(tree.get("defaults")).items()},
        options=entries(tree.get("options")),
        schema=json.dumps(schema) if isinstance(schema, Mapping) else None,
        extract="last" if tree.get("extract_last") is True else block,
        model=meant,
    )


def read_log(haul: Haul, path: str) -> None:
    """Reads the asks of the past."""
    from nr_cli.store.foreign import read_llm_log

    if not os.path.exists(path):
        return
    try:
        haul.turns = read_llm_log(path)
    except OSError as error:
        haul.left.append(f"{path}: {error}")
        return
    haul.files.append(path)
    known = {turn.model for turn in haul.turns if turn.model}
    ids = {name: resolve_id(haul, name) for name in known}
    haul.turns = [turn._replace(model=ids.get(turn.model or "")) for turn in haul.turns]


def resolve_id(haul: Haul, name: str) -> str:
    """Returns "provider/model" where that is known, else the name as it is."""
    return str(haul.models[name]["id"]) if name in haul.models else model_id(name) or name
