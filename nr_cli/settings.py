"""The user's settings: which policy files count, what the NR_* variables say."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nr_cli.errors import ConfigError

NAME = "routes.yaml"


class Files(NamedTuple):
    """The policy files that count, the one with the last word first.

    `project` is the one among them that came with a project rather than from the user.
    """

    paths: tuple[str, ...]
    project: str | None = None


def policy_files(
    environ: Mapping[str, str],
    config_dir: str | None,
    explicit: str | None = None,
    no_project: bool = False,
) -> Files:
    """Returns the policy files that count; an explicit one stands in the project file's place.

    Whether somebody has vouched for the project's is for the caller to see.
    """
    files, brought = [], None
    user = config_dir and os.path.join(config_dir, NAME)
    explicit = explicit or environ.get("NR_POLICY")
    if explicit:
        files.append(explicit)
    elif not no_project:
        project = project_file(environ)
        if project is not None and not (user and same_file(project, [user])):
            files.append(project)
            brought = project
    if user and os.path.exists(user) and not same_file(user, files):
        files.append(user)
    return Files(tuple(files), brought)


def same_file(path: str, files: Sequence[str]) -> bool:
    """Tells whether a path is already among the files."""
    return any(os.path.realpath(path) == os.path.realpath(file) for file in files)


def project_file(environ: Mapping[str, str]) -> str | None:
    """Returns the nearest routes.yaml from here up to the repository's root.

    Outside a repository only the current directory counts. The search never passes HOME.
    """
    try:
        here = os.getcwd()
    except OSError:
        return None
    home = environ.get("HOME", "")
    nearest, place = None, here
    while True:
        candidate = os.path.join(place, NAME)
        if nearest is None and os.path.lexists(candidate):
            nearest = candidate
        if os.path.lexists(os.path.join(place, ".git")):
            return nearest
        parent = os.path.dirname(place)
        if parent == place or place == home:
            break
        place = parent
    own = os.path.join(here, NAME)
    return own if os.path.lexists(own) else None


def untrusted(path: str, changed: bool) -> ConfigError:
    """Returns the refusal of a policy that came with a project, as nobody vouched for it."""
    why = "it has changed since it was trusted" if changed else "it could send prompts anywhere"
    return ConfigError(
        f"{path}: untrusted project config: a project's policy is not used unseen, since {why}",
        "read it, then nr trust; or --no-project passes it by, --policy FILE names another",
    )


def child_environ(environ: Mapping[str, str], secrets: frozenset[str]) -> dict[str, str]:
    """Returns the environment that programs may see: without the variables that hold keys."""
    return {
        name: value
        for name, value in environ.items()
        if name not in secrets and not name.endswith(("_API_KEY", "_API_TOKEN", "HF_TOKEN"))
    }
