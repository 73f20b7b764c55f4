"""The Explore page's URL, and what its cells say."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.explore import Cells, Exploration, Show, cell, default, offered_cells, read, search
from services.model import SalesModel
from services.periods import Compare, Grain, Period
from services.pivot import TIME, Pivot, table
from services.query import Filter, SalesQuery, Sort, to_params
from tests.factories import House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")


@pytest.fixture(scope="module")
def model(sample_model: SalesModel) -> SalesModel:
    return sample_model


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_address_gives_back_what_it_was_made_from(model: SalesModel, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*model.dimensions, "weekday", "hour"]), unique=True, max_size=3))
    split = data.draw(st.integers(0, len(names)))
    rows, columns = tuple(names[:split]), tuple(names[split:])
    grain = data.draw(st.sampled_from([None, *Grain]))
    if grain:
        down = data.draw(st.booleans())
        rows, columns = ((TIME, *rows), columns) if down else (rows, (TIME, *columns))
    query = SalesQuery(
        measures=("revenue", "orders"),
        grain=grain,
        period=data.draw(st.sampled_from([Period("ytd"), Period("all")])),
        compare=data.draw(st.sampled_from([Compare.YEAR, Compare.PRIOR])),
        filters=data.draw(st.sampled_from([(), (Filter("country", "not", ("France", "Malta")),)])),
        segments=data.draw(st.sampled_from([(), ("merchandise",)])),
        having=data.draw(st.sampled_from([(), (Filter("orders", "ge", ("10",)), Filter("revenue", "lt", ("1e5",)))])),
        sort=data.draw(st.sampled_from([(), (Sort("orders__change", descending=True),)])),
    )
    pivot = Pivot(query, rows, columns, top=data.draw(st.sampled_from([1, 25, 100])), others=data.draw(st.booleans()))
    made = Exploration(
        pivot, data.draw(st.sampled_from(list(Show))), data.draw(st.sampled_from(list(Cells))), data.draw(st.booleans())
    )
    assert read(parse_qsl(search(made)[1:], keep_blank_values=True), model) == (made, ())


def test_every_link_to_a_query_opens_it(model: SalesModel) -> None:
    query = SalesQuery(
        measures=("revenue",), dimensions=("country", "product"), grain=Grain.MONTH, compare=Compare.YEAR
    )
    found, notices = read(to_params(query), model)
    assert (found.pivot.rows, found.pivot.columns, notices) == (("country", "product"), (TIME,), ())
    total, _ = read(to_params(SalesQuery(measures=("orders",), grain=Grain.DAY)), model)
    assert (total.pivot.rows, total.pivot.columns) == ((TIME,), ())
    assert read([], model)[0].query == default(model)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("explore-columns", "contry", "There is no dimension 'contry'. Did you mean 'country'"),
        ("explore-top", "0", "whole number from 1 to 250"),
        ("explore-top", "many", "whole number from 1 to 250"),
        ("explore-show", "pie", "There is no choice 'pie'"),
        ("explore-totals", "perhaps", "Allowed: yes, no"),
        ("explore-having", "revenue", "such as revenue.gt.1000"),
        ("explore-having", "revenue.gt.lots", "'lots' is not a number"),
        ("explore-having", "orders.gt.1", "There is no measure of the pivot 'orders'"),
        ("explore-having", "revenue.contains.1", "one of gt, ge, lt, le"),
        ("explore-shape", "round", "There is no setting of this page 'explore-shape'"),
        ("by", "nothing", "The breakdown was left as it was"),
    ],
)
def test_what_is_not_understood_is_said_and_left_out(model: SalesModel, key: str, value: str, words: str) -> None:
    found, (notice,) = read([("measure", "revenue"), (key, value)], model)
    assert words in notice
    plain = [("measure", "revenue"), *([("by", "")] if key == "by" else [])]
    assert found == read(plain, model)[0]


def test_too_many_fields_are_said(model: SalesModel) -> None:
    fields = [("by", name) for name in ("country", "product", "customer", "order", "line_kind")]
    found, (notice,) = read(fields, model)
    assert found.pivot.rows == ("country", "product", "customer", "order")
    assert "line_kind was left out" in notice


@pytest.mark.parametrize("measure", ["revenue", "orders", "average"])
def test_shares_are_of_the_totals_shown(small_shop: House, measure: str) -> None:
    query = SalesQuery(measures=(measure,), grain=Grain.QUARTER, period=Period("last_year"), compare=Compare.YEAR)
    made = table(small_shop.sales(MemoryCache()), Pivot(query, ("country",), (TIME,), top=3), ANALYST)

    def says(cells: Cells, row: Any, column: Any) -> float:
        return cell(made, small_shop.model, cells, row, column, measure)

    for row in made.rows:
        for column in made.columns:
            value = made.value(row, column, measure)
            if measure == "average":
                assert math.isnan(says(Cells.OF_ROW, row, column))
                continue
            assert says(Cells.OF_ROW, row, column) == pytest.approx(value / made.value(row, (), measure), nan_ok=True)
            assert says(Cells.OF_COLUMN, row, column) == pytest.approx(
                value / made.value((), column, measure), nan_ok=True
            )
            assert says(Cells.OF_TOTAL, row, column) == pytest.approx(value / made.value((), (), measure), nan_ok=True)
    if measure == "revenue":
        leaves = [says(Cells.OF_COLUMN, row, made.columns[0]) for row in made.leaf_rows()]
        assert sum(leaves) == pytest.approx(1)


def test_change_in_cells_needs_something_to_compare_with(small_shop: House) -> None:
    sales = small_shop.sales(MemoryCache())
    query = SalesQuery(measures=("revenue",), period=Period("mtd"), compare=Compare.PRIOR)
    made = table(sales, Pivot(query, ("country",)), ANALYST)
    row = made.rows[0]
    now, before = (made.value(row, (), name) for name in ("revenue", "revenue__before"))
    assert cell(made, sales.model, Cells.CHANGE, row, (), "revenue") == pytest.approx(now - before)
    assert cell(made, sales.model, Cells.GROWTH, row, (), "revenue") == pytest.approx((now - before) / abs(before))
    lost = SalesQuery(
        measures=("revenue",), period=Period("mtd"), compare=Compare.PRIOR, sort=(Sort("revenue__change"),)
    )
    gone = table(sales, Pivot(lost, ("product", "country"), top=40), ANALYST)
    only_before = next(path for path in gone.leaf_rows() if math.isnan(gone.value(path, (), "revenue")))
    before = gone.value(only_before, (), "revenue__before")
    assert cell(gone, sales.model, Cells.CHANGE, only_before, (), "revenue") == pytest.approx(-before)
    assert Cells.CHANGE not in offered_cells(SalesQuery(measures=("revenue",)))
    unknown = table(sales, Pivot(SalesQuery(measures=("revenue",), compare=Compare.YEAR), ("country",)), ANALYST)
    assert math.isnan(cell(unknown, sales.model, Cells.CHANGE, row, (), "revenue"))
