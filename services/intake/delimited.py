"""Delimited texts (CSV and its kin) -> staged tables.

A large file whose lines are all alike goes through DuckDB's parser, in its strict mode and told every setting; the
result counts only if DuckDB found exactly one record per line. Any other file is read record by record, which tells
the records that have another number of cells than the header, or quotes that do not close, from the rest.
An empty cell is NULL, quoted or not; a record of empty cells alone is a blank line.
"""

from __future__ import annotations

import csv
import io
import itertools
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import duckdb

from services.errors import LoadError
from services.intake.dialect import Dialect, filled, find_dialect, find_header, mended, parse, sample
from services.intake.encodings import Facts, Text, as_utf8, bounded_lines, open_text
from services.intake.limits import Limits
from services.intake.staged import Staged
from services.intake.writing import Refusals, TableWriter, check_columns, column_names, confined, refused_path
from services.model import ColumnType
from services.recipe import Reading
from services.sqltext import name_of, one, path_of, text_of

#: Letters and lines that decide how a file is written.
SAMPLE_LETTERS, SAMPLE_LINES = 1 << 18, 400
#: Below this size DuckDB takes longer to start than a file to be read.
AT_ONCE_BYTES = 200_000
NOT_QUOTED = "a quote is opened and not closed, or closed within a cell"


@dataclass(frozen=True)
class Layout:
    """A text file in UTF-8 and how it is laid out.

    `names` are the columns; records have `width` cells, more than there are names when each line ends in a
    delimiter. `start` is the line the first record begins on, `blank` the number of blank lines above it.
    """

    name: str
    path: Path
    facts: Facts
    dialect: Dialect
    names: list[str]
    width: int
    start: int
    blank: int

    @property
    def lines(self) -> int:
        """Return the number of lines from `start` on, blank ones at the end apart."""
        return self.facts.lines - self.facts.blank_end - self.start + 1


def stage_delimited(name: str, path: Path, target: Path, reading: Reading, limits: Limits) -> Staged:
    """Write the records of a text file to `target`; raises LoadError when there are none.

    `<target>.refused` beside it gets the records that do not fit.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".text-") as folder:
        text = as_utf8(name, path, reading.encoding, Path(folder) / "utf8")
        layout, header = _layout(name, text, reading, limits)
        rows, refused, first_row = _at_once(layout, target, limits) or _one_by_one(layout, target, limits)
    return Staged(
        name=name,
        path=target,
        columns=dict.fromkeys(layout.names, ColumnType.TEXT),
        rows=rows,
        digest=text.sha256,
        first_row=first_row,
        refused=refused.path if refused.count else None,
        refused_rows=refused.count,
        reading=Reading(
            format="csv",
            encoding=text.encoding,
            delimiter=layout.dialect.delimiter,
            quote=layout.dialect.quote,
            header=header,
        ),
    )


def _layout(name: str, text: Text, reading: Reading, limits: Limits) -> tuple[Layout, int]:
    """Return how a file is laid out and the row of its header, 0 if it has none."""
    lines = _first_lines(name, text.path)
    dialect = find_dialect(lines, reading.delimiter, reading.quote)
    records = sample(lines, dialect)
    if not records:
        raise LoadError(f"{name} does not begin with records: {NOT_QUOTED}. Give its delimiter and its quote.")
    header = find_header(name, records, reading.header)
    body = [record.cells for record in records if record.begin >= header.start]
    cells: Sequence[str] = header.cells or [""] * max(map(len, body))
    width = max([filled(cells), *(filled(record) for record in body if len(record) <= len(cells))])
    check_columns(name, width, limits)
    names = column_names(cells[:width] if header.row else [f"column_{place}" for place in range(1, width + 1)])
    blank = sum(not line.strip("\r\n") for line in lines[: header.start - 1])
    return Layout(name, text.path, text.facts, dialect, names, len(cells), header.start, blank), header.row


def _first_lines(name: str, path: Path) -> list[str]:
    with open_text(path) as stream:
        text = stream.read(SAMPLE_LETTERS)
        whole = not stream.read(1)
    lines = list(itertools.islice(io.StringIO(text, newline=""), SAMPLE_LINES))
    if not whole and len(lines) < SAMPLE_LINES:
        lines.pop()
    if not lines:
        raise LoadError(
            f"The first line of {name} has more than {SAMPLE_LETTERS:,} letters: this is no table with one record per "
            "line. Check what the file is."
        )
    if not any(line.strip() for line in lines):
        raise LoadError(f"{name} is empty: its first {len(lines):,} lines are blank.")
    return lines


def _at_once(layout: Layout, target: Path, limits: Limits) -> tuple[int, Refusals, int | None] | None:
    """Have DuckDB read the file; None where that is not proven to give each line as one record."""
    facts = layout.facts
    plain = facts.even and facts.utf8 and not facts.nul and facts.longest <= limits.record_bytes
    if not plain or facts.size < AT_ONCE_BYTES or facts.blank - layout.blank != facts.blank_end or layout.lines < 1:
        return None
    try:
        with confined(layout.path, target.parent) as connection:
            (written,) = one(connection, _copy_sql(layout, target, limits))
            spare = "+".join(f"count(c{place})" for place in range(len(layout.names), layout.width)) or "0"
            (lost,) = one(connection, f"SELECT {spare} FROM {_csv_sql(layout, limits)}") if spare != "0" else (0,)
            empty = f"coalesce({', '.join(map(name_of, layout.names))}, NULL) IS NULL"
            (blank,) = one(connection, f"SELECT count(*) FROM read_parquet('{path_of(target)}') WHERE {empty}")
    except duckdb.Error:
        return None
    if written != layout.lines or lost or blank:
        return None
    return written, Refusals(refused_path(target)), layout.start


def _csv_sql(layout: Layout, limits: Limits) -> str:
    columns = ", ".join(f"c{place}: 'VARCHAR'" for place in range(layout.width))
    quote = text_of(layout.dialect.quote)
    return (
        f"read_csv('{path_of(layout.path)}', auto_detect = false, strict_mode = true, header = false, "
        f"skip = {layout.start - 1}, delim = '{text_of(layout.dialect.delimiter)}', quote = '{quote}', "
        f"escape = '{quote}', max_line_size = {limits.record_bytes + 2}, columns = {{{columns}}})"
    )


def _copy_sql(layout: Layout, target: Path, limits: Limits) -> str:
    columns = ", ".join(f"c{place} AS {name_of(name)}" for place, name in enumerate(layout.names))
    return f"COPY (SELECT {columns} FROM {_csv_sql(layout, limits)}) TO '{path_of(target)}' (FORMAT parquet)"


class _TooLong(Exception):  # noqa: N818
    """A record does not end within the allowed number of letters."""


class _Lines:
    """The lines of a text, numbered; those taken for a record that is none can be given back.

    Taking more than `limit` letters for one record raises `_TooLong`; a line longer than that comes cut.
    """

    def __init__(self, stream: TextIO, limit: int) -> None:
        self._lines, self._limit = bounded_lines(stream, limit), limit
        self._given_back: deque[str] = deque()
        self.taken: list[str] = []
        self.size = 0
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        self.taken.append(line)
        self.number += 1
        self.size += len(line)
        if self.size > self._limit:
            raise _TooLong
        return line

    @property
    def first(self) -> int:
        """Return the number of the first line taken."""
        return self.number - len(self.taken) + 1

    def begin(self) -> None:
        """Begin a record after the lines taken."""
        self.taken.clear()
        self.size = 0

    def give_back(self) -> None:
        """Begin a record after the first of the lines taken."""
        self._given_back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.begin()


def _one_by_one(layout: Layout, target: Path, limits: Limits) -> tuple[int, Refusals, int | None]:
    """Read the file record by record, refusing those that do not fit."""
    refused = Refusals(refused_path(target))
    table = TableWriter(target, layout.names)
    wanted, sound = len(layout.names), layout.facts.utf8 and not layout.facts.nul
    try:
        with open_text(layout.path) as stream:
            lines = _Lines(stream, limits.record_bytes)
            for _ in itertools.islice(lines, layout.start - 1):
                lines.begin()
            for cells, problem in _records(lines, layout.dialect, limits):
                if sound and not problem and len(cells) == wanted and cells[0]:
                    table.add(lines.first, cells, lines.size)
                    continue
                reason = problem or _damage(lines, layout) or _misfit(cells, layout)
                if reason:
                    refused.add(lines.first, lines.taken[0].rstrip("\r\n"), reason)
                elif any(cells) and len(cells) >= wanted:
                    table.add(lines.first, cells[:wanted], lines.size)
    finally:
        table.close()
        refused.close()
    if not table.written:
        raise LoadError(_nothing(layout, refused))
    return table.written + refused.count, refused, None


def _nothing(layout: Layout, refused: Refusals) -> str:
    shown = ", ".join(layout.names[:5]) + (", …" if len(layout.names) > 5 else "")
    if not refused.count:
        return f"{layout.name} has a header ({shown}) and no records."
    return (
        f"None of the {refused.count:,} records of {layout.name} fits its columns ({shown}): "
        f"{'; '.join(refused.first)}. Give its delimiter, quote or header row."
    )


def _records(lines: _Lines, dialect: Dialect, limits: Limits) -> Iterator[tuple[list[str], str]]:
    """Yield the cells of each record, or why it is none; `lines` then holds the lines it was taken from.

    After a record that is none the next one begins on the line after its first.
    """
    csv.field_size_limit(sys.maxsize)
    blanks = f" {dialect.quote}" if dialect.quote else None
    while True:
        try:
            for cells in parse(lines, dialect):
                spaced = blanks is not None and blanks in lines.taken[0] and mended(cells, lines.taken, dialect)
                yield spaced or cells, ""
                lines.begin()
            return
        except csv.Error:
            problem, cells = NOT_QUOTED, mended([], lines.taken, dialect)
        except _TooLong:
            problem, cells = f"longer than {limits.record_bytes:,} letters (limit record_bytes), or {NOT_QUOTED}", []
        yield cells, "" if cells else problem
        lines.give_back()


def _damage(lines: _Lines, layout: Layout) -> str:
    """Return why a record's bytes are not text; empty when they are."""
    if layout.facts.nul and any("\0" in line for line in lines.taken):
        return "it holds a NUL byte"
    if layout.facts.utf8:
        return ""
    try:
        "".join(lines.taken).encode()
    except UnicodeEncodeError:
        return "it holds bytes that are not UTF-8"
    return ""


def _misfit(cells: Sequence[str], layout: Layout) -> str:
    """Return why cells do not fit the columns; empty when they do. Blank cells too many are no fault."""
    wanted = len(layout.names)
    if len(cells) == wanted or (len(cells) > wanted and not any(cells[wanted:])):
        return ""
    if not any(cell.strip() for cell in cells):
        return ""
    return f"{len(cells):,} cells instead of {wanted:,}"
