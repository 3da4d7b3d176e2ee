"""Reads what mods keeps: APIs with their models, roles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from nr_cli.migrate.haul import Haul
from nr_cli.migrate.sources import config_dir, entries, escape, read_yaml, word
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

CHARS_PER_TOKEN = 4  # mods bounds its input in characters
NATIVE = ("anthropic", "gemini", "ollama")  # whose addresses mods writes in its own way
FOREIGN = ("azure", "azure-ad", "cohere", "copilot")  # protocols or log-ins of their own


def read(environ: Mapping[str, str]) -> Haul:
    """Returns what can be carried over from mods."""
    haul = Haul("mods")
    path = os.path.join(config_dir(environ, "mods"), "mods.yml")
    tree = read_yaml(haul, path)
    default, wanted = word(tree.get("default-model")), word(tree.get("default-api"))
    unused = []
    for api, entry in entries(tree.get("apis")).items():
        chosen = api == wanted or (wanted is None and finds(entries(entry), default) is not None)
        if not (chosen and haul.default is None) and not is_usable(entries(entry), environ):
            unused.append(api)
        elif read_api(haul, api, entries(entry), path) and chosen and haul.default is None:
            wire = finds(entries(entry), default)
            haul.default = f"{OTHER_NAMES.get(api, api)}/{wire}" if wire else None
    if unused:
        haul.left.append(f"APIs without a key here: {', '.join(unused)}")
    if default and haul.default is None:
        haul.left.append(f"the default model {default}: in no API that was carried")
    read_roles(haul, entries(tree.get("roles")))
    count_conversations(haul, environ)
    return haul


def is_usable(api: JsonObject, environ: Mapping[str, str]) -> bool:
    """Tells whether an API is on this machine or has a key, in the file or in a variable."""
    variable = word(api.get("api-key-env"))
    held = word(api.get("api-key")) or word(api.get("api-key-cmd"))
    near = is_near(word(api.get("base-url")) or "")
    return bool(near or held or (variable and environ.get(variable)))


def finds(api: JsonObject, model: str | None) -> str | None:
    """Returns the API's own name of a model that is named so or by an alias."""
    for name, entry in entries(api.get("models")).items():
        if model is not None and (name == model or model in aliases_of(entry)):
            return name
    return None


def aliases_of(entry: Json) -> list[str]:
    """Returns the aliases of a model."""
    aliases = entries(entry).get("aliases")
    listed = isinstance(aliases, Sequence) and not isinstance(aliases, str)
    return [str(alias) for alias in aliases] if listed else []  # type: ignore[union-attr]  # seen


def read_api(haul: Haul, api: str, entry: JsonObject, path: str) -> bool:
    """Reads an API with its models; tells whether it could be carried."""
    provider, base = OTHER_NAMES.get(api, api), word(entry.get("base-url"))
    if api in FOREIGN or not (base or provider in VENDORS):
        haul.left.append(f"API {api}: nr does not speak to it")
        return False
    variable = word(entry.get("api-key-env")) or variable_of(provider)
    own: dict[str, Json] = dict(VENDORS.get(provider, {"kind": "openai", "api_key_env": ""}))
    if base and provider not in NATIVE:
        own["base_url"] = base.rstrip("/")
    if "api_key_env" in own:
        own["api_key_env"] = variable
    if is_near(str(own.get("base_url") or "")):
        own = {**own, "local": True}
        own.pop("api_key_env", None)
    if own == VENDORS.get(provider):
        add_vendor(haul, provider)
    elif not add_provider(haul, provider, own):
        return False
    if "api_key_env" in own and (word(entry.get("api-key")) or word(entry.get("api-key-cmd"))):
        add_key(haul, provider, path, variable)
    for wire, model in entries(entry.get("models")).items():
        read_model(haul, f"{provider}/{wire}", model)
    return True


def read_model(haul: Haul, id: str, model: Json) -> None:
    """Reads the aliases of a model, each with its window."""
    window = entries(model).get("max-input-chars")
    entry: dict[str, Json] = {"id": id}
    if isinstance(window, int) and window >= CHARS_PER_TOKEN:
        entry["context"] = window // CHARS_PER_TOKEN
    for alias in aliases_of(model):
        haul.add_model(alias, entry)


def read_roles(haul: Haul, roles: JsonObject) -> None:
    """Reads the roles, which become templates."""
    for name, lines in roles.items():
        listed = isinstance(lines, Sequence) and not isinstance(lines, str)
        texts = [str(line) for line in lines] if listed else []  # type: ignore[union-attr]  # seen
        if any(text.startswith(("file://", "http://", "https://")) for text in texts):
            haul.left.append(f"role {name}: it is read from elsewhere")
        elif texts:
            haul.add_template(name, Template(system=escape("\n".join(texts))))


def count_conversations(haul: Haul, environ: Mapping[str, str]) -> None:
    """Counts the conversations, which are kept in the Go language's own format."""
    xdg = environ.get("XDG_DATA_HOME", "")
    home = os.path.join(environ.get("HOME", ""), ".local", "share")
    place = os.path.join(xdg if os.path.isabs(xdg) else home, "mods")
    count = sum(name.endswith(".gob") for _, _, names in os.walk(place) for name in names)
    if count:
        counted = "1 conversation" if count == 1 else f"{count} conversations"
        haul.left.append(f"{counted}: only programs in Go can read {place}")
