"""Every mark offers things to ask, every entry is an address that works, and keeping to a mark gives its number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts import marks
from layouts.ask import QUESTION
from services import drilling, trail
from services.access import Viewer
from services.database import migrate, open_database
from services.drilling import Group, Mark
from services.errors import UserError
from services.language.questions import Questions
from services.model import SalesModel
from services.overview import default_query
from services.periods import Compare, Grain, Period, Range
from services.query import Filter, SalesQuery, from_params
from services.sales import Answer, Sales
from services.trail import Places

PLACES = Places(here="/", explore="/explore", lines="/lines", ask="/ask")
QUERIES = {
    "total": SalesQuery(measures=("revenue",), period=Period("ytd"), compare=Compare.YEAR),
    "months": SalesQuery(measures=("revenue",), grain=Grain.MONTH, period=Period("ytd"), compare=Compare.YEAR),
    "weeks within dates": SalesQuery(
        measures=("orders",), grain=Grain.WEEK, period=Period(first=dt.date(2011, 3, 3), last=dt.date(2011, 4, 5))
    ),
    "countries": SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("last_year")),
    "customers of one country": SalesQuery(
        measures=("units",),
        dimensions=("customer",),
        period=Period("last_month"),
        filters=(Filter("country", "is", ("France",)),),
    ),
    "hours": SalesQuery(measures=("revenue",), dimensions=("weekday", "hour"), period=Period("last_month")),
    "products by quarter": SalesQuery(
        measures=("revenue",), dimensions=("product_type",), grain=Grain.QUARTER, period=Period("all")
    ),
}


def marks_of(answer: Answer) -> list[Mark]:
    meta = marks.meta(answer, answer.query.measures[0])
    names = [f"row {number}" for number in range(len(answer.frame))]
    if not meta["fields"]:
        return [Mark(meta["measure"])]
    return [
        Mark.read({"measure": meta["measure"], "label": row[0], "at": list(zip(meta["fields"], row[1:], strict=True))})
        for row in marks.rows(answer, names)
    ]


def query_of(href: str, sales: Sales) -> SalesQuery:
    query, notices = from_params(
        parse_qsl(urlsplit(href).query, keep_blank_values=True), default_query(sales.model), sales.model
    )
    assert notices == ()
    return query


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_keeping_to_a_mark_gives_its_number(sales: Sales, everyone: Viewer, query: SalesQuery) -> None:
    answer = sales.answer(query, everyone)
    found = list(zip(marks_of(answer), answer.frame[query.measures[0]], strict=True))
    for mark, value in found[:2] + found[-1:]:
        menu = drilling.entries(sales.model, query, mark, answer.window.asked, PLACES)
        assert len(menu) >= 5
        assert len({entry.href for entry in menu}) == len(menu)
        by_group = {group: [entry for entry in menu if entry.group is group] for group in Group}
        for entry in by_group[Group.SPLIT]:
            assert query_of(entry.href, sales).dimensions
        if mark.at:
            kept = query_of(by_group[Group.SPLIT][0].href, sales)
            whole = SalesQuery(measures=(mark.measure,), period=kept.period, filters=kept.filters)
            assert sales.answer(whole, everyone).value(mark.measure) == pytest.approx(value, nan_ok=True, abs=0.005)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, sales: Sales) -> Iterator[Questions]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('drilling')}/app.db")
    migrate(database)
    yield Questions(database, sales)
    database.dispose()


@pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session")
@pytest.mark.usefixtures("engine")
def test_asking_about_a_mark_gives_its_number(questions: Questions, sales: Sales, everyone: Viewer) -> None:
    """Of an hour nothing is asked: it cannot be said in words, and what can would give another number."""
    asked = []
    for name, query in QUERIES.items():
        answer = sales.answer(query, everyone)
        mark, value = marks_of(answer)[0], answer.frame[query.measures[0]].iloc[0]
        menu = drilling.entries(sales.model, query, mark, answer.window.asked, PLACES)
        for entry in (entry for entry in menu if entry.text == "Ask about it"):
            ((param, text),) = parse_qsl(urlsplit(entry.href).query)
            reading = questions.read(text, everyone)
            assert param == QUESTION
            assert reading.answerable, text
            found = questions.answer(reading.form, everyone).frame[query.measures[0]]
            assert found.tolist()[0] == pytest.approx(value), text
            asked.append(name)
    assert asked == [name for name in QUERIES if name != "hours"]


@pytest.mark.parametrize("name", ["months", "countries", "hours", "products by quarter"])
def test_marks_selected_together_add_up(sales: Sales, everyone: Viewer, name: str) -> None:
    query = QUERIES[name]
    answer = sales.answer(query, everyone)
    rows = [row for row in range(len(answer.frame)) if row % 2 or name != "countries"][:6]
    if name == "hours":  # what a rectangle selects: every hour chosen on every weekday chosen
        rows = [row for row in range(len(answer.frame)) if answer.frame["hour"].iloc[row] in (10, 11)]
    chosen = [marks_of(answer)[row] for row in rows]
    kept = drilling.together(sales.model, query, chosen, answer.window.asked)
    whole = replace(kept, measures=query.measures, dimensions=(), segments=query.segments)
    expected = answer.frame[query.measures[0]].iloc[rows].sum()
    assert sales.answer(whole, everyone).value(query.measures[0]) == pytest.approx(expected, abs=0.01)
    address = trail.here(PLACES, kept)
    assert query_of(address, sales).filters == kept.filters


def test_selection_of_blanks_alone_keeps_to_blanks(sample_model: SalesModel) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country",), period=Period("ytd"))
    year = Range(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1))
    blank, france = (Mark("revenue", (("country", value),), "") for value in (None, "France"))
    assert drilling.together(sample_model, query, [blank], year).filters == (Filter("country", "blank", ("",)),)
    both = drilling.together(sample_model, query, [blank, france, france], year)
    assert both.filters == (Filter("country", "is", ("France",)),)
    for marks_given in ([], [france] * 1001, [Mark("revenue", (("product", "1"),), "")]):
        with pytest.raises(UserError):
            drilling.together(sample_model, query, marks_given, year)


def test_way_down_ends_at_the_day(sample_model: SalesModel) -> None:
    year = Range(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1))
    query, asked = SalesQuery(measures=("revenue",), grain=Grain.YEAR), year
    seen = []
    mark = Mark("revenue", (("time", "2011-01-01"),), "2011")
    while query.grain is not Grain.DAY:
        closer = next(
            entry for entry in drilling.entries(sample_model, query, mark, asked, PLACES) if entry.group is Group.CLOSER
        )
        params = parse_qsl(urlsplit(closer.href).query)
        query, notices = from_params(params, query, sample_model)
        assert notices == ()
        asked = query.period.range(dt.date(2011, 12, 9), sample_model.calendar, None)  # type: ignore[arg-type]
        seen.append((query.grain, asked.days))
        mark = Mark("revenue", (("time", f"{asked.start:%Y-%m-%d}"),), "first")
    assert [grain for grain, _ in seen] == [Grain.QUARTER, Grain.MONTH, Grain.WEEK, Grain.DAY]
    assert [days for _, days in seen] == [365, 90, 31, 7]


@given(first=st.dates(dt.date(2009, 1, 1), dt.date(2012, 12, 31)), length=st.integers(1, 800))
def test_breadcrumb_narrows_step_by_step(sample_model: SalesModel, first: dt.date, length: int) -> None:
    last = first + dt.timedelta(days=length - 1)
    query = SalesQuery(measures=("revenue",), period=Period(first=first, last=last))
    asked = query.period.range(last, sample_model.calendar, None)  # type: ignore[arg-type]
    path = trail.path(sample_model, query, asked, Places(here=""))
    assert bool(path) == (first.year == last.year)
    ranges = [from_params(parse_qsl(href[1:]), query, sample_model)[0].period for _, href in path if href]
    days = [(each.first, each.last) for each in ranges if each.first is not None and each.last is not None]
    for outer, inner in pairwise(days):
        assert outer[0] <= inner[0] <= first
        assert last <= inner[1] <= outer[1]


@pytest.mark.parametrize("day", [dt.date.min, dt.date.max])
def test_breadcrumb_stops_where_the_calendar_ends(sample_model: SalesModel, day: dt.date) -> None:
    query = SalesQuery(measures=("revenue",), period=Period(first=day, last=day))
    asked = query.period.range(day, sample_model.calendar, None)  # type: ignore[arg-type]
    assert bool(trail.path(sample_model, query, asked, Places(here=""))) == (day == dt.date.min)


def test_chip_takes_off_its_own_filter(sample_model: SalesModel) -> None:
    filters = (Filter("country", "is", ("France", "Spain")), Filter("product", "not", ("22423",)))
    query = SalesQuery(measures=("revenue",), period=Period("ytd"), filters=filters)
    names = {("product", "22423"): "REGENCY CAKESTAND 3 TIER"}
    first, second = trail.chips(sample_model, query, Places(here=""), names)
    hours = replace(query, filters=(Filter("weekday", "is", ("1", "7")), Filter("hour", "not", ("9",))))
    assert [chip.text for chip in trail.chips(sample_model, hours, Places(here=""), {})] == [
        "Weekday: Mon, Sun",
        "Hour is not 09:00",
    ]
    assert (first.text, second.text) == ("Country: France, Spain", "Product is not REGENCY CAKESTAND 3 TIER")
    bare = replace(query, filters=())
    assert from_params(parse_qsl(first.href[1:]), bare, sample_model)[0].filters == filters[1:]


def test_own_parameters_of_the_page_stay(sample_model: SalesModel) -> None:
    params = (("country", "France"), ("measure", "orders"), ("trends-average", "7"), ("grain", "month"))
    places = Places(here="/trends", params=params)
    query = SalesQuery(measures=("orders",), grain=Grain.MONTH, period=Period("ytd"))
    year = Range(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1))
    mark = Mark("orders", (("time", "2011-11-01"),), "Nov 2011")
    closer = drilling.entries(sample_model, query, mark, year, places)[0]
    assert closer.href == "/trends?from=2011-11-01&to=2011-11-30&measure=orders&trends-average=7&grain=week"


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        {"measure": "revenue"},
        {"measure": "revenue", "at": [["country"]]},
        {"measure": "nope", "at": []},
        {"measure": "revenue", "at": [["product", "1"]]},
        {"measure": "revenue", "at": [["time", "2011-13-01"]]},
        {"measure": "revenue", "at": [["time", None]]},
        {"measure": "revenue", "at": [["time", "9999-12-31"]]},
    ],
    ids=str,
)
def test_made_up_marks_are_refused(sample_model: SalesModel, found: object) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=("country",), grain=Grain.MONTH)
    year = Range(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1))
    with pytest.raises(UserError):
        drilling.entries(sample_model, query, Mark.read(found), year, PLACES)


@pytest.mark.parametrize(
    ("field", "value", "page", "param"),
    [
        ("product", "22423", "/products", "products-item"),
        ("country", "France", "/countries", "countries-item"),
        ("customer", "17850", "/details", "details-customer"),
        ("order", "536365", "/details", "details-order"),
    ],
)
def test_a_value_with_a_page_of_its_own_leads_there(
    sample_model: SalesModel, field: str, value: str, page: str, param: str
) -> None:
    query = SalesQuery(measures=("revenue",), dimensions=(field,), period=Period("last_year"))
    asked = Range(dt.datetime(2010, 1, 1), dt.datetime(2011, 1, 1))
    mark = Mark("revenue", ((field, value),), value)
    places = replace(PLACES, products="/products", countries="/countries", details="/details")
    (entry,) = (
        each for each in drilling.entries(sample_model, query, mark, asked, places) if each.href.startswith(f"{page}?")
    )
    found = dict(parse_qsl(urlsplit(entry.href).query))
    assert found[param] == value
    assert ("period" in found) == (page != "/details")
    without = drilling.entries(sample_model, query, mark, asked, PLACES)
    assert not any(each.href.startswith(f"{page}?") for each in without)
