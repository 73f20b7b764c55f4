from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services import overview
from services.access import RowScope, Viewer
from services.model import SalesModel
from services.overview import TILES, TOP, answers, default_query, grain_of, offered
from services.periods import Compare, Grain, Period, Range, Window
from services.query import Filter, SalesQuery
from services.sales import Sales
from tests.factories import House, viewer_of


@pytest.fixture(scope="module")
def base(sample_model: SalesModel) -> SalesQuery:
    return default_query(sample_model)


def tile(key: str, base: SalesQuery, model: SalesModel, grain: Grain = Grain.MONTH) -> SalesQuery:
    (found,) = (tile for tile in TILES if tile.key == key)
    return found.query(base, model, grain)


def test_default_is_what_the_model_says(sample_model: SalesModel, base: SalesQuery) -> None:
    assert base.measures == sample_model.overview.measures
    assert (base.period, base.compare) == (Period("ytd"), Compare.YEAR)


@pytest.mark.parametrize(
    ("days", "grain"),
    [(1, Grain.DAY), (31, Grain.DAY), (45, Grain.DAY), (46, Grain.WEEK), (100, Grain.WEEK), (101, Grain.MONTH)],
)
def test_grain_of_a_period(days: int, grain: Grain) -> None:
    start = dt.datetime(2024, 1, 1)
    asked = Range(start, start + dt.timedelta(days=days))
    assert grain_of(Window(asked, asked, incomplete=False)) is grain


def test_all_tiles_are_offered_for_the_sample(sample_model: SalesModel) -> None:
    assert offered(sample_model) == TILES


def test_tile_that_the_data_cannot_fill_is_not_offered(small_shop: House) -> None:
    without = small_shop.model.model_copy(
        update={"dimensions": {"order": small_shop.model.dimensions["order"]}},
    )
    assert [tile.key for tile in offered(without)] == [tile.key for tile in TILES if tile.needs is None]


def test_kpis_are_the_page(sample_model: SalesModel, base: SalesQuery) -> None:
    assert tile("kpis", base, sample_model) == base


def test_trend_has_the_grain(sample_model: SalesModel, base: SalesQuery) -> None:
    assert tile("trend", base, sample_model, Grain.WEEK) == replace(base, grain=Grain.WEEK)


@pytest.mark.parametrize(
    ("filters", "segments"),
    [
        pytest.param((), ("merchandise",), id="no filter"),
        pytest.param((Filter("country", "is", ("France",)),), ("merchandise",), id="another filter"),
        pytest.param((Filter("product", "is", ("POST",)),), (), id="product"),
        pytest.param((Filter("product_type", "is", ("Service and other",)),), (), id="product type"),
    ],
)
def test_ranking_of_products_is_of_merchandise_unless_filtered(
    sample_model: SalesModel, base: SalesQuery, filters: tuple[Filter, ...], segments: tuple[str, ...]
) -> None:
    query = tile("products", replace(base, filters=filters), sample_model)
    assert (query.dimensions, query.segments, query.limit) == (("product",), segments, TOP)
    assert query.filters == filters


@pytest.mark.parametrize("key", [each.key for each in TILES])
def test_every_tile_asks_a_query_of_the_model(sample_model: SalesModel, base: SalesQuery, key: str) -> None:
    query = tile(key, base, sample_model)
    assert query.check(sample_model) is query
    assert (query.period, query.filters) == (base.period, base.filters)


def test_hours_are_not_compared(sample_model: SalesModel, base: SalesQuery) -> None:
    query = tile("hours", base, sample_model)
    assert (query.dimensions, query.compare) == (("weekday", "hour"), Compare.NONE)


def test_tiles_agree_with_one_another(sales: Sales, everyone: Viewer, base: SalesQuery) -> None:
    found = answers(sales, TILES, base, everyone)
    assert found.keys() == {each.key for each in TILES}
    total = found["kpis"].value("revenue")
    for key in ("trend", "places", "hours"):
        assert found[key].frame["revenue"].sum() == pytest.approx(total, abs=0.005)
    before = found["kpis"].value("revenue__before")
    assert found["trend"].frame["revenue__before"].sum() == pytest.approx(before, abs=0.005)
    assert found["places"].frame["revenue__before"].sum() == pytest.approx(before, abs=0.005)
    assert len(found["products"].frame) == TOP


def test_tiles_hold_the_scope(sales: Sales, base: SalesQuery) -> None:
    manager = viewer_of("manager", RowScope.of({"country": ["Germany", "France"]}))
    found = overview.answers(sales, TILES, base, manager)
    assert set(found["places"].frame["country"]) == {"Germany", "France"}
    assert found["places"].frame["revenue"].sum() == pytest.approx(found["kpis"].value("revenue"), abs=0.005)


def test_rankings_begin_with_the_largest(sales: Sales, everyone: Viewer, base: SalesQuery) -> None:
    found = answers(sales, TILES, base, everyone)
    for key in ("places", "products"):
        revenue = list(found[key].frame["revenue"].dropna())
        assert revenue == sorted(revenue, reverse=True)
