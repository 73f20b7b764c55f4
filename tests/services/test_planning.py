"""Targets count where they cover what is asked, by whoever may see them; notes and views are kept and scoped."""

from __future__ import annotations

import csv
import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from services.access import EVERYTHING, RowScope, Viewer
from services.accounts import Accounts
from services.database import migrate, open_database
from services.errors import AccessDeniedError, LoadError, QueryError
from services.model import SalesModel
from services.periods import Range
from services.planning import COLUMNS, Planning, Progress, State, as_csv, read_targets
from services.query import Filter, SalesQuery
from services.views import SavedViews
from tests.factories import viewer_of

YEAR = Range(dt.datetime(2011, 1, 1), dt.datetime(2012, 1, 1))
STARTS = [dt.date(2011, month, 1) for month in range(1, 13)] + [dt.date(2012, 1, 1)]
MONTHS = "measure,from,to,value\n" + "".join(
    f"revenue,{start},{end - dt.timedelta(days=1)},{start.month}00000\n" for start, end in pairwise(STARTS)
)
QUERY = SalesQuery(measures=("revenue",))


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    made = open_database(f"sqlite:///{tmp_path}/app.db")
    migrate(made)
    accounts = Accounts(made)
    for name in ("one", "two"):
        accounts.add(f"{name}@example.com", name, "analyst", password="forty-two gift boxes", scope=EVERYTHING)
    return made


@pytest.fixture
def planning(engine: sa.Engine, sample_model: SalesModel) -> Planning:
    return Planning(engine, sample_model)


def test_targets_of_months_make_one_of_the_year(planning: Planning) -> None:
    analyst = viewer_of("analyst")
    assert planning.replace_targets(MONTHS, analyst) == 12
    assert as_csv(read_targets(as_csv(planning.targets(analyst)), planning._model)) == as_csv(planning.targets(analyst))
    now = Range(YEAR.start, dt.datetime(2011, 11, 16))
    found = planning.progress(QUERY, YEAR, now, {"revenue": 6_000_000.0, "orders": 1.0}, analyst)
    assert found.keys() == {"revenue"}
    assert found["revenue"].target == 7_800_000
    assert found["revenue"].due == pytest.approx(5_500_000 + 1_100_000 / 2)
    assert found["revenue"].state is State.AMBER or found["revenue"].actual / found["revenue"].due >= 0.9


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        (Range(YEAR.start, dt.datetime(2011, 1, 16)), QUERY),
        (Range(dt.datetime(2010, 12, 1), YEAR.end), QUERY),
        (YEAR, SalesQuery(measures=("revenue",), filters=(Filter("country", "is", ("France",)),))),
        (YEAR, SalesQuery(measures=("revenue",), filters=(Filter("country", "not", ("France",)),))),
        (YEAR, SalesQuery(measures=("revenue",), segments=("merchandise",))),
    ],
    ids=["half a month", "more than there is", "a country", "without a country", "a segment"],
)
def test_target_for_something_else_is_not_shown(planning: Planning, asked: Range, query: SalesQuery) -> None:
    planning.replace_targets(MONTHS, viewer_of("analyst"))
    assert planning.progress(query, asked, asked, {"revenue": 1.0}, viewer_of("analyst")) == {}


def test_people_see_the_targets_of_their_rows_only(planning: Planning) -> None:
    of = ("900,,", "100,country,France", "200,country,Germany", "5,country,Spain")
    year = "revenue,2011-01-01,2011-12-31"
    rows = "\n".join(["measure,from,to,value,dimension,key", *(f"{year},{each}" for each in of)])
    planning.replace_targets(rows, viewer_of("analyst"))
    manager = viewer_of("manager", RowScope.of({"country": ["France", "Germany"]}))
    assert {target.key for target in planning.targets(manager)} == {"France", "Germany"}
    assert planning.progress(QUERY, YEAR, YEAR, {"revenue": 1.0}, manager)["revenue"].target == 300
    france = SalesQuery(measures=("revenue",), filters=(Filter("country", "is", ("France",)),))
    assert planning.progress(france, YEAR, YEAR, {"revenue": 1.0}, manager)["revenue"].target == 100
    assert planning.progress(QUERY, YEAR, YEAR, {"revenue": 1.0}, viewer_of("analyst"))["revenue"].target == 900
    assert planning.targets(viewer_of("manager", RowScope())) == []


def test_people_set_the_targets_of_their_rows_only(planning: Planning) -> None:
    of = ("900,,", "100,country,France", "5,country,Spain")
    lines = ["measure,from,to,value,dimension,key", *(f"revenue,2011-01-01,2011-12-31,{each}" for each in of)]
    planning.replace_targets("\n".join(lines), viewer_of("analyst"))
    analyst = viewer_of("analyst", RowScope.of({"country": ["France"]}))
    for foreign in (lines[1], lines[3]):
        with pytest.raises(LoadError, match="is not yours to set: your rows are country: France"):
            planning.replace_targets(f"{lines[0]}\n{foreign}", analyst)
    planning.replace_targets("\n".join([lines[0], lines[2].replace("100", "120")]), analyst)
    assert {(each.key, each.value) for each in planning.targets(viewer_of("analyst"))} == {
        ("", 900.0), ("France", 120.0), ("Spain", 5.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing: measure"),
        ("measure,from,to\n", "missing: value"),
        ("measure,from,to,value\nsales,2011-01-01,2011-01-31,1", "Line 2: there is no measure 'sales'"),
        ("measure,from,to,value\nrevenue,1.1.2011,2011-01-31,1", "Line 2: Invalid isoformat"),
        ("measure,from,to,value\nrevenue,2011-02-01,2011-01-31,1", "must not lie before"),
        ("measure,from,to,value\nrevenue,2011-01-01,2011-01-31,inf", "must not lie before"),
        ("measure,from,to,value\n" + "revenue,2011-01-01,2011-01-31,1\n" * 2, "two targets"),
        ("measure,from,to,value,dimension,key\nrevenue,2011-01-01,2011-01-31,1,country,", "go together"),
    ],
)
def test_mistakes_are_told_and_nothing_changes(planning: Planning, text: str, said: str) -> None:
    planning.replace_targets(MONTHS, viewer_of("analyst"))
    with pytest.raises(LoadError, match=said):
        planning.replace_targets(text, viewer_of("analyst"))
    assert len(planning.targets(viewer_of("analyst"))) == 12


def test_rows_of_the_table_are_read_as_the_csv_is(planning: Planning, sample_model: SalesModel) -> None:
    analyst = viewer_of("analyst")
    planning.replace_targets(MONTHS, analyst)
    kept = planning.targets(analyst)
    rows = [*csv.DictReader(as_csv(kept).splitlines()), dict.fromkeys(COLUMNS, " ")]
    assert planning.replace_rows(rows, analyst) == 12
    assert planning.targets(analyst) == kept
    rows[2]["value"] = "a lot"
    with pytest.raises(LoadError, match=r"Row 3: could not convert string to float: 'a lot'"):
        planning.replace_rows(rows, analyst)
    with pytest.raises(AccessDeniedError):
        planning.replace_rows(rows, viewer_of("manager"))
    assert planning.targets(analyst) == kept


@given(st.floats(0.01, 1e9), st.floats(0.01, 1e9))
def test_more_is_better_or_worse_as_the_measure_says(due: float, actual: float) -> None:
    up = Progress(due, due, actual, up_is_good=True)
    down = Progress(actual, actual, due, up_is_good=False)
    assert up.state is down.state
    assert (up.state is State.GREEN) == (actual >= due)


def test_notes(planning: Planning) -> None:
    analyst, manager = viewer_of("analyst"), viewer_of("manager")
    planning.add_note(dt.date(2011, 3, 1), dt.date(2011, 3, 9), "  Spring   campaign ", analyst)
    with pytest.raises(QueryError):
        planning.add_note(dt.date(2011, 3, 1), dt.date(2011, 3, 1), " ", analyst)
    with pytest.raises(AccessDeniedError):
        planning.add_note(dt.date(2011, 3, 1), dt.date(2011, 3, 1), "no", manager)
    (note,) = planning.notes(dt.date(2011, 3, 9), dt.date(2011, 4, 1))
    assert (note.text, note.by) == ("Spring campaign", "analyst@example.com")
    assert planning.notes(dt.date(2011, 3, 10), dt.date(2011, 4, 1)) == []
    planning.remove_note(note.number, analyst)
    assert planning.notes(dt.date.min, dt.date.max) == []


def viewer(number: int, role: str = "analyst") -> Viewer:
    made = viewer_of(role)
    return Viewer(number, f"{number}@example.com", role, made.permissions, made.scope)


def test_views_are_ones_own_until_shared(engine: sa.Engine, sample_model: SalesModel) -> None:
    views, one, two = SavedViews(engine, sample_model), viewer(1), viewer(2, "executive")
    views.save("Mine", "/?country=France", one)
    views.save("Ours", "/lines?country=Spain", one, shared=True)
    assert [view.name for view in views.all(one)] == ["Mine", "Ours"]
    assert [(view.name, view.owner, view.mine) for view in views.all(two)] == [("Ours", "1@example.com", False)]
    views.remove(views.all(two)[0].number, two)
    assert len(views.all(one)) == 2
    with pytest.raises(AccessDeniedError):
        views.save("Everybody's", "/", two, shared=True)
    away = ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "/\t/elsewhere.example", "")
    for address in away:
        with pytest.raises(QueryError):
            views.save("Out", address, one)


def test_home_and_filters_that_follow(engine: sa.Engine, sample_model: SalesModel) -> None:
    views, one, two = SavedViews(engine, sample_model), viewer(1), viewer(2)
    assert views.start("/", one) == ""
    views.save("Start", "/?period=last_month&measure=orders", one, home=True)
    views.save("My countries", "/?country=France&country=Spain&period=mtd", one, follows=True)
    assert views.start("/", one) == "/?period=last_month&measure=orders"
    assert views.start("/lines", one) == "/lines?country=France&country=Spain"
    assert (views.start("/", two), views.start("/lines", two)) == ("", "")
    views.save("Other start", "/?period=mtd", one, home=True)
    assert [view.name for view in views.all(one) if view.home] == ["Other start"]
