"""What a question was taken to mean: measures, dimensions, filters, time, and what is to be done with them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from services.language.spans import Span

TREND = ("hour", "day", "week", "month", "quarter", "year")
CYCLES = ("hour_of_day", "day_of_week", "month_of_year")
#: Rows shown when a question asks for "the top customers" without a number.
TOP = 10


@dataclass(frozen=True)
class Condition:
    """Rows that count: `operator` is in, not_in, contains, not_contains, starts_with, >, >=, < or <=.

    `values` are keys of the dimension, `labels` what they are called.
    """

    dimension: str
    operator: str
    values: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What the values are called."""
        return self.labels or self.values


@dataclass(frozen=True)
class Threshold:
    """A bound on a measure; `per` is the dimension it holds for when that is not a column of the answer."""

    measure: str
    operator: str
    values: tuple[float, ...]
    per: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What a period is compared with: `kind` is previous_period, prior_year or custom; `form` is values or growth.

    Without a span every time bucket is compared with the one before, or with that of the year before.
    """

    kind: str
    span: Span | None = None
    form: str = "values"


@dataclass(frozen=True)
class Form:
    """A question as data; see the module's docstring. `order` is (measure, descending)."""

    measures: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    time: Span | None = None
    grain: str | None = None
    order: tuple[str, bool] | None = None
    limit: int | None = None
    limit_per: str | None = None
    comparison: Comparison | None = None
    calculation: str | None = None
    window: int | None = None

    def neutral(self, spelled: dict[str, dict[str, str]] | None = None) -> dict[str, Any]:
        """Return the form as plain data; `spelled` gives, per dimension, values as their source spells them."""
        form: dict[str, Any] = {
            "measures": list(self.measures),
            "dimensions": list(self.dimensions),
            "filters": [_filter(each, (spelled or {}).get(each.dimension, {})) for each in self.conditions],
            "having": [_having(each) for each in self.thresholds],
            "time": _ends(self.time) if self.time else None,
            "grain": self.grain,
            "sort": {"by": self.order[0], "dir": "desc" if self.order[1] else "asc"} if self.order else None,
            "limit": self.limit,
            "comparison": _comparison(self.comparison) if self.comparison else None,
            "calc": self.calculation,
        }
        if self.limit_per:
            form["limit_per"] = self.limit_per
        if self.window:
            form["window"] = self.window
        return form


def _filter(condition: Condition, spelled: dict[str, str]) -> dict[str, Any]:
    values = [spelled.get(word, word) for word in dict.fromkeys(condition.words)]
    return {"dim": condition.dimension, "op": condition.operator, "values": values}


def _having(threshold: Threshold) -> dict[str, Any]:
    per = {"per": threshold.per} if threshold.per else {}
    return {"measure": threshold.measure, "op": threshold.operator, "values": list(threshold.values)} | per


def _ends(span: Span) -> dict[str, str | None]:
    return {"start": _day(span.start), "end": _day(span.end)}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    ends = _ends(comparison.span) if comparison.span else {"start": None, "end": None}
    return {"kind": comparison.kind, **ends, "as": comparison.form}


def _day(day: dt.date | None) -> str | None:
    return None if day is None else str(day)
