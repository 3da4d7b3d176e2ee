"""Reads a template's YAML with a place for every fault, or writes one.

Variables are those of Python's `string.Template`: `$name`, `${name}`, with `$$` for a dollar sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from nr_cli.policy.compose import to_yaml
from nr_cli.policy.document import Document, is_list, refuse
from nr_cli.policy.parse import parse
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.values import is_endless
from nr_cli.types.json import Json
from nr_cli.types.policy import Finding, Path
from nr_cli.types.template import Block, Template

KEYS = Template._fields
INPUT = "input"  # the variable that stands for the prompt
EXTRACTS = ("first", "last")


def parse_template(content: bytes, file: str) -> Template:
    """Returns the template in a file's bytes.

    Raises ConfigError with every finding: NR101 to NR106 as for a policy, NR111 a value of the
    wrong type, NR112 an unknown key, NR115 nothing in it, NR117 a name that cannot be one, NR119 a
    `$` that begins no variable, NR133 a word that is not allowed.
    """
    document = parse(content, file, "a template is a map of its parts")
    reading = _Reading(document)
    template = reading.read()
    if reading.findings:
        raise refuse(sorted(reading.findings, key=lambda found: (found.line, found.column)))
    return template


def variables(text: str | None) -> tuple[str, ...]:
    """Returns the names of the variables in a text, each once, in order."""
    from string import Template as Text

    return tuple(Text(text or "").get_identifiers())


def substitute(text: str, values: Mapping[str, str]) -> str:
    """Returns the text with its variables replaced; what they hold is not read again."""
    from string import Template as Text

    return Text(text).substitute(values)


def flaw(text: str) -> str | None:
    """Returns what is wrong with the dollar signs of a text, None if nothing is."""
    from string import Template as Text

    if Text(text).is_valid():
        return None
    wrong = next(match for match in Text.pattern.finditer(text) if match["invalid"] is not None)
    near = text[wrong.start() : wrong.start() + 12].split("\n")[0]
    return f"{quote(near)} is no variable (write $name or ${{name}}; $$ is a dollar sign)"


def compose(template: Template) -> str:
    """Returns the YAML that `parse_template` reads as this template."""
    entries: dict[str, Json] = dict(zip(KEYS, template, strict=True))
    return to_yaml({key: value for key, value in entries.items() if value not in (None, {})})


class _Reading:
    """One reading of a document, gathering findings."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Finding] = []

    def read(self) -> Template:
        """Returns the template; only one without findings is to be used."""
        if not self.document.tree:
            self._report((), "NR115", f"the template is empty (it has {', '.join(KEYS)})")
        for key in self.document.tree:
            if key not in KEYS:
                hint = did_you_mean(key, KEYS) or f" (known: {', '.join(KEYS)})"
                self._report((key,), "NR112", f"unknown key {quote(key)} in a template{hint}")
        prompt, system = self._pattern("prompt"), self._pattern("system")
        return Template(
            prompt=prompt,
            system=system,
            defaults=self._defaults({*variables(prompt), *variables(system)}),
            schema=self._schema(),
            options=self._options(),
            extract=self._extract(),
            model=self._text(("model",)),
            route=self._text(("route",)),
        )

    def _report(self, path: Path, code: str, message: str) -> None:
        self.findings.append(self.document.finding(path, code, message))

    def _text(self, path: Path) -> str | None:
        """Returns a scalar as it was written; None, with a finding, for a value that is none."""
        if not self._has(path):
            return None
        text = self.document.text(path)
        if text is None or not text.strip():
            self._report(path, "NR111", f"{path[-1]} must be text")
            return None
        return text

    def _has(self, path: Path) -> bool:
        around = self.document.get(path[:-1])
        return isinstance(around, Mapping) and path[-1] in around

    def _pattern(self, key: str) -> str | None:
        """Returns a text whose variables can be replaced."""
        text = self._text((key,))
        wrong = flaw(text) if text is not None else None
        if wrong is not None:
            self._report((key,), "NR119", f"{key}: {wrong}")
            return None
        return text

    def _entries(self, key: str, read: Callable[[Path], Json]) -> dict[str, Json]:
        """Returns a map of names, each value as `read` has it."""
        if not self._has((key,)):
            return {}
        node = self.document.get((key,))
        if not isinstance(node, Mapping):
            self._report((key,), "NR111", f"{key} must be a map of names")
            return {}
        for name in node:
            if not name.isidentifier():
                self._report((key, name), "NR117", f"{quote(name)} cannot be a name in {key}")
        return {name: read((key, name)) for name in node}

    def _defaults(self, known: set[str]) -> dict[str, str]:
        defaults = self._entries("defaults", self.document.text)
        for name, value in defaults.items():
            if value is None:
                self._report(("defaults", name), "NR111", f"the default of {name} must be text")
            elif name == INPUT:
                self._report(("defaults", name), "NR117", "$input is the prompt of each ask")
            elif name not in known and not self.findings:
                hint = did_you_mean(name, known)
                message = f"no variable is called {quote(name)}{hint}"
                self._report(("defaults", name), "NR112", message)
        return {name: str(value) for name, value in defaults.items()}

    def _options(self) -> dict[str, Json]:
        options = self._entries("options", self.document.get)
        for name, value in options.items():
            if value is None:
                self._report(("options", name), "NR111", f"{name} is empty (write a value)")
            self._refuse_endless(("options", name), value)
        return options

    def _refuse_endless(self, path: Path, value: Json) -> None:
        """Reports each number that JSON lacks, however deep it stands."""
        if isinstance(value, str):
            if is_endless(value):
                self._report(path, "NR104", f"{path[-1]} must be a finite number")
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                self._refuse_endless((*path, key), inner)
        elif is_list(value):
            for index, inner in enumerate(value):
                self._refuse_endless((*path, index), inner)

    def _schema(self) -> str | None:
        node = self.document.get(("schema",))
        if isinstance(node, Mapping):
            import json

            return json.dumps(node, ensure_ascii=False)
        return self._text(("schema",))

    def _extract(self) -> Block | None:
        node = self.document.get(("extract",))
        if isinstance(node, bool) or not self._has(("extract",)):
            return "first" if node else None
        if node not in EXTRACTS:
            self._report(("extract",), "NR133", "extract must be first, last, true or false")
            return None
        return cast("Block", node)
