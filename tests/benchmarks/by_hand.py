"""Rollups of the reference workload in DuckDB as somebody who knows its queries makes them by hand.

A range of time is whole months of a table by month and the ragged ends of one by day. Distinct orders add up over day,
country and the set of categories in the basket, kept as bits; a customer has a row per day, or month, and country with
the set of categories bought, and the time of the purchase before: where that lies before the range, the customer is
counted, so that a distinct count is a plain one. Where no country is chosen, smaller tables without it answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from services.buckets import ceiling, floor
from services.periods import Grain, Range
from tests.benchmarks.reference import State

FILE = "by_hand.duckdb"
SUMS = "sum(revenue)::DECIMAL(18, 2) AS revenue"
MORE = f"{SUMS}, sum(margin)::DECIMAL(18, 2) AS margin, sum(units)::BIGINT AS units, sum(lines)::BIGINT AS lines"
LINES = (
    "SELECT order_ts::DATE AS time, hour(order_ts)::UTINYINT AS hour, country, category, channel, product_id, "
    "order_id, customer_id, revenue, revenue - cost AS margin, quantity AS units, 1 AS lines, "
    "(1 << (code - 1))::USMALLINT AS bit, date_trunc('month', first_order_date) = date_trunc('month', order_ts) AS new "
    "FROM sales JOIN codes USING (category) JOIN bare.customers USING (customer_id)"
)


@dataclass(frozen=True)
class Made:
    """A pair of tables by day and month: its keys, what it sums, and how it is made of lines or another table.

    `month` are columns of the table by month alone, `previous` those whose row before is noted.
    """

    keys: str
    sums: str
    source: str = "lines"
    month: str = ""
    previous: str = ""


#: Later ones may be made of those before, whose tables by day they name.
TABLES = {
    "sums": Made("country, category, channel", MORE),
    "kinds": Made("country, category, new", SUMS),
    "heat": Made("country, category, hour", MORE, month="isodow(time) AS weekday, "),
    "heat_all": Made("category, hour", MORE, "heat_day", month="isodow(time) AS weekday, "),
    "products": Made("country, category, product_id", MORE),
    "products_all": Made("category, product_id", MORE, "products_day"),
    "customers": Made("country, customer_id, new", "bit_or(bit) AS bit", previous="country, customer_id"),
    "customers_all": Made("customer_id, new", "bit_or(bit) AS bit", "customers_day", previous="customer_id"),
    "orders": Made("country, bit", "count(*)::BIGINT AS orders", "baskets"),
}
BASKETS = "SELECT time, country, order_id, bit_or(bit) AS bit FROM lines GROUP BY ALL"


def make(folder: Path) -> None:
    """Make the tables of what lies in the bare DuckDB of a folder, in a file beside it."""
    (folder / FILE).unlink(missing_ok=True)
    with duckdb.connect(str(folder / FILE), config={"threads": "2", "memory_limit": "4GB"}) as connection:
        connection.execute(f"ATTACH '{folder / 'bare.duckdb'}' AS bare (READ_ONLY)")
        connection.execute(
            "CREATE TABLE codes AS SELECT category, row_number() OVER (ORDER BY category) AS code "
            "FROM (SELECT DISTINCT category FROM bare.sales)"
        )
        connection.execute(
            "CREATE TABLE names AS SELECT product_id, any_value(product_name) AS product_name "
            "FROM bare.sales GROUP BY 1"
        )
        connection.execute(f"CREATE TEMP VIEW lines AS {LINES.replace('FROM sales', 'FROM bare.sales')}")
        connection.execute(f"CREATE TEMP VIEW baskets AS {BASKETS}")
        for name, made in TABLES.items():
            _make(connection, name, made)
        connection.execute("CHECKPOINT")


def _make(connection: duckdb.DuckDBPyConnection, name: str, made: Made) -> None:
    again = made.sums.replace("count(*)", "sum(orders)")
    month = f"date_trunc('month', time)::DATE AS time, {made.month}{made.keys}, {again} FROM {name}_day"
    before = f", lag(time) OVER (PARTITION BY {made.previous} ORDER BY time) AS previous" if made.previous else ""
    for grain, select in (("day", f"time, {made.keys}, {made.sums} FROM {made.source}"), ("month", month)):
        grouped = f"SELECT {select} GROUP BY ALL"
        connection.execute(f"CREATE TABLE {name}_{grain} AS SELECT *{before} FROM ({grouped}) ORDER BY ALL")


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to the tables, which it only reads."""
    return duckdb.connect(str(folder / FILE), read_only=True, config={"threads": "2"})


class ByHand:
    """Writes the workload's queries over the tables made by hand."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._bits = dict(connection.execute("SELECT category, 1 << (code - 1) FROM codes").fetchall())

    def sql_of(self, name: str, state: State) -> str:
        """Return the SQL of a query of the dashboard under a filter state."""
        return str(getattr(self, f"_{name}")(state, _range(state.start, state.end)))

    def _rows(self, table: str, columns: str, state: State, covered: Range, day: str = "") -> str:
        """Return the rows of a table for a range: those of its whole months and of the days at its ends.

        `day` are the columns of the table by day, where they differ.
        """
        chosen = self._where(table, state)
        return " UNION ALL ".join(
            f"SELECT {day if day and grain is Grain.DAY else columns} FROM {table}_{grain.value} "
            f"WHERE time >= DATE '{part.start:%Y-%m-%d}' AND time < DATE '{part.end:%Y-%m-%d}'{chosen}"
            for grain, part in _cut(covered)
        )

    def _where(self, table: str, state: State) -> str:
        found = ""
        if state.countries:
            found += f" AND country IN ({', '.join(map(repr, state.countries))})"
        if state.categories and table.startswith(("orders", "customers")):
            found += f" AND bit & {sum(self._bits[each] for each in state.categories)} <> 0"
        elif state.categories:
            found += f" AND category IN ({', '.join(map(repr, state.categories))})"
        return found

    def _q1_kpis(self, state: State, now: Range) -> str:
        periods = {"current": now, "previous": _range(state.prev_start, state.start)}
        return " UNION ALL ".join(self._kpis(name, state, covered) for name, covered in periods.items()) + " ORDER BY 1"

    def _kpis(self, name: str, state: State, covered: Range) -> str:
        sums = self._rows("sums", "revenue, margin, units", state, covered)
        orders = self._rows("orders", "orders", state, covered)
        return (
            f"SELECT '{name}', * FROM (SELECT sum(revenue), sum(margin), sum(units) FROM ({sums})), "
            f"(SELECT coalesce(sum(orders), 0) FROM ({orders})), ({self._customers(state, covered)})"
        )

    def _customers(self, state: State, covered: Range) -> str:
        table = _wide("customers", state)
        if state.categories or len(state.countries) > 1:
            return f"SELECT count(DISTINCT customer_id) FROM ({self._rows(table, 'customer_id', state, covered)})"
        grain = "month" if _whole_months(covered) else "day"
        start, end = (f"DATE '{each:%Y-%m-%d}'" for each in (covered.start, covered.end))
        return (
            f"SELECT count(*) FROM {table}_{grain} WHERE time >= {start} AND time < {end} "
            f"AND (previous IS NULL OR previous < {start}){self._where(table, state)}"
        )

    def _q2_month(self, state: State, now: Range) -> str:
        rows = self._rows("sums", "time, revenue, margin", state, now)
        return f"SELECT date_trunc('month', time)::DATE, sum(revenue), sum(margin) FROM ({rows}) GROUP BY 1 ORDER BY 1"

    def _q3_country(self, state: State, now: Range) -> str:
        rows = self._rows("sums", "country, revenue, margin, units", state, now)
        return f"SELECT country, sum(revenue), sum(margin), sum(units) FROM ({rows}) GROUP BY 1 ORDER BY 2 DESC, 1"

    def _q4_top_products(self, state: State, now: Range) -> str:
        rows = self._rows(_wide("products", state), "product_id, revenue, units", state, now)
        top = f"SELECT product_id, sum(revenue) AS r, sum(units) AS u FROM ({rows}) GROUP BY 1"
        top += " ORDER BY 2 DESC, 1 LIMIT 20"
        return f"SELECT product_id, product_name, r, u FROM ({top}) JOIN names USING (product_id) ORDER BY 3 DESC, 1"

    def _q5_category(self, state: State, now: Range) -> str:
        rows = self._rows("sums", "category, revenue, margin", state, now)
        return f"SELECT category, sum(revenue), sum(margin) FROM ({rows}) GROUP BY 1 ORDER BY 2 DESC, 1"

    def _q6_channel(self, state: State, now: Range) -> str:
        rows = self._rows("sums", "channel, revenue, units, lines", state, now)
        return f"SELECT channel, sum(revenue), sum(units), sum(lines) FROM ({rows}) GROUP BY 1 ORDER BY 1"

    def _q7_heatmap(self, state: State, now: Range) -> str:
        kept = ", hour, revenue, lines"
        rows = self._rows(_wide("heat", state), f"weekday{kept}", state, now, f"isodow(time) AS weekday{kept}")
        return f"SELECT weekday, hour, sum(revenue), sum(lines) FROM ({rows}) GROUP BY 1, 2 ORDER BY 1, 2"

    def _q8_new_returning(self, state: State, now: Range) -> str:
        month = "date_trunc('month', time)::DATE AS month, new"
        customers = self._rows(_wide("customers", state), f"{month}, customer_id", state, now)
        revenue = self._rows("kinds", f"{month}, revenue", state, now)
        # Of a month and a country, or none, the table by month has a row per customer.
        alone = len(state.countries) < 2 and _whole_months(now)
        counted = "count(*)" if alone else "count(DISTINCT customer_id)"
        return (
            f"SELECT month, new, customers, revenue FROM (SELECT month, new, {counted} AS customers "
            f"FROM ({customers}) GROUP BY 1, 2) JOIN (SELECT month, new, sum(revenue) AS revenue FROM ({revenue}) "
            "GROUP BY 1, 2) USING (month, new) ORDER BY 1, 2"
        )


def _wide(table: str, state: State) -> str:
    """Return the table without countries where none is chosen."""
    return table if state.countries else f"{table}_all"


def _range(start: dt.date, end: dt.date) -> Range:
    return Range(*(dt.datetime.combine(day, dt.time()) for day in (start, end)))


def _whole_months(covered: Range) -> bool:
    return [grain for grain, _ in _cut(covered)] == [Grain.MONTH]


def _cut(covered: Range) -> Iterator[tuple[Grain, Range]]:
    """Yield the whole months of a range, and the days before and after them."""
    start, end = ceiling(covered.start, Grain.MONTH), floor(covered.end, Grain.MONTH)
    if start >= end:
        yield Grain.DAY, covered
        return
    yield Grain.MONTH, Range(start, end)
    yield from ((Grain.DAY, each) for each in (Range(covered.start, start), Range(end, covered.end)) if not each.empty)


def size_mb(folder: Path) -> float:
    """Return how large the tables are."""
    return (folder / FILE).stat().st_size / 1e6
