"""Writes what was found in another tool's files into nr's own, never over anything."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nr_cli.errors import ConfigError
from nr_cli.migrate.haul import Haul
from nr_cli.migrate.vendors import VENDORS
from nr_cli.policy.compose import to_yaml
from nr_cli.policy.template import compose, parse_template
from nr_cli.store.history import History, HistoryRow, new_id
from nr_cli.store.paths import Paths
from nr_cli.store.templates import Templates
from nr_cli.types.json import Json
from nr_cli.types.turn import Turn

BATCH = 500  # asks that are added to the history at a time


class Step(NamedTuple):
    """One thing to carry: what it is about, how it went, whether it is new."""

    what: str
    how: str
    new: bool = True


def carry(
    haul: Haul, paths: Paths, dry: bool, holds_secret: Callable[[str], bool]
) -> tuple[Step, ...]:
    """Returns what was written, or with `dry` what would be. Raises: ConfigError.

    Done twice it writes nothing twice: files that are there stay as they are, an ask of the
    history has the same id each time.
    """
    if paths.config is None:
        raise ConfigError("there is no directory for what is carried over", "set NR_CONFIG_DIR")
    steps = []
    if haul.models or haul.providers or haul.default:
        steps.append(carry_policy(haul, paths.config, dry))
    templates = Templates(paths.config)
    steps += [carry_template(haul, templates, name, dry) for name in haul.templates]
    if haul.turns:
        steps.append(carry_history(haul, paths.state, dry, holds_secret))
    return tuple(steps)


def policy_text(haul: Haul) -> str:
    """Returns the policy that a haul amounts to. Raises: ConfigError with findings."""
    from nr_cli.catalog.lookup import Catalog
    from nr_cli.policy.check import check
    from nr_cli.policy.document import refuse
    from nr_cli.policy.load import load

    catalog = Catalog()
    providers = {
        name: entry
        for name, entry in haul.providers.items()
        if not (catalog.provider(name) and entry == VENDORS.get(name))
    }
    tree: dict[str, Json] = {"version": 1, "providers": providers, "models": haul.models}
    tree = {key: value for key, value in tree.items() if value}
    if haul.default:
        tree["default"] = {"use": haul.default}
    text = f"# Carried over from {haul.tool}; keys stay where they are.\n{to_yaml(tree)}"
    findings = check(load(text.encode(), f"routes of {haul.tool}"), catalog)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise refuse(errors)
    return text


def carry_policy(haul: Haul, config_dir: str, dry: bool) -> Step:
    """Writes the policy as routes.yaml, or beside one that is there."""
    text = policy_text(haul)
    about = f"providers: {len(haul.providers)}, models: {len(haul.models)}"
    for name in ("routes.yaml", f"routes.{haul.tool}.yaml"):
        path = os.path.join(config_dir, name)
        if not os.path.lexists(path):
            if not dry:
                write_new(path, text)
            beside = "" if name == "routes.yaml" else f" (to use it: include: [{name}])"
            return Step(path, about + beside)
        if read_file(path) == text:
            return Step(path, "there already", new=False)
    return Step(path, "there already with other content, left alone", new=False)


def carry_template(haul: Haul, templates: Templates, name: str, dry: bool) -> Step:
    """Writes one template."""
    text = compose(haul.templates[name])
    path = templates.path(name)
    if os.path.lexists(path):
        same = read_file(path) == text
        how = "there already" if same else "there already with other content, left alone"
        return Step(path, how, new=False)
    try:
        parse_template(text.encode(), path)
    except ConfigError as error:
        wrong = error.findings[0].message if error.findings else error.message
        return Step(path, f"not a template of nr: {wrong}", new=False)
    if not dry:
        templates.create(name, text)
    return Step(path, "template")


def carry_history(
    haul: Haul, state_dir: str | None, dry: bool, holds_secret: Callable[[str], bool]
) -> Step:
    """Adds the asks to the history, each once."""
    from nr_cli.store.history import history_path

    what, total, added = "history", len(haul.turns), 0
    if dry:
        return Step(what, f"{total} asks, less those that are there already")
    history = History(history_path(state_dir))
    for start in range(0, total, BATCH):
        rows = [row_of(haul.tool, turn, holds_secret) for turn in haul.turns[start : start + BATCH]]
        count = history.add_all(rows)
        if count is None:
            how = f"{added} of {total} asks added, then: {history.trouble}"
            return Step(what, how, new=added > 0)
        added += count
    return Step(what, f"{added} asks added, {total - added} there already", new=added > 0)


def row_of(tool: str, turn: Turn, holds_secret: Callable[[str], bool]) -> HistoryRow:
    """Returns a past ask as a row; its source stands in its decision."""
    model = turn.model or ""
    mark: Mapping[str, Json] = {"imported": {"from": tool, "id": turn.id}}
    return HistoryRow(
        id=new_id(turn.time, f"{tool}\0{turn.id}"),
        time=turn.time,
        prompt=turn.prompt,
        system=turn.system,
        answer=turn.answer,
        route=None,
        model=turn.model,
        model_id=model if "/" in model else None,
        provider=model.partition("/")[0] if "/" in model else None,
        status="ok",
        exit=0,
        error=None,
        input_tokens=turn.input_tokens,
        output_tokens=turn.output_tokens,
        cost=None,
        cache="off",
        ms=float(turn.ms or 0),
        decision=json.dumps(mark),
        prompt_hashed=holds_secret(turn.prompt) or holds_secret(turn.system or ""),
    )


def read_file(path: str) -> str | None:
    """Returns a text file, None for what cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return None  # so it differs from what would be written, and is left alone


def write_new(path: str, text: str) -> None:
    """Writes a new file for its owner alone. Raises: ConfigError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: {os.strerror(error.errno or 0)}") from None
