"""Questions in plain English over the sample: the same query as a click, or a question back."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from services.access import RowScope
from services.errors import QueryError, UserError
from services.language import answering, queries, wording
from services.language.asking import Reading, Vocabulary, read
from services.language.confidence import pairs, strangeness
from services.language.index import Vocabularies
from services.language.lexicon import Lexicon
from services.language.results import Result
from services.language.spans import Clock
from services.language.values import Entry, ValueIndex
from services.periods import Compare, Grain, Period
from services.query import Filter, SalesQuery, Sort
from services.sales import Sales
from tests.benchmarks.ask import HERE, measure
from tests.benchmarks.questions.expected import cases
from tests.factories import viewer_of

# What is computed from answers is the same on both engines; once is enough.
pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]
CLOCK = Clock(dt.date(2011, 12, 9))
GERMANY = Filter("country", "is", ("Germany",))
NOVEMBER = Period(first=dt.date(2011, 11, 1), last=dt.date(2011, 11, 30))
THIRD_QUARTER = Period(first=dt.date(2011, 7, 1), last=dt.date(2011, 9, 30))


def largest(measure: str = "revenue") -> tuple[Sort, ...]:
    return (Sort(measure, descending=True),)


@pytest.fixture(scope="module")
def words(sales: Sales) -> Vocabulary:
    return Vocabularies(sales).of(viewer_of("admin"))


def asked(text: str, words: Vocabulary, sales: Sales) -> SalesQuery:
    reading = read(text, words, CLOCK)
    assert reading.answerable, (reading.faults, reading.confidence)
    return queries.to_query(reading.form, sales.model, sales.coverage(), words.index)


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("revenue", SalesQuery(measures=("revenue",))),
        ("What was our turnover last month?", SalesQuery(measures=("revenue",), period=NOVEMBER)),
        ("sales by country", SalesQuery(measures=("revenue",), dimensions=("country",), sort=largest())),
        (
            "Show the top 5 products sold in Germany last quarter",
            SalesQuery(
                measures=("units",),
                dimensions=("product",),
                filters=(GERMANY,),
                period=THIRD_QUARTER,
                segments=("merchandise",),
                sort=largest("units"),
                limit=5,
            ),
        ),
        (
            "bottom 3 countries by orders in november 2011",
            SalesQuery(measures=("orders",), dimensions=("country",), period=NOVEMBER, sort=(Sort("orders"),), limit=3),
        ),
        (
            "monthly orders of German customers, q3 2011",
            SalesQuery(measures=("orders",), grain=Grain.MONTH, filters=(GERMANY,), period=THIRD_QUARTER),
        ),
        (
            "revenue q3 2011 compared with last year",
            SalesQuery(measures=("revenue",), period=THIRD_QUARTER, compare=Compare.YEAR),
        ),
        (
            "orders on Mondays and Fridays in november 2011",
            SalesQuery(measures=("orders",), filters=(Filter("weekday", "is", ("1", "5")),), period=NOVEMBER),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_question_is_the_query_of_a_click(question: str, query: SalesQuery, words: Vocabulary, sales: Sales) -> None:
    assert asked(question, words, sales) == query


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("profit by country", "missing_measure"),
        ("revenue by brand", "missing_dimension"),
        ("sales in Argentina", "unknown_value"),
        ("orders of customer 424242", "unknown_value"),
        ("revenue in 2031", "no_data_period"),
        ("why did sales fall in France", "unsupported_analysis"),
        ("what will revenue be next month", "unsupported_analysis"),
        ("and for France?", "ambiguous"),
        ("what should we sell in Spain", "unsupported_analysis"),
        ("???", "ambiguous"),
        ("now by month", "ambiguous"),
        ("ok, and by product", "ambiguous"),
        ("orders in each county of England", "missing_dimension"),
        ("revenue from business customers", "unknown_value"),
        ("revenue every December", "unsupported_analysis"),
        ("top 5 new customers", "unsupported_analysis"),
        ("a, " * 160, "ambiguous"),
    ],
)
def test_what_cannot_be_answered_is_said(question: str, reason: str, words: Vocabulary) -> None:
    reading = read(question, words, CLOCK)
    assert not reading.answerable
    assert reason in [found for found, _ in reading.faults]
    assert len(wording.refused(reading, words)) > 20


def test_questions_written_for_the_sample(words: Vocabulary) -> None:
    """Every third of them; `make bench-ask` reads all."""
    result = measure(list(cases(HERE / "gifts.txt"))[::3], words, CLOCK)
    assert result["exact"] >= 0.97
    assert result["refused"] >= 0.97
    assert result["confident_wrong"] <= 0.02


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("Before I go into the board meeting: revenue by country", "revenue by country"),
        ("Kindly itemise our orders per month for my deck on Monday", "orders per month"),
        ("how many pieces did we snap up in 2011", "units in 2011"),
        ("how many pieces were wrangled in 2011", "units in 2011"),
        ("countries whose turnover topped 50k", "countries with revenue over 50000"),
        ("how has revenue fared since 2010", "revenue by month since 2010"),
        ("what did the business turn over last year", "revenue last year"),
        ("which country gave us the most orders in 2011", "country with the most orders in 2011"),
        ("cancelled orders we had to handle last month", "cancelled orders last month"),
        ("what was our average order value running at in October 2011", "average order value in October 2011"),
        ("how broad was our assortment in Q3 2011", "number of products in Q3 2011"),
        ("how did orders build up week by week in 2011", "cumulative orders by week in 2011"),
        ("who built up more than 20,000 of spend in 2011", "who spent more than 20,000 in 2011"),
        ("revenue in 2011 if you strip the UK out", "revenue in 2011 without the UK"),
        ("leaving France and Germany aside, revenue by country", "revenue by country except France and Germany"),
        ("revenue by month, UK taken off", "revenue by month without the UK"),
        ("revenue without anything that has candle in its name", "revenue excluding products containing candle"),
        ("revenue by country, weakest market at the top", "revenue by country, lowest first"),
        ("within Norway's customers, who bought most units", "customer in Norway with the most units"),
        ("everything customer 12748 bought in 2011", "what did customer 12748 buy in 2011"),
        ("mst popular 5 products", "most popular 5 products"),
        ("how much weaker were orders in Q2 2011 than in Q2 2010", "change in orders Q2 2011 vs Q2 2010"),
        ("now revenue by month", "revenue by month"),
        ("SALES TO US", "sales to the USA"),
        ("Hi Anna, could you send me revenue by month? Best, Tom", "revenue by month"),
        ("the auditors need the revenue of November 2011", "revenue of November 2011"),
        ("order trend for Belgium", "number of orders over time for Belgium"),
        ("Italy vs Portugal: orders and revenue", "orders and revenue, Italy vs Portugal"),
        ("units last quarter against the quarter before that", "units last quarter vs the previous period"),
        ("what did Belgian customers spend in 2011", "revenue in Belgium in 2011"),
        ("average orders per week in 2011", "average number of orders per week in 2011"),
        ("revenue per quarter from 2010 till 2011", "quarterly revenue from 2010 till 2011"),
        ("orders every Saturday and Sunday of 2011", "orders on weekends in 2011"),
        ("units of all items whose name contains lantern, by country", "units by country of items containing lantern"),
    ],
)
def test_words_that_say_nothing_change_nothing(said: str, plain: str, words: Vocabulary) -> None:
    assert read(said, words, CLOCK).form == read(plain, words, CLOCK).form


def test_a_word_that_was_not_understood_leaves_the_closest_reading(words: Vocabulary) -> None:
    reading = read("units of frobnicated mugs in Germany", words, CLOCK)
    assert not reading.answerable
    assert reading.closest == read("units of mugs in Germany", words, CLOCK).form
    assert read("why did units of frobnicated mugs fall", words, CLOCK).closest is None


def test_short_numbers_are_names_only_after_their_noun(words: Vocabulary) -> None:
    """Households 8 and 2017 are neither a limit nor a year, unless somebody says so."""
    named = [Entry("customer", number, number) for number in ("8", "12", "2017")]
    shop = dataclasses.replace(words, index=ValueIndex(words.model, named))
    clock = Clock(dt.date(2017, 12, 31))
    for text in ("revenue 2017", "8 best countries by units in 2017", "monthly revenue 2017"):
        assert read(text, shop, clock).form.conditions == (), text
    for text, keys in (("revenue of customer 2017", ("2017",)), ("units of customers 8 and 12", ("8", "12"))):
        assert [each.values for each in read(text, shop, clock).form.conditions] == [keys], text


def test_what_is_left_out_ends_where_in_leads_elsewhere(words: Vocabulary) -> None:
    for text in ("units excluding postage in Spain", "units in Spain excluding postage"):
        found = {(each.dimension, each.operator) for each in read(text, words, CLOCK).form.conditions}
        assert found == {("product", "not_in"), ("country", "in")}, text


def test_what_is_counted_can_be_done(words: Vocabulary) -> None:
    """Pages are viewed where views are a measure; money and pieces give no verbs, nor is a price one of them."""
    views = words.model.measure("units").model_copy(update={"label": "Views", "synonyms": ()})
    model = words.model.model_copy(update={"measures": {**words.model.measures, "views": views}})
    shop = dataclasses.replace(words, model=model, lexicon=Lexicon(model))
    assert (
        read("most viewed product in Spain", shop, CLOCK).form
        == read("product with most views in Spain", shop, CLOCK).form
    )
    assert not read("most viewed product in Spain", words, CLOCK).answerable


def test_a_reading_built_as_none_before_is_doubted() -> None:
    known = dict.fromkeys(pairs(("noun:m>measure", "by>by", "noun:d>dimension")), 9)
    assert strangeness(("noun:m>measure", "by>by", "noun:d>dimension"), known)["novel"] == 0
    assert strangeness(("by>by", "noun:m>measure"), known)["novel"] == 3


@pytest.mark.parametrize("question", ["", "   ", "x" * 501])
def test_empty_and_overlong_questions_are_refused(question: str, words: Vocabulary) -> None:
    with pytest.raises(UserError, match="1 to 500 characters"):
        read(question, words, CLOCK)


def test_row_scope_holds_in_what_a_question_knows(sales: Sales) -> None:
    manager = viewer_of("manager", RowScope(limits=(("country", ("France",)),)))
    words = Vocabularies(sales).of(manager)

    def reading(text: str) -> Reading:
        return read(text, words, CLOCK)

    assert reading("revenue in france").form.conditions[0].values == ("France",)
    for text in ("revenue in germany", "german revenue", "revenue in eire", "revenue in gremany"):
        found = reading(text)
        assert not found.answerable
        assert "Germany" not in wording.refused(found, words)
    assert {entry.label for found in words.index.countries.values() for entry in found} == {"France"}


def test_answers_agree_with_the_query_they_came_from(words: Vocabulary, sales: Sales) -> None:
    admin = viewer_of("admin")

    def result(text: str) -> Result:
        return answering.answer(read(text, words, CLOCK).form, sales, admin, words.index)

    share = result("share of units in Germany in 2011")
    whole = result("units in 2011")
    part = result("units in Germany in 2011")
    assert share.total is not None
    assert whole.total
    assert part.total
    assert share.total == pytest.approx(part.total / whole.total)
    running = result("cumulative revenue by month in 2010")
    assert running.frame["running"].iloc[-1] == pytest.approx(result("revenue in 2010").total)
    average = result("average revenue per month in 2010")
    assert average.total == pytest.approx(running.frame["running"].iloc[-1] / 12)
    per_group = result("top 2 products per country in 2011")
    assert per_group.frame.groupby("country").size().max() == 2
    known = {text: result(f"customers {text}").total or 0 for text in ("", "before 2011", "in 2011")}
    new = result("how many new customers did we get in 2011").total
    assert new == known[""] - known["before 2011"]
    assert result("returning customers in 2011").total == known["in 2011"] - new
    assert result("new customers by month in 2011").frame["customers"].sum() == new
    spent = result("revenue from new vs returning customers by month in 2011").frame
    assert spent["revenue"].sum() == pytest.approx(result("revenue in 2011").total)
    assert set(spent["customers_are"]) == {"New", "Returning", "Not known"}
    german = result("revenue from new and returning customers in Germany in 2011").frame
    assert german["revenue"].sum() == pytest.approx(result("revenue in Germany in 2011").total)
    with pytest.raises(QueryError, match="cannot be told apart"):
        result("average order value of new customers in 2011")
    custom = result("revenue october 2011 vs february 2011")
    assert custom.frame["before"].iloc[0] == pytest.approx(result("revenue in february 2011").total)
    grown = result("which countries grew most in 2011 vs 2010").frame
    assert len(grown) == 10
    assert grown["change"].dropna().is_monotonic_decreasing
    least = result("growth by country 2011 vs 2010").frame["change"].dropna()
    assert grown["change"].iloc[0] == pytest.approx(least.max())
    counted = result("number of customers with at least 10 orders")
    listed = result("customers with at least 10 orders")
    assert counted.total == listed.frame["customer"].notna().sum()
    rest = result("revenue of Germany vs the rest in 2011")
    assert rest.frame["revenue"].sum() == pytest.approx(result("revenue in 2011").total)
