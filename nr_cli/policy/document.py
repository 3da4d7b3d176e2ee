"""Holds a policy file as plain values with the place of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeGuard, TypeVar

from nr_cli.errors import ConfigError
from nr_cli.policy.scalars import as_written
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.policy import Finding, Path, Severity

NAMED_SECTIONS = ("providers", "models", "pools", "classify")
# Each key of these is a word of its own.
KEYED_SECTIONS = ("cache", "limits", "retry", "breaker", "fallback")
APPENDED: tuple[Path, ...] = (("routes",), ("guards",), ("budgets",))


class Place(NamedTuple):
    """Where a value stands; line and column start at 1."""

    file: str
    line: int
    column: int


class Places(Mapping[Path, Place]):
    """Places by path, unpacked from their stored form when the first one is asked for.

    Only an error needs a place, so a run without errors never pays for unpacking thousands.
    """

    def __init__(self, entries: Mapping[Path, Place] | None = None, packed: str = "") -> None:
        self._entries = entries
        self._packed = packed

    def __getitem__(self, path: Path) -> Place:
        return self._unpacked()[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._unpacked())

    def __len__(self) -> int:
        return len(self._unpacked())

    def pack(self) -> str:
        """Returns the stored form: JSON of [path, file, line, column] for each entry."""
        import json

        return json.dumps([[list(path), *place] for path, place in self._unpacked().items()])

    def _unpacked(self) -> Mapping[Path, Place]:
        if self._entries is None:
            import json

            rows = json.loads(self._packed)
            self._entries = {tuple(row[0]): Place(row[1], row[2], row[3]) for row in rows}
        return self._entries


class Document(NamedTuple):
    """One policy: `tree` is JSON-like, `written` the source text of numbers that read otherwise.

    `digest` is the sha256 in hex over the content of every file in it, `includes` names the files
    that were included. A map entry's place is that of its key. `fallback` holds the routes with the
    default that count when `tree` defines neither.
    """

    file: str
    tree: JsonObject
    places: Mapping[Path, Place]
    digest: str
    written: Mapping[Path, str] = {}
    includes: tuple[str, ...] = ()
    fallback: Mapping[str, Json] = {}

    def complete(self) -> Document:
        """Returns the document with its fallback in place, where it defines nothing itself."""
        if not self.fallback or "routes" in self.tree or "default" in self.tree:
            return self
        return self._replace(tree={**self.tree, **self.fallback}, fallback={})

    def place(self, path: Path) -> Place:
        """Returns the place of a path, or of the nearest thing around it that has one."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place is not None:
                return place
        return Place(self.file, 1, 1)

    def get(self, path: Path) -> Json:
        """Returns the value at a path, None where there is none."""
        node: Json = self.tree
        for step in path:
            if isinstance(node, Mapping) and isinstance(step, str):
                node = node.get(step)
            elif is_list(node) and isinstance(step, int) and step < len(node):
                node = node[step]
            else:
                return None
        return node

    def text(self, path: Path) -> str | None:
        """Returns the scalar at a path as it was written (`3.10` stays so), None if it is none."""
        written = self.written.get(path)
        return written if written is not None else as_written(self.get(path))

    def finding(self, path: Path, code: str, message: str, severity: Severity = "error") -> Finding:
        """Returns a remark on the value at this path."""
        return Finding(*self.place(path), code, severity, message)

    def to_json(self) -> str:
        """Returns the document as one line of JSON that `from_json` reads back."""
        import json

        packed = self.places.pack() if isinstance(self.places, Places) else "[]"
        written = [[list(path), text] for path, text in self.written.items()]
        return json.dumps(
            {
                "file": self.file, "digest": self.digest, "tree": self.tree,
                "written": written, "places": packed, "includes": self.includes,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Document:
        """Returns what `to_json` wrote; raises ValueError, KeyError or TypeError for other text."""
        import json

        stored = json.loads(text)
        written = {tuple(path): source for path, source in stored["written"]}
        places = Places(packed=stored["places"])
        included = tuple(stored["includes"])
        return cls(stored["file"], stored["tree"], places, stored["digest"], written, included)


def merge(nearer: Document, farther: Document) -> Document:
    """Returns one document of two: the nearer one wins, its routes and guards come first.

    Sections merge by name, where an entry of the nearer file stands whole: half a provider of one
    file under half of another would be nobody's intention. `override: true` on a nearer route
    drops the farther one of its name.
    """
    if not farther.tree:
        # Nothing to merge, so the places stay packed: the usual case of one file.
        digest = _digest_of(nearer.digest, farther.digest)
        return nearer._replace(digest=digest, fallback=farther.fallback)
    tree: dict[str, Json] = dict(farther.tree)
    places = {path: at for path, at in farther.places.items() if path[:1] not in APPENDED}
    written = {path: text for path, text in farther.written.items() if path[:1] not in APPENDED}
    stale: set[Path] = set()
    for key, value in nearer.tree.items():
        theirs = tree.get(key)
        if (
            key in NAMED_SECTIONS + KEYED_SECTIONS
            and isinstance(value, Mapping)
            and isinstance(theirs, Mapping)
        ):
            tree[key] = {**theirs, **value}
            stale.update((key, name) for name in value)
        else:
            tree[key] = value
            stale.add((key,))
    places = _without(places, stale)
    written = _without(written, stale)
    places.update(nearer.places)
    written.update(nearer.written)
    for (section,) in APPENDED:
        _append(str(section), tree, places, written, nearer, farther)
    digest = _digest_of(nearer.digest, farther.digest)
    includes = (*nearer.includes, *farther.includes)
    return Document(nearer.file, tree, Places(places), digest, written, includes, farther.fallback)


# Conditions whose values are numbers, booleans or of any type; all others compare text.
TYPED_CONDITIONS = frozenset(("tokens", "chars", "lines", "stream", "tty"))
# Conditions that are maps whose keys the user chooses, so that a key there is no condition.
NAMED_BY_USER = frozenset(("env", "meta", "header", "label", "params"))


def as_texts(document: Document, path: Path, typed: Collection[str] = TYPED_CONDITIONS) -> Json:
    """Returns a `when` with each scalar that a condition compares as text in its written form.

    So `env: {CI: true}` or `file_ext: [3.10]` means what it says.
    """
    node = document.get(path)
    if isinstance(node, Mapping):
        texts: dict[str, Json] = {}
        for key, value in node.items():
            inside = () if key in NAMED_BY_USER else typed
            texts[key] = value if key in typed else as_texts(document, (*path, key), inside)
        return texts
    if is_list(node):
        return [as_texts(document, (*path, index), typed) for index in range(len(node))]
    return document.text(path)


def refuse(findings: Sequence[Finding]) -> ConfigError:
    """Returns the error that carries all findings; its message shows the first three."""
    lines = [str(finding) for finding in findings[:3]]
    if len(findings) > 3:
        lines.append(f"… {len(findings) - 3} more (nr policy check shows all)")
    return ConfigError("\n".join(lines), findings=findings)


def _append(
    section: str,
    tree: dict[str, Json],
    places: dict[Path, Place],
    written: dict[Path, str],
    nearer: Document,
    farther: Document,
) -> None:
    """Puts the farther entries of a list behind the nearer ones, less the routes overridden."""
    ours, theirs = nearer.tree.get(section), farther.tree.get(section)
    if not is_list(theirs):
        return
    if ours is not None and not is_list(ours):
        return
    entries: list[Json] = list(ours or ())
    overridden = {
        entry.get("name")
        for entry in entries
        if section == "routes" and isinstance(entry, Mapping) and entry.get("override") is True
    }
    moved: dict[int, int] = {}
    for index, entry in enumerate(theirs):
        if isinstance(entry, Mapping) and entry.get("name") in overridden:
            continue
        moved[index] = len(entries)
        entries.append(entry)
    tree[section] = entries
    if ours is None and (section,) in farther.places:
        places[(section,)] = farther.places[(section,)]
    places.update(_shift(farther.places, section, moved))
    written.update(_shift(farther.written, section, moved))


T = TypeVar("T")


def _without(entries: Mapping[Path, T], stale: Collection[Path]) -> dict[Path, T]:
    return {
        path: entry
        for path, entry in entries.items()
        if path[:1] not in stale and path[:2] not in stale
    }


def _shift(entries: Mapping[Path, T], section: str, moved: Mapping[int, int]) -> dict[Path, T]:
    shifted: dict[Path, T] = {}
    for path, entry in entries.items():
        index = path[1] if len(path) > 1 and path[0] == section else None
        if isinstance(index, int) and index in moved:
            there: Path = (section, moved[index], *path[2:])
            shifted[there] = entry
    return shifted


def _digest_of(*parts: str) -> str:
    from hashlib import sha256

    return sha256("\n".join(parts).encode()).hexdigest()


def is_list(node: Json) -> TypeGuard[Sequence[Json]]:
    """Says whether a value is a list."""
    return isinstance(node, Sequence) and not isinstance(node, str)


def conditions_in(node: Json, path: Path, wanted: str) -> Iterator[tuple[Path, Json]]:
    """Yields each condition of one kind in a `when`, however deep it stands: path with value."""
    if is_list(node):
        for index, inner in enumerate(node):
            yield from conditions_in(inner, (*path, index), wanted)
    for key, value in node.items() if isinstance(node, Mapping) else ():
        if key in ("all", "any", "not"):
            yield from conditions_in(value, (*path, key), wanted)
        elif key == wanted:
            yield (*path, key), value
