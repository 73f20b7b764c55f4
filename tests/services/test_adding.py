"""How measures add up, and rows ordered by change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.access import Viewer
from services.adding import Adding, adding
from services.errors import UnknownNameError
from services.model import SalesModel
from services.periods import Compare, Period
from services.query import SalesQuery, Sort
from services.sales import Sales

QUERY = SalesQuery(
    measures=("revenue", "average_order_value"), dimensions=("country",), period=Period("ytd"), compare=Compare.YEAR
)


@pytest.mark.parametrize(
    ("measure", "kind"),
    [
        ("revenue", Adding.SUM),
        ("return_value", Adding.SUM),
        ("lines", Adding.SUM),
        ("orders", Adding.COUNT),
        ("average_order_value", Adding.RATIO),
        ("return_rate", Adding.RATIO),
    ],
)
def test_kind_follows_from_the_expression(sample_model: SalesModel, measure: str, kind: Adding) -> None:
    assert adding(sample_model, measure) is kind


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("revenue - return_value", Adding.SUM),
        ("revenue + orders", Adding.COUNT),
        ("revenue * 0.19", Adding.SUM),
        ("2 * orders", Adding.COUNT),
        ("revenue / 1000", Adding.SUM),
        ("revenue * units", Adding.RATIO),
        ("max(revenue)", Adding.RATIO),
        ("revenue + average_order_value", Adding.RATIO),
    ],
)
def test_kind_of_a_formula(sample_model: SalesModel, expression: str, kind: Adding) -> None:
    measure = sample_model.measures["revenue"].model_copy(update={"expression": expression})
    model = sample_model.model_copy(update={"measures": {**sample_model.measures, "made": measure}})
    assert adding(model, "made") is kind


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("measure", QUERY.measures)
@pytest.mark.parametrize("how", ["change", "growth"])
def test_rows_are_ordered_by_change(
    sales: Sales, everyone: Viewer, measure: str, how: str, *, descending: bool
) -> None:
    found = sales.answer(replace(QUERY, sort=(Sort(f"{measure}__{how}", descending),)), everyone).frame
    now, before = found[measure], found[f"{measure}__before"]
    if measure == "revenue":
        now, before = now.fillna(0.0), before.fillna(0.0)
    change = now - before
    wanted = change if how == "change" else (change / before.abs()).where(before != 0)
    known = wanted.dropna()
    assert len(known) >= 30
    assert known.index.tolist() == list(range(len(known)))  # what is not known stands at the end
    assert known.is_monotonic_decreasing if descending else known.is_monotonic_increasing


def test_order_by_change_needs_a_comparison(sales: Sales, everyone: Viewer) -> None:
    query = replace(QUERY, compare=Compare.NONE, sort=(Sort("revenue__change"),))
    with pytest.raises(UnknownNameError, match="There is no sort field 'revenue__change'"):
        sales.answer(query, everyone)
