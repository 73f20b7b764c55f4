"""Measures -> the aggregates to ask a table for, and the formulas over them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from services import expressions
from services.errors import ExpressionError
from services.expressions import Element

if TYPE_CHECKING:
    from services.model import SalesModel


@dataclass(frozen=True)
class Aggregate:
    """An aggregate of some measures: `sum(revenue)` of the rows that meet a condition; `text` tells it from others."""

    function: str
    source: str
    condition: str | None

    @property
    def text(self) -> str:
        """The aggregate written out, the same for the same aggregate."""
        return f"{self.function}({self.source})" + (f" where {self.condition}" if self.condition else "")


class MeasurePlan:
    """The aggregates some measures need, and how each measure is made from them.

    `aggregates` maps a column name to the SQL aggregate behind it (same aggregate, same column);
    `formulas(source)` gives each measure's formula over those columns. Two steps, because a ratio is taken
    after its parts were summed.
    """

    def __init__(self, model: SalesModel, names: tuple[str, ...]) -> None:
        self._model = model
        self.aggregates: dict[str, Element] = {}
        self.described: dict[str, Aggregate] = {}
        self._sources: dict[tuple[str, str, str | None], str] = {}
        self.names = names
        self.formulas({})

    def formulas(self, columns: Mapping[str, Element]) -> dict[str, Element]:
        """Return measure name -> formula, reading aggregates from `columns` where they are given."""
        return {name: self._formula(name, columns, ()) for name in self.names}

    def _formula(self, name: str, columns: Mapping[str, Element], path: tuple[str, ...]) -> Element:
        if name in path:
            raise ExpressionError(f"the measure is made from itself: {' > '.join((*path, name))}.")
        measure = self._model.measure(name)

        def aggregate(function: str, argument: ast.expr | None) -> Element:
            column = self.column(function, argument, measure.where)
            return columns.get(column, sa.column(column, sa.Double()))

        others = _LazyNames(self._model, lambda other: self._formula(other, columns, (*path, name)))
        return expressions.Compiler(others, aggregate, kind="measure").compile(measure.expression)

    def column(self, function: str, argument: ast.expr | None, where: str | None) -> str:
        """Return the column of an aggregate of the rows of a segment."""
        source = ast.unparse(argument) if argument is not None else "1"
        key = (function, source, where)
        if key not in self._sources:
            rows = self._model.row_compiler
            element = expressions.AGGREGATES[function](rows.compile(source))
            text = None
            if where is not None:
                text = self._model.segments[where].condition
                element = sa.funcfilter(element, rows.compile(text))  # type: ignore[arg-type]
            self._sources[key] = f"a{len(self._sources)}"
            self.described[self._sources[key]] = Aggregate(
                function, source, ast.unparse(expressions.parse(text)) if text else None
            )
            self.aggregates[self._sources[key]] = element
        return self._sources[key]


MOST_PLANS = 1_000


def measure_plan(model: SalesModel, names: tuple[str, ...]) -> MeasurePlan:
    """Return the plan of some measures, made once for each model."""
    plans: dict[tuple[str, ...], MeasurePlan] = model.plans
    found = plans.get(names)
    if found is None:
        if len(plans) >= MOST_PLANS:
            plans.clear()
        found = plans[names] = MeasurePlan(model, names)
    return found


class _LazyNames(Mapping[str, Element]):
    """Measure formulas by name, made when asked for."""

    def __init__(self, model: SalesModel, make: Callable[[str], Element]) -> None:
        self._names, self._make = model.measures, make

    def __getitem__(self, name: str) -> Element:
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
