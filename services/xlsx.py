"""Sheets as a workbook of Excel.

XlsxWriter makes the frame: columns, formats, heads. The rows go between, as XML in blocks: cell by cell it takes six
times as long. What is in the XML: ECMA-376 part 1, 18.3.1 (worksheets) and 22.9.2.19 (`_xHHHH_` in texts).
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, count, islice
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]

from services import formats
from services.exports import safe_cell
from services.model import SalesModel
from services.sheets import ABOUT, Column, Kind, Sheet

#: Rows that become XML at a time, and how many texts and times of a column are kept as XML.
BLOCK, KEPT = 2_000, 8_192
#: Spreadsheets count days from here.
EPOCH, DAY = dt.datetime(1899, 12, 30), dt.timedelta(days=1)
#: UTF-16 units in a cell at most.
LONGEST = 32_767
WIDTHS = {Kind.TEXT: 28, Kind.TIME: 17}
#: The levels above 3 make files of these texts a tenth smaller and take twice as long.
LEVEL = 3
#: Where rows go: the frame has an empty one for the rows and one for the total, which tell their styles.
ROWS = re.compile(r'<row r="2".*?</row>(?=</sheetData>)', re.DOTALL)
STYLE = re.compile(r'<c r="[A-Z]+[23]" s="(\d+)"/>')
DIMENSION = re.compile(r"<dimension [^>]*/>")
#: What looks like an escape, and what XML cannot hold or would not keep.
ESCAPED = re.compile(r"_(?=x[0-9a-fA-F]{4}_)")
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
Cell = Callable[[Any], str]


def write_xlsx(sheets: Sequence[Sheet], about: Sequence[tuple[str, str]], model: SalesModel, stream: IO[bytes]) -> None:
    """Write a workbook: one sheet each, and a last one `About this file` with (name, text) pairs.

    Rows leave memory as they come.
    """
    pairs = Sheet(ABOUT, (Column("About", Kind.TEXT), Column("", Kind.TEXT)), about)
    names = [*_sheet_names([sheet.title for sheet in sheets]), pairs.title]
    whole = [*sheets, pairs]
    parts = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(whole, 1)}
    with (
        zipfile.ZipFile(_frame(names, whole, model)) as frame,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as book,
    ):
        for part in frame.infolist():
            with book.open(part.filename, "w", force_zip64=part.filename in parts) as target:
                for block in _filled(frame.read(part), parts.get(part.filename)):
                    target.write(block)


def _frame(names: Sequence[str], sheets: Sequence[Sheet], model: SalesModel) -> IO[bytes]:
    """Return a workbook of heads, and below each an empty row of the columns' styles and one of the total's."""
    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(stream, options) as book:
        styles = _styles(book, model)
        for name, sheet in zip(names, sheets, strict=True):
            page = book.add_worksheet(name)
            page.freeze_panes(1, 0)
            for index, column in enumerate(sheet.columns):
                page.set_column(index, index, WIDTHS.get(column.kind, 16), styles[column.kind.value])
                page.write_string(0, index, safe_cell(column.label), styles["head"])
                page.write_blank(1, index, None, styles[column.kind.value])
                page.write_blank(2, index, None, styles[f"total {column.kind.value}"])
    stream.seek(0)
    return stream


def _styles(book: Any, model: SalesModel) -> dict[str, Any]:
    symbol = formats.currency_prefix(model).replace('"', "")
    patterns = {
        Kind.TEXT: "@",
        Kind.TIME: "yyyy-mm-dd hh:mm",
        Kind.INTEGER: "#,##0",
        Kind.NUMBER: "#,##0.00",
        Kind.CURRENCY: f'"{symbol}"#,##0.00;-"{symbol}"#,##0.00',
        Kind.PERCENT: "0.00%",
        Kind.CHANGE: "+0.0%;-0.0%;0.0%",
    }
    found: dict[str, Any] = {kind.value: book.add_format({"num_format": each}) for kind, each in patterns.items()}
    for kind, pattern in patterns.items():
        found[f"total {kind.value}"] = book.add_format({"num_format": pattern, "bold": True, "top": 1})
    found["head"] = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    return found


def _filled(frame: bytes, sheet: Sheet | None) -> Iterator[bytes]:
    """Return a part of the workbook in pieces, with the rows of its sheet in it."""
    if sheet is None or not sheet.columns:
        yield frame
        return
    before, after = ROWS.split(DIMENSION.sub("", frame.decode(), count=1))
    styles = STYLE.findall(frame.decode())
    width = len(sheet.columns)
    yield before.encode()
    yield from _blocks(sheet, styles[:width], styles[width:])
    yield after.encode()


def _blocks(sheet: Sheet, styles: Sequence[str], total_styles: Sequence[str]) -> Iterator[bytes]:
    letters = [xl_col_to_name(index) for index in range(len(styles))]
    rows, first = iter(sheet.rows), 2
    cells = [_cell(style) for style in styles]
    while block := list(islice(rows, BLOCK)):
        yield _block(block, first, letters, cells)
        first += len(block)
    if sheet.total:
        yield _block([sheet.total], first, letters, [_cell(style) for style in total_styles])


def _block(rows: Sequence[Sequence[Any]], first: int, letters: Sequence[str], cells: Sequence[Cell]) -> bytes:
    """Return rows as XML, the first of them with the number `first`; nothing for a cell without a value."""
    numbers = range(first, first + len(rows))
    columns: list[Iterable[str]] = [[f'<row r="{number}">' for number in numbers]]
    for letter, cell, values in zip(letters, cells, zip(*rows, strict=True), strict=False):
        found = map(cell, values)
        columns.append(
            [f'<c r="{letter}{number}{each}' if each else "" for number, each in zip(numbers, found, strict=True)]
        )
    columns.append(["</row>"] * len(rows))
    return "".join(chain.from_iterable(zip(*columns, strict=True))).encode("utf-8", "replace")


def _cell(style: str) -> Cell:
    """Return what writes the cells of a column from behind their numbers on; "" for no value."""

    @lru_cache(KEPT, typed=True)
    def write(value: Any) -> str:
        match value:
            case None:
                return ""
            case str():
                text = _text(safe_cell(value))
                return f'" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
            case dt.datetime():
                return f'" s="{style}"><v>{(value - EPOCH) / DAY!r}</v></c>'
            case int():
                return f'" s="{style}"><v>{value:d}</v></c>'
        number = float(value)
        if math.isfinite(number):
            return f'" s="{style}"><v>{number!r}</v></c>'
        return f'" s="{style}" t="e"><v>#{"NUM" if math.isnan(number) else "DIV/0"}!</v></c>'

    return write


def _text(text: str) -> str:
    kept = UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", ESCAPED.sub("_x005F_", _cut(text, LONGEST)))
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sheet_names(titles: Sequence[str]) -> list[str]:
    """Return names that a workbook takes: 31 letters of UTF-16, no brackets and slashes, each once in any case."""
    found: list[str] = []
    taken = {"about this file"}
    for title in titles:
        plain = re.sub(r"[\[\]:*?/\\']", " ", title).strip() or "Sheet"
        for number in count(1):
            name = _cut(plain, 31) if number == 1 else f"{_cut(plain, 27)} {number}"
            if name.lower() not in taken:
                break
        taken.add(name.lower())
        found.append(name)
    return found


def _cut(text: str, length: int) -> str:
    if 2 * len(text) <= length:
        return text
    return text.encode("utf-16-le", "replace")[: 2 * length].decode("utf-16-le", "ignore")
