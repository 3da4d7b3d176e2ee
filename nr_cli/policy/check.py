"""Checks a policy against its tables, finding every fault in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nr_cli.policy.bounds import EXPECTED, find_flaw, named
from nr_cli.policy.document import Document, as_texts, is_list
from nr_cli.policy.policy import Catalog
from nr_cli.policy.schema import (
    ACTIONS,
    LATER,
    OPEN_SECTIONS,
    Field,
    fields_of,
)
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.policy.values import is_endless
from nr_cli.policy.variables import flaw, has_variables
from nr_cli.types.json import Json
from nr_cli.types.policy import Finding, Path, Severity

VERSION = 1
SECRET_KEYS = frozenset(
    ("api_key", "apikey", "key", "token", "api_token", "access_token", "secret", "password")
)
SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
)


def check(document: Document, catalog: Catalog | None = None, whole: bool = True) -> list[Finding]:
    """Returns all errors with the warnings of a document, sorted by place.

    Without a catalog only the vendors that nr knows by itself count as known. Of a document that
    is not `whole` no names are looked up, since what bears them may be in the missing part. An
    empty document is right: it leaves everything to the built-in policy.
    """
    if not document.tree:
        return []
    checking = Checking(document, catalog)
    if checking.check_version():
        checking.check_section("policy", (), "the policy")
        if whole:
            _check_more(checking)
    return sorted(set(checking.findings), key=by_place)


def _check_more(checking: Checking) -> None:
    from nr_cli.policy.labels import check_labels
    from nr_cli.policy.lint import lint
    from nr_cli.policy.references import check_references

    check_references(checking)
    check_labels(checking)
    if not any(finding.severity == "error" for finding in checking.findings):
        lint(checking)


def by_place(finding: Finding) -> tuple[str, int, int, str]:
    """Returns what findings are sorted by."""
    return (finding.file, finding.line, finding.column, finding.code)


class Checking:
    """One run over a document, gathering findings."""

    def __init__(self, document: Document, catalog: Catalog | None) -> None:
        self.document = document
        self.catalog = catalog
        self.findings: list[Finding] = []

    def report(self, path: Path, code: str, message: str, severity: Severity = "error") -> None:
        """Keeps a finding on the value at this path."""
        self.findings.append(self.document.finding(path, code, message, severity))

    def entries(self, section: str) -> Mapping[str, Json]:
        """Returns a top-level map, empty when it is missing or misshapen."""
        node = self.document.tree.get(section)
        return node if isinstance(node, Mapping) else {}

    def check_version(self) -> bool:
        """Says whether the file is written in the language this nr reads."""
        from nr_cli import __version__

        version = self.document.tree.get("version")
        if version == VERSION and not isinstance(version, bool):
            return self._check_requires(__version__)
        if version is None:
            self.report((), "NR115", "version is missing (write: version: 1)")
            return True
        newer = isinstance(version, int) and version > VERSION
        advice = "update nr" if newer else "write: version: 1"
        shown = quote(self.document.text(("version",)) or "?")
        message = f"version {shown}: nr {__version__} reads version {VERSION} ({advice})"
        self.report(("version",), "NR116", message)
        return False

    def _check_requires(self, running: str) -> bool:
        wanted = self.document.text(("requires",))
        if wanted is None:
            return True
        least = _read_version(wanted.removeprefix(">=").strip())
        if least is None or not wanted.startswith(">="):
            self.report(("requires",), "NR111", 'requires must read like ">=0.1"')
            return True
        if least > (_read_version(running) or ()):
            message = f"this policy needs nr {quote(wanted)}, this is nr {running} (update nr)"
            self.report(("requires",), "NR116", message)
            return False
        return True

    def check_section(self, name: str, path: Path, label: str) -> None:
        """Checks a map against the table of its section."""
        node = self.document.get(path)
        if not isinstance(node, Mapping):
            self.report(path, "NR111", f"{label} must be a map{_empty(node)}")
            return
        fields = fields_of(name)
        for key, value in node.items():
            at: Path = (*path, key)
            if key in fields:
                self._check_value(fields[key], at, value, label)
            else:
                self._check_other_key(name, at, value, label)
        for key, field in fields.items():
            if field.required and key not in node:
                self.report(path, "NR115", f"{label} needs {quote(key)}: {field.about}")

    def _check_other_key(self, name: str, path: Path, value: Json, label: str) -> None:
        key = str(path[-1])
        if key in LATER.get("route" if name == "default" else name, ()):
            from nr_cli import __version__

            message = f"{quote(key)} in {label} is not carried out by nr {__version__} yet"
            self.report(path, "NR113", f"{message} (remove it)")
        elif name == "provider" and key.lower().replace("-", "_") in SECRET_KEYS:
            message = "a key must not stand in the file (name its variable with api_key_env)"
            self.report(path, "NR141", message)
        elif name in OPEN_SECTIONS:
            self._check_open_key(name, path, value)
        else:
            known = fields_of(name)
            later = LATER.get(name, ())
            hint = did_you_mean(key, (*known, *later)) or f" (known: {', '.join(known)})"
            self.report(path, "NR112", f"unknown key {quote(key)} in {label}{hint}")

    def _check_open_key(self, name: str, path: Path, value: Json) -> None:
        section = OPEN_SECTIONS[name]
        if section:
            self.check_section(section, path, f"classifier {quote(str(path[-1]))}")
            return
        key = str(path[-1])
        # Vendors have parameters of their own (top_k beside top_p): only a near miss is a typo.
        meant = did_you_mean(key, fields_of(name), alike=0.85)
        if meant:
            self.report(path, "NR112", f"unknown parameter {quote(key)}{meant}")
        if value is None:
            self.report(path, "NR111", f"{quote(key)} is empty (write a value or remove it)")
        self._check_free(path, value)

    def _check_free(self, path: Path, value: Json) -> None:
        """Checks a value of any shape: its variables, with the numbers that JSON lacks."""
        if isinstance(value, Mapping):
            for key, inner in value.items():
                self._check_free((*path, key), inner)
        elif is_list(value):
            for index, inner in enumerate(value):
                self._check_free((*path, index), inner)
        elif isinstance(value, str):
            if is_endless(value):
                self.report(path, "NR104", f"{path[-1]} must be a finite number")
            self._check_variables(path, value)

    def _check_variables(self, path: Path, text: str) -> bool:
        """Says whether a text depends on the environment; reports references that are wrong."""
        wrong = flaw(text)
        if wrong is not None:
            self.report(path, "NR119", wrong)
        return wrong is not None or has_variables(text)

    def _check_value(self, field: Field, path: Path, value: Json, label: str) -> None:
        key = str(path[-1])
        if value is None:
            self.report(path, "NR111", f"{quote(key)} is empty (write a value or remove it)")
            return
        match field.shape:
            case "section":
                self.check_section(field.section, path, f"{key} in {label}" if label else key)
            case "named":
                self._check_named(field, path, value)
            case "listed":
                self._check_listed(field, path, value)
            case "default":
                self._check_default(path, value)
            case "use":
                self._check_use(path, value)
            case "when":
                self._check_when(path, value)
            case "shares":
                self._check_shares(path, value)
            case "follow" if field.section and isinstance(value, Mapping):
                self.check_section(field.section, path, key)
            case "follow":
                self._check_texts(field, path, value)
            case "texts" | "argv":
                self._check_texts(field, path, value)
            case "labels" if is_list(value) and path[1] != "intent":
                self._check_texts(field, path, value)
            case "labels":
                self._check_labels(field, path, value)
            case "text_map" | "headers":
                self._check_text_map(field, path, value)
            case _:
                self._check_scalar(field, path, value)

    def _check_named(self, field: Field, path: Path, value: Json) -> None:
        if not isinstance(value, Mapping):
            self.report(path, "NR111", f"{path[-1]} must be a map of names")
            return
        for name in value:
            if "/" in name or not name.strip():
                message = f"the {field.section} name {quote(name)} must not be empty or hold a /"
                self.report((*path, name), "NR117", message)
            self.check_section(field.section, (*path, name), f"{field.section} {quote(name)}")

    def _check_listed(self, field: Field, path: Path, value: Json) -> None:
        if not is_list(value):
            self.report(path, "NR111", f"{path[-1]} must be a list (each entry starts with -)")
            return
        for index in range(len(value)):
            name = self.document.text((*path, index, "name"))
            shown = quote(name) if name else f"{index + 1}"
            self.check_section(field.section, (*path, index), f"{field.section} {shown}")

    def _check_default(self, path: Path, value: Json) -> None:
        if value == "fail":
            return
        if isinstance(value, Mapping):
            self.check_section("default", path, "default")
        else:
            self.report(path, "NR111", "default must be a map such as {use: NAME}, or fail")

    def _check_use(self, path: Path, value: Json) -> None:
        if isinstance(value, Mapping):
            self.check_section("use", path, "use")
        else:
            self._check_texts(Field("texts", ""), path, value)

    def _check_when(self, path: Path, value: Json) -> None:
        if not isinstance(value, Mapping):
            self.report(path, "NR111", f"when must be a map of conditions{_empty(value)}")
            return
        if self._depends_on_environment(path, value):
            return  # Compiled when a decision reads it: only then are its variables known.
        from nr_cli.policy.conditions import compile_when

        compile_when(as_texts(self.document, path), path, self._report_condition)

    def _report_condition(self, path: Path, code: str, message: str) -> None:
        self.report(path, code, message)

    def _depends_on_environment(self, path: Path, value: Json) -> bool:
        if isinstance(value, str):
            return self._check_variables(path, value)
        if isinstance(value, Mapping):
            inside = [self._depends_on_environment((*path, key), at) for key, at in value.items()]
            return any(inside)
        if is_list(value):
            inside = [self._depends_on_environment((*path, i), at) for i, at in enumerate(value)]
            return any(inside)
        return False

    def _check_shares(self, path: Path, value: Json) -> None:
        """Checks what a budget does at which share of its limit."""
        if not isinstance(value, Mapping) or not value:
            self.report(
                path, "NR111", f"{path[-1]} must be a map such as {{80%: warn, 100%: block}}"
            )
            return
        for share, action in value.items():
            if not is_share(share):
                message = f"{quote(share)} must be a share such as 80% (of 1% to 999%)"
                self.report((*path, share), "NR111", message)
            if action not in ACTIONS:
                hint = did_you_mean(str(action), ACTIONS) or f" (known: {', '.join(ACTIONS)})"
                self.report(
                    (*path, share), "NR133", f"{share} cannot be {quote(str(action))}{hint}"
                )

    def _check_texts(self, field: Field, path: Path, value: Json) -> None:
        if isinstance(value, Mapping):
            if path[-1] == "models":
                self.report(path, "NR113", "weights are not carried out yet (write a list)")
            else:
                self.report(path, "NR111", f"{path[-1]} must be text or a list of texts")
            return
        if not is_list(value):
            self._check_scalar(field._replace(shape="text"), path, value)
            return
        if not value:
            self.report(path, "NR111", f"{path[-1]} is an empty list (name at least one)")
        for index, item in enumerate(value):
            self._check_scalar(field._replace(shape="text"), (*path, index), item)

    def _check_text_map(self, field: Field, path: Path, value: Json) -> None:
        if not isinstance(value, Mapping):
            self.report(path, "NR111", f"{path[-1]} must be a map{_empty(value)}")
            return
        for key, inner in value.items():
            at = (*path, key)
            if field.shape == "headers":
                self._check_header(at, inner)
            else:
                self._check_texts(Field("texts", ""), at, inner)

    def _check_labels(self, field: Field, path: Path, value: Json) -> None:
        """Checks the labels of a classifier: lists of texts, or maps of examples with `not`."""
        if not isinstance(value, Mapping):
            self.report(path, "NR111", f"labels must be a map{_empty(value)}")
            return
        by_example = path[1] == "intent" or self.document.text((*path[:2], "use")) == "examples"
        for label, form in value.items():
            at = (*path, label)
            if not isinstance(form, Mapping):
                self._check_texts(Field("texts", ""), at, form)
            elif by_example:
                self.check_section(field.section, at, f"label {quote(label)}")
            else:
                message = f"label {quote(label)} must be a list of texts (use: examples has more)"
                self.report(at, "NR111", message)

    def _check_header(self, path: Path, value: Json) -> None:
        name, text = str(path[-1]), self.document.text(path)
        if text is None:
            self.report(path, "NR111", f"header {quote(name)} must be text")
            return
        if name.lower() in SECRET_HEADERS and not self._check_variables(path, text):
            message = f"header {quote(name)} holds a key (name its variable with api_key_env)"
            self.report(path, "NR141", message)
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            self.report(path, "NR117", f"{quote(name)} cannot be the name of a header")
        if not text.isprintable():
            self.report(path, "NR111", f"header {quote(name)} must be one line of plain text")

    def _check_scalar(self, field: Field, path: Path, value: Json) -> None:
        if value is None or isinstance(value, Mapping) or is_list(value):
            expected = EXPECTED.get(field.shape, "text")
            self.report(path, "NR111", f"{named(path)} must be {expected}")
            return
        if (
            field.shape == "variable"
        ):  # a variable's name from a variable would hide where the key is
            self._check_variable_name(path)
            return
        if isinstance(value, str) and self._check_variables(path, value):
            if field.fixed:
                self.report(path, "NR119", f"{named(path)} takes no variables (write it out)")
            return
        found = find_flaw(field, path, value, self.document.text(path) or "")
        if found is not None:
            self.report(path, *found)

    def _check_variable_name(self, path: Path) -> None:
        name = self.document.text(path) or ""
        if not (name.isascii() and name.isidentifier()):
            # What stands here may be the key itself: never show it.
            message = f"{path[-1]} must be the name of a variable, such as OPENAI_API_KEY"
            self.report(path, "NR141", message)


def is_share(text: str) -> bool:
    """Tells whether a key is a percentage that a budget may name."""
    number = text.removesuffix("%")
    whole, _, part = number.partition(".")
    digits = whole.isascii() and whole.isdigit() and (not part or part.isdigit())
    return text.endswith("%") and digits and 0 < float(number) < 1000


def _empty(node: Json) -> str:
    return " (it is empty)" if node is None else ""


def _read_version(text: str) -> tuple[int, ...] | None:
    parts: Sequence[str] = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        return None
    return tuple(int(part) for part in parts)
