"""Reads the rows of a batch: JSON lines, CSV or plain lines, each by itself good or bad."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import BinaryIO, NamedTuple, NoReturn, TypeAlias

from nr_cli.cli.intake import MAX_INPUT
from nr_cli.cli.places import Places
from nr_cli.cli.request import cache_mode
from nr_cli.cli.strict import BadValue, refuse_odd, refuse_surrogates
from nr_cli.errors import ExitCode, InputError, NrError, UsageError
from nr_cli.policy.suggest import did_you_mean, quote
from nr_cli.types.json import Json, JsonObject
from nr_cli.types.prompt import Ask, Prompt

KEYS = ("id", "prompt", "system", "attachments", "model", "route", "params", "schema", "cache")
JSON_COLUMNS = ("attachments", "params")  # cells of a table that hold JSON
FORMATS = ("jsonl", "csv", "text")
ENDINGS = {".csv": "csv", ".tsv": "csv", ".txt": "text"}
DELIMITERS = ",;\t"

Fields: TypeAlias = "dict[str, Json]"


class Row(NamedTuple):
    """One row; `number` is the line on which it begins, from 1. One of `ask`, `error` is there.

    `files` and `schema` are as the row names them: whoever answers it reads them.
    """

    number: int
    id: str | int
    ask: Ask | None = None
    error: NrError | None = None
    files: Json = None
    schema: Json = None


class BadRow(Exception):
    """A row that cannot be asked, with why and what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def guess_format(path: str, named: str | None) -> str:
    """Returns the format that is named, else what the file's ending means. Raises: UsageError."""
    if named is not None and named not in FORMATS:
        meant = did_you_mean(named, FORMATS)
        raise UsageError(f"--format {named}: no such format{meant}", "one of " + ", ".join(FORMATS))
    return named or ENDINGS.get(os.path.splitext(path)[1].lower(), "jsonl")


class Rows:
    """The rows of one input; the flags of the command line hold for what a row leaves out."""

    def __init__(self, file: BinaryIO, place: str, form: str, ask: Ask) -> None:
        """Takes the open input, its name for messages, its format, the ask of the flags."""
        self._file = file
        self._place = place
        self._form = form
        self._ask = ask
        self._seen = Places()
        self.unused: tuple[str, ...] = ()  # columns of a table that mean nothing here

    def __iter__(self) -> Iterator[Row]:
        """Yields each row in turn, blank lines passed over. Raises: InputError for the whole."""
        readers: dict[str, Callable[[], Iterator[tuple[int, Fields | BadRow]]]] = {
            "jsonl": self._read_jsonl,
            "csv": self._read_csv,
            "text": self._read_text,
        }
        try:
            for number, fields in readers[self._form]():
                yield self._row(number, fields)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise InputError(f"{self._place}: {why}", "check the file") from None

    def _row(self, number: int, fields: Fields | BadRow) -> Row:
        id: str | int = number
        try:
            if isinstance(fields, BadRow):
                raise fields
            id = own_id(fields.get("id"), number)
            earlier = self._seen.put(json.dumps(id), number)
            if earlier is not None:
                raise BadRow(f"its id {quote(str(id))} is already that of line {earlier}")
            ask = make_row_ask(fields, self._ask)
        except BadRow as bad:
            place = f"{self._place}:{number}"
            error = InputError(f"{place}: {bad.reason}", bad.hint, ExitCode.BAD_DATA)
            return Row(number, id, error=error)
        return Row(number, id, ask, files=fields.get("attachments"), schema=fields.get("schema"))

    def _read_jsonl(self) -> Iterator[tuple[int, Fields | BadRow]]:
        for number, line in read_lines(self._file):
            try:
                yield number, parse_json(line)
            except BadRow as bad:
                yield number, bad

    def _read_text(self) -> Iterator[tuple[int, Fields | BadRow]]:
        for number, line in read_lines(self._file):
            try:
                yield number, {"prompt": decode_line(line)}
            except BadRow as bad:
                yield number, bad

    def _read_csv(self) -> Iterator[tuple[int, Fields | BadRow]]:
        csv.field_size_limit(MAX_INPUT)
        text = io.TextIOWrapper(self._file, "utf-8-sig", errors="surrogateescape", newline="")
        header = text.readline()
        while header.count('"') % 2 and (more := text.readline()):
            header += more
        above = header.count("\n") or 1
        names, delimiter = read_header(header, self._place)
        self.unused = tuple(name for name in names if name not in KEYS)
        reader = csv.reader(text, delimiter=delimiter)
        while True:
            number = reader.line_num + above + 1
            try:
                cells = next(reader, None)
                if cells is None:
                    return
                if any(cells):
                    yield number, fields_of(names, cells)
            except csv.Error as error:
                yield number, BadRow(f"not a row of a table: {error}")
            except BadRow as bad:
                yield number, bad


def read_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yields each line that is not blank with its number; None for one past 64 MiB."""
    number = 0
    while line := file.readline(MAX_INPUT + 1):
        number += 1
        if len(line) > MAX_INPUT:
            while line and not line.endswith(b"\n"):
                line = file.readline(1 << 20)
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line.rstrip(b"\r\n")


def decode_line(line: bytes | None) -> str:
    """Returns a line as text. Raises: BadRow."""
    if line is None:
        raise BadRow(f"more than {MAX_INPUT >> 20} MiB", "send less")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise BadRow(f"not UTF-8 at byte {error.start + 1} of the line", "convert it") from None


def open_stdin(example: str) -> BinaryIO:
    """Returns stdin, which holds the rows. Raises: UsageError for a terminal or a closed one."""
    from nr_cli.cli.env import is_open, is_terminal

    if not is_open(0) or is_terminal(0):
        raise UsageError("no rows: stdin is no file or pipe", example)
    return open(0, "rb", closefd=False)


def read_object(line: bytes | None) -> Fields:
    """Returns a line's object, whatever its keys. Raises: BadRow."""
    try:
        row = json.loads(decode_line(line), parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise BadRow(f"not JSON: {error.msg} (column {error.colno})") from None
    except (ValueError, RecursionError):
        raise BadRow("not JSON that can be read") from None
    if not isinstance(row, dict):
        raise BadRow("not a JSON object", 'write {"prompt": "…"}')
    if line is not None and b"\\u" in line:
        try:
            refuse_surrogates(row)
        except BadValue as bad:
            raise BadRow(str(bad), "write the whole character") from None
    return row


def parse_json(line: bytes | None) -> Fields:
    """Returns a line's object with keys that are known. Raises: BadRow."""
    row = read_object(line)
    for key in row:
        if key not in KEYS:
            raise BadRow(f"no key {quote(key)} is known{did_you_mean(key, KEYS)}", known_keys())
    return row


def refuse_constant(name: str) -> NoReturn:
    """Raises: BadRow for NaN and the infinities, which JSON does not have."""
    raise BadRow(f"not JSON: {name} is no value of JSON")


def known_keys() -> str:
    """Returns the hint that names the keys of a row."""
    return "keys: " + ", ".join(KEYS)


def read_header(line: str, place: str) -> tuple[list[str], str]:
    """Returns the columns of a table with what parts them. Raises: InputError."""
    for delimiter in DELIMITERS:
        cells = next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
        names = [cell.strip().lower() for cell in cells]
        if "prompt" in names:
            doubled = {name for name in names if name in KEYS and names.count(name) > 1}
            if doubled:
                words = ", ".join(sorted(doubled))
                raise InputError(f"{place}:1: two columns {words}", exit=ExitCode.BAD_DATA)
            return names, delimiter
    raise InputError(
        f'{place}:1: no column "prompt"', "the first line names the columns", ExitCode.BAD_DATA
    )


def fields_of(names: list[str], cells: list[str]) -> Fields:
    """Returns a table's row by the names of its columns; an empty cell is none. Raises: BadRow."""
    if len(cells) > len(names):
        raise BadRow(f"{len(cells)} cells under {len(names)} columns", "quote cells with commas")
    fields: Fields = {}
    for name, cell in zip(names, cells, strict=False):
        if name not in KEYS or not cell:
            continue
        fields[name] = cell
        try:
            cell.encode()
            if name in JSON_COLUMNS:
                fields[name] = json.loads(cell, parse_constant=refuse_constant)
        except UnicodeEncodeError:
            raise BadRow(f"{name} is not UTF-8", "convert it") from None
        except (ValueError, RecursionError):
            raise BadRow(f"{name} is not JSON") from None
    return fields


def own_id(id: Json, number: int) -> str | int:
    """Returns a row's id, its line where it has none. Raises: BadRow."""
    if id is None:
        return number
    if isinstance(id, bool) or not isinstance(id, str | int) or len(str(id)) > 1000:
        raise BadRow('"id" is neither a text nor a whole number')
    return id


def make_row_ask(fields: Mapping[str, Json], ask: Ask) -> Ask:
    """Returns the ask of a row; what it does not name is as the flags say. Raises: BadRow."""
    text = text_of(fields, "prompt")
    if text is None or not text.strip():
        raise BadRow('no "prompt" with text')
    model, route = text_of(fields, "model"), text_of(fields, "route")
    if model is not None or route is not None:
        ask = ask._replace(model=model, route=route)
    params = fields.get("params")
    if params is not None:
        if not isinstance(params, dict):
            raise BadRow('"params" is not an object')
        try:
            refuse_odd(params)
        except BadValue as bad:
            raise BadRow(f'"params": {bad}') from None
        ask = ask._replace(params={**ask.params, **params})
    mode = text_of(fields, "cache")
    if mode is not None:
        try:
            ask = ask._replace(cache=cache_mode(mode, no_cache=False))
        except UsageError as error:
            raise BadRow(f'"cache": {error.message.partition(": ")[2]}', error.hint) from None
    system = text_of(fields, "system")
    return ask._replace(
        prompt=Prompt(text, ask.prompt.system if system is None else system, "batch")
    )


def text_of(fields: Mapping[str, Json], key: str) -> str | None:
    """Returns a field that is text. Raises: BadRow."""
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise BadRow(f'"{key}" is not a text')
    return value


def complete(row: Row, ask: Ask, place: str, environ: Mapping[str, str]) -> Ask:
    """Returns a row's ask with the files and the schema that it names. Raises: NrError."""
    from nr_cli.cli.attach import attachments_of

    where = f"{place}:{row.number}"
    if row.files is not None:
        files = attachments_of(row.files, where, environ)
        ask = ask._replace(prompt=ask.prompt._replace(attachments=files))
    if row.schema is not None:
        text = row.schema if isinstance(row.schema, str) else json.dumps(row.schema)
        try:
            ask = ask._replace(schema=row_schema(text))
        except UsageError as error:
            reason = error.message.replace("--schema", '"schema"', 1)
            raise InputError(f"{where}: {reason}", error.hint, ExitCode.BAD_DATA) from None
    return ask


@lru_cache(maxsize=16)
def row_schema(text: str) -> JsonObject:
    """Returns the schema that a row names; rows mostly name the same. Raises: UsageError."""
    from nr_cli.cli.shape import read_schema

    return read_schema(text)


def count_rows(path: str) -> int:
    """Returns about how many rows a file holds, which is its lines."""
    count, ending = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
            ending = block[-1:]
    return count + (ending != b"\n")
