"""Formulas of measures over arrays, exact to the penny: money is whole numbers until it is divided."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services import expressions
from services.measures import MeasurePlan
from services.model import SalesModel

Doubles = npt.NDArray[np.float64]


class RefusedError(Exception):
    """Memory cannot answer this; the message says why. SQL can."""


class Number(NamedTuple):
    """Numbers as doubles; with a `scale` whole multiples of 10**-scale, held as those multiples. NaN is nothing."""

    values: Doubles
    scale: int | None

    @property
    def plain(self) -> Doubles:
        """The numbers themselves, each the double nearest to it."""
        return self.values / 10.0**self.scale if self.scale else self.values

    def at(self, scale: int) -> Doubles:
        """Return the multiples of 10**-scale, which must not be coarser than the number's own."""
        return self.values * 10.0 ** (scale - (self.scale or 0))


def together(
    left: Number, right: Number, combine: Callable[[Doubles, Doubles], Doubles], *, product: bool = False
) -> Number:
    """Return a sum, difference or product."""
    if left.scale is None or right.scale is None:
        return Number(combine(left.plain, right.plain), None)
    if product:
        return Number(combine(left.values, right.values), left.scale + right.scale)
    scale = max(left.scale, right.scale)
    return Number(combine(left.at(scale), right.at(scale)), scale)


def divided(left: Number, right: Number) -> Number:
    """Return a quotient; nothing where the divisor is 0."""
    above, below = np.broadcast_arrays(left.plain, right.plain)
    return Number(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0), None)


class Formulas:
    """Computes measures from their aggregates, as `MeasurePlan.formulas` does in SQL."""

    def __init__(self, model: SalesModel, plan: MeasurePlan, aggregates: Mapping[str, Number]) -> None:
        self._model, self._plan, self._aggregates = model, plan, aggregates

    def measure(self, name: str) -> Number:
        """Return a measure's values; raises RefusedError for a formula that SQL alone computes."""
        measure = self._model.measure(name)
        return self._node(expressions.parse(measure.expression), measure.where, name)

    def _node(self, node: ast.expr, where: str | None, name: str) -> Number:
        match node:
            case ast.Call(func=ast.Name(id=function), args=args) if function in expressions.AGGREGATES:
                return self._aggregates[self._plan.column(function, args[0] if args else None, where)]
            case ast.Name(id=other):
                return self.measure(other)
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Number(np.array([float(value)]), 0 if isinstance(value, int) else None)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                found = self._node(inner, where, name)
                return Number(-found.values, found.scale)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
                return _SIGNS[type(sign)](self._node(left, where, name), self._node(right, where, name))
        raise RefusedError(f"the formula of {name} is computed by SQL")


_SIGNS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda left, right: together(left, right, operator.add),
    ast.Sub: lambda left, right: together(left, right, operator.sub),
    ast.Mult: lambda left, right: together(left, right, operator.mul, product=True),
    ast.Div: divided,
}
