"""Loads a policy file together with what it includes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from nr_cli.policy.document import Document, is_list, merge, refuse
from nr_cli.policy.suggest import quote
from nr_cli.types.policy import Finding

DEEPEST_INCLUDE = 8
MOST_INCLUDED = 100

ReadInclude: TypeAlias = Callable[[str, str], Sequence[tuple[str, bytes]]]
Parse: TypeAlias = Callable[[bytes, str], Document]


def load(
    text: bytes, file: str, read_include: ReadInclude | None = None, parse: Parse | None = None
) -> Document:
    """Returns the document of a file with its includes merged in, this file first.

    `read_include(pattern, from_file)` returns (file, content) pairs in the order they merge; it
    raises ValueError, whose text is shown, for a pattern that may not be read. `parse` stands in
    for the strict YAML parser, so that a caller can keep parsed files by content. Raises
    ConfigError with every finding of the first unreadable file.
    """
    parse_one = parse or _parse_strictly
    document = parse_one(text, file)
    if "include" not in document.tree:
        return document
    return _Inclusion(read_include, parse_one).follow(document, (file,))


def _parse_strictly(content: bytes, file: str) -> Document:
    # Imported here, so that a run whose files are all kept parsed never loads YAML's reader.
    from nr_cli.policy.parse import parse

    return parse(content, file)


class _Inclusion:
    """Follows the includes of one policy; counts the files, knows the way down to each."""

    def __init__(self, read_include: ReadInclude | None, parse: Parse) -> None:
        self._read = read_include
        self._parse = parse
        self._count = 0

    def follow(self, document: Document, chain: tuple[str, ...]) -> Document:
        """Returns the document with everything it includes; `chain` leads from the root to it."""
        merged = document._replace(
            tree={key: value for key, value in document.tree.items() if key != "include"}
        )
        patterns = document.tree.get("include")
        if isinstance(patterns, str):
            patterns = [patterns]
        if not is_list(patterns):
            raise self._refuse(document, None, "NR111", "include must be a list of file patterns")
        for index, pattern in enumerate(patterns):
            if not isinstance(pattern, str):
                raise self._refuse(document, index, "NR111", "a file pattern must be text")
            for file, content in self._find(document, index, pattern):
                included = self._include(document, index, file, content, chain)
                merged = merge(merged, included)
                merged = merged._replace(includes=(*merged.includes, file))
        return merged

    def _find(self, document: Document, index: int, pattern: str) -> Sequence[tuple[str, bytes]]:
        if self._read is None:
            raise self._refuse(document, index, "NR126", "nothing can be included here")
        try:
            return self._read(pattern, document.file)
        except ValueError as error:
            raise self._refuse(document, index, "NR126", str(error)) from None

    def _include(
        self, document: Document, index: int, file: str, content: bytes, chain: tuple[str, ...]
    ) -> Document:
        self._count += 1
        if file in chain:
            raise self._refuse(document, index, "NR127", f"include cycle: {quote(file)} again")
        if len(chain) > DEEPEST_INCLUDE:
            message = f"includes nest deeper than {DEEPEST_INCLUDE} files"
            raise self._refuse(document, index, "NR127", message)
        if self._count > MOST_INCLUDED:
            message = f"more than {MOST_INCLUDED} files are included"
            raise self._refuse(document, index, "NR127", message)
        included = self._parse(content, file)
        if "include" in included.tree:
            included = self.follow(included, (*chain, file))
        version = included.tree.get("version", 1)
        if version != 1 or isinstance(version, bool):
            place = included.place(("version",))
            message = "an included file must be of version 1 (or name none)"
            raise refuse([Finding(*place, "NR116", "error", message)])
        tree = {key: value for key, value in included.tree.items() if key != "version"}
        return included._replace(tree=tree)

    def _refuse(self, document: Document, index: int | None, code: str, message: str) -> Exception:
        path = ("include",) if index is None else ("include", index)
        place = document.place(path)
        return refuse([Finding(*place, code, "error", message)])
