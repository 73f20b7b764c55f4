"""A product over its life: its stage among the others, and what it cost month by month."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.periods import Compare, Grain, Period, add_months
from services.products import ProductQuery, dimension_of, listing, price_parts
from services.sales import Answer, Sales

#: How a life-cycle is told: months looked at, and the ratios to the same months a year before.
RECENT, YEAR = 3, 12
GROWING, FADING = 1.2, 0.7


class Stage(StrEnum):
    """Stage of a product's life."""

    NEW = "new"
    GROWING = "growing"
    MATURE = "mature"
    FADING = "fading"


STAGES = {Stage.NEW: "New", Stage.GROWING: "Growing", Stage.MATURE: "Mature", Stage.FADING: "Fading"}


@dataclass(frozen=True)
class Life:
    """Products by stage of life: keys per stage, and how the stages are told."""

    stages: Mapping[Stage, tuple[str, ...]]
    rule: str
    answer: Answer | None

    def stage(self, key: str) -> Stage | None:
        """Return the stage of a product; None for one without any sale."""
        return next((stage for stage, keys in self.stages.items() if key in keys), None)


def life(sales: Sales, asked: ProductQuery, viewer: Viewer) -> Life:
    """Return the stage of life of each product, by the months up to the end of the data.

    New: nothing before the last twelve months. Of the others, the last three months are compared with the same three a
    year before: growing from 120 %, fading below 70 % or with nothing in them, mature between.
    """
    end = sales.coverage().last_day + dt.timedelta(days=1)
    start = sales.coverage().start.date()
    year_ago, recent = add_months(end, -YEAR), add_months(end, -RECENT)
    measure = asked.measure
    if year_ago <= start or adding(sales.model, measure) is Adding.RATIO:
        short = year_ago <= start
        reason = "the data cover less than a year" if short else f"{sales.model.measure(measure).label} adds nothing up"
        return Life({}, f"Stages of life are not told: {reason}.", None)
    name = dimension_of(sales.model)
    base = replace(listing(asked, sales.model), compare=Compare.NONE, sort=())

    def sold(first: dt.date, until: dt.date) -> tuple[dict[str, float], Answer]:
        period = Period(first=first, last=until - dt.timedelta(days=1))
        found = sales.answer(replace(base, period=period), viewer)
        rows = zip(found.frame[name], found.frame[measure], strict=True)
        return {str(key): float(value) for key, value in rows if not pd.isna(key) and value > 0}, found

    earlier, _ = sold(start, year_ago)
    since, answer = sold(year_ago, end)
    now, _ = sold(recent, end)
    then, _ = sold(add_months(recent, -YEAR), year_ago)
    stages: dict[Stage, list[str]] = {stage: [] for stage in Stage}
    for key in dict.fromkeys((*since, *earlier)):
        stages[_stage(key, earlier, now, then)].append(key)
    rule = (
        f"New: sold in the last {YEAR} months and never before. Others by the last {RECENT} months against the same a "
        f"year before: growing from {GROWING:.0%}, fading below {FADING:.0%} or without sales, mature between."
    )
    return Life({stage: tuple(keys) for stage, keys in stages.items()}, rule, answer)


def _stage(key: str, earlier: Mapping[str, float], now: Mapping[str, float], then: Mapping[str, float]) -> Stage:
    if key not in earlier:
        return Stage.NEW
    if key not in now:
        return Stage.FADING
    if key not in then:
        return Stage.GROWING
    ratio = now[key] / then[key]
    return Stage.GROWING if ratio >= GROWING else Stage.FADING if ratio < FADING else Stage.MATURE


@dataclass(frozen=True)
class Price:
    """The average price of a month, NaN where nothing was sold, and the pieces sold."""

    month: dt.datetime
    price: float
    pieces: float


def prices(sales: Sales, asked: ProductQuery, viewer: Viewer) -> tuple[list[Price], Answer] | None:
    """Return the average price per month in all the data of what the query filters; None where prices are unknown."""
    parts = price_parts(sales.model)
    if parts is None:
        return None
    query = replace(
        asked.query,
        measures=parts,
        dimensions=(),
        grain=Grain.MONTH,
        period=Period("all"),
        compare=Compare.NONE,
        sort=(),
    )
    answer = sales.answer(query, viewer)
    frame = answer.frame.dropna(subset=["time"])
    rows = zip(frame["time"], frame[parts[0]], frame[parts[1]], strict=True)
    return [Price(at.to_pydatetime(), money / n if n > 0 else math.nan, n) for at, money, n in rows], answer
