"""Reads what aichat keeps: clients with their models, roles, sessions."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from nr_cli.migrate.haul import Haul
from nr_cli.migrate.sources import (
    config_dir,
    escape,
    maps,
    parse_yaml,
    read_text,
    read_yaml,
    word,
)
from nr_cli.migrate.vendors import (
    OTHER_NAMES,
    VENDORS,
    add_key,
    add_provider,
    add_vendor,
    is_near,
    variable_of,
)
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.template import Template
from nr_cli.types.turn import Turn

KINDS = {"openai": "openai", "openai-compatible": "openai", "claude": "anthropic",
         "gemini": "gemini", "ollama": "ollama"}  # fmt: skip
PLACE = re.compile(r"__(INPUT|ARG[0-9]+)__")
OPTIONS = ("temperature", "top_p")


def read(environ: Mapping[str, str]) -> Haul:
    """Returns what can be carried over from aichat."""
    haul = Haul("aichat")
    place = environ.get("AICHAT_CONFIG_DIR") or config_dir(environ, "aichat")
    path = environ.get("AICHAT_CONFIG_FILE") or os.path.join(place, "config.yaml")
    tree = read_yaml(haul, path)
    names = {}
    for client in maps(tree.get("clients")):
        own = word(client.get("name")) or word(client.get("type")) or "?"
        names[own] = read_client(haul, client, own, path, environ)
    default = word(tree.get("model"))
    haul.default = translate_model(names, default)
    if default and haul.default is None:
        haul.left.append(f"the default model {default}: no client of this name was carried")
    read_roles(haul, os.path.join(place, "roles"), names)
    read_sessions(haul, os.path.join(place, "sessions"), names)
    for name in ("roles.yaml", "agents", "rags", "macros"):
        if os.path.exists(os.path.join(place, name)):
            haul.left.append(f"{os.path.join(place, name)}: nr has nothing like it")
    return haul


def read_client(
    haul: Haul, client: JsonObject, own: str, path: str, environ: Mapping[str, str]
) -> str | None:
    """Returns the provider that stands for a client, None for one that cannot be carried."""
    kind = KINDS.get(word(client.get("type")) or "")
    provider = OTHER_NAMES.get(own, own)
    base = word(client.get("api_base"))
    if kind is None or not (base or provider in VENDORS):
        haul.left.append(f"client {own}: {'no address' if kind else 'nr does not speak to it'}")
        return None
    variable = f"{own.upper().replace('-', '_')}_API_KEY"
    if not environ.get(variable):
        variable = variable_of(provider)
    if base:
        entry: dict[str, Json] = {"kind": kind, "base_url": base}
        if is_near(base):
            entry["local"] = True
        elif word(client.get("api_key")) or environ.get(variable):
            entry["api_key_env"] = variable
        if not add_provider(haul, provider, entry):
            return None
    else:
        add_vendor(haul, provider)
    if word(client.get("api_key")) and "api_key_env" in haul.providers[provider]:
        add_key(haul, provider, path, variable)
    for model in maps(client.get("models")):
        read_model(haul, model, provider)
    return provider


def read_model(haul: Haul, model: JsonObject, provider: str) -> None:
    """Reads a model that a client lists, unless it is one for embeddings."""
    name, window = word(model.get("name")), model.get("max_input_tokens")
    if name is None or word(model.get("type")) in ("embedding", "reranker"):
        return
    entry: dict[str, Json] = {"id": f"{provider}/{name}"}
    if isinstance(window, int) and window > 0:
        entry["context"] = window
    if "/" not in name:
        haul.add_model(name, entry)


def translate_model(names: Mapping[str, str | None], model: str | None) -> str | None:
    """Returns "provider/model" for `client:model`, None where the client is not carried."""
    client, colon, wire = (model or "").partition(":")
    provider = names.get(client)
    return f"{provider}/{wire}" if provider and colon and wire else None


def read_roles(haul: Haul, folder: str, names: Mapping[str, str | None]) -> None:
    """Reads the roles, which become templates."""
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, file)
        text = read_text(haul, path) if file.endswith(".md") else None
        if text is not None:
            haul.add_template(file.removesuffix(".md"), translate_role(haul, text, path, names))


def translate_role(haul: Haul, text: str, path: str, names: Mapping[str, str | None]) -> Template:
    """Returns a role as a template: a text with a place for the input is a prompt, else system."""
    head: JsonObject = {}
    parts = re.split(r"^---\s*$", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) == 3 and not parts[0].strip():
        head, text = parse_yaml(haul, parts[1], path), parts[2]
    lost = sorted(head.keys() - {"model", *OPTIONS})
    model = translate_model(names, word(head.get("model")))
    if head.get("model") and model is None:
        lost.append(f"model {word(head.get('model'))}")
    if lost:
        haul.left.append(f"role {os.path.basename(path)}: without its {', '.join(lost)}")
    if "### INPUT:" in text:
        haul.left.append(f"role {os.path.basename(path)}: its examples stay one text")
    body = PLACE.sub(lambda found: f"${{{found[1].lower()}}}", escape(text.strip()))
    asks = "${input}" in body
    return Template(
        prompt=body if asks else None,
        system=None if asks else body or None,
        options={key: head[key] for key in OPTIONS if head.get(key) is not None},
        model=model,
    )


def read_sessions(haul: Haul, folder: str, names: Mapping[str, str | None]) -> None:
    """Reads the sessions; a turn's time is that of its file, in the order of the turns."""
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, file)
        tree = read_yaml(haul, path) if file.endswith(".yaml") else {}
        if tree:
            began = os.path.getmtime(path)
            name = word(tree.get("model"))
            model = translate_model(names, name) or name
            haul.turns += turns_of(tree, file, began, model)


def turns_of(tree: JsonObject, file: str, began: float, model: str | None) -> list[Turn]:
    """Returns each question of a session with the answer that follows it."""
    system, asked, turns = None, None, list[Turn]()
    for message in (*maps(tree.get("compressed_messages")), *maps(tree.get("messages"))):
        role, text = message.get("role"), text_of(message.get("content"))
        if role == "system":
            system = text
        elif role == "user":
            asked = text
        elif role == "assistant" and asked is not None:
            id = f"{file}:{len(turns)}:{asked}"
            turns.append(Turn(id, began + len(turns), asked, system, text, model))
            asked = None
    return turns


def text_of(content: Json) -> str:
    """Returns a message's text; of one in parts, those that are text."""
    if isinstance(content, str):
        return content
    return "\n\n".join(str(part["text"]) for part in maps(content) if part.get("text"))
