"""Questions as a service: completion, recommendations, memory, teaching, and the row scope in all of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator

import pytest

from services.access import EVERYTHING, RowScope, Viewer
from services.accounts import Accounts
from services.database import migrate, open_database
from services.errors import AccessDeniedError, QueryError
from services.language import editing, queries
from services.language.forms import Form
from services.language.questions import SYNONYM, VERIFIED, Questions
from services.language.spans import Span
from services.sales import Sales
from tests.factories import viewer_of

pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]
ANALYST = viewer_of("analyst")
FRANCE = viewer_of("manager", RowScope(limits=(("country", ("France",)),)))


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory, sales: Sales) -> Iterator[Questions]:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('questions')}/app.db")
    migrate(database)
    accounts = Accounts(database)
    for name in ("one", "two"):
        accounts.add(f"{name}@example.com", name, "analyst", password="forty-two gift boxes", scope=EVERYTHING)
    yield Questions(database, sales)
    database.dispose()


def test_completion_and_suggestions_show_nothing_outside_the_scope(questions: Questions) -> None:
    assert any("Germany" in text for text in questions.complete("revenue in germ", ANALYST))
    assert questions.complete("revenue in germ", FRANCE) == []
    assert questions.complete("revenue in fran", FRANCE) == ["revenue in France"]
    for text in questions.recommended(FRANCE):
        assert "United Kingdom" not in text
    refused = questions.refused(questions.read("revenue in germany", FRANCE), FRANCE)
    assert "Germany" not in refused.replace("'germany'", "")


def test_verified_answers_are_for_those_whose_rows_they_name(questions: Questions) -> None:
    questions.teach(VERIFIED, "germany at a glance", "revenue in germany by month", ANALYST)
    questions.teach(VERIFIED, "our island", "revenue in germany", ANALYST)
    assert {"germany at a glance", "our island"} <= set(questions.recommended(ANALYST))
    assert not {"germany at a glance", "our island"} & set(questions.recommended(FRANCE))
    reading = questions.read("our island", FRANCE)
    assert "germany" not in f"{reading} {questions.refused(reading, FRANCE)}".casefold()
    for each in questions.taught():
        questions.forget(each.number, ANALYST)


def test_recommended_questions_read_back(questions: Questions) -> None:
    found = questions.recommended(ANALYST)
    assert len(found) >= 5
    for text in found:
        reading = questions.read(text, ANALYST)
        assert reading.answerable, text
        assert len(questions.answer(reading.form, ANALYST).frame), text


def test_taught_words_are_understood_and_forgotten(questions: Questions) -> None:
    assert not questions.read("moolah by country", ANALYST).answerable
    questions.teach(SYNONYM, "Moolah", "revenue", ANALYST)
    assert questions.read("moolah by country", ANALYST).form.measures == ("revenue",)
    questions.teach(VERIFIED, "The Friday number?", "revenue last week", ANALYST)
    assert questions.read("the friday number", ANALYST).form == questions.read("revenue last week", ANALYST).form
    for each in questions.taught():
        questions.forget(each.number, ANALYST)
    assert not questions.read("moolah by country", ANALYST).answerable


@pytest.mark.parametrize(
    ("kind", "phrase", "meaning"),
    [
        (SYNONYM, "x", "revenue"),
        (SYNONYM, "moolah", "nothing"),
        (VERIFIED, "numbers", "profit by brand"),
        ("odd", "ab", "c"),
    ],
)
def test_teaching_refuses_what_would_not_be_understood(
    questions: Questions, kind: str, phrase: str, meaning: str
) -> None:
    with pytest.raises(QueryError):
        questions.teach(kind, phrase, meaning, ANALYST)


def test_only_analysts_teach_and_see_what_was_unclear(questions: Questions) -> None:
    for forbidden in (
        lambda: questions.teach(SYNONYM, "moolah", "revenue", FRANCE),
        lambda: questions.forget(1, FRANCE),
        lambda: questions.unclear(FRANCE),
    ):
        with pytest.raises(AccessDeniedError):
            forbidden()


def test_history_is_ones_own_and_unclear_questions_are_counted(questions: Questions) -> None:
    for text in ("profit by brand", "revenue by country", "profit by brand"):
        questions.record(questions.read(text, ANALYST), ANALYST)
    assert questions.history(ANALYST) == ["profit by brand", "revenue by country"]
    stranger = dataclasses.replace(ANALYST, user_id=2)
    assert questions.history(stranger) == []
    assert [(each.text, each.times) for each in questions.unclear(ANALYST)] == [("profit by brand", 2)]
    for slot in ("time", "time", "measure"):
        questions.record(questions.read("revenue by country", ANALYST), ANALYST, corrected=slot)
    assert ("revenue by country", 2) in [(each.text, each.corrected) for each in questions.unclear(ANALYST)]
    narrow: Viewer = dataclasses.replace(stranger, scope=FRANCE.scope)
    assert questions.unclear(narrow) == []


def test_the_same_question_is_read_once(questions: Questions) -> None:
    assert questions.read("Revenue by country", ANALYST) is questions.read("revenue  by COUNTRY", ANALYST)


def test_filters_and_time_are_changed_from_their_chips(questions: Questions, sales: Sales) -> None:
    form = questions.read("revenue in Germany last month vs previous month", ANALYST).form
    edits = [("value", "0=France"), ("invert", "0"), ("time", "2011-10-01..2011-11-01")]
    changed = questions.edited(form, edits, ANALYST)
    assert [(each.operator, each.values, each.words) for each in changed.conditions] == [
        ("not_in", ("France",), ("France",))
    ]
    assert changed.comparison is not None
    assert changed.comparison.span == Span(dt.date(2011, 9, 1), dt.date(2011, 10, 1))
    for broken in ("value", "invert", "without", "time", "compare"):
        assert questions.edited(form, [(broken, "9=x..y")], ANALYST) == form
    leading = dict(questions.around(FRANCE).leading("country"))
    assert leading == {"France": "France"}


def test_every_choice_of_a_chip_is_a_query(questions: Questions, sales: Sales) -> None:
    for text in ("top 5 products by revenue in Germany last quarter", "orders by month in 2011 vs 2010"):
        form = questions.read(text, ANALYST).form
        index = questions.vocabulary(ANALYST).index
        chips = editing.chips(form, sales.model, questions.around(ANALYST))
        assert {chip.name for chip in chips if len(chip.choices) > 2} >= {"Measure", "Time", "Steps"}
        for chip in chips:
            for choice in chip.choices:
                changed = questions.edited(form, [(choice.slot, choice.value)], ANALYST)
                assert changed != form, (chip, choice)
                queries.to_query(changed, sales.model, sales.coverage(), index)
    assert editing.edited(Form(("revenue",)), [("measure", "no"), ("limit", "x"), ("odd", "1")], sales.model) == Form(
        ("revenue",)
    )
