from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import QueryError, UnknownNameError, UserError
from services.model import SalesModel
from services.periods import PRESETS, Compare, Grain, Period
from services.query import (
    MAX_LIMIT,
    MAX_TEXT,
    MAX_VALUES,
    OPERATORS,
    OWN,
    Filter,
    SalesQuery,
    Sort,
    from_params,
    to_params,
    to_search,
)

PAGE = SalesQuery(measures=("revenue", "orders"), dimensions=("country",), period=Period("ytd"), compare=Compare.YEAR)
LINES = SalesQuery(columns=("order_time", "order_id", "quantity", "revenue"), period=Period("mtd"))


def is_(field: str, *values: str) -> Filter:
    return Filter(field, "is", values)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({}, "either for measures or for columns", id="nothing"),
        pytest.param({"measures": ("a",), "columns": ("b",)}, "either for measures or for columns", id="both"),
        pytest.param({"columns": ("a",), "dimensions": ("b",)}, "no breakdown or comparison", id="lines by dimension"),
        pytest.param({"columns": ("a",), "grain": Grain.DAY}, "no breakdown or comparison", id="lines by grain"),
        pytest.param({"columns": ("a",), "compare": Compare.YEAR}, "no breakdown or comparison", id="lines compared"),
        pytest.param(
            {"columns": ("a",), "having": (Filter("a", "gt", ("1",)),)}, "no breakdown or comparison", id="lines having"
        ),
        pytest.param({"measures": ("a", "a")}, "measures names something twice: a, a", id="measure twice"),
        pytest.param({"measures": ("a",), "dimensions": ("b", "b")}, "dimensions names", id="dimension twice"),
        pytest.param({"columns": ("a", "a")}, "columns names something twice", id="column twice"),
        pytest.param(
            {"measures": ("a",), "segments": ("b", "b")}, "segments names something twice", id="segment twice"
        ),
        pytest.param({"measures": ("a",), "limit": 0}, "The limit is 0; allowed: 1 to 100000", id="limit zero"),
        pytest.param({"measures": ("a",), "limit": -1}, "The limit is -1", id="limit negative"),
        pytest.param({"measures": ("a",), "limit": MAX_LIMIT + 1}, "allowed: 1 to 100000", id="limit too large"),
        pytest.param({"measures": ("a",), "offset": -1}, "The offset is -1; allowed: 0 to", id="offset"),
    ],
)
def test_refused_query(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        SalesQuery(**arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("country", "ist", ("a",)), "There is no filter operator 'ist'. Did you mean 'is'", id="operator"),
        pytest.param(("country", "is", ()), "has 0 values; allowed: 1 to 1000", id="no value"),
        pytest.param(("country", "is", ("a",) * (MAX_VALUES + 1)), "has 1001 values", id="too many values"),
        pytest.param(("quantity", "gt", ("1", "2")), "'quantity gt' takes one value, not 2", id="two values"),
        pytest.param(("country", "is", ("x" * (MAX_TEXT + 1),)), "longer than 500 characters", id="long value"),
    ],
)
def test_refused_filter(arguments: tuple[str, str, tuple[str, ...]], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Filter(*arguments)


@pytest.mark.parametrize("value", ["\ud800", "a\udfff"])
def test_half_a_character_is_refused(value: str) -> None:
    with pytest.raises(UserError):
        SalesQuery(measures=("revenue",), filters=(is_("country", value),)).to_json()


def test_limits_are_inclusive() -> None:
    query = SalesQuery(
        measures=("revenue",),
        filters=(is_("country", *map(str, range(MAX_VALUES))), is_("product", "x" * MAX_TEXT)),
        limit=MAX_LIMIT,
    )
    assert query.limit == MAX_LIMIT


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param(SalesQuery(measures=("revenu",)), "no measure 'revenu'. Did you mean 'revenue'", id="measure"),
        pytest.param(replace(PAGE, dimensions=("contry",)), "no dimension 'contry'. Did you mean 'country'", id="dim"),
        pytest.param(replace(PAGE, segments=("sale",)), "no segment 'sale'. Did you mean 'sales'", id="segment"),
        pytest.param(
            replace(LINES, columns=("order_it",)), "no column 'order_it'. Did you mean 'order_id'", id="column"
        ),
        pytest.param(
            replace(PAGE, filters=(is_("quantity", "1"),)), "There is no filter 'quantity'", id="column filter"
        ),
        pytest.param(
            replace(PAGE, having=(Filter("units", "gt", ("1",)),)), "no measure of the query 'units'", id="having"
        ),
        pytest.param(replace(PAGE, sort=(Sort("units"),)), "There is no sort field 'units'", id="sort"),
        pytest.param(replace(PAGE, sort=(Sort("time"),)), "There is no sort field 'time'", id="sort by absent time"),
        pytest.param(
            replace(PAGE, compare=Compare.NONE, sort=(Sort("revenue__before"),)),
            "There is no sort field 'revenue__before'",
            id="sort by absent comparison",
        ),
    ],
)
def test_name_that_is_not_in_the_model(sample_model: SalesModel, query: SalesQuery, said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        query.check(sample_model)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(replace(PAGE, dimensions=("weekday", "hour")), id="time parts"),
        pytest.param(replace(PAGE, filters=(is_("weekday", "1"),)), id="filter of a time part"),
        pytest.param(replace(PAGE, sort=(Sort("revenue__before", descending=True),)), id="sort by comparison"),
        pytest.param(replace(PAGE, grain=Grain.DAY, sort=(Sort("time"),)), id="sort by time"),
        pytest.param(replace(LINES, filters=(Filter("quantity", "gt", ("1",)),)), id="lines by a column"),
        pytest.param(replace(LINES, filters=(is_("country", "France"),)), id="lines by a dimension"),
        pytest.param(replace(PAGE, having=(Filter("orders", "ge", ("1",)),)), id="having"),
    ],
)
def test_query_of_the_model(sample_model: SalesModel, query: SalesQuery) -> None:
    assert query.check(sample_model) is query


def test_fields_in_order() -> None:
    assert replace(PAGE, grain=Grain.DAY).fields == (
        "time",
        "country",
        "revenue",
        "orders",
        "revenue__before",
        "orders__before",
    )
    assert LINES.fields == LINES.columns


def test_chosen_values() -> None:
    query = replace(PAGE, filters=(is_("country", "France", "Spain"), Filter("product", "contains", ("bag",))))
    assert query.chosen("country") == ("France", "Spain")
    assert query.chosen("product") == ()
    assert query.filtered("product")
    assert not query.filtered("order")


def test_equal_queries_are_one_key() -> None:
    same = SalesQuery(("revenue", "orders"), ("country",), period=Period("ytd"), compare=Compare.YEAR)
    assert hash(same) == hash(PAGE)
    assert same.to_json() == PAGE.to_json()


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_a_phrase(name: str) -> None:
    assert OPERATORS[name].phrase


# Round trips

NAMES = st.sampled_from(["revenue", "orders", "units"])
FIELDS = st.sampled_from(["country", "product", "product_type", "customer", "order", "line_kind"])
COLUMNS = st.sampled_from(["order_time", "order_id", "quantity", "revenue", "unit_price", "customer_id"])
VALUES = st.text(st.characters(codec="utf-8"), max_size=12)


def filters(fields: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Filter, ...]]:
    one = st.builds(
        Filter, fields, st.sampled_from(["gt", "ge", "lt", "le", "contains", "starts", "blank"]), st.tuples(VALUES)
    )
    many = st.builds(
        Filter, fields, st.sampled_from(["is", "not"]), st.lists(VALUES, min_size=1, max_size=4, unique=True).map(tuple)
    )
    unique = st.lists(one | many, max_size=4, unique_by=lambda each: (each.field, each.operator))
    return unique.map(tuple)


PERIODS = st.sampled_from(sorted(PRESETS)).map(Period) | st.tuples(st.dates(), st.dates()).map(
    lambda pair: Period(first=min(pair), last=max(pair))
)


@st.composite
def page_queries(draw: st.DrawFn) -> SalesQuery:
    """Draw a query that a filter bar and a table could have made of the page."""
    compare = draw(st.sampled_from(Compare))
    changed = replace(
        PAGE,
        measures=draw(st.lists(st.sampled_from(["revenue", "orders"]), min_size=1, unique=True).map(tuple)),
        dimensions=draw(st.lists(FIELDS, max_size=2, unique=True).map(tuple)),
        grain=draw(st.none() | st.sampled_from(Grain)),
        segments=draw(st.lists(st.sampled_from(["sales", "returns"]), unique=True).map(tuple)),
        period=draw(PERIODS),
        compare=compare,
        filters=draw(filters(FIELDS)),
    )
    sorts = st.builds(Sort, st.sampled_from(changed.fields), st.booleans())
    return replace(changed, sort=draw(st.lists(sorts, max_size=2).map(tuple)))


@st.composite
def line_queries(draw: st.DrawFn) -> SalesQuery:
    """Draw a query that the page of order lines could have made."""
    sorts = st.builds(Sort, st.sampled_from(LINES.fields), st.booleans())
    return replace(
        LINES,
        period=draw(PERIODS),
        filters=draw(filters(FIELDS | COLUMNS)),
        sort=draw(st.lists(sorts, max_size=2).map(tuple)),
    )


@st.composite
def any_queries(draw: st.DrawFn) -> SalesQuery:
    measures = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True).map(tuple))
    return SalesQuery(
        measures=measures,
        dimensions=draw(st.lists(FIELDS, max_size=2, unique=True).map(tuple)),
        grain=draw(st.none() | st.sampled_from(Grain)),
        period=draw(PERIODS),
        filters=draw(filters(FIELDS)),
        segments=draw(st.lists(st.sampled_from(["sales", "returns"]), max_size=2, unique=True).map(tuple)),
        having=draw(filters(st.sampled_from(measures))),
        compare=draw(st.sampled_from(Compare)),
        sort=draw(st.lists(st.builds(Sort, st.sampled_from(measures), st.booleans()), max_size=2).map(tuple)),
        limit=draw(st.none() | st.integers(1, MAX_LIMIT)),
        offset=draw(st.integers(0, 10_000)),
    )


@given(any_queries() | line_queries())
def test_json_round_trip(query: SalesQuery) -> None:
    assert SalesQuery.from_json(query.to_json()) == query
    assert SalesQuery.from_json(query.to_json()).to_json() == query.to_json()


@given(query=page_queries() | line_queries())
def test_url_round_trip(sample_model: SalesModel, query: SalesQuery) -> None:
    default = LINES if query.columns else PAGE
    assert from_params(to_params(query, default), default, sample_model) == (query, ())


@given(query=page_queries())
def test_search_is_read_back_by_any_url_parser(sample_model: SalesModel, query: SalesQuery) -> None:
    search = to_search(query, PAGE)
    assert search.isascii()
    parsed = parse_qsl(search.removeprefix("?"), keep_blank_values=True)
    assert parsed == to_params(query, PAGE)
    assert bool(search) == (query != PAGE)


@given(query=page_queries(), default=page_queries())
def test_full_parameters_mean_the_same_on_every_page(
    sample_model: SalesModel, query: SalesQuery, default: SalesQuery
) -> None:
    bare = replace(default, dimensions=(), grain=None, segments=(), filters=(), sort=())
    assert from_params(to_params(query), bare, sample_model) == (query, ())


def test_parameters_of_a_page_are_left_to_it(sample_model: SalesModel) -> None:
    assert from_params([("trends-average", "7")], PAGE, sample_model) == (PAGE, ())


def test_looks_mean_nothing_to_order_lines(sample_model: SalesModel) -> None:
    params = [("measure", "orders"), ("by", "country"), ("grain", "day"), ("segment", "sales")]
    assert from_params(params, LINES, sample_model) == (LINES, ())


def test_nothing_is_written_for_the_default() -> None:
    assert (to_params(PAGE, PAGE), to_search(PAGE, PAGE)) == ([], "")


def test_url_of_a_query() -> None:
    query = replace(
        LINES,
        period=Period(first=dt.date(2011, 1, 1), last=dt.date(2011, 1, 31)),
        filters=(is_("country", "Côte d'Ivoire", "A&B"), Filter("quantity", "gt", ("10",))),
        sort=(Sort("revenue", descending=True), Sort("order_id")),
    )
    assert to_search(query, LINES) == (
        "?from=2011-01-01&to=2011-01-31&country=C%C3%B4te+d%27Ivoire&country=A%26B&quantity.gt=10"
        "&sort=-revenue&sort=order_id"
    )


@pytest.mark.parametrize(
    "found",
    [
        pytest.param((is_("country", "France"), is_("country", "Spain")), id="both of two lists"),
        pytest.param(
            (Filter("product", "contains", ("red",)), Filter("product", "contains", ("bag",))), id="two searches"
        ),
    ],
)
def test_url_round_trip_of_two_filters_alike(sample_model: SalesModel, found: tuple[Filter, ...]) -> None:
    query = replace(PAGE, filters=found)
    assert from_params(to_params(query, PAGE), PAGE, sample_model) == (query, ())


def test_url_round_trip_of_no_order(sample_model: SalesModel) -> None:
    default = replace(PAGE, sort=(Sort("revenue"),))
    assert from_params(to_params(PAGE, default), default, sample_model) == (PAGE, ())


@pytest.mark.parametrize(
    ("params", "notice"),
    [
        pytest.param([("period", "yesteryear")], "The period was left as it was: There is no period", id="period"),
        pytest.param([("period", "")], "The period was left as it was", id="empty period"),
        pytest.param([("from", "2011-01-01")], "needs a first and a last day", id="from alone"),
        pytest.param([("from", "2011-02-30"), ("to", "2011-03-01")], "The period was left", id="no such day"),
        pytest.param([("from", "2011-03-02"), ("to", "2011-03-01")], "swap the two dates", id="backwards"),
        pytest.param(
            [("compare", "yaer")],
            "There is no comparison 'yaer'. Did you mean 'year'",
            id="comparison",
        ),
        pytest.param([("sort", "unit")], "The order was left as it was: There is no sort field 'unit'", id="sort"),
        pytest.param([("contry", "France")], "contry=France was ignored: There is no filter 'contry'", id="filter"),
        pytest.param([("country.ist", "France")], "There is no filter operator 'ist'", id="operator"),
        pytest.param([("country.gt", "a"), ("country.gt", "b")], "takes one value, not 2", id="two values"),
        pytest.param([("country", "x" * 501)], "longer than 500 characters", id="long value"),
        pytest.param([("", "")], "There is no filter ''", id="nothing"),
        pytest.param([("limit", "5")], "There is no filter 'limit'", id="limit is not for URLs"),
    ],
)
def test_parameter_that_is_not_used(sample_model: SalesModel, params: list[tuple[str, str]], notice: str) -> None:
    query, notices = from_params(params, PAGE, sample_model)
    assert query == PAGE
    assert len(notices) == 1
    assert notice in notices[0]


def test_good_parameters_survive_bad_ones(sample_model: SalesModel) -> None:
    params = [("country", "France"), ("bogus", "1"), ("period", "mtd"), ("sort", "nope"), ("compare", "none")]
    query, notices = from_params(params, PAGE, sample_model)
    assert query == replace(PAGE, period=Period("mtd"), compare=Compare.NONE, filters=(is_("country", "France"),))
    assert len(notices) == 2


@pytest.mark.parametrize(
    "params",
    [
        pytest.param([("period", "mtd"), ("from", "2011-01-01"), ("to", "2011-01-31")], id="name and dates"),
        pytest.param([("period", "mtd"), ("period", "ytd")], id="two names"),
        pytest.param([("compare", "none"), ("compare", "prior")], id="two comparisons"),
    ],
)
def test_contradiction_is_said(sample_model: SalesModel, params: list[tuple[str, str]]) -> None:
    assert from_params(params, PAGE, sample_model)[1]


KEYS = st.one_of(
    st.sampled_from(["period", "from", "to", "compare", "sort", "limit", "country", "country.gt", "quantity.is", "."]),
    st.text(max_size=12),
)
WORDS = st.one_of(
    st.sampled_from(["ytd", "2011-01-01", "9999-12-31", "0001-01-01", "year", "-revenue", "-", "", "revenue"]),
    st.text(max_size=12),
)


@given(params=st.lists(st.tuples(KEYS, WORDS), max_size=8))
def test_any_parameters_make_a_query(sample_model: SalesModel, params: list[tuple[str, str]]) -> None:
    for default in (PAGE, LINES):
        query, notices = from_params(params, default, sample_model)
        query.check(sample_model)
        assert all(isinstance(notice, str) and notice for notice in notices)


@given(params=st.lists(st.tuples(KEYS, WORDS), max_size=8, unique_by=lambda pair: pair[0]))
def test_every_parameter_is_used_or_said(sample_model: SalesModel, params: list[tuple[str, str]]) -> None:
    """A notice, a filter, or a change: nothing that was written is dropped without a word."""
    query, notices = from_params(params, PAGE, sample_model)
    # Those named like a page's own are left to it.
    keys = {key for key, _ in params if not OWN.fullmatch(key)}
    groups = [{"period", "from", "to"} & keys, {"compare"} & keys, {"sort"} & keys]
    groups += [{key} for key in keys - {"period", "from", "to", "compare", "sort"}]
    used = len(query.filters) + sum(bool(group & {"period", "from", "to", "compare", "sort"}) for group in groups)
    refused = sum(notice.startswith(("The period", "The comparison", "The order")) for notice in notices)
    assert len(notices) - refused + used == sum(map(bool, groups))


# What is not a query


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b'["measures"]',
        b"{",
        b"{}",
        b'{"measures": 1}',
        b'{"measures": [["a"]]}',
        b'{"measures": ["a"], "nope": 1}',
        b'{"measures": ["a"], "grain": "hour"}',
        b'{"measures": ["a"], "compare": "x"}',
        b'{"measures": ["a"], "limit": "1"}',
        b'{"measures": ["a"], "offset": null}',
        b'{"measures": ["a"], "period": {"first": "x", "last": "y"}}',
        b'{"measures": ["a"], "period": []}',
        b'{"measures": ["a"], "period": {"preset": 5}}',
        b'{"measures": ["a"], "filters": [1]}',
        b'{"measures": ["a"], "filters": [{"field": "a"}]}',
        b'{"measures": ["a"], "filters": [{"field": "a", "operator": "is", "values": [1]}]}',
        b'{"measures": ["a"], "filters": [{"field": "a", "operator": [], "values": ["1"]}]}',
        b'{"measures": ["a"], "sort": [{}]}',
        b'{"measures": ["a"], "sort": 1}',
        b"\xff",
    ],
    ids=lambda text: text.decode("latin-1") or "empty",
)
def test_json_that_is_not_a_query(text: bytes) -> None:
    with pytest.raises(QueryError):
        SalesQuery.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"measures": [1]}',
        b'{"measures": "ab"}',
        b'{"measures": ["a"], "limit": 1.5}',
        b'{"measures": ["a"], "limit": true}',
        b'{"measures": ["a"], "offset": 0.5}',
        b'{"measures": ["a"], "offset": 9223372036854775808}',
        b'{"measures": ["a"], "period": {"preset": "x"}}',
        b'{"measures": ["a"], "filters": [{"field": "a", "operator": "is", "values": "ab"}]}',
        b'{"measures": ["a"], "filters": [{"field": "a", "operator": "was", "values": ["b"]}]}',
        b'{"measures": ["a"], "sort": [{"field": "a", "descending": "no"}]}',
    ],
    ids=lambda text: text.decode(),
)
def test_json_of_wrong_types(text: bytes) -> None:
    with pytest.raises(QueryError):
        SalesQuery.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["measures", "period", "preset", "first", "filters", "field", "operator", "values", "sort"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_query_or_refused(value: Any) -> None:
    with contextlib.suppress(UserError):
        SalesQuery.from_json(orjson.dumps(value))
