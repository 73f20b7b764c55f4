"""The sample's figures, against plain SQL over its two files that shares nothing with the product."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from services.access import Viewer
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery
from services.sales import Sales

PENNY = 0.005
LINES = """
CREATE TABLE l AS
SELECT
    Invoice AS invoice,
    InvoiceDate AS sold,
    upper(trim(StockCode)) AS code,
    trim(Description) AS name,
    Quantity AS quantity,
    Quantity * Price::DECIMAL(18, 4) AS amount,
    "Customer ID" AS customer,
    CASE Country WHEN 'EIRE' THEN 'Ireland' WHEN 'RSA' THEN 'South Africa' WHEN 'USA' THEN 'United States'
         ELSE Country END AS country,
    substr(Invoice, 1, 1) NOT IN ('A', 'C') AND Quantity > 0 AND Price > 0 AS gross,
    substr(Invoice, 1, 1) = 'C' AS cancelled,
    substr(Invoice, 1, 1) = 'A' AS bad_debt,
    regexp_full_match(upper(trim(StockCode)), '[0-9]{5}[A-Z]*') AS merchandise
FROM (
    SELECT * FROM read_parquet(?) WHERE InvoiceDate < TIMESTAMP '2010-12-01 00:00:00'
    UNION ALL
    SELECT * FROM read_parquet(?)
)
"""


@pytest.fixture(scope="module")
def oracle(sample_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        files = [str(sample_folder / f"year_{years}.parquet") for years in ("2009_2010", "2010_2011")]
        connection.execute(LINES, files)
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("lines", 1_019_653),
        ("revenue", 20_522_679.86),
        ("units", 11_239_345),
        ("orders", 40_076),
        ("customers", 5_878),
        ("net_revenue", 19_057_376.20),
    ],
)
def test_totals_of_all_data(sales: Sales, everyone: Viewer, measure: str, expected: float) -> None:
    answer = sales.answer(SalesQuery(measures=(measure,)), everyone)
    assert answer.value(measure) == pytest.approx(expected, abs=PENNY)


def test_average_order_to_the_penny(sales: Sales, everyone: Viewer) -> None:
    answer = sales.answer(SalesQuery(measures=("average_order_value",)), everyone)
    assert round(answer.value("average_order_value"), 2) == 512.09


def test_lines_in_all(sales: Sales, everyone: Viewer) -> None:
    shown = sales.count_lines(SalesQuery(columns=("line_id",)), everyone)
    written_off = sales.count_lines(
        SalesQuery(columns=("line_id",), filters=(Filter("line_kind", "is", ("bad debt",)),)), everyone
    )
    assert (shown, written_off, shown + written_off) == (1_044_842, 6, 1_044_848)


def test_oracle_agrees_with_the_published_totals(oracle: duckdb.DuckDBPyConnection) -> None:
    sql = """SELECT count(*), count(*) FILTER (gross), sum(amount) FILTER (gross)::DECIMAL(18, 2),
             sum(amount) FILTER (NOT bad_debt)::DECIMAL(18, 2) FROM l"""
    assert [float(value) for value in rows(oracle, sql)[0]] == [1_044_848, 1_019_653, 20_522_679.86, 19_057_376.20]


def test_bad_debt_is_in_no_breakdown(sales: Sales, everyone: Viewer) -> None:
    answer = sales.answer(SalesQuery(measures=("net_revenue",), dimensions=("line_kind",)), everyone)
    assert set(answer.frame["line_kind"]) == {"sale", "return", "correction"}


def test_bad_debt_is_in_no_order_lines(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(columns=("order_id", "line_kind"), filters=(Filter("order", "starts", ("A",)),))
    assert sales.count_lines(query, everyone) == 0


def test_bad_debt_is_shown_when_asked_for(sales: Sales, everyone: Viewer) -> None:
    query = SalesQuery(
        columns=("order_id", "line_kind", "revenue"), filters=(Filter("line_kind", "is", ("bad debt",)),)
    )
    frame = sales.answer(query, everyone).frame
    assert len(frame) == 6
    assert frame["order_id"].str.startswith("A").all()


@pytest.mark.parametrize(
    ("dimension", "key"), [("country", "country"), ("product", "code"), ("order", "invoice")], ids=str
)
def test_revenue_units_and_orders_per_key(
    sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection, dimension: str, key: str
) -> None:
    query = SalesQuery(measures=("revenue", "units", "orders", "lines"), dimensions=(dimension,))
    frame = sales.answer(query, everyone).frame
    found = {
        row[0]: tuple(row[1:])
        for row in frame[frame["lines"] > 0][[dimension, "revenue", "units", "orders", "lines"]].itertuples(index=False)
    }
    sql = f"""SELECT {key}, sum(amount)::DOUBLE, sum(quantity), count(DISTINCT invoice), count(*)
              FROM l WHERE gross GROUP BY 1"""
    expected = {row[0]: row[1:] for row in rows(oracle, sql)}
    assert found.keys() == expected.keys()
    assert [found[name] for name in expected] == [pytest.approx(expected[name], abs=PENNY) for name in expected]


@pytest.mark.parametrize("merchandise", [True, False], ids=["merchandise", "other"])
def test_product_types(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection, *, merchandise: bool) -> None:
    name = "Merchandise" if merchandise else "Service and other"
    query = SalesQuery(measures=("revenue", "units", "net_revenue"), filters=(Filter("product_type", "is", (name,)),))
    sql = f"""SELECT sum(amount) FILTER (gross)::DOUBLE, sum(quantity) FILTER (gross),
              sum(amount) FILTER (NOT bad_debt)::DOUBLE FROM l WHERE merchandise = {merchandise}"""
    answer = sales.answer(query, everyone)
    assert [answer.value(each) for each in query.measures] == pytest.approx(list(rows(oracle, sql)[0]), abs=PENNY)


def test_products_of_merchandise_segment(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    query = SalesQuery(measures=("lines",), dimensions=("product",), segments=("merchandise",))
    found = sales.answer(query, everyone).frame
    expected = {row[0] for row in rows(oracle, "SELECT DISTINCT code FROM l WHERE merchandise AND gross")}
    assert set(found[found["lines"] > 0]["product"]) == expected


def test_months(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    query = SalesQuery(measures=("revenue", "return_value", "net_revenue"), grain=Grain.MONTH)
    frame = sales.answer(query, everyone).frame
    sql = """SELECT make_timestamp(year(sold), month(sold), 1, 0, 0, 0), sum(amount) FILTER (gross)::DOUBLE,
             -sum(amount) FILTER (cancelled)::DOUBLE, sum(amount) FILTER (NOT bad_debt)::DOUBLE
             FROM l GROUP BY 1 ORDER BY 1"""
    expected = rows(oracle, sql)
    assert len(expected) == 25
    assert [moment.to_pydatetime() for moment in frame["time"]] == [row[0] for row in expected]
    for position, measure in enumerate(query.measures, start=1):
        assert list(frame[measure]) == pytest.approx([row[position] for row in expected], abs=PENNY)


def test_weekday_and_hour(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("weekday", "hour"))
    frame = sales.answer(query, everyone).frame.dropna(subset=["revenue"])
    found = {(row.weekday, row.hour): row.revenue for row in frame.itertuples()}
    # dayofweek counts from Sunday = 0.
    sql = """SELECT CASE dayofweek(sold) WHEN 0 THEN 7 ELSE dayofweek(sold) END, hour(sold), sum(amount)::DOUBLE
             FROM l WHERE gross GROUP BY 1, 2"""
    expected = {(row[0], row[1]): row[2] for row in rows(oracle, sql)}
    assert found == pytest.approx(expected, abs=PENNY)


def test_distinct_customers_per_country(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    frame = sales.answer(SalesQuery(measures=("customers",), dimensions=("country",)), everyone).frame
    found = {country: int(count) for country, count in zip(frame["country"], frame["customers"], strict=True)}
    expected = dict(rows(oracle, "SELECT country, count(DISTINCT customer) FILTER (gross) FROM l GROUP BY 1"))
    assert found == expected


def test_distinct_customers_per_month(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    frame = sales.answer(SalesQuery(measures=("customers", "orders"), grain=Grain.MONTH), everyone).frame
    sql = """SELECT count(DISTINCT customer) FILTER (gross), count(DISTINCT invoice) FILTER (gross)
             FROM l GROUP BY year(sold), month(sold) ORDER BY year(sold), month(sold)"""
    found = [
        (int(customers), int(orders)) for customers, orders in zip(frame["customers"], frame["orders"], strict=True)
    ]
    assert found == rows(oracle, sql)


def test_product_names(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    frame = sales.answer(SalesQuery(measures=("revenue",), dimensions=("product",)), everyone).frame
    counted: dict[str, list[tuple[int, str]]] = {}
    sql = "SELECT code, name, count(*) FROM l WHERE gross AND name <> '' GROUP BY 1, 2"
    for code, name, count in rows(oracle, sql):
        counted.setdefault(code, []).append((-count, name))
    expected = {code: min(names)[1] for code, names in counted.items()}
    found = dict(zip(frame["product"], frame["product__label"], strict=True))
    assert found == {code: expected.get(code, code) for code in found}
    assert len(expected) > 4_000


def test_country_codes(sales: Sales, everyone: Viewer) -> None:
    frame = sales.answer(SalesQuery(measures=("revenue",), dimensions=("country",)), everyone).frame
    codes = dict(zip(frame["country"], frame["country__code"], strict=True))
    wanted = ("Ireland", "South Africa", "United States", "United Kingdom", "Germany")
    assert [codes[name] for name in wanted] == ["IRL", "ZAF", "USA", "GBR", "DEU"]
    assert {name for name, code in codes.items() if not isinstance(code, str)} == {
        "Channel Islands",
        "European Community",
        "Unspecified",
        "West Indies",
    }


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


COMPARISONS = [
    pytest.param(
        Period("ytd"),
        Compare.YEAR,
        ("2011-01-01", "2011-12-09 12:50:01"),
        ("2010-01-01", "2010-12-09 12:50:01"),
        id="this year, last year",
    ),
    pytest.param(
        Period("mtd"),
        Compare.PRIOR,
        ("2011-12-01", "2011-12-09 12:50:01"),
        ("2011-11-01", "2011-11-09 12:50:01"),
        id="this month, prior month",
    ),
    pytest.param(
        Period("mtd"),
        Compare.YEAR,
        ("2011-12-01", "2011-12-09 12:50:01"),
        ("2010-12-01", "2010-12-09 12:50:01"),
        id="this month, last year",
    ),
    pytest.param(
        Period("qtd"),
        Compare.PRIOR,
        ("2011-10-01", "2011-12-09 12:50:01"),
        ("2011-07-01", "2011-09-09 12:50:01"),
        id="this quarter, prior quarter",
    ),
    pytest.param(
        Period("last_quarter"),
        Compare.PRIOR,
        ("2011-07-01", "2011-10-01"),
        ("2011-04-01", "2011-07-01"),
        id="last quarter, the one before",
    ),
    pytest.param(
        Period("last_quarter"),
        Compare.YEAR,
        ("2011-07-01", "2011-10-01"),
        ("2010-07-01", "2010-10-01"),
        id="last quarter, last year",
    ),
    pytest.param(
        Period("last_month"),
        Compare.PRIOR,
        ("2011-11-01", "2011-12-01"),
        ("2011-10-01", "2011-11-01"),
        id="November, October",
    ),
    pytest.param(
        Period("last_7_days"),
        Compare.PRIOR,
        ("2011-12-03", "2011-12-09 12:50:01"),
        ("2011-11-26", "2011-12-02 12:50:01"),
        id="seven days, the seven before",
    ),
    pytest.param(
        Period(first=day("2011-03-10"), last=day("2011-04-20")),
        Compare.PRIOR,
        ("2011-03-10", "2011-04-21"),
        ("2011-01-27", "2011-03-10"),
        id="42 days, the 42 before",
    ),
    pytest.param(
        Period(first=day("2011-03-10"), last=day("2011-04-20")),
        Compare.YEAR,
        ("2011-03-10", "2011-04-21"),
        ("2010-03-10", "2010-04-21"),
        id="42 days, last year",
    ),
    pytest.param(
        Period(first=day("2011-03-01"), last=day("2011-03-31")),
        Compare.PRIOR,
        ("2011-03-01", "2011-04-01"),
        ("2011-02-01", "2011-03-01"),
        id="a calendar month by its days, the calendar month before",
    ),
]


@pytest.mark.parametrize(("period", "compare", "now", "before"), COMPARISONS)
def test_like_for_like(
    sales: Sales,
    everyone: Viewer,
    oracle: duckdb.DuckDBPyConnection,
    period: Period,
    compare: Compare,
    now: tuple[str, str],
    before: tuple[str, str],
) -> None:
    query = SalesQuery(measures=("revenue", "customers", "return_value"), period=period, compare=compare)
    answer = sales.answer(query, everyone)
    for suffix, (start, end) in (("", now), ("__before", before)):
        sql = f"""SELECT sum(amount) FILTER (gross)::DOUBLE, count(DISTINCT customer) FILTER (gross),
                  -sum(amount) FILTER (cancelled)::DOUBLE
                  FROM l WHERE sold >= TIMESTAMP '{start}' AND sold < TIMESTAMP '{end}'"""
        found = [answer.value(measure + suffix) for measure in query.measures]
        assert found == pytest.approx(list(rows(oracle, sql)[0]), abs=PENNY)


def test_like_for_like_per_country(sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("ytd"), compare=Compare.YEAR)
    frame = sales.answer(query, everyone).frame.fillna({"revenue": 0.0, "revenue__before": 0.0})
    found = {row.country: (row.revenue, row.revenue__before) for row in frame.itertuples() if row.revenue}
    sql = """SELECT country,
             coalesce(sum(amount) FILTER (sold >= TIMESTAMP '2011-01-01'), 0)::DOUBLE,
             coalesce(sum(amount) FILTER (sold >= TIMESTAMP '2010-01-01' AND sold < TIMESTAMP '2010-12-09 12:50:01'), 0)
                 ::DOUBLE
             FROM l WHERE gross GROUP BY 1"""
    expected = {row[0]: row[1:] for row in rows(oracle, sql) if row[1]}
    assert found.keys() == expected.keys()
    assert [found[name] for name in expected] == [pytest.approx(expected[name], abs=PENNY) for name in expected]


def test_like_for_like_months_are_laid_over_each_other(
    sales: Sales, everyone: Viewer, oracle: duckdb.DuckDBPyConnection
) -> None:
    query = SalesQuery(measures=("revenue",), grain=Grain.MONTH, period=Period("ytd"), compare=Compare.YEAR)
    frame = sales.answer(query, everyone).frame
    sql = """SELECT month(sold), sum(amount)::DOUBLE FROM l
             WHERE gross AND sold >= TIMESTAMP '2010-01-01' AND sold < TIMESTAMP '2010-12-09 12:50:01'
             GROUP BY 1 ORDER BY 1"""
    assert [moment.year for moment in frame["time"]] == [2011] * 12
    assert list(frame["revenue__before"]) == pytest.approx([row[1] for row in rows(oracle, sql)], abs=PENNY)


def test_data_begin_after_the_comparison(sales: Sales) -> None:
    known = sales.window(SalesQuery(measures=("revenue",), period=Period("ytd"), compare=Compare.YEAR))
    unknown = sales.window(SalesQuery(measures=("revenue",), period=Period("last_year"), compare=Compare.YEAR))
    assert (known.before_known, unknown.before_known) == (True, False)
