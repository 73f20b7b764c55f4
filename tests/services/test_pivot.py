"""Pivots against pandas: every cell, subtotal, total and "other", whatever the fields."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.access import RowScope
from services.errors import QueryError, UnknownNameError
from services.model import SalesModel
from services.periods import Compare, Grain, Period
from services.pivot import OTHER, TIME, Path, Pivot, Table, leaves, table
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from tests.factories import SHOP_ROWS, House, MemoryCache, viewer_of

ANALYST = viewer_of("analyst")
MEASURES = ("revenue", "orders", "average")
FIELDS = ("country", "product", "weekday", TIME)
QUERY = SalesQuery(measures=MEASURES, period=Period("last_year"), compare=Compare.YEAR)


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    """Return the shop's lines with a column per field, in plain pandas."""
    with duckdb.connect() as connection:
        lines: pd.DataFrame = connection.execute(SHOP_ROWS).df()
    lines = lines.assign(product=lines["product_id"], weekday=lines["sold_at"].dt.isocalendar().day.astype(int))
    lines["revenue"] = lines["revenue"].astype(float)
    return lines.assign(**{TIME: lines["sold_at"].dt.to_period("Q").dt.start_time})


@pytest.fixture(scope="module")
def asked(small_shop: House) -> Sales:
    return small_shop.sales(MemoryCache())


def measured(lines: pd.DataFrame) -> dict[str, float]:
    if lines.empty:
        return dict.fromkeys(MEASURES, math.nan)
    revenue, orders = lines["revenue"].sum(), lines["order_id"].nunique()
    return {"revenue": revenue, "orders": orders, "average": revenue / orders}


def meant(lines: pd.DataFrame, fields: tuple[str, ...], path: Path, shown: dict[str, set[Any]]) -> pd.DataFrame:
    for name, value in zip(fields, path, strict=False):
        if value is OTHER:
            lines = lines[~lines[name].isin(shown[name])]
        elif value is None:
            lines = lines[lines[name].isna()]
        else:
            lines = lines[lines[name] == value]
    return lines


def same(found: float, wanted: float) -> bool:
    return (math.isnan(found) and math.isnan(wanted)) or found == pytest.approx(wanted, abs=1e-6)


def check(made: Table, facts: pd.DataFrame) -> None:
    """Compare each cell that is shown with pandas."""
    pivot = made.pivot
    now = made.answer.window.now
    lines = facts[(facts["sold_at"] >= now.start) & (facts["sold_at"] < now.end)]
    sides = ((pivot.rows, made.rows), (pivot.columns, made.columns))
    shown = {
        name: {path[depth] for path in paths if len(path) > depth and path[depth] is not OTHER}
        for fields, paths in sides
        for depth, name in enumerate(fields)
    }
    for row, column in product(made.rows, made.columns):
        wanted = measured(meant(meant(lines, pivot.rows, row, shown), pivot.columns, column, shown))
        for name in MEASURES:
            found = made.value(row, column, name)
            if name == "orders" and math.isnan(found):
                found = 0.0 if wanted[name] == 0 else found
            assert same(found, wanted[name]), (row, column, name)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.lists(st.sampled_from(FIELDS), unique=True, min_size=1, max_size=3),
    split=st.integers(0, 3),
    top=st.sampled_from([1, 3, 50]),
    sort=st.sampled_from(["revenue", "orders", "average", "revenue__change", "revenue__growth"]),
)
@example(fields=["country", "product"], split=1, top=3, sort="revenue__change")
@example(fields=["product", TIME], split=1, top=1, sort="average")
def test_every_cell_is_what_pandas_says(
    asked: Sales, facts: pd.DataFrame, fields: list[str], split: int, top: int, sort: str
) -> None:
    query = replace(QUERY, grain=Grain.QUARTER if TIME in fields else None, sort=(Sort(sort, descending=True),))
    check(table(asked, Pivot(query, tuple(fields[:split]), tuple(fields[split:]), top=top), ANALYST), facts)


def test_leading_values_are_those_ranked_first_and_the_rest_is_one(asked: Sales, facts: pd.DataFrame) -> None:
    made = table(asked, Pivot(replace(QUERY, compare=Compare.NONE), ("product",), top=5), ANALYST)
    lines = facts[facts["sold_at"].dt.year == 2023]
    ranked = lines.groupby("product")["revenue"].sum().sort_values(ascending=False)
    assert [path[0] for path in made.rows[:5]] == list(ranked.index[:5])
    assert [len(path) for path in made.rows] == [1] * 6 + [0]
    assert made.rows[5] == (OTHER,)
    assert made.labels["product", ranked.index[0]] == f"Product {ranked.index[0][1:]}"
    assert made.value((OTHER,), (), "revenue") == pytest.approx(ranked.iloc[5:].sum())
    without = table(asked, replace(made.pivot, others=False), ANALYST)
    assert without.rows == (*made.rows[:5], ())
    assert without.value((), (), "revenue") == pytest.approx(ranked.sum())


def test_condition_on_a_measure_chooses_rows_and_leaves_the_total(asked: Sales, facts: pd.DataFrame) -> None:
    query = replace(QUERY, compare=Compare.NONE, having=(Filter("revenue", "gt", ("3500",)),))
    lines = facts[facts["sold_at"].dt.year == 2023]
    per_product = lines.groupby("product")["revenue"].sum()
    made = table(asked, Pivot(query, ("product",)), ANALYST)
    assert {path[0] for path in made.rows[:-2]} == set(per_product[per_product > 3500].index)
    assert made.value((OTHER,), (), "revenue") == pytest.approx(per_product[per_product <= 3500].sum())
    assert made.value((), (), "revenue") == pytest.approx(per_product.sum())
    by_quarter = table(asked, Pivot(replace(query, grain=Grain.QUARTER), (TIME,), ("country",)), ANALYST)
    per_quarter = lines.groupby(TIME)["revenue"].sum()
    assert [path[0] for path in by_quarter.rows[:-1]] == list(per_quarter[per_quarter > 3500].index)
    nothing = replace(query, having=(Filter("revenue", "gt", ("1e9",)),))
    assert table(asked, Pivot(nothing, ("product",)), ANALYST).rows == ((OTHER,), ())


def test_other_leaves_out_what_the_model_hides(small_shop: House, facts: pd.DataFrame) -> None:
    country = small_shop.model.dimensions["country"].model_copy(update={"hide": ("Egypt",)})
    model = small_shop.model.model_copy(update={"dimensions": {**small_shop.model.dimensions, "country": country}})
    sales = Sales(model, small_shop.warehouse, MemoryCache())
    made = table(sales, Pivot(SalesQuery(measures=("revenue",)), ("country",), top=2), ANALYST)
    assert made.value((), (), "revenue") == pytest.approx(facts[facts["country"] != "Egypt"]["revenue"].sum())
    assert sum(made.value(row, (), "revenue") for row in made.rows[:-1]) == pytest.approx(made.value((), (), "revenue"))


def test_pivot_shows_the_rows_a_person_may_see(asked: Sales, facts: pd.DataFrame) -> None:
    manager = viewer_of("manager", RowScope.of({"country": ["Chile", "Egypt"]}))
    made = table(asked, Pivot(SalesQuery(measures=("orders",)), ("country",), top=1), manager)
    seen = facts[facts["country"].isin(["Chile", "Egypt"])]
    assert {path[0] for path in made.rows[:-1]} <= {"Chile", "Egypt", OTHER}
    assert made.value((), (), "orders") == seen["order_id"].nunique()


def test_leaves_are_the_cells_shown_and_sum_to_the_total(asked: Sales) -> None:
    made = table(asked, Pivot(replace(QUERY, grain=Grain.QUARTER), ("product",), (TIME,), top=3), ANALYST)
    answer = leaves(made, "the rest")
    assert list(answer.frame["product"])[:4] == [made.rows[0][0]] * 4
    assert set(answer.frame["product__label"]) == {
        *(made.labels["product", row[0]] for row in made.rows[:3]),
        "the rest",
    }
    assert answer.frame["revenue"].sum() == pytest.approx(made.value((), (), "revenue"))
    assert set(answer.query.fields) <= set(answer.frame)
    assert answer.query.check(asked.model).dimensions == ("product",)


def test_buckets_of_time_stand_in_their_order(asked: Sales) -> None:
    query = replace(QUERY, grain=Grain.MONTH, sort=(Sort("revenue", descending=True),))
    made = table(asked, Pivot(query, (TIME,), ("weekday",)), ANALYST)
    assert [path for path in made.rows if path] == sorted(path for path in made.rows if path)
    assert [path[0] for path in made.leaf_columns()] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": ("country", "country")}, "stands once"),
        ({"rows": (TIME,)}, "needs a time grain"),
        ({"top": 0}, "1 to 1000 values"),
        ({"columns": ("product", "order", "weekday", "hour")}, "at most 4 fields"),
    ],
)
def test_pivot_that_makes_no_sense_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(QueryError, match=words):
        replace(Pivot(SalesQuery(measures=("revenue",)), ("country",)), **change)


def test_unknown_field_is_named(asked: Sales, small_shop: House) -> None:
    model: SalesModel = small_shop.model
    with pytest.raises(UnknownNameError, match="There is no field 'contry'"):
        Pivot(SalesQuery(measures=("revenue",)), ("contry",)).check(model)
