"""The queries of the reference workload, asked of the product and of bare DuckDB, as rows that can be compared."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from services.access import Viewer
from services.periods import Compare, Grain, Period, Range
from services.query import Filter, SalesQuery, Sort
from services.sales import Answer, Sales
from tests.benchmarks.by_hand import ByHand
from tests.benchmarks.reference import State, bench_module

DAY = dt.timedelta(days=1)
MONEY = frozenset({"revenue", "margin", "cost", "unit_price", "discount"})
KPIS = ("revenue", "margin", "units", "orders", "customers")
#: What a period without a line answers.
NO_LINES = (None, None, None, 0.0, 0.0)
LINES = (
    "order_id", "line_no", "order_ts", "customer_id", "product_name", "channel", "quantity", "unit_price", "discount",
    "revenue",
)  # fmt: skip
BIGGEST = (Sort("revenue", descending=True),)
NEWEST = (Sort("order_ts", descending=True), Sort("order_id", descending=True), Sort("line_no"))
YEAR = (dt.date(2024, 1, 1), dt.date(2025, 1, 1))
MONTH = (dt.date(2024, 11, 1), dt.date(2024, 12, 1))
GERMANY = (Filter("country", "is", ("DEU",)),)
DEEP = 100_000

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Tile:
    """A query of the workload as the product is asked it.

    `columns` of the answer stand beside those of the SQL, in its order; `reads` says how a value of the SQL becomes
    ours. `within` and `filters` narrow the filter state further, as the drill does.
    """

    query: SalesQuery
    columns: tuple[str, ...]
    reads: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    within: tuple[dt.date, dt.date] | None = None
    filters: tuple[Filter, ...] = ()

    def of(self, state: State) -> SalesQuery | None:
        """Return the query under a filter state, or None where no day is left."""
        start, end = self.within or (state.start, state.end)
        start, end = max(start, state.start), min(end, state.end)
        chosen = (("country", state.countries), ("category", state.categories))
        filters = tuple(Filter(name, "is", values) for name, values in chosen if values)
        if start >= end:
            return None
        return replace(self.query, period=Period(first=start, last=end - DAY), filters=(*filters, *self.filters))


def _asks(*measures: str, **more: Any) -> SalesQuery:
    return SalesQuery(measures=measures, **more)


#: The eight queries of the dashboard by their name in workload.sql.
DASHBOARD: dict[str, Tile] = {
    "q1_kpis": Tile(_asks(*KPIS, compare=Compare.PRIOR), KPIS),
    "q2_month": Tile(_asks("revenue", "margin", grain=Grain.MONTH), ("time", "revenue", "margin")),
    "q3_country": Tile(
        _asks("revenue", "margin", "units", dimensions=("country",), sort=BIGGEST),
        ("country", "revenue", "margin", "units"),
    ),
    "q4_top_products": Tile(
        _asks("revenue", "units", dimensions=("product",), sort=BIGGEST, limit=20),
        ("product", "product__label", "revenue", "units"),
    ),
    "q5_category": Tile(
        _asks("revenue", "margin", dimensions=("category",), sort=BIGGEST), ("category", "revenue", "margin")
    ),
    "q6_channel": Tile(
        _asks("revenue", "units", "lines", dimensions=("channel",)), ("channel", "revenue", "units", "lines")
    ),
    "q7_heatmap": Tile(
        _asks("revenue", "lines", dimensions=("weekday", "hour")), ("weekday", "hour", "revenue", "lines")
    ),
    "q8_new_returning": Tile(
        _asks(
            "customers",
            "revenue",
            grain=Grain.MONTH,
            dimensions=("customer_kind",),
            sort=(Sort("time"), Sort("customer_kind", descending=True)),
        ),
        ("time", "customer_kind", "customers", "revenue"),
        {"customer_kind": lambda new: "new" if new else "returning"},
    ),
}


def drill(product: int, offset: int = DEEP) -> dict[str, Tile]:
    """Return the queries of the drill, down to the lines of a product and to a deep page of lines."""
    lines = SalesQuery(columns=LINES, sort=NEWEST, limit=100)
    one = Filter("product", "is", (str(product),))
    return {
        "d1_years": Tile(
            _asks("revenue", "margin", grain=Grain.YEAR),
            ("time", "revenue", "margin"),
            {"time": lambda year: dt.datetime(year, 1, 1)},
        ),
        "d2_months": Tile(_asks("revenue", "margin", grain=Grain.MONTH), ("time", "revenue", "margin"), within=YEAR),
        "d3_countries": Tile(
            _asks("revenue", "margin", dimensions=("country",), sort=BIGGEST),
            ("country", "revenue", "margin"),
            within=MONTH,
        ),
        "d4_products": Tile(
            _asks("revenue", "units", dimensions=("product",), sort=BIGGEST, limit=50),
            ("product", "product__label", "revenue", "units"),
            within=MONTH,
            filters=GERMANY,
        ),
        "d5_lines": Tile(lines, LINES, within=MONTH, filters=(*GERMANY, one)),
        "d6_lines_deep_page": Tile(replace(lines, offset=offset), LINES),
    }


def page_of_lines(offset: int) -> tuple[SalesQuery, str]:
    """Return a page of the Lines page, in its own order, and its SQL; the file has the lines in the order of ids."""
    query = SalesQuery(columns=LINES, limit=100, offset=offset)
    return query, f"SELECT {', '.join(LINES)} FROM sales ORDER BY order_ts DESC, rowid LIMIT 100 OFFSET {offset}"


def sql_of(name: str, state: State, product: int, offset: int = DEEP) -> str:
    """Return the SQL of a query of the workload, as workload.sql has it but for the depth of the deep page."""
    text: str = bench_module("workload").render(name, state, product)
    return text.replace(f"OFFSET {DEEP}", f"OFFSET {offset}")


def kpi_sql(state: State, now: Range, before: Range | None) -> str:
    """Return the SQL of the KPIs over the ranges that the product compares.

    The product compares a whole month with the whole month before, the workload with as many days.
    """
    ranges = [each for each in (now, before) if each is not None]
    either = " OR ".join(
        f"order_ts >= TIMESTAMP '{each.start}' AND order_ts < TIMESTAMP '{each.end}'" for each in ranges
    )
    chosen = state.where().split(" AND ", 2)[2:]
    where = " AND ".join([f"({either})", *chosen])
    text: str = bench_module("workload").QUERIES["q1_kpis"]
    return text.format(where_both=where, start=f"TIMESTAMP '{now.start}'")


def best_seller(raw: duckdb.DuckDBPyConnection) -> int:
    """Return the product with most lines where the drill ends."""
    text = "country = 'DEU' AND order_ts >= TIMESTAMP '2024-11-01' AND order_ts < TIMESTAMP '2024-12-01'"
    ((product,),) = raw.execute(
        f"SELECT product_id FROM sales WHERE {text} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchall()
    return int(product)


def our_rows(columns: Sequence[str], answer: Answer) -> list[Row]:
    """Return the rows of an answer as plain values; money in cents, everything else as it is."""
    found = (answer.frame[name].tolist() for name in columns)
    return [_plain(columns, values) for values in zip(*found, strict=True)]


def raw_rows(tile: Tile, rows: Iterable[Row]) -> list[Row]:
    """Return the rows of the SQL as the same plain values."""
    readers = [tile.reads.get(name, lambda value: value) for name in tile.columns]
    return [_plain(tile.columns, [read(value) for read, value in zip(readers, row, strict=True)]) for row in rows]


def _plain(columns: Sequence[str], values: Iterable[Any]) -> Row:
    return tuple(_value(name.removesuffix("__before"), value) for name, value in zip(columns, values, strict=True))


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.date):
        moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
        return moment.isoformat(" ")
    number = float(value)
    if math.isnan(number):
        return None
    return round(number * 100) if name in MONEY else number


@dataclass(frozen=True)
class Both:
    """The answers of the product and of bare DuckDB to one question."""

    ours: list[Row]
    raw: list[Row]

    @property
    def difference(self) -> str:
        """The first row that differs, in words; empty when none does."""
        if self.ours == self.raw:
            return ""
        row = next((n for n, pair in enumerate(zip(self.ours, self.raw, strict=False)) if pair[0] != pair[1]), None)
        if row is None:
            return f"the product answers {len(self.ours)} rows, DuckDB {len(self.raw)}"
        return f"row {row + 1}: the product answers {self.ours[row]}, DuckDB {self.raw[row]}"


class Reference:
    """Asks the product and bare DuckDB, `raw`, the same questions.

    `viewer` may have a row scope when the states say the same in their filters.
    """

    def __init__(self, sales: Sales, viewer: Viewer, raw: duckdb.DuckDBPyConnection, offset: int = DEEP) -> None:
        self.sales, self.viewer, self.raw = sales, viewer, raw
        self.product, self.offset = best_seller(raw), offset
        self.drill = drill(self.product, offset)

    def kpis(self, state: State, asked: State | None = None) -> Both:
        """Return the KPIs of a period and the one before it: two rows each."""
        query = DASHBOARD["q1_kpis"].of(asked or state)
        if query is None:
            raise ValueError("a filter state has no day")
        answer = self.sales.answer(query, self.viewer)
        ours = [our_rows([f"{name}{part}" for name in KPIS], answer)[0] for part in ("", "__before")]
        found = self._ask(kpi_sql(state, answer.window.now, answer.window.before))
        named = {period: _plain(KPIS, values) for period, *values in found}
        return Both(ours, [named.get(period, NO_LINES) for period in ("current", "previous")])

    def same_length(self, state: State) -> Both:
        """Return the KPIs of workload.sql to the letter, whose period before has as many days: asked one by one."""
        ours = []
        for start, end in ((state.start, state.end), (state.prev_start, state.start)):
            query = DASHBOARD["q1_kpis"].of(state)
            period = Period(first=start, last=end - DAY)
            plain = replace(query or _asks(*KPIS), period=period, compare=Compare.NONE)
            ours += our_rows(KPIS, self.sales.answer(plain, self.viewer))
        named = {period: _plain(KPIS, values) for period, *values in self._ask(sql_of("q1_kpis", state, self.product))}
        return Both(ours, [named.get(period, NO_LINES) for period in ("current", "previous")])

    def both(self, name: str, state: State, asked: State | None = None) -> Both:
        """Return both answers to a query of the workload under a filter state.

        The product is asked under `asked` where it is given: a state whose other filters are in the viewer's scope.
        """
        if name == "q1_kpis":
            return self.kpis(state, asked)
        tile = (DASHBOARD | self.drill)[name]
        query = tile.of(asked or state)
        ours = our_rows(tile.columns, self.sales.answer(query, self.viewer)) if query else []
        return Both(ours, raw_rows(tile, self._ask(sql_of(name, state, self.product, self.offset))))

    def page(self, offset: int) -> Both:
        """Return both answers to a page of all lines, newest first."""
        query, text = page_of_lines(offset)
        return Both(
            our_rows(LINES, self.sales.answer(query, self.viewer)), raw_rows(Tile(query, LINES), self._ask(text))
        )

    def by_hand(self, name: str, state: State, made: ByHand) -> Both:
        """Return the product's answer to a query of the dashboard, and that of the tables made by hand."""
        tile, found = DASHBOARD[name], made.connection.execute(made.sql_of(name, state)).fetchall()
        if name == "q1_kpis":
            named = {period: _plain(KPIS, values) for period, *values in found}
            return Both(self.same_length(state).ours, [named[period] for period in ("current", "previous")])
        query = tile.of(state)
        ours = our_rows(tile.columns, self.sales.answer(query, self.viewer)) if query else []
        return Both(ours, raw_rows(tile, found))

    def _ask(self, text: str) -> list[Row]:
        return self.raw.execute(text).fetchall()
