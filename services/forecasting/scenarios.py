"""Scenarios: what somebody assumes beside a forecast, kept under a name and worked out anew whenever it is looked at.

A scenario stores the question and the assumptions. Its numbers are those of the rows the viewer may see when looking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import ScenarioRow, utc_now
from services.errors import QueryError
from services.forecasting import whatif
from services.forecasting.sales import checked
from services.forecasting.whatif import WhatIf
from services.model import SalesModel
from services.query import SalesQuery
from services.sales import Sales

PRICE, OWN = "price", "own"
MAX_NAME, MAX_KEPT = 80, 100
#: Changes that may be assumed.
LOWEST, HIGHEST = -0.9, 5.0


@dataclass(frozen=True)
class Lever:
    """Something a scenario may assume to change: prices, a measure of spending, or a change of one's own."""

    key: str
    label: str


@dataclass(frozen=True)
class Scenario:
    """A kept scenario; `changes` are shares by lever, 0.05 for five per cent more."""

    number: int
    name: str
    query: SalesQuery
    horizon: int
    changes: Mapping[str, float]

    def asks_as(self, other: Scenario) -> bool:
        """Tell whether two scenarios are about the same forecast, so that they can be compared."""
        return (self.query, self.horizon) == (other.query, other.horizon)


@dataclass(frozen=True)
class Effect:
    """What one assumption does to the forecast; `told` is False where the data do not tell, and it does nothing."""

    label: str
    what: WhatIf
    told: bool = True


def levers(model: SalesModel, measure: str) -> tuple[Lever, ...]:
    """Return what can be assumed for a measure: prices and spending where the data have them, and one's own change."""
    priced = (Lever(PRICE, "Prices"),) if whatif.offered(model, measure) else ()
    spent = tuple(Lever(name, model.measure(name).label) for name in whatif.drivers(model) if name != measure)
    return (*priced, *spent, Lever(OWN, "Own assumption"))


def effects(sales: Sales, scenario: Scenario, viewer: Viewer) -> tuple[Effect, ...]:
    """Return what each assumption of a scenario does, by how the viewer's rows moved so far."""
    measure, made = scenario.query.measures[0], []
    for lever in levers(sales.model, measure):
        change = scenario.changes.get(lever.key, 0.0)
        if not change:
            continue
        if lever.key == OWN:
            made.append(Effect(lever.label, WhatIf(change, *[1 + change] * 3)))
            continue
        priced = lever.key == PRICE
        query = scenario.query
        moved = whatif.elasticity(sales, query, viewer) if priced else whatif.response(sales, query, viewer, lever.key)
        own = whatif.price_itself(sales.model, measure) if priced else 0.0
        what = whatif.at(change, moved, own) if moved else WhatIf(change, 1.0, 1.0, 1.0)
        made.append(Effect(lever.label, what, moved is not None))
    return tuple(made)


def together(found: Sequence[Effect]) -> WhatIf:
    """Return the factors of all assumptions together; the bounds are those of all at their own bounds at once."""
    factors = [math.prod(getattr(each.what, name) for each in found) for name in ("factor", "low", "high")]
    return WhatIf(math.nan, *factors)


class Scenarios:
    """The scenarios people keep, each their own, in the application database."""

    def __init__(self, engine: sa.Engine, model: SalesModel) -> None:
        self._engine, self._model = engine, model

    def all(self, viewer: Viewer) -> list[Scenario]:
        """Return the viewer's scenarios by name."""
        viewer.require(Permission.FORECAST_RUN)
        with Session(self._engine) as session:
            rows = session.scalars(sa.select(ScenarioRow).where(self._mine(viewer)).order_by(ScenarioRow.name)).all()
            return [_read(row) for row in rows]

    def keep(self, name: str, query: SalesQuery, horizon: int, changes: Mapping[str, float], viewer: Viewer) -> int:
        """Keep a scenario under a name, in place of one of the same name, and return its number.

        Raises QueryError for a name, a change or a lever that is not allowed, and when nothing is assumed.
        """
        viewer.require(Permission.FORECAST_RUN)
        name, query = " ".join(name.split()), checked(query, horizon)
        if not name or len(name) > MAX_NAME:
            raise QueryError(f"The name has {len(name)} characters; allowed: 1 to {MAX_NAME}.")
        offered = [lever.key for lever in levers(self._model, query.measures[0])]
        for key, change in changes.items():
            if key not in offered:
                raise QueryError(f"{key[:80]!r} cannot be assumed for this forecast; allowed: {', '.join(offered)}.")
            if not LOWEST <= change <= HIGHEST:
                raise QueryError(f"A change of {change:+.0%} is not allowed; allowed: {LOWEST:+.0%} to {HIGHEST:+.0%}.")
        assumed = {key: change for key, change in changes.items() if change}
        if not assumed:
            raise QueryError("Nothing is assumed to change. Fill in a change in per cent, such as 5 or -10.")
        row = ScenarioRow(
            model=self._model.name,
            user_id=viewer.user_id,
            name=name,
            query=query.to_json().decode(),
            horizon=horizon,
            changes=assumed,
            made_at=utc_now(),
        )
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ScenarioRow).where(self._mine(viewer), ScenarioRow.name == name))
            kept = session.scalar(sa.select(sa.func.count()).select_from(ScenarioRow).where(self._mine(viewer)))
            if (kept or 0) >= MAX_KEPT:
                raise QueryError(f"You have {MAX_KEPT} scenarios; remove one first.")
            session.add(row)
            session.flush()
            return row.id

    def remove(self, number: int, viewer: Viewer) -> None:
        """Take away one of the viewer's own scenarios; nothing happens when it is not one."""
        viewer.require(Permission.FORECAST_RUN)
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ScenarioRow).where(self._mine(viewer), ScenarioRow.id == number))

    def _mine(self, viewer: Viewer) -> sa.ColumnElement[bool]:
        return sa.and_(ScenarioRow.user_id == viewer.user_id, ScenarioRow.model == self._model.name)


def _read(row: ScenarioRow) -> Scenario:
    changes = {key: float(np.clip(change, LOWEST, HIGHEST)) for key, change in row.changes.items()}
    return Scenario(row.id, row.name, SalesQuery.from_json(row.query), row.horizon, changes)
