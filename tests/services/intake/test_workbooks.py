"""Excel workbooks: the sheets with tables, their typed columns, and what must not be opened."""

from __future__ import annotations

import datetime as dt
import random
import re
import zipfile
from pathlib import Path

import duckdb
import pytest
import xlsxwriter  # type: ignore[import-untyped]
import xlwt  # type: ignore[import-untyped]

from services.errors import LoadError
from services.intake.files import find, stage
from services.intake.limits import Limits
from services.intake.staged import Part, Staged
from services.intake.workbooks import check_workbook
from services.model import ColumnType
from services.recipe import Reading


def rows(table: Staged) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM ({table.relation()}) ORDER BY 1").fetchall()


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a workbook: titles above a table of every type, a second table, a hidden, an empty and a chart sheet."""
    file = tmp_path / "sales.xlsx"
    with xlsxwriter.Workbook(str(file)) as workbook:
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        sheet = workbook.add_worksheet("Orders 2024")
        sheet.write(0, 1, "Sales report")
        sheet.write_row(2, 1, ["Date", "Units", "Price", "Code", "Paid", "Note", "", "Sum"])
        for number in range(3):
            row = 3 + number + (number == 2)
            sheet.write_datetime(row, 1, dt.datetime(2024, 2, number + 1, 12 * (number == 1)), day)
            sheet.write_row(row, 2, [number, number + 0.5, [22423, "85123A", "007"][number], number == 0])
            sheet.write_string(row, 6, "=cmd|x")
            sheet.write_formula(
                row, 8, "=1/0" if number == 1 else f"=C{row + 1}*2", None, "#DIV/0!" if number == 1 else 7
            )
        workbook.add_worksheet("More").write_column(0, 0, ["city", "Paris"])
        hidden = workbook.add_worksheet("Hidden")
        hidden.hide()
        hidden.write_column(0, 0, ["a", 1])
        workbook.add_worksheet("Empty")
        workbook.add_chartsheet("Chart").set_chart(_chart(workbook))
    return file


def _chart(workbook: xlsxwriter.Workbook) -> object:
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "=More!$A$1:$A$2"})
    return chart


def test_each_visible_sheet_with_a_table_is_found(book: Path) -> None:
    assert [part.sheet for part in find(book)] == ["Orders 2024", "More"]


def test_cells_come_with_their_types(book: Path, tmp_path: Path) -> None:
    table = stage(find(book)[0], tmp_path / "staged")
    assert table.columns == {
        "Date": ColumnType.TIME,
        "Units": ColumnType.INTEGER,
        "Price": ColumnType.NUMBER,
        "Code": ColumnType.TEXT,
        "Paid": ColumnType.TEXT,
        "Note": ColumnType.TEXT,
        "Sum": ColumnType.INTEGER,
    }
    assert rows(table) == [
        (4, dt.datetime(2024, 2, 1), 0, 0.5, "22423", "TRUE", "=cmd|x", 7),
        (5, dt.datetime(2024, 2, 2, 12), 1, 1.5, "85123A", "FALSE", "=cmd|x", None),
        (7, dt.datetime(2024, 2, 3), 2, 2.5, "007", "FALSE", "=cmd|x", 7),
    ]
    assert table.reading == Reading(format="excel", sheet="Orders 2024", header=3)
    again = stage(find(book)[0], tmp_path / "again", table.reading)
    assert (rows(again), again.digest) == (rows(table), table.digest)


def test_a_sheet_is_chosen_by_name(book: Path, tmp_path: Path) -> None:
    assert rows(stage(Part(book, "sales"), tmp_path, Reading(sheet="Hidden"))) == [(2, 1)]
    with pytest.raises(LoadError, match=r"no sheet 'Mor'\. Did you mean 'More'"):
        stage(Part(book, "sales"), tmp_path, Reading(sheet="Mor"))


def test_old_workbooks(tmp_path: Path) -> None:
    workbook = xlwt.Workbook()
    sheet = workbook.add_sheet("Old")
    for row, cells in enumerate([("when", "n", "t"), (dt.date(2020, 1, 2), 5, "x"), (dt.date(2020, 1, 3), 6, 7)]):
        for column, cell in enumerate(cells):
            sheet.write(
                row, column, cell, xlwt.easyxf(num_format_str="YYYY-MM-DD") if column == 0 else xlwt.Style.default_style
            )
    file = tmp_path / "old.xls"
    workbook.save(str(file))
    table = stage(find(file)[0], tmp_path / "staged")
    assert rows(table) == [(2, dt.datetime(2020, 1, 2), 5, "x"), (3, dt.datetime(2020, 1, 3), 6, "7")]


def rewritten(book: Path, target: Path, sheet: str) -> Path:
    """Copy a workbook with other cells in its first sheet."""
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = re.sub(
                    rb"<sheetData>.*</sheetData>", b"<sheetData>" + sheet.encode() + b"</sheetData>", content
                )
            out.writestr(name, content)
    return target


@pytest.mark.parametrize(
    "sheet",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row><c r='A1'><v>1</v></c></row><row><c s='1' r = 'XFD1048576'><v>1</v></c></row>",
        '<row r="1"><c><v>1</v></c></row><row r="1048576">' + "<c><v>1</v></c>" * 16_384 + "</row>",
        '<x:row r="1"><x:c r="A1"><v>1</v></x:c></x:row><x:row r="9"><x:c r="XFD1048576"><v>1</v></x:c></x:row>',
    ],
)
def test_two_cells_far_apart_do_not_fill_the_memory(book: Path, tmp_path: Path, sheet: str) -> None:
    with pytest.raises(LoadError, match="limit workbook_cells"):
        find(rewritten(book, tmp_path / "far.xlsx", sheet))


def test_cells_that_do_not_say_where_they_stand_are_read(book: Path, tmp_path: Path) -> None:
    sheet = (
        '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row>'
        + "<row><c><v>1</v></c><c><v>2</v></c></row>" * 20_000
    )
    file = rewritten(book, tmp_path / "plain.xlsx", sheet)
    check_workbook("plain.xlsx", file, Limits(workbook_cells=50_000))
    assert stage(find(file)[0], tmp_path / "staged").rows == 20_000


def test_a_workbook_beyond_its_limit_is_not_opened(book: Path) -> None:
    with pytest.raises(LoadError, match="limit workbook_bytes"):
        find(book, Limits(workbook_bytes=5_000))


def test_damaged_workbooks_never_crash(book: Path, tmp_path: Path) -> None:
    good = book.read_bytes()
    chance = random.Random(5)
    for number in range(60):
        content = bytearray(good)
        for _ in range(6):
            content[chance.randrange(len(content))] = chance.randrange(256)
        file = tmp_path / f"bad{number}.xlsx"
        file.write_bytes(content if number % 3 else content[: chance.randrange(len(content))])
        try:
            for part in find(file):
                stage(part, tmp_path / "staged")
        except LoadError as error:
            last = str(error)
    assert "bad" in last
