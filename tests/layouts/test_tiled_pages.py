"""The pages of tiles for any data: every tile is drawn or says why not, in figures a browser can read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

import callbacks.countries
import callbacks.details
import callbacks.explore
import callbacks.forecast
import callbacks.products
import callbacks.trends
from callbacks.tiled_page import TiledPage
from callbacks.wiring import PageContext
from layouts.markup import written
from layouts.tiles import Drawn
from services import drilling, explore, formats, pivot, sheets
from services.access import ROLES, Permission, RowScope, Viewer
from services.database import Base
from services.drilling import Mark
from services.planning import Planning
from services.sales import Sales
from services.trail import Places
from tests.factories import House, MemoryCache, viewer_of

PAGES: dict[str, TiledPage[Any]] = {
    "trends": callbacks.trends.PAGE,
    "products": callbacks.products.PAGE,
    "countries": callbacks.countries.PAGE,
    "details": callbacks.details.PAGE,
}
ADDRESSES = [
    ("trends", ""),
    ("trends", "trends-also=yes&trends-average=3&grain=week&period=last_12_months"),
    ("trends", "trends-split=country&trends-look=share"),
    ("trends", "trends-ahead=8&grain=week&period=last_12_months"),
    ("trends", "trends-look=index&measure=average&compare=prior"),
    ("products", ""),
    ("products", "measure=average"),
    ("products", "products-item=P7"),
    ("products", "products-item=no-such"),
    ("products", "compare=none&products-a=50"),
    ("countries", ""),
    ("countries", "countries-item=Chile"),
    ("countries", "countries-item=Nowhere&compare=none"),
    ("countries", "countries-item=Chile&countries-item=Egypt"),
    ("details", ""),
    ("details", "details-order=O7"),
    ("details", "details-order=no-such"),
    ("forecast", ""),
    ("forecast", "forecast-by=month&forecast-ahead=3&forecast-show=parts"),
    ("forecast", "forecast-show=leaders"),
    ("forecast", "forecast-by=moon&forecast-ahead=36&forecast-colour=red"),
    ("explore", "by=country&by=product&explore-show=heat&explore-cells=row"),
    ("explore", "by=country&grain=quarter&explore-show=bars&measure=orders"),
    ("explore", "grain=month&explore-show=lines&explore-columns=country&period=all"),
    ("explore", "by=country&explore-show=map"),
    ("explore", "by=weekday&explore-columns=hour&explore-cells=growth"),
    ("explore", "by=product&explore-having=revenue.gt.1e9"),
]
PLACES = Places(here="/trends", explore="/explore", lines="/lines", ask="/ask")
NOBODY, EVERYBODY = viewer_of("analyst", RowScope()), viewer_of("analyst")


@cache
def planning_of(sales: Sales) -> Planning:
    """Return the targets and notes of an application database of its own, which has none."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    Base.metadata.create_all(engine)
    return Planning(engine, sales.model)


def drawn(sales: Sales, page: str, search: str, viewer: Viewer) -> Sequence[Drawn]:
    params = [cast("tuple[str, str]", tuple(each.split("=", 1))) for each in search.split("&") if each]
    context = PageContext(cast("Any", SimpleNamespace(sales=sales, planning=planning_of(sales))), viewer, params)
    if page == "forecast":
        return callbacks.forecast.drawn(context)
    return PAGES[page].drawn(context) if page in PAGES else callbacks.explore.drawn(context)


def check(each: Drawn) -> None:
    """A tile has a title, and a figure and a table of its own query, or says why not; nothing failed unforeseen."""
    assert each.title
    assert "could not be shown (error" not in each.problem, each.title
    if each.problem:
        return
    json.dumps(each.figure, allow_nan=False)
    if each.sheet is not None:
        sheet = each.sheet()
        assert {len(row) for row in sheet.rows} <= {len(sheet.columns)}, each.title
    for trace in (each.figure or {}).get("data", []):
        if "meta" not in trace or each.answer is None:
            continue
        query = each.answer.query
        fields = {*query.dimensions, *(["time"] if query.grain else [])}
        assert set(trace["meta"]["fields"]) <= fields, each.title
        assert all(row is None or len(row) == len(trace["meta"]["fields"]) + 1 for row in trace["customdata"])


def marks_of(found: object, meta: str = "") -> Iterator[dict[str, object]]:
    """Yield the marks in the table and the key figures of a tile, as the browser sends them."""
    if isinstance(found, list):
        for each in found:
            yield from marks_of(each, meta)
    elif isinstance(found, dict):
        meta = found.get("data-meta", meta)
        if "data-mark" in found:
            yield mark_of(json.loads(meta), json.loads(found["data-mark"]))
        for each in found.values():
            yield from marks_of(each, meta)


def mark_of(meta: Mapping[str, Any], row: Sequence[Any]) -> dict[str, object]:
    return {"measure": meta["measure"], "label": row[0], "at": [*zip(meta["fields"], row[1:], strict=True)]}


def check_menus(each: Drawn, sales: Sales) -> None:
    """From every mark of a tile there are five ways on at least, no two called alike."""
    if each.problem or each.empty or each.answer is None or each.answer.query.columns:
        return
    query = each.answer.query
    found = [
        mark_of(trace["meta"], row)
        for trace in (each.figure or {}).get("data", [])
        if "meta" in trace
        for row in trace["customdata"]
        if row and not isinstance(row[0], list)
    ]
    found += marks_of(json.loads(written(each.table)))
    for mark in (*found[:3], *found[-3:]):
        entries = drilling.entries(sales.model, query, Mark.read(mark), sales.window(query).asked, PLACES)
        assert len({entry.text for entry in entries}) == len(entries) >= 5, (each.title, mark)


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


@pytest.mark.parametrize("viewer", [EVERYBODY, NOBODY], ids=["all rows", "no rows"])
@pytest.mark.parametrize(("page", "search"), ADDRESSES)
def test_every_tile_is_drawn_and_exported_or_says_why_not(asked: Sales, page: str, search: str, viewer: Viewer) -> None:
    found = drawn(asked, page, search, viewer)
    assert found
    for each in found:
        check(each)
        check_menus(each, asked)
        if viewer is EVERYBODY and each.answer is not None and not each.answer.query.columns:
            sheet = (
                each.sheet() if each.sheet else sheets.sheet_of(asked, each.answer, viewer, each.title, each.measure)
            )
            assert all(len(row) == len(sheet.columns) for row in sheet.rows), each.title


def test_data_of_a_time_and_an_amount_have_trends_and_explore(small_shop: House) -> None:
    model = small_shop.model.model_copy(update={"dimensions": {}, "filters": ()})
    sales = Sales(model, small_shop.warehouse, MemoryCache())
    titles = [each.title for each in drawn(sales, "trends", "", EVERYBODY)]
    assert titles[0] == "Revenue by month"
    assert not any("seasonal" in title for title in titles)
    for search in ("", "by=weekday&grain=month"):
        for each in drawn(sales, "explore", search, EVERYBODY):
            check(each)
    assert callbacks.products.needs(model)
    assert callbacks.countries.needs(model)
    assert callbacks.details.needs(model)


def test_other_values_of_a_pivot_cannot_be_asked(asked: Sales) -> None:
    found, _ = explore.read([("by", "product"), ("explore-top", "5"), ("explore-show", "bars")], asked.model)
    (tile,) = drawn(asked, "explore", "by=product&explore-top=5&explore-show=bars", EVERYBODY)
    assert tile.figure is not None
    rows = tile.figure["data"][0]["customdata"]
    assert [row is None for row in rows] == [False] * 5 + [True]
    assert len(pivot.table(asked, found.pivot, EVERYBODY).leaf_rows()) == 6


def test_lines_of_an_order_leave_only_with_the_permission(asked: Sales) -> None:
    titles = {
        role: [each.title for each in drawn(asked, "details", "details-order=O7", viewer_of(role))] for role in ROLES
    }
    assert {role for role, found in titles.items() if "Its lines" in found} == {
        role for role in ROLES if Permission.LINES_EXPORT in ROLES[role].permissions
    }


def test_file_of_a_pivot_has_the_form_and_the_numbers_of_the_screen(asked: Sales) -> None:
    search = "by=country&by=product&grain=year&measure=revenue&measure=average&period=all&explore-top=5"
    (tile,) = drawn(asked, "explore", search, EVERYBODY)
    assert tile.sheet is not None
    sheet = tile.sheet()
    names = [column.label for column in sheet.columns]
    assert names[:2] == ["Country", "Product"]
    assert names[-2:] == [f"Total, {asked.model.measure(name).label}" for name in ("revenue", "average")]
    found = json.loads(json.dumps(tile.table, default=lambda each: each.to_plotly_json()))
    shown = [
        [_text(cell) for cell in row["props"]["children"]] for row in found["props"]["children"][2]["props"]["children"]
    ]
    rows = [*sheet.rows, sheet.total]
    assert len(rows) == len(shown)
    assert {row[1] for row in rows} >= {"Total", "All other products"}
    for row, cells in zip(rows, shown, strict=True):
        kinds = [asked.model.measure(name).format for name in ("revenue", "average")] * len(row)
        numbers = row[2:]
        written = [
            formats.exact(math.nan if each is None else each, kinds[i], asked.model) for i, each in enumerate(numbers)
        ]
        assert cells[-len(written) :] == written


def _text(found: object) -> str:
    """Return the words in a component written as JSON."""
    if isinstance(found, list):
        return "".join(map(_text, found))
    return _text(found["props"].get("children", "")) if isinstance(found, dict) else str(found or "")
