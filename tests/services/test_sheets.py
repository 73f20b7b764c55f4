"""What is in a file is what the answer says; totals are asked for; nothing in it is run."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from services import sheets, xlsx
from services.access import Viewer
from services.exports import safe_cell
from services.model import SalesModel
from services.overview import default_query
from services.periods import Compare, Grain
from services.query import SalesQuery, Sort
from services.sales import Sales
from services.sheets import Column, Kind, Sheet
from tests.factories import House, viewer_of


def workbook(found: list[Sheet], model: SalesModel) -> dict[str, list[list[Any]]]:
    stream = io.BytesIO()
    xlsx.write_xlsx(found, [("Filters", "none")], model, stream)
    stream.seek(0)
    book = CalamineWorkbook.from_filelike(stream)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@settings(max_examples=15)
@given(
    dimensions=st.lists(st.sampled_from(["country", "product"]), max_size=2, unique=True).map(tuple),
    grain=st.none() | st.sampled_from([Grain.MONTH, Grain.YEAR]),
    measure=st.sampled_from(["revenue", "orders", "average"]),
    compare=st.sampled_from(Compare),
)
def test_file_says_what_the_answer_says(
    small_shop: House, dimensions: tuple[str, ...], grain: Grain | None, measure: str, compare: Compare
) -> None:
    viewer = viewer_of("analyst")
    query = SalesQuery(
        measures=("lines", measure), dimensions=dimensions or ("country",), grain=grain, compare=compare, limit=40
    )
    answer = small_shop.sales().answer(query, viewer)
    made = sheets.sheet_of(small_shop.sales(), answer, viewer, "Shop", measure)
    head, *rows, total = workbook([made], small_shop.model)["Shop"]
    label = small_shop.model.measure(measure).label
    assert len(rows) == len(answer.frame)
    read = [row[head.index(label)] for row in rows]
    assert [value if value != "" else None for value in read] == [
        None if math.isnan(value) else pytest.approx(value) for value in answer.frame[measure]
    ]
    whole = small_shop.sales().answer(SalesQuery(measures=(measure,)), viewer)
    assert total[head.index(label)] == pytest.approx(whole.value(measure))
    assert (f"{label} before" in head) == (answer.window.before is not None)


def test_key_figures_are_rows(sales: Sales, everyone: Viewer) -> None:
    answer = sales.answer(default_query(sales.model), everyone)
    rows = workbook([sheets.sheet_of(sales, answer, everyone, "Key figures")], sales.model)["Key figures"]
    assert rows[1][:2] == ["Revenue", "£9.83M"]
    assert rows[1][2] == pytest.approx(9831894.344)
    assert len(rows) == 7


def test_lines_are_all_of_them(small_shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "CHUNK", 700)
    query = SalesQuery(columns=small_shop.model.lines, sort=(Sort("line_id"),))
    made = sheets.lines(small_shop.sales(), query, viewer_of("analyst"), "Lines")
    rows = list(made.rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert len({row[0] for row in rows}) == 3000


def test_nothing_is_run_and_nothing_is_lost(sample_model: SalesModel) -> None:
    evil = ["=1+1", "@SUM(A1)", "+cmd", "http://example.com", "{=A1}", "plain", "-12"]
    made = Sheet("=2+2", (Column("=A1", Kind.TEXT),), [(text,) for text in evil])
    ((_, *rows), about) = workbook([made], sample_model).values()
    assert [row[0] for row in rows] == ["'=1+1", "'@SUM(A1)", "'+cmd", "http://example.com", "{=A1}", "plain", "-12"]
    assert about[1] == ["Filters", "none"]
    text = io.StringIO(newline="")
    sheets.write_csv(made, [("Filters", "=none")], text)
    rows = list(csv.reader(text.getvalue().splitlines()))
    assert [row[0] for row in rows[:-3]] == [
        "'=A1", "'=1+1", "'@SUM(A1)", "'+cmd", "http://example.com", "{=A1}", "plain", "-12",
    ]  # fmt: skip
    assert rows[-3:] == [[], ["About this file"], ["Filters", "'=none"]]


CELLS = {
    Kind.TEXT: st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), max_size=12)
    | st.sampled_from([" a ", "_x0041_", "a\rb\x07", "<&>"]),
    Kind.TIME: st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2200, 1, 1)).map(
        lambda at: at.replace(hour=max(at.hour, 1), microsecond=0)
    ),
    Kind.INTEGER: st.integers(-(10**15), 10**15),
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
}


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(*(st.none() | cell for cell in CELLS.values())), max_size=12), total=st.booleans())
def test_workbook_holds_every_value(sample_model: SalesModel, rows: list[tuple[Any, ...]], total: bool) -> None:
    """Rows go into the file in blocks: none is lost, doubled or shifted at their ends."""
    last = (("Total", None, 7, 0.5),) if total else ()
    columns = tuple(Column(kind.value, kind) for kind in CELLS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(xlsx, "BLOCK", 5)
        read = workbook([Sheet("All", columns, iter(rows), *last)], sample_model)["All"][1:]
    read += [["", "", "", ""]] * (len(rows) + len(last) - len(read))  # the reader leaves out empty rows at the end
    for expected, found in zip((*rows, *last), read, strict=True):
        assert found == ["" if value is None else safe_cell(value) for value in expected]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=50), min_size=1, max_size=12))
def test_any_titles_make_a_workbook(sample_model: SalesModel, titles: list[str]) -> None:
    found = [Sheet(title, (Column("A", Kind.TEXT),), [("x",)]) for title in titles]
    assert len(workbook(found, sample_model)) == len(titles) + 1
