"""Questions in plain English: the same query as a click, or a question back."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import questions
from services.access import RowScope, Viewer
from services.errors import UserError
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from tests.factories import viewer_of

# What is computed from answers is the same on both engines; once is enough.
pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]


def asked(**fields: object) -> SalesQuery:
    given_fields: dict[str, object] = {"measures": ("revenue",), "period": Period("ytd")} | fields
    return SalesQuery(**given_fields)  # type: ignore[arg-type]


GERMANY = Filter("country", "is", ("Germany",))
LARGEST = (Sort("revenue", descending=True),)
NOVEMBER = Period(first=dt.date(2011, 11, 1), last=dt.date(2011, 11, 30))
THIRD_QUARTER = Period(first=dt.date(2011, 7, 1), last=dt.date(2011, 9, 30))


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("revenue", asked()),
        ("What was our turnover last month?", asked(period=Period("last_month"))),
        ("sales by country", asked(dimensions=("country",), sort=LARGEST)),
        (
            "Show the top 5 products sold in Germany last quarter",
            asked(
                dimensions=("product",),
                filters=(GERMANY,),
                period=Period("last_quarter"),
                segments=("merchandise",),
                sort=LARGEST,
                limit=5,
            ),
        ),
        (
            "bottom 3 countries by orders in november 2011",
            asked(measures=("orders",), dimensions=("country",), period=NOVEMBER, sort=(Sort("orders"),), limit=3),
        ),
        (
            "orders and units per country, q3 2011",
            asked(
                measures=("orders", "units"),
                dimensions=("country",),
                period=THIRD_QUARTER,
                sort=(Sort("orders", descending=True),),
            ),
        ),
        ("monthly revenue vs last year", asked(grain=Grain.MONTH, compare=Compare.YEAR)),
        ("how many customers in germany this year", asked(measures=("customers",), filters=(GERMANY,))),
        ("return rate by month", asked(measures=("return_rate",), grain=Grain.MONTH)),
        (
            "sales in germany and spain",
            asked(filters=(Filter("country", "is", ("Germany", "Spain")),)),
        ),
        ("revenue of regency cakestand 3 tier", asked(filters=(Filter("product", "is", ("22423",)),))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reading(sales: Sales, everyone: Viewer, question: str, query: SalesQuery) -> None:
    assert questions.read(question, sales, everyone).query == query


def test_spans_say_which_words_gave_what(sales: Sales, everyone: Viewer) -> None:
    spans = questions.read("turnover by country last month", sales, everyone).spans
    assert spans == (
        ("turnover", "measure Revenue"),
        ("by country", "by Country"),
        ("last month", "Last month"),
    )


@pytest.mark.parametrize(
    ("question", "word", "near"),
    [("sales by contry", "contry", "country"), ("weather in Germany", "weather", ""), ("revnue", "revnue", "revenue")],
)
def test_unknown_word_is_asked_back(sales: Sales, everyone: Viewer, question: str, word: str, near: str) -> None:
    with pytest.raises(questions.NotUnderstoodError) as caught:
        questions.read(question, sales, everyone)
    assert caught.value.words == [word]
    assert near in " ".join(caught.value.near)


def test_values_outside_the_scope_are_not_known(sales: Sales) -> None:
    manager = viewer_of("manager", RowScope.of({"country": ["France"]}))
    assert questions.read("revenue in france", sales, manager).query.chosen("country") == ("France",)
    with pytest.raises(questions.NotUnderstoodError, match="germany") as caught:
        questions.read("revenue in germany", sales, manager)
    assert "germany" not in caught.value.near


@pytest.mark.parametrize("question", ["", "   ", "revenue " * 100], ids=["empty", "blank", "too long"])
def test_no_question(sales: Sales, everyone: Viewer, question: str) -> None:
    with pytest.raises(UserError, match="1 to 500 characters"):
        questions.read(question, sales, everyone)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(sales: Sales, everyone: Viewer, text: str) -> None:
    with contextlib.suppress(UserError):
        questions.read(text, sales, everyone).query.check(sales.model)
