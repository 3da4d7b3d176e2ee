"""Loads a policy file together with what it includes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from posixpath import normpath
from typing import TypeAlias

from nr_cli.errors import ConfigError
from nr_cli.policy.document import Document, is_list, merge, refuse
from nr_cli.policy.suggest import quote
from nr_cli.policy.variables import has_variables
from nr_cli.types.json import Json
from nr_cli.types.policy import Finding, Path

DEEPEST_INCLUDE = 8
MOST_INCLUDED = 100

ReadInclude: TypeAlias = Callable[[str, str], Sequence[tuple[str, bytes]]]
Parse: TypeAlias = Callable[[bytes, str], Document]


def load(
    text: bytes,
    file: str,
    read_include: ReadInclude | None = None,
    parse: Parse | None = None,
    faults: list[Finding] | None = None,
) -> Document:
    """Returns the document of a file with its includes merged in, this file first.

    `read_include(pattern, from_file)` returns (file, content) pairs in the order they merge, each
    file once; it raises ValueError, whose text is shown, for a pattern that may not be read.
    `parse` stands in for the strict YAML parser, so that a caller can keep parsed files by content.
    With `faults` what is wrong with includes is gathered there, the document is of all that could
    be read. Raises ConfigError: with every finding without `faults`, and always where the file
    itself cannot be read.
    """
    parse_one = parse or _parse_strictly
    document = parse_one(text, file)
    if "include" not in document.tree:
        return document
    inclusion = _Inclusion(read_include, parse_one)
    document = inclusion.follow(document, (normpath(file),))
    if inclusion.faults and faults is None:
        raise refuse(inclusion.faults)
    if faults is not None:
        faults += inclusion.faults
    return document


def _parse_strictly(content: bytes, file: str) -> Document:
    # Imported here, so that a run whose files are all kept parsed never loads YAML's reader.
    from nr_cli.policy.parse import parse

    return parse(content, file)


class _Inclusion:
    """Follows the includes of one policy; knows the files it has, the way down to each."""

    def __init__(self, read_include: ReadInclude | None, parse: Parse) -> None:
        self._read = read_include
        self._parse = parse
        self._files: set[str] = set()
        self.faults: list[Finding] = []

    def follow(self, document: Document, chain: tuple[str, ...]) -> Document:
        """Returns the document with everything it includes; `chain` leads from the root to it."""
        merged = document._replace(
            tree={key: value for key, value in document.tree.items() if key != "include"}
        )
        patterns = document.tree.get("include")
        if isinstance(patterns, str):
            patterns = [patterns]
        if not is_list(patterns):
            self._report(document, None, "NR111", "include must be a list of file patterns")
            return merged
        for index, pattern in enumerate(patterns):
            for file, content in self._find(document, index, pattern):
                # A wildcard means the others; a name means what it says, so that is a cycle.
                passed_by = _is_wild(pattern) if file in chain else file in self._files
                if not passed_by:
                    merged = self._add(merged, document, index, file, content, chain)
        return merged

    def _find(self, document: Document, index: int, pattern: Json) -> Sequence[tuple[str, bytes]]:
        if not isinstance(pattern, str):
            self._report(document, index, "NR111", "a file pattern must be text")
        elif has_variables(pattern):
            message = "a file pattern takes no variables (write the file's name)"
            self._report(document, index, "NR126", message)
        elif self._read is None:
            self._report(document, index, "NR126", "nothing can be included here")
        else:
            try:
                return self._read(pattern, document.file)
            except ValueError as error:
                self._report(document, index, "NR126", str(error))
        return ()

    def _add(
        self,
        merged: Document,
        document: Document,
        index: int,
        file: str,
        content: bytes,
        chain: tuple[str, ...],
    ) -> Document:
        """Returns `merged` with a file that `document` includes; reports what forbids it."""
        wrong = self._limit(file, chain)
        if wrong is not None:
            self._report(document, index, "NR127", wrong)
            return merged
        self._files.add(file)
        try:
            included = self._parse(content, file)
        except ConfigError as error:
            self.faults += error.findings
            return merged
        if "include" in included.tree:
            included = self.follow(included, (*chain, file))
        version = included.tree.get("version", 1)
        if version != 1 or isinstance(version, bool):
            message = "an included file must be of version 1 (or name none)"
            self.faults.append(included.finding(("version",), "NR116", message))
        tree = {key: value for key, value in included.tree.items() if key != "version"}
        merged = merge(merged, included._replace(tree=tree))
        return merged._replace(includes=(*merged.includes, file))

    def _limit(self, file: str, chain: tuple[str, ...]) -> str | None:
        if file in chain:
            return f"include cycle: {quote(file)} again"
        if len(chain) > DEEPEST_INCLUDE:
            return f"includes nest deeper than {DEEPEST_INCLUDE} files"
        if len(self._files) >= MOST_INCLUDED:
            return f"more than {MOST_INCLUDED} files are included"
        return None

    def _report(self, document: Document, index: int | None, code: str, message: str) -> None:
        path: Path = ("include",) if index is None else ("include", index)
        self.faults.append(document.finding(path, code, message))


def _is_wild(pattern: Json) -> bool:
    return not set("*?[").isdisjoint(str(pattern))
