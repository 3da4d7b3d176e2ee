"""Turns the bytes of one policy file into a Document, or refuses them by count.

What makes YAML dangerous is what it builds, so nothing is built before it is counted: bytes first,
then nesting in the scanner, then events, then the nodes that aliases would expand to. Only the
pure-Python reader is used; the C one crashes on deep nesting (seen with PyYAML 6.0.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from nr_cli.errors import ConfigError
from nr_cli.policy.document import Document, Place, Places, refuse
from nr_cli.policy.include import MOST_BYTES
from nr_cli.policy.scalars import OutOfRange, as_written, resolve
from nr_cli.policy.suggest import quote
from nr_cli.types.json import Json
from nr_cli.types.policy import Finding, Path

if TYPE_CHECKING:
    from yaml import Event, YAMLError
    from yaml.reader import Reader

DEEPEST = 32
MOST_EVENTS = 20_000
MOST_ALIASES = 50
MOST_NODES = 20_000


class _Node(NamedTuple):
    """One value with its place; `size` counts the nodes it stands for, aliases expanded."""

    line: int
    column: int
    size: int
    scalar: Json = None
    written: str | None = None
    items: list[_Node] | None = None
    entries: dict[str, tuple[_Node, _Node]] | None = None


def parse(content: bytes, file: str, must: str = "a policy is a map of sections") -> Document:
    """Returns one file's document; an empty file is an empty map. `must` says what a root is.

    Raises ConfigError: NR101 not YAML, NR102 duplicate key, NR103 too large or too deep, NR104 a
    number out of range, NR105 a feature of YAML that policies do without, NR106 not a map.
    """
    from hashlib import sha256

    text = _decode(content, file)
    composer = _Composer(file)
    root = composer.compose(text)
    if root is not None and root.entries is None and root.scalar is not None:
        composer.report(root.line, root.column, "NR106", f"{must}, not text")
    if root is not None and root.items is not None:
        composer.report(root.line, root.column, "NR106", f"{must}, not a list")
    if composer.findings:
        raise refuse(composer.findings)
    tree: dict[str, Json] = {}
    places: dict[Path, Place] = {}
    written: dict[Path, str] = {}
    if root is not None and root.entries is not None:
        built = _build(root, (), file, places, written)
        tree = dict(built) if isinstance(built, Mapping) else {}
    return Document(file, tree, Places(places), sha256(content).hexdigest(), written)


def _decode(content: bytes, file: str) -> str:
    if len(content) > MOST_BYTES:
        raise _stop(file, 1, 1, "NR103", f"the file has more than {MOST_BYTES // 1024} KiB")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _stop(file, 1, 1, "NR101", "the file is UTF-16 (save it as UTF-8)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        byte = content[error.start]
        message = f"byte 0x{byte:02x} is not UTF-8 (save the file as UTF-8)"
        raise _stop(file, line, column, "NR101", message) from None
    return text


def _stop(file: str, line: int, column: int, code: str, message: str) -> ConfigError:
    return refuse([Finding(file, line, column, code, "error", message)])


class _Composer:
    """Builds nodes from YAML events; faults that leave the rest readable are gathered."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._anchors: dict[str, _Node | None] = {}
        self._aliases = 0
        self._events: Iterator[Event] = iter(())
        self._documents = 0

    def compose(self, text: str) -> _Node | None:
        """Returns the root node, None for a file without one."""
        from yaml import YAMLError

        try:
            self._events = self._read_events(text)
            root: _Node | None = None
            for event in self._events:
                root = self._compose_node(event)
        except YAMLError as error:
            raise self._translate(error, text) from None
        return root

    def report(self, line: int, column: int, code: str, message: str) -> None:
        """Keeps a finding, so that one run shows every fault."""
        self.findings.append(Finding(self.file, line, column, code, "error", message))

    def _stop_at(self, event: Event, code: str, message: str) -> ConfigError:
        self.report(*_place(event), code, message)
        return refuse(self.findings)

    def _read_events(self, text: str) -> Iterator[Event]:
        """Yields the events of one document's nodes, counted."""
        from yaml import DocumentStartEvent, NodeEvent, parse
        from yaml.events import CollectionEndEvent

        for count, event in enumerate(parse(text, Loader=_loader())):  # type: ignore[arg-type]  # the stubs ask for a loader that also constructs
            if count > MOST_EVENTS:
                raise self._stop_at(event, "NR103", f"the file has more than {MOST_EVENTS} parts")
            if isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._stop_at(event, "NR105", "a second document starts here")
                if event.tags or event.version:
                    raise self._stop_at(event, "NR105", "YAML directives are not used here")
            if isinstance(event, NodeEvent | CollectionEndEvent):
                yield event

    def _compose_node(self, event: Event) -> _Node:
        from yaml import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

        if isinstance(event, AliasEvent):
            return self._follow(event)
        anchor: str | None = getattr(event, "anchor", None)
        if getattr(event, "tag", None) is not None:
            raise self._stop_at(
                event, "NR105", "YAML tags are not used here (write the plain value)"
            )
        if anchor is not None:
            self._anchors[anchor] = None
        line, column = _place(event)
        if isinstance(event, ScalarEvent):
            node = self._compose_scalar(event, line, column)
        elif isinstance(event, SequenceStartEvent):
            items = list(self._compose_items())
            node = _Node(line, column, self._count(event, items), items=items)
        elif isinstance(event, MappingStartEvent):
            entries = self._compose_entries()
            values = [value for _, value in entries.values()]
            node = _Node(line, column, self._count(event, values), entries=entries)
        else:
            raise self._stop_at(event, "NR101", "this is not YAML that nr can read")
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _compose_scalar(self, event: Event, line: int, column: int) -> _Node:
        source: str = getattr(event, "value", "")
        if getattr(event, "style", None) is not None:
            return _Node(line, column, 1, source)
        try:
            value = resolve(source)
        except OutOfRange as error:
            self.report(line, column, "NR104", str(error))
            return _Node(line, column, 1, source)
        reads_otherwise = value is not None and as_written(value) != source
        return _Node(line, column, 1, value, source if reads_otherwise else None)

    def _compose_items(self) -> Iterator[_Node]:
        from yaml import SequenceEndEvent

        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._compose_node(event)

    def _compose_entries(self) -> dict[str, tuple[_Node, _Node]]:
        from yaml import MappingEndEvent, ScalarEvent

        entries: dict[str, tuple[_Node, _Node]] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self._stop_at(event, "NR105", "a key must be a word")
            key = self._compose_node(event)
            name: str = event.value
            if name == "<<" and event.style is None:
                raise self._stop_at(event, "NR105", "merge keys (<<) are not used here")
            value = self._compose_node(next(self._events))
            if name in entries:
                first = entries[name][0]
                message = f"duplicate key {quote(name)} (first in line {first.line})"
                self.report(key.line, key.column, "NR102", message)
            else:
                entries[name] = (key, value)
        return entries

    def _follow(self, event: Event) -> _Node:
        anchor: str = getattr(event, "anchor", "")
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            raise self._stop_at(event, "NR103", f"the file has more than {MOST_ALIASES} aliases")
        if anchor not in self._anchors:
            raise self._stop_at(event, "NR101", f"no anchor is named {quote(anchor)}")
        node = self._anchors[anchor]
        if node is None:
            raise self._stop_at(event, "NR105", "an alias stands inside the value it names")
        return node

    def _count(self, event: Event, nodes: list[_Node]) -> int:
        size = 1 + sum(node.size for node in nodes)
        if size > MOST_NODES:
            raise self._stop_at(event, "NR103", f"aliases expand to more than {MOST_NODES} values")
        return size

    def _translate(self, error: YAMLError, text: str) -> ConfigError:
        """Words the reader's own error; where it quotes the file, only a character is quoted."""
        from yaml import MarkedYAMLError
        from yaml.reader import ReaderError

        if isinstance(error, ReaderError):
            before = text[: error.position]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            character = f"U+{ord(text[error.position]):04X}"
            self.report(line, column, "NR101", f"the character {character} is not allowed in YAML")
        elif isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
            mark = error.problem_mark
            code, problem = _read_problem(error.problem or "", text, mark.index)
            self.report(mark.line + 1, mark.column + 1, code, problem)
        else:
            self.report(1, 1, "NR101", "this is not YAML that nr can read")
        return refuse(self.findings)


def _place(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _read_problem(problem: str, text: str, index: int) -> tuple[str, str]:
    if problem == _TOO_DEEP:
        return "NR103", f"the file nests deeper than {DEEPEST} levels"
    if text[index : index + 1] == "\t":
        return "NR101", "a tab stands here (indent with spaces)"
    if "tag" in problem:
        return "NR105", "YAML tags are not used here (write the plain value)"
    shown = "".join(c for c in problem[:100] if c.isprintable())
    return "NR101", f"this is not YAML: {shown}"


def _build(
    node: _Node, path: Path, file: str, places: dict[Path, Place], written: dict[Path, str]
) -> Json:
    """Returns the plain value of a node, filling in places with source texts on the way."""
    places.setdefault(path, Place(file, node.line, node.column))
    if node.entries is not None:
        built: dict[str, Json] = {}
        for name, (key, value) in node.entries.items():
            places[*path, name] = Place(file, key.line, key.column)
            built[name] = _build(value, (*path, name), file, places, written)
        return built
    if node.items is not None:
        return [
            _build(item, (*path, index), file, places, written)
            for index, item in enumerate(node.items)
        ]
    if node.written is not None:
        written[path] = node.written
    return node.scalar


_TOO_DEEP = "too deep"


@cache
def _loader() -> type[Reader]:
    """Makes the loader class: PyYAML's scanner with its parser, stopped at the depth limit.

    The limit sits in the scanner, because looking for the end of a possible key makes it read
    thousands of brackets ahead before the first event comes out.
    """
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner, ScannerError

    class StrictLoader(Reader, Scanner, Parser):
        """Reads events only; it can construct nothing."""

        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

        def fetch_flow_collection_start(self, token_class: type) -> None:
            self._refuse_depth()
            super().fetch_flow_collection_start(token_class)

        def add_indent(self, column: int) -> bool:
            self._refuse_depth()
            return bool(super().add_indent(column))

        def _refuse_depth(self) -> None:
            if self.flow_level + len(self.indents) >= DEEPEST:
                raise ScannerError(None, None, _TOO_DEEP, self.get_mark())

        def dispose(self) -> None:
            """Frees the parser's states, as `yaml.parse` asks of a loader."""
            Parser.dispose(self)

    return StrictLoader
