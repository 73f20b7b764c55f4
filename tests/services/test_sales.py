from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from salescope.cache import NoCache
from services.access import EVERYTHING, NOTHING, RowScope, Viewer
from services.duck_warehouse import DuckWarehouse
from services.errors import AccessDeniedError, CancelledError, NotReadyError, QueryError, UnknownNameError
from services.model import SalesModel
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from services.warehouse import Warehouse
from tests.factories import House, MemoryCache, shop, viewer_of

ANALYST = viewer_of("analyst")
AUSTRIA, CHILE = (viewer_of("manager", RowScope.of({"country": [name]})) for name in ("Austria", "Chile"))
BY_COUNTRY = SalesQuery(measures=("revenue", "orders"), dimensions=("country",))
LINES = SalesQuery(columns=("line_id", "sold_at", "country", "product_name", "quantity", "revenue"), limit=50)
NOWHERE = (Filter("country", "is", ("Nowhere",)),)


@pytest.fixture
def cache() -> MemoryCache:
    return MemoryCache()


@pytest.fixture
def cached(small_shop: House, cache: MemoryCache) -> Sales:
    return small_shop.sales(cache)


@pytest.fixture(scope="module")
def fresh(small_shop: House) -> Sales:
    return small_shop.sales()


# Permissions


def test_order_lines_need_their_permission(fresh: Sales) -> None:
    executive = viewer_of("executive")
    assert len(fresh.answer(BY_COUNTRY, executive).frame) == 8
    for ask in (fresh.answer, fresh.count_lines):
        with pytest.raises(AccessDeniedError, match="'lines:view', which the role 'executive' does not have"):
            ask(LINES, executive)


def test_dashboards_need_their_permission(fresh: Sales) -> None:
    nobody = Viewer(1, "nobody@example.com", "nobody", frozenset(), EVERYTHING)
    with pytest.raises(AccessDeniedError, match="'dashboards:view'"):
        fresh.answer(BY_COUNTRY, nobody)
    with pytest.raises(AccessDeniedError, match="'dashboards:view'"):
        fresh.values("country", nobody)
    with pytest.raises(AccessDeniedError, match="'dashboards:view'"):
        fresh.labels("product", ("P1",), nobody)


def test_permission_is_asked_before_the_cache(cached: Sales) -> None:
    cached.answer(LINES, ANALYST)
    with pytest.raises(AccessDeniedError):
        cached.answer(LINES, viewer_of("executive"))


def test_unknown_name_is_refused(fresh: Sales) -> None:
    with pytest.raises(UnknownNameError, match="There is no measure 'profit'"):
        fresh.answer(SalesQuery(measures=("profit",)), ANALYST)


# Cache

QUERIES = [
    pytest.param(BY_COUNTRY, id="by country"),
    pytest.param(SalesQuery(measures=("revenue", "average")), id="total"),
    pytest.param(
        SalesQuery(
            measures=("revenue", "lines"),
            dimensions=("product", "weekday", "hour"),
            grain=Grain.MONTH,
            period=Period("ytd"),
            compare=Compare.YEAR,
        ),
        id="everything at once",
    ),
    pytest.param(replace(BY_COUNTRY, filters=NOWHERE), id="nothing by country"),
    pytest.param(SalesQuery(measures=("revenue",), filters=NOWHERE), id="nothing in all"),
    pytest.param(SalesQuery(measures=("revenue",), grain=Grain.DAY, filters=NOWHERE), id="nothing by day"),
    pytest.param(LINES, id="lines"),
    pytest.param(replace(LINES, filters=(Filter("country", "blank", ("1",)),)), id="lines without a country"),
]


@pytest.mark.parametrize("query", QUERIES)
def test_answer_from_the_cache_is_the_same(cached: Sales, cache: MemoryCache, query: SalesQuery) -> None:
    first, second = cached.answer(query, ANALYST), cached.answer(query, ANALYST)
    assert (first.trust.cached, second.trust.cached) == (False, True)
    assert len(cache.kept) == 1
    pd.testing.assert_frame_equal(second.frame, first.frame)
    assert dict(second.frame.dtypes) == dict(first.frame.dtypes)
    for field in ("version", "published_at", "data_until", "rows", "statement"):
        assert getattr(second.trust, field) == getattr(first.trust, field)
    assert (second.query, second.window) == (first.query, first.window)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(replace(BY_COUNTRY, period=Period("ytd")), id="period"),
        pytest.param(replace(BY_COUNTRY, compare=Compare.YEAR), id="comparison"),
        pytest.param(replace(BY_COUNTRY, filters=NOWHERE), id="filter"),
        pytest.param(replace(BY_COUNTRY, segments=("big",)), id="segment"),
        pytest.param(replace(BY_COUNTRY, having=(Filter("orders", "gt", ("1",)),)), id="having"),
        pytest.param(replace(BY_COUNTRY, measures=("orders", "revenue")), id="order of measures"),
        pytest.param(replace(BY_COUNTRY, sort=(Sort("orders"),)), id="sort"),
        pytest.param(replace(BY_COUNTRY, limit=3), id="limit"),
        pytest.param(replace(BY_COUNTRY, offset=3), id="offset"),
        pytest.param(replace(BY_COUNTRY, grain=Grain.DAY), id="grain"),
    ],
)
def test_other_query_is_another_entry(cached: Sales, query: SalesQuery) -> None:
    cached.answer(BY_COUNTRY, ANALYST)
    assert not cached.answer(query, ANALYST).trust.cached


def test_viewers_of_other_rows_never_share(cached: Sales, cache: MemoryCache) -> None:
    scopes = (EVERYTHING, NOTHING, AUSTRIA.scope, CHILE.scope, RowScope.of({"country": ["Austria", "Chile"]}))
    for scope in scopes:
        answer = cached.answer(BY_COUNTRY, viewer_of("analyst", scope))
        assert not answer.trust.cached
        allowed = {value for _, values in scope.limits for value in values}
        assert scope.everything or set(answer.frame["country"]) == allowed
    assert len(cache.kept) == len(scopes)


def test_viewers_of_the_same_rows_share(cached: Sales) -> None:
    cached.answer(BY_COUNTRY, AUSTRIA)
    assert cached.answer(BY_COUNTRY, viewer_of("executive", AUSTRIA.scope)).trust.cached


def test_scope_is_checked_before_the_cache(cached: Sales) -> None:
    with pytest.raises(QueryError, match="Your row scope names planet"):
        cached.answer(BY_COUNTRY, viewer_of("analyst", RowScope.of({"planet": ["Earth"]})))


@pytest.mark.parametrize("value", [b"", b"rubbish", b"\xff\xff\xff\xff\x00\x00\x00\x00"], ids=["empty", "text", "end"])
def test_damaged_entry_is_a_miss(cached: Sales, cache: MemoryCache, value: bytes) -> None:
    first = cached.answer(BY_COUNTRY, ANALYST)
    for key in cache.kept:
        cache.kept[key] = value
    second = cached.answer(BY_COUNTRY, ANALYST)
    assert not second.trust.cached
    pd.testing.assert_frame_equal(second.frame, first.frame)
    assert cached.answer(BY_COUNTRY, ANALYST).trust.cached


def test_entry_cut_anywhere_is_a_miss_or_whole(cached: Sales, cache: MemoryCache) -> None:
    first = cached.answer(BY_COUNTRY, ANALYST)
    ((key, value),) = cache.kept.items()
    for length in range(0, len(value), 97):
        cache.kept[key] = value[:length]
        pd.testing.assert_frame_equal(cached.answer(BY_COUNTRY, ANALYST).frame, first.frame)


def test_other_model_is_another_entry(small_shop: House, cache: MemoryCache, cached: Sales) -> None:
    cached.answer(BY_COUNTRY, ANALYST)
    other = SalesModel.model_validate(small_shop.model.model_dump() | {"title": "Other"})
    assert not Sales(other, small_shop.warehouse, cache).answer(BY_COUNTRY, ANALYST).trust.cached


def test_new_data_are_another_entry(tmp_path: Path, cache: MemoryCache) -> None:
    rows = """SELECT TIMESTAMP '2024-01-0{} 10:00:00' AS sold_at, 'O' AS order_id, 'Chile' AS country,
              'P' AS product_id, 'P' AS product_name, 1 AS quantity, 5 AS revenue"""
    house = shop(tmp_path, rows.format(1))
    house.load()
    first = house.sales(cache).answer(BY_COUNTRY, ANALYST)
    assert (first.value("revenue"), first.trust.version) == (5, 1)
    other = shop(tmp_path, rows.format(2))
    other.load()
    sales = Sales(house.model, DuckWarehouse(house.warehouse.root, threads=1), cache)
    second = sales.answer(BY_COUNTRY, ANALYST)
    assert (second.value("revenue"), second.trust.version, second.trust.cached) == (10, 2, False)
    assert second.trust.data_until == dt.datetime(2024, 1, 2, 10)


def test_cached_answer_is_not_changed_by_its_reader(cached: Sales) -> None:
    first = cached.answer(BY_COUNTRY, ANALYST)
    expected = first.frame.copy()
    first.frame["revenue"] = 0.0
    pd.testing.assert_frame_equal(cached.answer(BY_COUNTRY, ANALYST).frame, expected)


# Frames


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(BY_COUNTRY, id="some"),
        pytest.param(replace(BY_COUNTRY, filters=NOWHERE), id="none"),
        pytest.param(replace(BY_COUNTRY, grain=Grain.WEEK, compare=Compare.PRIOR), id="compared"),
        pytest.param(replace(BY_COUNTRY, grain=Grain.WEEK, compare=Compare.PRIOR, filters=NOWHERE), id="compared none"),
        pytest.param(SalesQuery(measures=("revenue",), dimensions=("weekday", "hour")), id="time parts"),
        pytest.param(SalesQuery(measures=("revenue",), dimensions=("hour",), filters=NOWHERE), id="time parts none"),
        pytest.param(LINES, id="lines"),
    ],
)
def test_columns_and_types(fresh: Sales, query: SalesQuery) -> None:
    frame = fresh.answer(query, ANALYST).frame
    assert [name for name in frame.columns if "__label" not in name] == [
        *query.fields,
        *(() if query.columns else ("rows",)),
    ]
    for name in frame.columns:
        kind = str(frame[name].dtype)
        if name.removesuffix("__before") in query.measures or name in ("quantity", "revenue", "line_id"):
            assert kind == "float64"
        elif name in ("time", "sold_at"):
            assert kind == "datetime64[us]"
        elif name in ("rows", "weekday", "hour"):
            assert kind == "int64"


def test_labels_stand_beside_their_keys(fresh: Sales) -> None:
    frame = fresh.answer(SalesQuery(measures=("revenue",), dimensions=("product",)), ANALYST).frame
    assert [f"Product {key[1:]}" for key in frame["product"]] == list(frame["product__label"])


def test_labels_stand_beside_no_keys(fresh: Sales) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("product",), filters=NOWHERE)
    assert "product__label" in fresh.answer(query, ANALYST).frame


@pytest.mark.parametrize("viewer", [ANALYST, viewer_of("analyst", NOTHING)], ids=["nothing found", "nothing seen"])
def test_no_order_lines(fresh: Sales, viewer: Viewer) -> None:
    answer = fresh.answer(replace(LINES, filters=NOWHERE), viewer)
    assert list(answer.frame.columns) == list(LINES.columns)
    assert (len(answer.frame), answer.trust.rows) == (0, 0)


def test_value_of_an_answer_without_rows(fresh: Sales) -> None:
    assert pd.isna(fresh.answer(replace(BY_COUNTRY, filters=NOWHERE), ANALYST).value("revenue"))


def test_trust(fresh: Sales, small_shop: House) -> None:
    answer = fresh.answer(BY_COUNTRY, ANALYST)
    trust, pointer = answer.trust, small_shop.warehouse.live()
    assert (trust.version, trust.published_at, trust.rows) == (pointer.version, pointer.published_at, 3000)
    assert trust.data_until == fresh.coverage().end - dt.timedelta(seconds=1)
    assert trust.statement.startswith("SELECT")
    assert trust.milliseconds > 0


# Limits


def test_query_that_is_cancelled_is_stopped(sample_model: SalesModel, sample_warehouse: Warehouse) -> None:
    """Cancelling reaches another process's Sales, and stops what the person runs, nothing of others."""
    here, elsewhere = (Sales(sample_model, sample_warehouse, NoCache()) for _ in range(2))
    heavy = SalesQuery(
        measures=("revenue", "customers", "orders"), dimensions=("order", "product"), grain=Grain.DAY, limit=10
    )
    over = threading.Event()

    def impatient() -> None:
        while not over.wait(0.05):
            elsewhere.cancel(ANALYST)

    cancelling = threading.Thread(target=impatient)
    cancelling.start()
    try:
        with pytest.raises(CancelledError, match="because you cancelled it"):
            here.answer(heavy, ANALYST)
    finally:
        over.set()
        cancelling.join()
    assert len(here.answer(replace(heavy, filters=NOWHERE), ANALYST).frame) == 0


def test_query_that_takes_too_long_is_stopped(sample_model: SalesModel, sample_warehouse: Warehouse) -> None:
    hasty = Sales(sample_model, sample_warehouse, NoCache(), seconds=0.02)
    heavy = SalesQuery(
        measures=("revenue", "customers", "orders"), dimensions=("order", "product"), grain=Grain.DAY, limit=10
    )
    with pytest.raises(QueryError, match=r"took longer than 0\.02 seconds and was stopped. Choose a shorter period"):
        hasty.answer(heavy, ANALYST)
    patient = Sales(sample_model, sample_warehouse, NoCache())
    assert patient.answer(SalesQuery(measures=("lines",)), ANALYST).value("lines") == 1_019_653


def test_answers_to_many_at_once(fresh: Sales) -> None:
    expected, failed = (
        {name: fresh.answer(BY_COUNTRY, viewer).frame for name, viewer in (("Austria", AUSTRIA), ("Chile", CHILE))},
        list[BaseException](),
    )

    def ask(name: str, viewer: Viewer) -> None:
        try:
            for _ in range(10):
                pd.testing.assert_frame_equal(fresh.answer(BY_COUNTRY, viewer).frame, expected[name])
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=ask, args=pair) for pair in (("Austria", AUSTRIA), ("Chile", CHILE)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# Time


def test_today_is_the_last_day_of_the_data(sales: Sales) -> None:
    assert sales.today() == dt.date(2011, 12, 9)
    assert sales.coverage().end == dt.datetime(2011, 12, 9, 12, 50, 1)
    assert sales.coverage().has_hours


def test_today_by_the_clock(small_shop: House) -> None:
    model = small_shop.model.model_copy(update={"today": "clock"})
    sales = Sales(model, small_shop.warehouse, NoCache(), clock=lambda: dt.date(2024, 2, 3))
    assert sales.today() == dt.date(2024, 2, 3)
    assert sales.window(replace(BY_COUNTRY, period=Period("mtd"))).asked.start == dt.datetime(2024, 2, 1)


def test_tomorrow_is_another_entry(small_shop: House, cache: MemoryCache) -> None:
    model = small_shop.model.model_copy(update={"today": "clock"})
    query = replace(BY_COUNTRY, period=Period("mtd"))
    for day in (dt.date(2024, 2, 29), dt.date(2024, 3, 1)):
        sales = Sales(model, small_shop.warehouse, cache, clock=lambda day=day: day)  # type: ignore[misc]
        assert not sales.answer(query, ANALYST).trust.cached


def test_before_the_first_load(tmp_path: Path, sample_model: SalesModel) -> None:
    with pytest.raises(NotReadyError, match="There are no data yet"):
        Sales(sample_model, DuckWarehouse(tmp_path), NoCache()).answer(SalesQuery(measures=("revenue",)), ANALYST)


# Menus


def test_values_of_a_menu(fresh: Sales) -> None:
    frame = fresh.answer(replace(BY_COUNTRY, sort=(Sort("revenue", descending=True),)), ANALYST).frame
    assert [choice.key for choice in fresh.values("country", ANALYST)] == list(frame["country"].dropna())
    assert len(fresh.values("country", ANALYST, limit=3)) == 3


def test_values_hold_the_scope(fresh: Sales) -> None:
    assert [choice.key for choice in fresh.values("country", AUSTRIA)] == ["Austria"]
    assert fresh.values("country", AUSTRIA, search="chile") == []
    assert fresh.values("country", viewer_of("analyst", NOTHING)) == []


def test_search_reads_keys_and_labels(fresh: Sales) -> None:
    assert {choice.key for choice in fresh.values("product", ANALYST, search="p3")} >= {"P3", "P30", "P39"}
    assert {choice.label for choice in fresh.values("product", ANALYST, search="ct 39")} == {"Product 39"}


def test_search_that_finds_nothing(fresh: Sales) -> None:
    assert fresh.values("product", ANALYST, search="%") == []


def test_values_come_by_their_revenue(fresh: Sales) -> None:
    revenue = fresh.answer(SalesQuery(measures=("revenue",), dimensions=("product",)), ANALYST).frame
    by_product = revenue.set_index("product")["revenue"]
    found = [by_product[choice.key] for choice in fresh.values("product", ANALYST)]
    assert found == sorted(found, reverse=True)


def test_labels_in_the_given_order(fresh: Sales) -> None:
    found = fresh.labels("product", ("P2", "nope", "P1"), ANALYST)
    assert [(choice.key, choice.label) for choice in found] == [
        ("P2", "Product 2"),
        ("nope", "nope"),
        ("P1", "Product 1"),
    ]
    assert [choice.label for choice in fresh.labels("country", ("Chile",), ANALYST)] == ["Chile"]
    assert fresh.labels("product", (), ANALYST) == []


def test_labels_of_unknown_keys_only(fresh: Sales) -> None:
    assert [choice.label for choice in fresh.labels("product", ("nope",), ANALYST)] == ["nope"]


def test_menu_of_an_unknown_dimension(fresh: Sales) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'country'"):
        fresh.values("countr", ANALYST)


def test_hidden_values_are_in_no_menu(sales: Sales) -> None:
    assert {choice.key for choice in sales.values("line_kind", ANALYST)} == {"sale", "return", "correction"}


def test_parts_of_the_time_are_filtered_as_they_are_shown(sales: Sales, everyone: Viewer) -> None:
    base = SalesQuery(measures=("revenue", "customers"), period=Period("last_month"))
    apart = sales.answer(replace(base, dimensions=("weekday", "hour")), everyone).frame
    for day, hour in ((2, 10), (7, 12)):
        found = (Filter("weekday", "is", (str(day),)), Filter("hour", "is", (str(hour),)))
        (row,) = apart[(apart["weekday"] == day) & (apart["hour"] == hour)].to_dict("records")
        one = sales.answer(replace(base, filters=found), everyone)
        assert one.value("revenue") == pytest.approx(row["revenue"], abs=0.005)
        assert one.value("customers") == row["customers"]
