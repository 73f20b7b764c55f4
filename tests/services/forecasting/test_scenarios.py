"""Scenarios: kept as a question and assumptions, worked out anew for whoever looks, each person's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from salescope.cache import NoCache
from services.access import Viewer
from services.database import User, migrate, open_database
from services.errors import UserError
from services.forecasting import whatif
from services.forecasting.scenarios import MAX_NAME, OWN, PRICE, Scenarios, effects, levers, together
from services.model import Measure
from services.periods import Grain
from services.query import Filter, SalesQuery
from services.sales import Sales
from services.warehouse import Warehouse

pytestmark = [
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True, scope="session"),
    pytest.mark.usefixtures("engine"),
]

PEOPLE = ("analyst", "manager")
MONTHLY = SalesQuery(measures=("revenue",), grain=Grain.MONTH)


@pytest.fixture
def kept(sales: Sales, tmp_path: Path) -> Scenarios:
    engine = open_database(f"sqlite:///{tmp_path / 'app.db'}")
    migrate(engine)
    with Session(engine) as session, session.begin():
        session.add_all(User(email=f"{name}@example.com", name=name, role=name, password_hash="") for name in PEOPLE)
    return Scenarios(engine, sales.model)


def test_scenarios_are_kept_per_person_and_replaced_by_name(kept: Scenarios, everyone: Viewer) -> None:
    germany = replace(MONTHLY, filters=(Filter("country", "is", ("Germany",)),))
    number = kept.keep("  Dearer   by 5 ", germany, 3, {PRICE: 0.05, OWN: 0.0}, everyone)
    (found,) = kept.all(everyone)
    assert (found.number, found.name, found.horizon, found.changes) == (number, "Dearer by 5", 3, {PRICE: 0.05})
    assert found.query.filters == germany.filters
    other = replace(everyone, user_id=2, email="manager@example.com")
    assert kept.all(other) == []
    kept.remove(number, other)
    kept.keep("Dearer by 5", MONTHLY, 6, {PRICE: 0.1}, everyone)
    (found,) = kept.all(everyone)
    assert (found.horizon, found.changes, found.query.filters) == (6, {PRICE: 0.1}, ())
    kept.remove(found.number, everyone)
    assert kept.all(everyone) == []


REFUSED = [
    (" ", 3, {PRICE: 0.1}, "0 characters; allowed: 1 to 80"),
    ("x" * (MAX_NAME + 1), 3, {PRICE: 0.1}, "81 characters"),
    ("a", 3, {}, "Nothing is assumed"),
    ("a", 3, {OWN: 0.0}, "Nothing is assumed"),
    ("a", 3, {OWN: -1.0}, r"-100% is not allowed; allowed: -90% to \+500%"),
    ("a", 3, {OWN: float("nan")}, "not allowed"),
    ("a", 3, {"orders": 0.1}, "cannot be assumed for this forecast; allowed: price, own"),
    ("a", 99, {OWN: 0.1}, "1 to 36"),
]


def test_what_cannot_be_kept_is_said(kept: Scenarios, everyone: Viewer) -> None:
    for name, horizon, changes, words in REFUSED:
        with pytest.raises(UserError, match=words):
            kept.keep(name, MONTHLY, horizon, changes, everyone)
    assert kept.all(everyone) == []


def test_effects_are_those_of_the_viewers_rows(kept: Scenarios, sales: Sales, everyone: Viewer) -> None:
    kept.keep("Both", MONTHLY, 3, {PRICE: -0.1, OWN: 0.2}, everyone)
    (scenario,) = kept.all(everyone)
    price, own = effects(sales, scenario, everyone)
    moved = whatif.elasticity(sales, MONTHLY, everyone)
    assert moved is not None
    assert price.what.factor == pytest.approx(0.9 ** (1 + moved.value))
    assert (own.what.low, own.what.high) == (1.2, 1.2)
    whole = together((price, own))
    assert whole.factor == pytest.approx(price.what.factor * 1.2)
    assert whole.low <= whole.factor <= whole.high
    # Where the data do not tell, the assumption does nothing and that is said.
    nowhere = replace(scenario, query=replace(MONTHLY, filters=(Filter("country", "is", ("Bermuda",)),)))
    assert [(each.what.factor, each.told) for each in effects(sales, nowhere, everyone)] == [(1.0, False), (1.2, True)]


def test_spending_is_offered_where_the_model_has_it(
    sales: Sales, sample_warehouse: Warehouse, everyone: Viewer
) -> None:
    model = sales.model
    assert [each.key for each in levers(model, "revenue")] == [PRICE, OWN]
    assert [each.key for each in levers(model, "orders")] == [OWN]
    spend = Measure(label="Marketing spend", expression="sum(quantity)", where="sales")
    rate = Measure(label="Discount rate", expression="sum(quantity) / count(line_id)")
    spending = model.model_copy(update={"measures": {**model.measures, "spend": spend, "rate": rate}})
    assert [each.key for each in levers(spending, "orders")] == ["spend", OWN]
    told = Sales(spending, sample_warehouse, NoCache())
    # What is spent here is a unit per unit sold, so both move alike.
    found = whatif.response(told, replace(MONTHLY, measures=("units",)), everyone, "spend")
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
