"""Excel workbooks -> staged tables, with the types of their cells.

A column whose cells are all dates, all whole numbers or all numbers has that type; any other is text: numbers
without a needless `.0`, dates in ISO form, TRUE and FALSE. A cell that shows an error such as #N/A is empty, and
rows without a filled cell are no records.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from services.errors import LoadError, UnknownNameError
from services.intake.archives import member_pieces, opened_zip
from services.intake.dialect import RECORDS, Record, find_header
from services.intake.limits import Limits
from services.intake.staged import Staged
from services.intake.writing import TableWriter, check_columns, column_names
from services.model import ColumnType
from services.recipe import Reading

#: Where a cell says it stands; the beginning of a row or cell, for those that do not say.
PLACE = re.compile(rb"\br\s*=\s*[\"']\s*([A-Za-z]{1,3})([0-9]{1,9})\s*[\"']")
CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
TOKEN = re.compile(rb"<(?:\w+:)?(row|c)\b([^<>]*)")
ROW_NUMBER = re.compile(rb"\br\s*=\s*[\"']\s*([0-9]{1,9})")
#: The longest tag that is looked at as a whole.
LONGEST_TAG = 1 << 20
SAFE_INTEGER = 2**53
MIDNIGHT = dt.time()
ARROW = {
    ColumnType.TEXT: pa.string(),
    ColumnType.TIME: pa.timestamp("us"),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
}


class _Box:
    """How far the cells of a sheet's XML reach: a reader keeps a place in memory for each cell up to there."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Look at the next piece of XML."""
        data = self._rest + piece
        cut = data.rfind(b"<")
        self._rest = data[cut:] if len(data) - cut < LONGEST_TAG else b""
        data = data[:cut] if self._rest else data
        places = PLACE.findall(data)
        if places:
            self.rows = max(self.rows, *(int(row) for _, row in places))
            self.columns = max(self.columns, *(_column(letters) for letters in {letters for letters, _ in places}))
        if len(CELL.findall(data)) > len(places):
            self._count(data)

    def _count(self, data: bytes) -> None:
        for token in TOKEN.finditer(data):
            if token[1] == b"row":
                stated = ROW_NUMBER.search(token[2])
                self._row, self._column = int(stated[1]) if stated else self._row + 1, 0
                continue
            self._column += 1
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def check_workbook(name: str, path: Path, limits: Limits) -> None:
    """Raise LoadError for a workbook that would not fit into memory, before anything is made of it.

    The sizes that it states are not believed: an .xlsx is unpacked once, piece by piece.
    """
    if path.stat().st_size > limits.workbook_bytes:
        raise LoadError(_too_big(name, limits))
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return
    size = 0
    with opened_zip(name, path) as archive:
        for info in archive.infolist():
            box = _Box()
            for piece in member_pieces(name, archive, info, limits, limits.workbook_bytes):
                size += len(piece)
                if size > limits.workbook_bytes:
                    raise LoadError(_too_big(name, limits))
                box.feed(piece)
            if info.filename.endswith(".xml"):
                _check_box(name, box, limits)


def _too_big(name: str, limits: Limits) -> str:
    return (
        f"{name} unpacks to more than {limits.workbook_bytes:,} bytes (limit workbook_bytes); a workbook must fit into "
        "memory. Save its sheets as CSV, which may be of any size."
    )


def _check_box(name: str, box: _Box, limits: Limits) -> None:
    if box.rows * box.columns > limits.workbook_cells:
        raise LoadError(
            f"A sheet of {name} reaches to row {box.rows:,} and column {box.columns:,}: more than "
            f"{limits.workbook_cells:,} cells (limit workbook_cells). Delete what stands far off the table, or save it "
            "as CSV."
        )


@contextlib.contextmanager
def _opened(name: str, path: Path) -> Iterator[CalamineWorkbook]:
    """Open a workbook that was checked; damage becomes a LoadError."""
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            yield workbook
    except PasswordError:
        raise LoadError(f"{name} is locked with a password. Save it without one.") from None
    except CalamineError as error:
        raise LoadError(f"{name} is no readable Excel workbook: {error}. Save it again as .xlsx.") from None
    except BaseException as error:
        # What fails inside the reader's Rust code arrives as a PanicException, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise LoadError(f"{name} is a damaged Excel workbook. Save it again as .xlsx.") from None


def sheets(name: str, path: Path, limits: Limits) -> list[str]:
    """Return the visible sheets with at least two rows; raises LoadError when there is none."""
    check_workbook(name, path, limits)
    with _opened(name, path) as workbook:
        found = [title for title in _visible(workbook) if _holds_table(workbook.get_sheet_by_name(title))]
        if not found:
            raise LoadError(
                f"{name} has no visible sheet with a header and a record: {', '.join(workbook.sheet_names)}."
            )
        return found


def _visible(workbook: CalamineWorkbook) -> list[str]:
    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]


def _holds_table(sheet: CalamineSheet) -> bool:
    return len(list(islice(_rows(sheet), 2))) == 2


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows with a filled cell and their numbers in the sheet."""
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if any(cell != "" for cell in cells):
            yield number, cells


def stage_workbook(name: str, path: Path, target: Path, sheet: str | None, reading: Reading, limits: Limits) -> Staged:
    """Write a sheet's records to `target`: that of `sheet`, or the first with a table. Raises LoadError.

    The digest is missing; only the caller knows which bytes are the source.
    """
    title = sheet or reading.sheet or sheets(name, path, limits)[0]
    check_workbook(name, path, limits)
    with _opened(name, path) as workbook:
        if title not in workbook.sheet_names:
            raise LoadError(str(UnknownNameError("sheet", title, workbook.sheet_names)))
        return _stage(name, workbook.get_sheet_by_name(title), target, reading, limits)


def _stage(name: str, sheet: CalamineSheet, target: Path, reading: Reading, limits: Limits) -> Staged:
    head = [Record(number, number, list(map(as_text, cells))) for number, cells in islice(_rows(sheet), RECORDS)]
    if not head:
        raise LoadError(f"The sheet {sheet.name!r} of {name} is empty.")
    header = find_header(f"the sheet {sheet.name!r} of {name}", head, reading.header)
    kinds, rows = _kinds(sheet, header.start)
    if not rows:
        raise LoadError(f"The sheet {sheet.name!r} of {name} has a header and no records.")
    cells = header.cells or [f"column_{place}" if kind else "" for place, kind in enumerate(kinds, 1)]
    kept = [place for place, kind in enumerate(kinds) if kind or cells[place].strip()]
    check_columns(name, len(kept), limits)
    names = column_names([cells[place] for place in kept])
    types = [_type(kinds[place]) for place in kept]
    _write(sheet, header.start, kept, names, types, target)
    return Staged(
        name=name,
        path=target,
        columns=dict(zip(names, types, strict=True)),
        rows=rows,
        digest="",
        reading=Reading(format="excel", sheet=sheet.name, header=header.row),
    )


def _kinds(sheet: CalamineSheet, start: int) -> tuple[list[set[ColumnType]], int]:
    """Return the types that occur in each column from a row on, and the number of records."""
    kinds: list[set[ColumnType]] = [set() for _ in range(sheet.width)]
    rows = 0
    for number, cells in _rows(sheet):
        if number < start:
            continue
        rows += 1
        for kind, cell in zip(kinds, cells, strict=True):
            if cell != "":
                kind.add(_kind(cell))
    return kinds, rows


def _kind(cell: Any) -> ColumnType:
    if isinstance(cell, float):
        return ColumnType.INTEGER if cell.is_integer() and abs(cell) < SAFE_INTEGER else ColumnType.NUMBER
    if isinstance(cell, dt.date):
        return ColumnType.TIME
    return ColumnType.INTEGER if isinstance(cell, int) and not isinstance(cell, bool) else ColumnType.TEXT


def _type(kinds: set[ColumnType]) -> ColumnType:
    if len(kinds) == 1:
        return next(iter(kinds))
    return ColumnType.NUMBER if kinds == {ColumnType.INTEGER, ColumnType.NUMBER} else ColumnType.TEXT


def as_text(cell: Any) -> str:
    """Return a cell as unambiguous text; empty for an empty one."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < SAFE_INTEGER:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(cell)


FORMS: dict[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: as_text,
    ColumnType.TIME: lambda cell: cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, MIDNIGHT),
    ColumnType.INTEGER: int,
    ColumnType.NUMBER: float,
}


def _write(
    sheet: CalamineSheet, start: int, kept: Sequence[int], names: list[str], types: list[ColumnType], target: Path
) -> None:
    table = TableWriter(target, names, [ARROW[kind] for kind in types])
    forms = [(place, FORMS[kind]) for place, kind in zip(kept, types, strict=True)]
    try:
        for number, cells in _rows(sheet):
            if number >= start:
                values = [None if cells[place] == "" else form(cells[place]) for place, form in forms]
                table.add(number, values, sum(len(value) for value in values if isinstance(value, str)))
    finally:
        table.close()
