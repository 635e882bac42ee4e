"""Reads a file of usage records, CSV or NDJSON, line by line; what cannot be read is named."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from api.errors import Malformed
from api.request_body import parse_json
from api.schemas.usage import UsageRecordSchema
from api.usage_decoder import Ambiguous
from domain.errors import InvalidInput

_PROPERTY = "properties."


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that holds no record. detail: what is wrong with it."""

    detail: str


Numbered = tuple[int, Any]
"""A line's number, and its record before any check, or why there is none (``Unreadable``)."""


def read_csv(lines: IO[bytes]) -> Iterator[Numbered]:
    """The rows of a CSV whose first line names the fields.

    Raises:
        InvalidInput: that first line cannot be what it should be.
    """
    # What is no UTF-8 becomes lone surrogates: only the row that holds it is refused.
    texts = (line.decode(errors="surrogateescape") for _, line in _numbered(lines))
    rows = _rows(csv.reader(texts))
    first = next(rows, None)
    if first is None:
        return
    names = _header(first[1])
    for number, row in rows:
        if isinstance(row, Unreadable):
            yield number, row
        elif row:
            yield number, _record(names, row)


def read_ndjson(lines: IO[bytes]) -> Iterator[Numbered]:
    """The lines of a file with a JSON object on each; empty ones are passed over."""
    for number, line in _numbered(lines):
        if line.strip():
            yield number, _json(line)


def _numbered(lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        yield number, line.removeprefix(BOM_UTF8) if number == 1 else line


def _rows(reader: Any) -> Iterator[tuple[int, list[str] | Unreadable]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, Unreadable(str(error))
        else:
            readable = all(map(_is_utf8, row))
            yield reader.line_num, row if readable else Unreadable("is not UTF-8")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _header(row: list[str] | Unreadable) -> list[str]:
    if isinstance(row, Unreadable):
        raise InvalidInput(f"line 1 {row.detail}", field="file")
    while row and not row[-1]:  # a spreadsheet's empty columns
        row.pop()
    wrong = _wrong_with(row)
    if wrong:
        raise InvalidInput(f"line 1 has to name the fields: {wrong}", field="file")
    return row


def _wrong_with(names: Sequence[str]) -> str | None:
    if len(names) == 1 and ";" in names[0]:
        return "separate the columns by commas, not by semicolons"
    fields = UsageRecordSchema().fields
    known = fields.keys() - {"properties"}
    strange = [name for name in names if name not in known and not name.startswith(_PROPERTY)]
    lacking = [name for name in fields if fields[name].required and name not in names]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    found = [("lacks", lacking), ("names no field with", strange), ("has twice", twice)]
    return "; ".join(f"it {what} {', '.join(map(repr, each))}" for what, each in found if each)


def _record(names: Sequence[str], row: Sequence[str]) -> dict[str, Any] | Unreadable:
    if any(row[len(names) :]):
        return Unreadable("has more columns than the header names")
    cells = {name: text for name, text in zip(names, row, strict=False) if text}
    item = {name: text for name, text in cells.items() if not name.startswith(_PROPERTY)}
    properties = {
        name.removeprefix(_PROPERTY): text
        for name, text in cells.items()
        if name.startswith(_PROPERTY)
    }
    return {**item, "properties": properties}


def _json(line: bytes) -> Any:
    try:
        line.decode()
    except UnicodeDecodeError:
        return Unreadable("is not UTF-8")
    try:
        return parse_json(line, Ambiguous)
    except Malformed as error:
        told, _, _ = str(error).removeprefix("the body ").partition(":")
        return Unreadable(told)
