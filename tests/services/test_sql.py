from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from salescope.cache import NoCache
from services import sql
from services.access import EVERYTHING, NOTHING, RowScope, Viewer
from services.errors import QueryError, UnknownNameError
from services.model import SalesModel
from services.periods import Compare, Grain, Period
from services.query import OPERATORS, Filter, SalesQuery, Sort
from services.sales import Sales
from tests.factories import SHOP_MODEL, SHOP_RECIPE, SHOP_ROWS, House, shop, viewer_of

COUNTRIES = ("Austria", "Belgium", "Chile", "Denmark", "Egypt", "France", "Greece")
MEASURES = ("revenue", "units", "lines", "orders", "largest", "big_revenue", "average")
ANALYST = viewer_of("analyst")
PENNY = 0.005


@pytest.fixture(scope="module")
def shop_sales(small_shop: House) -> Sales:
    return small_shop.sales()


def ask(sales: Sales, query: SalesQuery, viewer: Viewer = ANALYST) -> pd.DataFrame:
    return sales.answer(query, viewer).frame


def scoped(*countries: str) -> Viewer:
    return viewer_of("analyst", RowScope.of({"country": countries}))


def is_(field: str, *values: str) -> Filter:
    return Filter(field, "is", values)


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare two answers; a column of nothing but blanks has no type of its own."""
    one, two = (frame.reset_index(drop=True).astype(object) for frame in (found, expected))
    pd.testing.assert_frame_equal(one.where(one.notna(), None), two.where(two.notna(), None), check_exact=False)


# Row scope

SCOPES = st.lists(st.sampled_from((*COUNTRIES, "Nowhere")), max_size=5, unique=True).map(tuple)
DAYS = st.dates(dt.date(2023, 2, 1), dt.date(2024, 8, 1))
PERIODS = st.just(Period("all")) | st.tuples(DAYS, DAYS).map(lambda pair: Period(first=min(pair), last=max(pair)))
FILTERS = st.lists(
    st.one_of(
        st.lists(st.sampled_from([f"P{number}" for number in range(40)]), min_size=1, max_size=9, unique=True).map(
            lambda keys: is_("product", *keys)
        ),
        st.sampled_from("0123456789").map(lambda digit: Filter("product", "contains", (digit,))),
        st.sampled_from(COUNTRIES).map(lambda country: Filter("country", "not", (country,))),
        st.just(Filter("order", "starts", ("O1",))),
    ),
    max_size=2,
).map(tuple)


@st.composite
def shop_queries(draw: st.DrawFn) -> SalesQuery:
    measures = draw(st.lists(st.sampled_from(MEASURES), min_size=1, max_size=4, unique=True).map(tuple))
    return SalesQuery(
        measures=measures,
        dimensions=draw(st.lists(st.sampled_from(["product", "weekday", "hour"]), max_size=1).map(tuple)),
        grain=draw(st.none() | st.sampled_from([Grain.MONTH, Grain.QUARTER, Grain.WEEK])),
        period=draw(PERIODS),
        filters=draw(FILTERS),
        segments=draw(st.sampled_from([(), ("big",)])),
        compare=draw(st.sampled_from(Compare)),
    )


@settings(max_examples=50)
@given(query=shop_queries(), scope=SCOPES)
def test_scope_is_a_filter_of_the_whole_answer(shop_sales: Sales, query: SalesQuery, scope: tuple[str, ...]) -> None:
    """What a scoped viewer gets is what everybody gets, less the rows of other countries."""
    by_country = SalesQuery(**{**vars(query), "dimensions": ("country", *query.dimensions)})
    everything = ask(shop_sales, by_country)
    expected = everything[everything["country"].isin(scope)]
    found = ask(shop_sales, by_country, scoped(*scope))
    if expected.empty:
        assert found.empty
    else:
        same(found, expected)


@settings(max_examples=50)
@given(query=shop_queries(), scope=SCOPES.filter(bool))
def test_scope_equals_the_filter_a_person_could_set(
    shop_sales: Sales, query: SalesQuery, scope: tuple[str, ...]
) -> None:
    filtered = SalesQuery(**{**vars(query), "filters": (*query.filters, is_("country", *scope))})
    same(ask(shop_sales, query, scoped(*scope)), ask(shop_sales, filtered))


@settings(max_examples=50)
@given(scope=SCOPES)
def test_scope_holds_for_order_lines_and_their_number(shop_sales: Sales, scope: tuple[str, ...]) -> None:
    query = SalesQuery(columns=("line_id", "country"), filters=(Filter("quantity", "gt", ("8",)),))
    everything = ask(shop_sales, query)
    expected = everything[everything["country"].isin(scope)]
    assert shop_sales.count_lines(query, scoped(*scope)) == len(expected)
    if len(expected):
        same(ask(shop_sales, query, scoped(*scope)), expected)


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(NOTHING, id="none said"),
        pytest.param(RowScope.of({"country": []}), id="no country"),
        pytest.param(RowScope.of({"country": ["Austria"], "product": []}), id="one dimension empty"),
        pytest.param(RowScope.of({"country": ["Nowhere"]}), id="no such country"),
    ],
)
def test_empty_scope_has_no_rows_and_no_totals(shop_sales: Sales, scope: RowScope) -> None:
    viewer = viewer_of("analyst", scope)
    assert ask(shop_sales, SalesQuery(measures=MEASURES, dimensions=("product",)), viewer).empty
    assert ask(shop_sales, SalesQuery(measures=MEASURES, grain=Grain.MONTH), viewer).empty
    total = shop_sales.answer(SalesQuery(measures=MEASURES), viewer)
    assert [total.value(name) for name in ("lines", "orders")] == [0, 0]
    assert all(pd.isna(total.value(name)) for name in ("revenue", "units", "largest", "average"))
    assert total.trust.rows == 0
    assert shop_sales.count_lines(SalesQuery(columns=("line_id",)), viewer) == 0


def test_scope_over_two_dimensions_needs_both(shop_sales: Sales) -> None:
    viewer = viewer_of("analyst", RowScope.of({"country": ["Austria", "Chile"], "product": ["P1", "P2"]}))
    found = ask(shop_sales, SalesQuery(measures=("lines",), dimensions=("country", "product")), viewer)
    assert {(row.country, row.product) for row in found.itertuples()} == {
        (country, product) for country in ("Austria", "Chile") for product in ("P1", "P2")
    }


def test_scope_of_an_unknown_dimension_is_refused(shop_sales: Sales) -> None:
    viewer = viewer_of("analyst", RowScope.of({"region": ["North"], "country": ["Austria"]}))
    with pytest.raises(QueryError, match=r"Your row scope names region, .* an admin must renew it"):
        ask(shop_sales, SalesQuery(measures=("revenue",)), viewer)


def test_forged_filter_does_not_widen_the_scope(shop_sales: Sales) -> None:
    query = SalesQuery(measures=("lines",), filters=(is_("country", "France"),))
    assert shop_sales.answer(query, scoped("Austria")).value("lines") == 0


def test_blank_country_is_in_no_scope(shop_sales: Sales) -> None:
    query = SalesQuery(measures=("lines",), filters=(Filter("country", "blank", ("1",)),))
    assert shop_sales.answer(query, ANALYST).value("lines") > 0
    assert shop_sales.answer(query, scoped(*COUNTRIES)).value("lines") == 0


# Texts are texts

HOSTILE = [
    "%",
    "_",
    "\\",
    "\\\\",
    "'",
    "''",
    '"',
    "' OR '1'='1",
    "'; DROP TABLE facts; --",
    "x') OR TRUE --",
    "$1",
    "?",
    ":name",
    "%s",
    "%(x)s",
    "a\x00b",
    "100%",
    "a_b\\%c",
    "\u202e\U0001f4a3",
    "NULL",
]


@pytest.fixture(scope="module")
def hostile_sales(tmp_path_factory: pytest.TempPathFactory, new_url: Callable[[], str | None]) -> Sales:
    """Return a shop whose products are named by the hostile texts, one line each, and one plain product."""
    names = ", ".join(
        "'{}'".format(text.replace("'", "''").replace("\x00", "' || chr(0) || '")) for text in (*HOSTILE, "plain")
    )
    rows = f"""SELECT TIMESTAMP '2024-01-01 10:00:00' AS sold_at, name AS order_id, name AS country,
               name AS product_id, name AS product_name, 1 AS quantity, 1::DECIMAL(18, 4) AS revenue
               FROM (SELECT unnest([{names}]) AS name)"""
    house = shop(tmp_path_factory.mktemp("hostile"), rows, url=new_url())
    house.load()
    return house.sales()


def stored(text: str, engine: str) -> str:
    """Return a text as the engine keeps it: PostgreSQL has no room for the character NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if engine == "postgresql" else text


def matching(operator: str, text: str, engine: str) -> set[str]:
    every, text = {stored(name, engine) for name in (*HOSTILE, "plain")}, stored(text, engine)
    folded = {name: name.casefold() for name in every}
    return {
        "is": {name for name in every if name == text},
        "not": {name for name in every if name != text},
        "contains": {name for name in every if text.casefold() in folded[name]},
        "starts": {name for name in every if folded[name].startswith(text.casefold())},
        "gt": {name for name in every if name > text},
        "ge": {name for name in every if name >= text},
        "lt": {name for name in every if name < text},
        "le": {name for name in every if name <= text},
        "blank": set(),
    }[operator]


@pytest.mark.parametrize("operator", OPERATORS)
def test_hostile_text_is_literal_in_every_filter(hostile_sales: Sales, operator: str, engine: str) -> None:
    found: dict[str, set[str]] = {}
    for text in HOSTILE:
        query = SalesQuery(
            measures=("lines",), dimensions=("product",), filters=(Filter("product", operator, (text,)),)
        )
        found[text] = set(ask(hostile_sales, query)["product"])
    assert found == {text: matching(operator, text, engine) for text in HOSTILE}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_literal_in_a_scope(hostile_sales: Sales, text: str, engine: str) -> None:
    found = ask(hostile_sales, SalesQuery(measures=("lines",), dimensions=("country",)), scoped(text))
    assert list(found["country"]) == [stored(text, engine)]


def test_hostile_texts_are_never_part_of_the_statement(hostile_sales: Sales) -> None:
    query = SalesQuery(
        measures=("lines",), filters=tuple(Filter("product", name, ("DROP TABLE",)) for name in OPERATORS)
    )
    assert "DROP" not in hostile_sales.answer(query, scoped("DROP TABLE")).trust.statement


def test_search_finds_key_or_label(shop_sales: Sales) -> None:
    found = ask(
        shop_sales,
        SalesQuery(
            measures=("lines",), dimensions=("product",), filters=(Filter("product", "starts", ("product 1",)),)
        ),
    )
    assert set(found["product"]) == {"P1", *(f"P{number}" for number in range(10, 20))}


@pytest.mark.parametrize(
    ("field", "operator", "value", "kind"),
    [
        ("quantity", "gt", "many", "integer"),
        ("quantity", "is", "1.5", "integer"),
        ("quantity", "is", "", "integer"),
        ("revenue", "gt", "1,5", "money"),
        ("revenue", "gt", "NaN", "money"),
        ("revenue", "gt", "sNaN", "money"),
        ("revenue", "gt", "Infinity", "money"),
        ("revenue", "gt", "1e400", "money"),
        ("sold_at", "gt", "yesterday", "time"),
        ("sold_at", "gt", "2024-02-30", "time"),
    ],
)
def test_value_of_the_wrong_type(shop_sales: Sales, field: str, operator: str, value: str, kind: str) -> None:
    query = SalesQuery(columns=("line_id",), filters=(Filter(field, operator, (value,)),))
    with pytest.raises(QueryError, match=f"The filter on '{field}' needs a {kind} value; received '{value}'"):
        ask(shop_sales, query)


@pytest.mark.parametrize("value", ["9" * 100, "-" + "9" * 400])
def test_whole_number_beyond_the_engine(shop_sales: Sales, value: str) -> None:
    with pytest.raises(QueryError):
        shop_sales.count_lines(SalesQuery(columns=("line_id",), filters=(Filter("quantity", "gt", (value,)),)), ANALYST)


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        pytest.param(Filter("quantity", "gt", ("5",)), "quantity > 5", id="more"),
        pytest.param(Filter("quantity", "le", ("-1",)), "quantity <= -1", id="at most"),
        pytest.param(Filter("quantity", "is", ("1", "2")), "quantity IN (1, 2)", id="numbers"),
        pytest.param(Filter("quantity", "not", ("1", "2")), "quantity NOT IN (1, 2)", id="not numbers"),
        pytest.param(Filter("revenue", "ge", ("99.99",)), "revenue >= 99.99", id="money"),
        pytest.param(Filter("sold_at", "lt", ("2023-06-01T12:30",)), "sold_at < '2023-06-01 12:30:00'", id="time"),
        pytest.param(
            Filter("country", "not", ("Austria",)), "country <> 'Austria' OR country IS NULL", id="not keeps blanks"
        ),
        pytest.param(Filter("country", "blank", ("1",)), "country IS NULL", id="blank"),
        pytest.param(Filter("country", "contains", ("xq",)), "false", id="contains nothing"),
        pytest.param(Filter("country", "contains", ("RE",)), "country = 'Greece'", id="contains folds case"),
        pytest.param(Filter("revenue", "contains", ("99",)), "CAST(revenue AS VARCHAR) LIKE '%99%'", id="digits"),
    ],
)
def test_filter_on_order_lines(small_shop: House, shop_sales: Sales, condition: Filter, where: str) -> None:
    with small_shop.warehouse.current().engine.connect() as connection:
        expected = connection.execute(sa.text(f"SELECT count(*) FROM facts WHERE {where}")).scalar_one()
    assert shop_sales.count_lines(SalesQuery(columns=("line_id",), filters=(condition,)), ANALYST) == expected


# Sums


@settings(max_examples=50)
@given(query=shop_queries())
def test_parts_sum_to_the_total(shop_sales: Sales, query: SalesQuery) -> None:
    """Additive measures: however the answer is broken down, its rows sum to the answer in one row."""
    additive = ("revenue", "units", "lines", "big_revenue")
    query = SalesQuery(**{**vars(query), "measures": additive})
    total = shop_sales.answer(SalesQuery(**{**vars(query), "dimensions": (), "grain": None}), ANALYST)
    parts = shop_sales.answer(query, ANALYST)
    for field in query.fields:
        if field.removesuffix("__before") in additive:
            whole = total.value(field)
            assert parts.frame[field].sum() == pytest.approx(0 if pd.isna(whole) else whole, abs=PENNY)
    assert parts.frame["rows"].sum() == parts.trust.rows == total.trust.rows


@settings(max_examples=50)
@given(measure=st.sampled_from(["revenue", "lines"]), limit=st.integers(1, 60), offset=st.integers(0, 60))
def test_rows_behind_an_answer_ignore_its_limit(shop_sales: Sales, measure: str, limit: int, offset: int) -> None:
    query = SalesQuery(measures=(measure,), dimensions=("product",), limit=limit, offset=offset)
    answer = shop_sales.answer(query, ANALYST)
    assert len(answer.frame) == max(0, min(limit, 40 - offset))
    assert answer.trust.rows == (3000 if len(answer.frame) else 0)


# Order and paging

LINE_SORTS = st.lists(
    st.builds(Sort, st.sampled_from(["sold_at", "country", "quantity", "revenue", "order_id"]), st.booleans()),
    max_size=2,
    unique_by=lambda sort: sort.field,
).map(tuple)


@settings(max_examples=15)
@given(sort=LINE_SORTS, size=st.integers(17, 120))
def test_paging_visits_every_line_once(shop_sales: Sales, sort: tuple[Sort, ...], size: int) -> None:
    query = SalesQuery(
        columns=("line_id", "sold_at", "country", "quantity", "revenue", "order_id"),
        filters=(Filter("quantity", "ge", ("8",)),),
        sort=sort,
    )
    whole = ask(shop_sales, query)
    pages = [
        ask(shop_sales, SalesQuery(**{**vars(query), "limit": size, "offset": offset}))
        for offset in range(0, len(whole), size)
    ]
    assert len(whole) == shop_sales.count_lines(query, ANALYST)
    assert whole["line_id"].is_unique
    same(pd.concat(pages), whole)


def test_order_lines_come_newest_first(shop_sales: Sales) -> None:
    frame = ask(shop_sales, SalesQuery(columns=("sold_at", "line_id"), limit=500))
    same(frame, frame.sort_values(["sold_at", "line_id"], ascending=[False, True]))


@pytest.mark.parametrize("descending", [False, True])
def test_no_value_comes_last(shop_sales: Sales, *, descending: bool) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country",), sort=(Sort("country", descending),))
    countries = list(ask(shop_sales, query)["country"])
    assert countries[:-1] == sorted(COUNTRIES, reverse=descending)
    assert pd.isna(countries[-1])


def test_ranking_by_the_comparison(shop_sales: Sales) -> None:
    query = SalesQuery(
        measures=("revenue",),
        dimensions=("product",),
        period=Period("ytd"),
        compare=Compare.YEAR,
        sort=(Sort("revenue__before", descending=True),),
    )
    before = ask(shop_sales, query)["revenue__before"].dropna()
    assert list(before) == sorted(before, reverse=True)


# Having, segments, grain


@pytest.mark.parametrize(
    ("condition", "keep"),
    [
        pytest.param(Filter("revenue", "gt", ("6500",)), lambda frame: frame["revenue"] > 6500, id="more than"),
        pytest.param(Filter("revenue", "le", ("6500.5",)), lambda frame: frame["revenue"] <= 6500.5, id="at most"),
        pytest.param(Filter("lines", "is", ("75", "80")), lambda frame: frame["lines"].isin([75, 80]), id="is"),
        pytest.param(Filter("average", "lt", ("80",)), lambda frame: frame["average"] < 80, id="ratio"),
    ],
)
def test_having(shop_sales: Sales, condition: Filter, keep: Any) -> None:
    query = SalesQuery(measures=("revenue", "lines", "average"), dimensions=("product",))
    everything = ask(shop_sales, query)
    expected = everything[keep(everything)]
    assert len(expected) not in (0, len(everything)) or condition.field == "lines"
    found = ask(shop_sales, SalesQuery(**{**vars(query), "having": (condition,)}))
    assert list(found["product"]) == list(expected["product"])


def test_having_of_a_text_is_refused(shop_sales: Sales) -> None:
    query = SalesQuery(measures=("revenue",), having=(Filter("revenue", "gt", ("a lot",)),))
    with pytest.raises(QueryError, match="needs a number value"):
        ask(shop_sales, query)


def test_segment_is_a_condition_on_rows(shop_sales: Sales) -> None:
    by_segment = ask(shop_sales, SalesQuery(measures=("revenue",), segments=("big",)))
    by_filter = ask(shop_sales, SalesQuery(measures=("big_revenue",)))
    assert by_segment["revenue"].iloc[0] == by_filter["big_revenue"].iloc[0]


@pytest.mark.parametrize("grain", Grain)
@pytest.mark.parametrize("week_start", ["monday", "sunday"])
def test_grain(tmp_path_factory: pytest.TempPathFactory, small_shop: House, grain: Grain, week_start: str) -> None:
    model = small_shop.model.model_copy(
        update={"calendar": small_shop.model.calendar.model_copy(update={"week_start": week_start})}
    )
    sales = Sales(model, small_shop.warehouse, NoCache())
    found = ask(sales, SalesQuery(measures=("revenue",), grain=grain)).set_index("time")["revenue"]
    days = ask(sales, SalesQuery(measures=("revenue",), grain=Grain.DAY)).set_index("time")["revenue"]
    rule = {
        Grain.DAY: "D",
        Grain.WEEK: "W-SUN" if week_start == "monday" else "W-SAT",
        Grain.MONTH: "M",
        Grain.QUARTER: "Q",
        Grain.YEAR: "Y",
    }[grain]
    expected = days.groupby(days.index.to_period(rule).start_time).sum()  # type: ignore[attr-defined]
    assert list(found.index) == list(expected.index)
    assert list(found) == pytest.approx(list(expected), abs=PENNY)
    if grain is Grain.WEEK:
        assert {moment.isoweekday() for moment in found.index} == {1 if week_start == "monday" else 7}


def test_month_compared_with_a_longer_one_keeps_every_day(shop_sales: Sales) -> None:
    """The 29th to 31st of January have no day in February: they count to its last day."""
    query = SalesQuery(
        measures=("revenue",),
        period=Period(first=dt.date(2024, 2, 1), last=dt.date(2024, 2, 29)),
        compare=Compare.PRIOR,
        grain=Grain.DAY,
    )
    total = shop_sales.answer(SalesQuery(**{**vars(query), "grain": None}), ANALYST).value("revenue__before")
    days = ask(shop_sales, query)
    assert days["revenue__before"].sum() == pytest.approx(total, abs=PENNY)
    assert {moment.month for moment in days["time"]} == {2}


def test_comparison_outside_the_calendar_is_no_value(shop_sales: Sales) -> None:
    query = SalesQuery(
        measures=("revenue",), period=Period(first=dt.date(1, 1, 1), last=dt.date(2024, 1, 1)), compare=Compare.YEAR
    )
    answer = shop_sales.answer(query, ANALYST)
    assert answer.value("revenue") > 0
    assert pd.isna(answer.value("revenue__before"))


# Names of the facts' own columns


def test_dimension_named_like_another_column(tmp_path: Path) -> None:
    model = SHOP_MODEL.replace("  order: {label", "  quantity: {label").replace("role: order}", "synonyms: []}")
    house = shop(tmp_path, SHOP_ROWS, model)
    house.load()
    assert len(ask(house.sales(), SalesQuery(measures=("lines",), dimensions=("quantity",)))) == 1000


def test_time_column_called_time(tmp_path: Path) -> None:
    house = shop(
        tmp_path,
        SHOP_ROWS.replace("AS sold_at", "AS time"),
        SHOP_MODEL.replace("sold_at", "time"),
        SHOP_RECIPE.replace("sold_at", "time"),
    )
    house.load()
    months = ask(house.sales(), SalesQuery(measures=("lines",), grain=Grain.MONTH))
    assert (len(months), months["lines"].sum()) == (17, 3000)


# PostgreSQL

POSTGRES_QUERIES = [
    pytest.param(SalesQuery(measures=("revenue", "orders", "average_order_value")), id="total"),
    pytest.param(
        SalesQuery(
            measures=("revenue", "return_rate"),
            dimensions=("country", "product"),
            grain=Grain.WEEK,
            period=Period("ytd"),
            compare=Compare.YEAR,
            filters=tuple(Filter("product", name, ("it's 100%",)) for name in OPERATORS),
            segments=("merchandise",),
            having=(Filter("revenue", "gt", ("1",)),),
            sort=(Sort("revenue", descending=True),),
            limit=5,
            offset=5,
        ),
        id="everything",
    ),
    pytest.param(SalesQuery(measures=("revenue",), dimensions=("weekday", "hour")), id="weekday and hour"),
    pytest.param(
        SalesQuery(columns=("order_time", "revenue"), filters=(Filter("quantity", "gt", ("1",)),), limit=10), id="lines"
    ),
]


@pytest.mark.parametrize("query", POSTGRES_QUERIES)
def test_statement_for_postgresql(sample_model: SalesModel, sales: Sales, query: SalesQuery) -> None:
    scope = RowScope.of({"country": ["France"]})
    statement = sql.build(sample_model, query.check(sample_model), sales.window(query), scope)
    compiled = statement.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    text = str(compiled)
    assert "regexp_matches" not in text
    assert "France" not in text
    assert "it's" not in text
    assert ["France"] in compiled.params.values() or ("France",) in compiled.params.values()


def test_pattern_for_postgresql(sample_model: SalesModel, sales: Sales) -> None:
    query = SalesQuery(measures=("revenue",), segments=("merchandise",))
    statement = sql.build(sample_model, query, sales.window(query), EVERYTHING)
    assert "product_type" in str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    pattern = sample_model.row_compiler.compile("matches(product_id, '^A')")
    assert "~" in str(sa.select(pattern).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_filter_on_a_name_outside_the_model_is_refused(shop_sales: Sales, small_shop: House) -> None:
    query = SalesQuery(columns=("line_id",), filters=(is_("nope", "1"),))
    with pytest.raises(UnknownNameError):
        sql.build(small_shop.model, query, shop_sales.window(query), EVERYTHING)
