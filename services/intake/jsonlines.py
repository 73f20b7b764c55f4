"""JSON lines, and arrays of JSON objects -> staged tables.

An object's members are columns; the members of an object within it are columns `outer.inner`; what lies deeper is
JSON text. Numbers keep their type where all values of a column agree; empty texts and null are missing.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from services.errors import LoadError
from services.intake.encodings import Text, as_utf8, bounded_lines, open_text
from services.intake.limits import Limits
from services.intake.staged import Staged
from services.intake.writing import Refusals, TableWriter, check_columns, column_names, refused_path
from services.model import ColumnType
from services.recipe import Reading

Key = tuple[str, ...]
CHUNK = 1 << 20
BETWEEN = re.compile(r"[\s,]*")
INTEGERS = range(-(2**63), 2**63)
ARROW = {ColumnType.INTEGER: pa.int64(), ColumnType.NUMBER: pa.float64(), ColumnType.TEXT: pa.string()}


@dataclass(frozen=True)
class Item:
    """A record: its number, its text, and its values by key, or else why it is none."""

    number: int
    text: str
    values: dict[Key, Any]
    reason: str = ""


def stage_json(name: str, path: Path, target: Path, reading: Reading, limits: Limits) -> Staged:
    """Write the objects of a file to `target`; raises LoadError when there are none.

    The file is read twice: for the columns and their types, then for the values.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".text-") as folder:
        text = as_utf8(name, path, reading.encoding, Path(folder) / "utf8")
        types = _types(name, text, limits)
        columns = dict(zip(column_names([".".join(key) for key in types]), types.values(), strict=True))
        refused = Refusals(refused_path(target))
        table = TableWriter(target, list(columns), [ARROW[kind] for kind in columns.values()])
        with contextlib.closing(refused), contextlib.closing(table):
            for item in _items(name, text, limits):
                if item.reason:
                    refused.add(item.number, item.text, item.reason)
                elif item.values:
                    values = [_form(item.values.get(key), kind) for key, kind in types.items()]
                    table.add(item.number, values, len(item.text))
    return Staged(
        name=name,
        path=target,
        columns=columns,
        rows=table.written + refused.count,
        digest=text.sha256,
        refused=refused.path if refused.count else None,
        refused_rows=refused.count,
        reading=Reading(format="jsonl", encoding=text.encoding),
    )


def _types(name: str, text: Text, limits: Limits) -> dict[Key, ColumnType]:
    """Return the keys of all records, in the order they come up, and the types of their values."""
    kinds: dict[Key, set[ColumnType]] = {}
    reasons: list[str] = []
    for item in _items(name, text, limits):
        if item.reason and len(reasons) < 3:
            reasons.append(f"row {item.number}: {item.reason}")
        for key, value in item.values.items():
            kinds.setdefault(key, set()).add(_kind(value))
        check_columns(name, len(kinds), limits)
    if not kinds:
        raise LoadError(f"{name} holds no JSON objects with values. {'; '.join(reasons)}".rstrip())
    return {key: _type(found) for key, found in kinds.items()}


def _kind(value: Any) -> ColumnType:
    if isinstance(value, float):
        return ColumnType.NUMBER
    if isinstance(value, int) and not isinstance(value, bool) and value in INTEGERS:
        return ColumnType.INTEGER
    return ColumnType.TEXT


def _type(kinds: set[ColumnType]) -> ColumnType:
    if len(kinds) == 1:
        return next(iter(kinds))
    return ColumnType.NUMBER if ColumnType.TEXT not in kinds else ColumnType.TEXT


def _form(value: Any, kind: ColumnType) -> Any:
    if value is None or isinstance(value, str):
        return value
    if kind is ColumnType.TEXT:
        return json.dumps(value, ensure_ascii=False)
    return float(value) if kind is ColumnType.NUMBER else value


def _items(name: str, text: Text, limits: Limits) -> Iterator[Item]:
    with open_text(text.path) as stream:
        start = next((line for line in bounded_lines(stream, limits.record_bytes) if line.strip()), "").lstrip()
        stream.seek(0)
        yield from _array(name, stream, limits) if start.startswith("[") else _lines(stream, limits)


def _lines(stream: TextIO, limits: Limits) -> Iterator[Item]:
    for number, line in enumerate(bounded_lines(stream, limits.record_bytes), 1):
        if len(line) > limits.record_bytes:
            yield Item(number, line, {}, f"longer than {limits.record_bytes:,} letters (limit record_bytes)")
        elif line.strip():
            try:
                yield _item(number, line, json.loads(line, parse_constant=_no_constant))
            except (ValueError, RecursionError) as error:
                yield Item(number, line, {}, f"no JSON: {error}")


def _array(name: str, stream: TextIO, limits: Limits) -> Iterator[Item]:
    """Yield the elements of an array; raises LoadError where it breaks, for what follows has no certain beginning."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    buffer, number = stream.read(CHUNK).lstrip().removeprefix("["), 0
    place = 0
    while True:
        place = BETWEEN.match(buffer, place).end()  # type: ignore[union-attr]
        more = "" if place + limits.record_bytes < len(buffer) else stream.read(CHUNK)
        if more:
            buffer, place = buffer[place:] + more, 0
            continue
        if buffer.startswith("]", place):
            return
        try:
            value, end = decoder.raw_decode(buffer, place)
        except (ValueError, RecursionError) as error:
            raise LoadError(f"{name} breaks off or is damaged after {number:,} records: {error}.") from None
        number += 1
        yield _item(number, buffer[place : place + 1000], value)
        place = end


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _item(number: int, text: str, value: Any) -> Item:
    if not isinstance(value, dict):
        return Item(number, text, {}, "no object {…}")
    values = {key: inner for key, inner in _flat(value) if inner not in {None, ""}}
    reason = _damage(values)
    return Item(number, text, {} if reason else values, reason)


def _flat(value: dict[str, Any]) -> Iterator[tuple[Key, Any]]:
    for outer, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from (((outer, key), _plain(deep)) for key, deep in inner.items())
        else:
            yield (outer,), _plain(inner)


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _damage(values: dict[Key, Any]) -> str:
    """Return why values cannot be kept; empty when they can."""
    if any(isinstance(value, float) and not math.isfinite(value) for value in values.values()):
        return "it holds a number beyond all bounds"
    texts = "".join(value for value in values.values() if isinstance(value, str))
    if "\0" in texts:
        return "it holds a NUL"
    try:
        texts.encode()
    except UnicodeEncodeError:
        return "it holds bytes that are not UTF-8"
    return ""
