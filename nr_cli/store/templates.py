"""Keeps templates as files of the configuration directory."""

from __future__ import annotations

import os

from nr_cli.errors import ConfigError, UsageError

FOLDER = "templates"
ENDING = ".yaml"
LONGEST_NAME = 64


class Templates:
    """The files NAME.yaml in one directory."""

    def __init__(self, config_dir: str | None) -> None:
        """Takes the configuration directory, None where there is none."""
        self._folder = config_dir and os.path.join(config_dir, FOLDER)

    def names(self) -> tuple[str, ...]:
        """Returns the names of all templates, sorted."""
        if self._folder is None or not os.path.isdir(self._folder):
            return ()
        files = [name for name in os.listdir(self._folder) if name.endswith(ENDING)]
        names = (name.removesuffix(ENDING) for name in files)
        return tuple(sorted(name for name in names if is_name(name)))

    def path(self, name: str) -> str:
        """Returns where the template of this name lies, or would.

        Raises: UsageError for a name that cannot be one, ConfigError without a directory.
        """
        if not is_name(name):
            raise UsageError(
                f"template {name[:LONGEST_NAME]!a}: not a name",
                "use letters, digits, dots, dashes, underscores",
            )
        if self._folder is None:
            raise ConfigError("there is no directory for templates", "set HOME or NR_CONFIG_DIR")
        return os.path.join(self._folder, name + ENDING)

    def read(self, name: str) -> bytes | None:
        """Returns a template's bytes, None when there is none. Raises: UsageError, ConfigError."""
        from nr_cli.policy.include import read_regular

        path = self.path(name)
        if not os.path.lexists(path):
            return None
        try:
            return read_regular(path)
        except ValueError as error:
            raise ConfigError(str(error), "check the file") from None

    def create(self, name: str, text: str) -> str:
        """Returns the path of a new template with this text, readable for its owner alone.

        Raises: UsageError when there is one of this name, ConfigError when it cannot be written.
        """
        path = self.path(name)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            hint = f"nr template edit {name} changes it, or remove {path}"
            raise UsageError(f"template {name}: there is one already", hint) from None
        except OSError as error:
            raise ConfigError(f"{path}: {os.strerror(error.errno or 0)}") from None
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            os.unlink(path)
            raise ConfigError(f"{path}: {os.strerror(error.errno or 0)}") from None
        return path


def is_name(name: str) -> bool:
    """Tells whether a text can name a template: no part of a path, nothing hidden."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return plain.isalnum() and name[0] not in ".-" and len(name) <= LONGEST_NAME
