"""Rollups give what the facts give: to the penny, for any query, period, comparison, filter and row scope."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from salescope.cache import NoCache
from services import answering, imaging, sql, surveying
from services.access import EVERYTHING, NOTHING, RowScope
from services.errors import QueryError
from services.frames import frame_of
from services.imagefiles import images_of
from services.periods import Compare, Grain, Period, Range
from services.planner import FACTS, whole
from services.query import Filter, SalesQuery, Sort
from services.rollups import Rollup, rollups_of
from services.sales import Sales
from services.warehouse import rows_of
from tests.factories import House, shop, viewer_of

MODEL = """\
model: 1
name: store
title: Store
today: data
rollups: 10
facts:
  time: sold_at
  columns:
    line_id: {type: integer, label: Line}
    sold_at: {type: time, label: Time}
    order_id: {type: text, label: Order}
    customer_id: {type: text, label: Customer}
    country: {type: text, label: Country}
    country_code: {type: text, label: Code}
    category: {type: text, label: Category}
    kind: {type: text, label: Kind}
    product_id: {type: text, label: Code}
    product_name: {type: text, label: Product}
    quantity: {type: integer, label: Quantity}
    revenue: {type: money, label: Amount}
segments:
  sales: {label: Sales, condition: kind == 'sale'}
  big: {label: Big, condition: quantity >= 4}
  gifts: {label: Gifts, condition: "category in ['a', 'b']"}
dimensions:
  country: {label: Country, plural: Countries, column: country, code_column: country_code, role: country}
  category: {label: Category, plural: Categories, column: category}
  kind: {label: Kind, plural: Kinds, column: kind, hide: [void]}
  product: {label: Product, plural: Products, column: product_id, label_column: product_name, role: product}
  customer: {label: Customer, plural: Customers, column: customer_id, role: customer}
  order: {label: Order, plural: Orders, column: order_id, role: order}
measures:
  revenue: {label: Revenue, expression: sum(revenue), where: sales, format: currency}
  units: {label: Units, expression: sum(quantity), format: integer}
  lines: {label: Lines, expression: count(), format: integer}
  orders: {label: Orders, expression: count_distinct(order_id), where: sales, format: integer}
  customers: {label: Customers, expression: count_distinct(customer_id), where: sales, format: integer}
  buyers: {label: Buyers, expression: count_distinct(customer_id), format: integer}
  largest: {label: Largest, expression: max(revenue), format: currency}
  least: {label: Least, expression: min(quantity), where: big, format: integer}
  average: {label: Average, expression: revenue / orders, format: currency}
  twice: {label: Twice, expression: -(2 * revenue - units) + lines / 4, format: number}
lines: [line_id, sold_at, order_id]
overview: {measures: [revenue]}
"""
RECIPE = """\
recipe: 1
name: store
model: model.yaml
sources: [{file: sales.parquet}]
columns:
  sold_at: sold_at
  order_id: order_id
  customer_id: customer_id
  country: country
  country_code: country_code
  category: category
  kind: kind
  product_id: product_id
  product_name: product_name
  quantity: quantity
  revenue: revenue
"""
#: Orders of one moment and country with lines of several categories; customers who come again and from elsewhere.
ROWS = """
WITH dice AS (
    SELECT i, i // 3 AS o, [(md5_number_lower(i || part) % 1_000_000)::BIGINT FOR part IN ['a', 'b', 'c', 'd']] AS line,
           [(md5_number_lower((i // 3) || part) % 1_000_000)::BIGINT FOR part IN ['p', 'q', 'r', 's']] AS whole
    FROM range(4000) AS t(i)
)
SELECT TIMESTAMP '2023-01-20 09:30:00' + INTERVAL (whole[1] % (460 * 24)) HOUR + INTERVAL (whole[2] % 3600) SECOND
           AS sold_at,
       'O' || o AS order_id, CASE WHEN whole[3] % 9 > 0 THEN 'C' || (whole[3] % 90) END AS customer_id,
       [NULL, 'Austria', 'Belgium', 'Chile', 'Denmark'][whole[4] % 5 + 1] AS country,
       [NULL, 'AUT', 'BEL', 'CHL', 'DNK'][whole[4] % 5 + 1] AS country_code,
       ['a', 'b', 'c', NULL][line[1] % 4 + 1] AS category,
       ['sale', 'sale', 'sale', 'return', 'void'][line[2] % 5 + 1] AS kind,
       'P' || (line[3] % 30) AS product_id,
       'Product ' || (line[3] % 30) || ['', ' new'][line[4] % 2 + 1] AS product_name,
       (line[4] % 9 - 2)::INTEGER AS quantity, ((line[1] % 9000)::DECIMAL(18, 4) / 100 - 10)::DECIMAL(18, 4) AS revenue
FROM dice
"""


@dataclass(frozen=True)
class Store:
    """The house, and both ways to answer."""

    house: House
    sales: Sales

    def both(self, query: SalesQuery, scope: RowScope) -> tuple[pd.DataFrame, pd.DataFrame, str]:
        """Return an answer, what the facts alone say, and what served it; SQL's own tables must agree too."""
        answer = self.sales.answer(query, viewer_of("analyst", scope))
        plain = self.plain(query, scope)
        same(self._asked(query, answer.trust.answering.statement), plain)
        return answer.frame, plain.drop(columns=sql.ALL_ROWS), answer.trust.served

    def lines(self, query: SalesQuery, scope: RowScope) -> tuple[pd.DataFrame, int]:
        """Return a page of order lines, and how many there are in all."""
        viewer = viewer_of("analyst", scope)
        return self.sales.answer(query, viewer).frame, self.sales.count_lines(query, viewer)

    def plain(self, query: SalesQuery, scope: RowScope) -> pd.DataFrame:
        """Return what the facts say."""
        return self._asked(query, sql.build(self.house.model, query, self.sales.window(query), scope))

    def _asked(self, query: SalesQuery, statement: sa.Select[Any]) -> pd.DataFrame:
        rows = rows_of(self.house.warehouse.current(), statement)
        names = statement.selected_columns.keys()
        return frame_of(self.house.model, query, {name: [row[name] for row in rows] for name in names})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, new_url: object) -> Iterator[Store]:
    assert callable(new_url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surveying, "WORTHWHILE", 0)
        patch.setattr(surveying, "FEW", 10)
        patch.setattr(imaging, "SMALL", 1)
        house = shop(tmp_path_factory.mktemp("store"), ROWS, MODEL, RECIPE, url=new_url())
        house.load()
    yield Store(house, Sales(house.model, house.warehouse, NoCache()))
    house.warehouse.current().engine.dispose()


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-12, atol=1e-9)


ALL = Period("all")
IN_MEMORY = "in memory"
DAYS = st.dates(dt.date(2022, 12, 20), dt.date(2024, 6, 10))
PERIODS = st.one_of(
    st.sampled_from(["all", "ytd", "mtd", "last_month", "last_year", "last_90_days"]).map(Period),
    st.tuples(DAYS, DAYS).map(lambda days: Period(None, min(days), max(days))),
)
DIMENSIONS = ["country", "category", "kind", "product", "weekday", "hour", "customer"]
FILTERS = st.lists(
    st.one_of(
        st.lists(st.sampled_from(["Austria", "Belgium", "Chile", "Nowhere"]), min_size=1, max_size=3, unique=True).map(
            lambda values: Filter("country", "is", tuple(values))
        ),
        st.just(Filter("category", "not", ("a",))),
        st.just(Filter("kind", "is", ("void", "sale"))),
        st.just(Filter("product", "contains", ("new",))),
        st.just(Filter("product", "is", ("P1", "P2", "P17"))),
        st.just(Filter("country", "blank", ("",))),
    ),
    max_size=2,
    unique_by=lambda each: each.field,
)
SCOPES = st.sampled_from(
    [EVERYTHING, EVERYTHING, NOTHING, RowScope.of({"country": ["Austria", "Chile"]}), RowScope.of({"category": ["b"]})]
)


@st.composite
def queries(draw: st.DrawFn) -> SalesQuery:
    measures = tuple(draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique=True)))
    # What is divided is not sorted by: engines may differ in the last bit.
    whole: list[str] = [name for name in measures if name not in DIVIDED]
    sort = tuple(Sort(name, draw(st.booleans())) for name in whole[: draw(st.integers(0, 1))])
    return SalesQuery(
        measures=measures,
        sort=sort,
        limit=draw(st.sampled_from([None, None, 3])),
        offset=draw(st.sampled_from([0, 0, 2])),
        having=draw(st.sampled_from([(), tuple(Filter(name, "gt", ("3",)) for name in whole[:1])])),
        dimensions=tuple(draw(st.lists(st.sampled_from(DIMENSIONS), max_size=2, unique=True))),
        grain=draw(st.sampled_from([None, *Grain])),
        period=draw(PERIODS),
        compare=draw(st.sampled_from(list(Compare))),
        filters=tuple(draw(FILTERS)),
        segments=tuple(draw(st.lists(st.sampled_from(["gifts", "big", "sales"]), max_size=1))),
    )


MEASURES = ["revenue", "units", "lines", "orders", "customers", "buyers", "largest", "least", "average", "twice"]
DIVIDED = ("average", "twice")


@settings(max_examples=90, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries(), scope=SCOPES)
def test_rollups_answer_as_the_facts_do(store: Store, query: SalesQuery, scope: RowScope) -> None:
    found, plain, served = store.both(query, scope)
    event("from memory" if IN_MEMORY in served else "by SQL")
    same(found, plain)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    page=st.lists(queries(), min_size=2, max_size=4),
    scope=SCOPES,
    period=st.sampled_from(["mtd", "ytd", "last_90_days"]),
    compare=st.sampled_from([Compare.PRIOR, Compare.YEAR]),
)
def test_a_page_answers_as_its_queries_do(
    store: Store, page: list[SalesQuery], scope: RowScope, period: str, compare: Compare
) -> None:
    """The period before ends in the middle of a day: the facts answer for that, for all queries at once."""
    filters = page[0].filters
    page = [replace(each, filters=filters, segments=(), period=Period(period), compare=compare) for each in page]
    for query, answer in zip(page, store.sales.answer_many(page, viewer_of("analyst", scope)), strict=True):
        same(answer.frame, store.plain(query, scope).drop(columns=sql.ALL_ROWS))


@st.composite
def pages(draw: st.DrawFn) -> SalesQuery:
    return SalesQuery(
        columns=("line_id", "sold_at", "order_id"),
        period=draw(PERIODS),
        filters=tuple(draw(FILTERS)),
        sort=draw(st.sampled_from([(), (Sort("sold_at"),), (Sort("sold_at", descending=True), Sort("line_id"))])),
        limit=draw(st.sampled_from([1, 7, 100])),
        offset=draw(st.sampled_from([0, 3, 500, 3900, 10_000])),
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=pages(), scope=SCOPES)
def test_pages_of_lines_are_those_of_all_lines(store: Store, query: SalesQuery, scope: RowScope) -> None:
    found, counted = store.lines(query, scope)
    everything = store.plain(replace(query, limit=None, offset=0), scope)
    expected = everything.iloc[query.offset :][: query.limit].reset_index(drop=True)
    same(found, expected if len(expected) else expected.astype(found.dtypes.to_dict()))
    assert counted == len(everything)


@pytest.mark.parametrize(
    ("query", "served"),
    [
        pytest.param(SalesQuery(measures=("revenue",)), "year × country × category × kind, in", id="total"),
        pytest.param(
            SalesQuery(measures=("orders",), dimensions=("category",), period=ALL), "× set of category", id="orders"
        ),
        pytest.param(SalesQuery(measures=("customers",), period=ALL), "× customer_id", id="customers"),
        pytest.param(SalesQuery(measures=("lines",), dimensions=("hour",), period=ALL), "hour × weekday", id="hours"),
        pytest.param(
            SalesQuery(measures=("revenue",), dimensions=("product",), period=ALL), "product_id", id="products"
        ),
        pytest.param(SalesQuery(measures=("lines",), dimensions=("order",), period=ALL), FACTS, id="by order"),
    ],
)
def test_the_table_that_serves(store: Store, query: SalesQuery, served: str) -> None:
    found, plain, told = store.both(query, EVERYTHING)
    same(found, plain)
    assert served in told


def test_a_sample_tells_about_how_many_rows_a_table_has(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "SAMPLE_LINES", 100)
    monkeypatch.setattr(surveying, "WORTHWHILE", 0)
    with duckdb.connect() as connection:
        lines = f"read_parquet('{store.house.folder / 'sales.parquet'}')"
        connection.execute(f"CREATE TABLE facts AS SELECT * FROM {lines}")
        found = surveying.survey(connection, store.house.model)
        assert found is not None
        assert found.share > 3
        for grain, keys in ((Grain.DAY, ("country",)), (Grain.DAY, ()), (Grain.MONTH, ("category", "product_id"))):
            cells = ", ".join((f"date_trunc('{grain.value}', sold_at)", *keys))
            ((rows,),) = connection.execute(f"SELECT count(DISTINCT ({cells})) FROM facts").fetchall()
            told = surveying.estimate(connection, store.house.model, found, Rollup("", grain, keys))
            assert told == pytest.approx(rows, rel=0.2)


def test_every_miss_has_a_reason(store: Store) -> None:
    plan = store.sales.explain(
        SalesQuery(measures=("revenue",), dimensions=("order",), period=Period("all")), viewer_of("analyst")
    )
    assert plan.served == FACTS
    kept = store.house.warehouse.current()
    assert len(plan.misses) == len(rollups_of(kept)) + len(images_of(kept, store.house.warehouse.root).images)
    assert all("is not kept" in reason for _, reason in plan.misses)


def test_orders_add_up_only_where_it_was_proven(store: Store) -> None:
    kept = {rollup.label: set(rollup.states) for rollup in rollups_of(store.house.warehouse.current())}
    orders = "count_distinct(order_id) where kind == 'sale'"
    assert any(orders in states for states in kept.values())
    assert not any(orders in states for label, states in kept.items() if "category" in label)


def test_limit_and_sort_come_last(store: Store) -> None:
    query = SalesQuery(
        measures=("revenue",),
        dimensions=("product",),
        period=Period("all"),
        sort=(Sort("revenue", descending=True),),
        limit=5,
    )
    found, plain, told = store.both(query, EVERYTHING)
    same(found, plain)
    assert told != FACTS


@pytest.mark.parametrize(
    ("start", "end", "grain", "inner"),
    [
        ("2024-01-01T00:00", "2024-03-01T00:00", Grain.MONTH, ("2024-01-01", "2024-03-01")),
        ("2024-01-01T00:01", "2024-02-29T23:59", Grain.MONTH, None),
        ("2024-01-31T12:00", "2024-03-01T00:00", Grain.MONTH, ("2024-02-01", "2024-03-01")),
        ("2024-01-31T12:00", "2024-02-02T12:00", Grain.DAY, ("2024-02-01", "2024-02-02")),
        ("2024-01-31T12:00", "2024-02-01T12:00", Grain.DAY, None),
        ("2024-12-15T00:00", "2025-01-01T00:00", Grain.MONTH, None),
        ("9999-12-02T00:00", "9999-12-31T23:59", Grain.MONTH, None),
        ("9999-12-30T00:00", "9999-12-31T23:59", Grain.DAY, ("9999-12-30", "9999-12-31")),
    ],
)
def test_whole_buckets(start: str, end: str, grain: Grain, inner: tuple[str, str] | None) -> None:
    found = whole(Range(dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)), grain)
    assert found == (inner and Range(*map(dt.datetime.fromisoformat, inner)))


def test_small_data_get_no_rollups(small_shop: House) -> None:
    assert rollups_of(small_shop.warehouse.current()) == ()


def test_a_rollup_reads_back(store: Store) -> None:
    for rollup in rollups_of(store.house.warehouse.current()):
        assert isinstance(rollup, Rollup)
        assert rollup.rows > 0


def test_too_many_rows_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MOST_ROWS", 20)
    few, many = (SalesQuery(measures=("lines",), dimensions=(name,), period=ALL) for name in ("country", "product"))
    assert len(store.sales.answer(few, viewer_of("analyst")).frame) == 5
    for query in (many, SalesQuery(columns=("line_id",))):
        with pytest.raises(QueryError, match=r"more than 20 rows.*Choose a shorter period"):
            store.sales.answer(query, viewer_of("analyst"))
    assert len(store.sales.answer(replace(many, limit=25), viewer_of("analyst")).frame) == 25
