"""How the values of parts go together to that of the whole, measure by measure."""

from __future__ import annotations

import ast
from enum import StrEnum

from services import expressions
from services.model import SalesModel


class Adding(StrEnum):
    """How a measure's values go together.

    SUM: those of the parts sum to the whole's. COUNT: a count of distinct things, of which one may be in several
    parts. RATIO: anything else, such as an average. Where there is nothing, the first two are 0, the last is not known.
    """

    SUM = "sum"
    COUNT = "count"
    RATIO = "ratio"

    @property
    def zero(self) -> bool:
        """Whether there being nothing means 0."""
        return self is not Adding.RATIO


def adding(model: SalesModel, measure: str) -> Adding:
    """Return how the values of a measure go together; raises UnknownNameError for an unknown one."""
    return _of(model, expressions.parse(model.measure(measure).expression), frozenset({measure}))


def shared(model: SalesModel, measure: str) -> bool:
    """Tell whether a part's share of the whole means something: for sums, and counts of distinct things."""
    return adding(model, measure) is not Adding.RATIO


_CALLS = {"sum": Adding.SUM, "count": Adding.SUM, "count_distinct": Adding.COUNT}


def _of(model: SalesModel, node: ast.expr, path: frozenset[str]) -> Adding:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return _CALLS.get(name, Adding.RATIO)
        case ast.Name(id=name) if name in model.measures and name not in path:
            return _of(model, expressions.parse(model.measures[name].expression), path | {name})
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            return _together(_of(model, left, path), _of(model, right, path))
        case (
            ast.UnaryOp(op=ast.USub(), operand=inner)
            | ast.BinOp(op=ast.Mult() | ast.Div(), left=inner, right=ast.Constant())
            | ast.BinOp(op=ast.Mult(), left=ast.Constant(), right=inner)
        ):
            return _of(model, inner, path)
        case _:
            return Adding.RATIO


def _together(left: Adding, right: Adding) -> Adding:
    return max(left, right, key=(Adding.SUM, Adding.COUNT, Adding.RATIO).index)
