"""The expression language of models and recipes, compiled to SQLAlchemy.

An expression reads like Python (`quantity * unit_price`, `'sale' if quantity > 0 else 'other'`,
`starts_with(invoice, 'C')`, `sum(revenue) / count_distinct(order_id)`), is parsed by Python's own parser and
compiled from closed tables of names, operators and functions. Nothing is evaluated, no SQL text is accepted.
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from services.calendar_functions import at, make_time, month_number, month_start
from services.dialects import as_text, contains_pattern, lower_case, rounded, upper_case, without_blanks
from services.errors import ExpressionError, UnknownNameError

Element = sa.ColumnElement[Any]
Aggregate = Callable[[str, ast.expr | None], Element]


def _divide(left: Element, right: Element) -> Element:
    return sa.cast(left, sa.Double) / sa.func.nullif(right, 0)


def _starts_with(text: Element, *prefixes: Element) -> Element:
    return sa.or_(*(sa.func.starts_with(text, prefix) for prefix in prefixes))


BINARY: dict[type[ast.operator], Callable[[Element, Element], Element]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}
COMPARE: dict[type[ast.cmpop], Callable[[Element, Any], Element]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left.in_(right),
    ast.NotIn: lambda left, right: left.not_in(right),
}


class Function(NamedTuple):
    """A row function: how many arguments it takes at least and at most, and what it becomes."""

    fewest: int
    most: int
    build: Callable[..., Element]


MANY = 20
FUNCTIONS: dict[str, Function] = {
    "trim": Function(1, 1, without_blanks),
    "upper": Function(1, 1, upper_case),
    "lower": Function(1, 1, lower_case),
    "coalesce": Function(2, MANY, sa.func.coalesce),
    "nullif": Function(2, 2, sa.func.nullif),
    "round": Function(1, 2, rounded),
    "abs": Function(1, 1, sa.func.abs),
    "text": Function(1, 1, as_text),
    "number": Function(1, 1, lambda value: sa.cast(value, sa.Double)),
    "whole": Function(1, 1, lambda value: sa.cast(value, sa.BigInteger)),
    "money": Function(1, 1, lambda value: sa.cast(value, sa.Numeric(18, 4))),
    "starts_with": Function(2, MANY, _starts_with),
    "matches": Function(2, 2, contains_pattern),
    "make_time": Function(1, 3, make_time),
    "month_number": Function(1, 1, month_number),
    "month_start": Function(1, 1, month_start),
    "at": Function(2, 2, at),
}
#: Aggregate functions a measure may use: name -> builder over a row expression (None for `count()`).
AGGREGATES: dict[str, Callable[[Element], Element]] = {
    "sum": sa.func.sum,
    "count": sa.func.count,
    "count_distinct": lambda value: sa.func.count(sa.distinct(value)),
    "min": sa.func.min,
    "max": sa.func.max,
}


MAX_SOURCE = 2_000


@lru_cache(maxsize=4096)
def parse(source: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises ExpressionError with the column of the first mistake.
    """
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"The expression has {len(source)} characters; allowed: {MAX_SOURCE}.")
    try:
        return ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise ExpressionError(f"{source!r} is not an expression (column {column}: {error}).") from None


def names_in(source: str) -> frozenset[str]:
    """Return the columns an expression reads."""
    tree = parse(source)
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "column":
            found.add(_text_argument(node))
    return frozenset(found)


@dataclass(frozen=True)
class Compiler:
    """Compiles expressions over one set of names.

    `names` are the columns (or measures) an expression may use. `aggregate` is called for `sum(...)` and its
    like; without it aggregates are refused.
    """

    names: Mapping[str, Element]
    aggregate: Aggregate | None = None
    kind: str = field(default="column")

    def compile(self, source: str) -> Element:
        """Return the SQLAlchemy element of `source`; raises ExpressionError or UnknownNameError."""
        try:
            return self._node(parse(source))
        except (ExpressionError, UnknownNameError) as error:
            raise ExpressionError(f"In {source!r}: {error}") from None
        except RecursionError:
            raise ExpressionError(f"In {source[:80]!r}…: the expression is nested too deeply.") from None
        except (TypeError, ValueError, AttributeError, sa.exc.ArgumentError) as error:
            raise ExpressionError(f"In {source!r}: {error}") from None

    def _node(self, node: ast.expr) -> Element:
        handler = _NODES.get(type(node))
        if handler is None:
            raise ExpressionError(
                f"{ast.unparse(node)!r} is not allowed. Allowed: names, numbers, texts, + - * /, comparisons, "
                f"and/or/not, 'a if b else c' and the functions {', '.join(sorted({*FUNCTIONS, *AGGREGATES}))}."
            )
        return handler(self, node)

    def _constant(self, node: ast.Constant) -> Element:
        if node.value is None:
            return sa.null()
        if not isinstance(node.value, str | int | float | bool):
            raise ExpressionError(f"{node.value!r} is not allowed: use a number, a text, True, False or None.")
        if isinstance(node.value, str) and any("\ud800" <= character <= "\udfff" for character in node.value):
            raise ExpressionError("a text is not valid Unicode.")
        return sa.literal(node.value)

    def _name(self, node: ast.Name) -> Element:
        return self._lookup(node.id)

    def _lookup(self, name: str) -> Element:
        if name not in self.names:
            raise UnknownNameError(self.kind, name, self.names)
        return self.names[name]

    def _attribute(self, node: ast.Attribute) -> Element:
        return self._lookup(ast.unparse(node))

    def _binary(self, node: ast.BinOp) -> Element:
        build = BINARY.get(type(node.op))
        if build is None:
            raise ExpressionError(f"the operator in {ast.unparse(node)!r} is not allowed; allowed: + - * /.")
        return build(self._node(node.left), self._node(node.right))

    def _unary(self, node: ast.UnaryOp) -> Element:
        if isinstance(node.op, ast.Not):
            return sa.not_(self._node(node.operand))
        if isinstance(node.op, ast.USub):
            operand = self._node(node.operand)
            if isinstance(operand.type, sa.String):
                raise ExpressionError(f"{ast.unparse(node)!r} takes the negative of a text.")
            return -operand
        raise ExpressionError(f"the operator in {ast.unparse(node)!r} is not allowed; allowed: - and not.")

    def _boolean(self, node: ast.BoolOp) -> Element:
        join = sa.and_ if isinstance(node.op, ast.And) else sa.or_
        return join(*(self._node(value) for value in node.values))

    def _compare(self, node: ast.Compare) -> Element:
        terms: list[Element] = []
        left = self._node(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            build = COMPARE.get(type(op))
            if build is None:
                raise ExpressionError(f"the comparison in {ast.unparse(node)!r} is not allowed.")
            if isinstance(op, ast.In | ast.NotIn):
                terms.append(build(left, self._members(right_node)))
                continue
            right = self._node(right_node)
            terms.append(build(left, right))
            left = right
        return sa.and_(*terms) if len(terms) > 1 else terms[0]

    def _members(self, node: ast.expr) -> list[Element]:
        if not isinstance(node, ast.List | ast.Tuple):
            raise ExpressionError(f"{ast.unparse(node)!r}: 'in' needs a list such as ['a', 'b'].")
        return [self._node(item) for item in node.elts]

    def _choice(self, node: ast.IfExp) -> Element:
        return sa.case((self._node(node.test), self._node(node.body)), else_=self._node(node.orelse))

    def _call(self, node: ast.Call) -> Element:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if node.keywords:
            raise ExpressionError(f"{ast.unparse(node)!r}: named arguments are not allowed.")
        if name == "column":
            return self._lookup(_text_argument(node))
        if name == "date":
            return sa.literal(_date_argument(node))
        if name in AGGREGATES and self.aggregate is not None:
            if len(node.args) > 1 or (not node.args and name != "count"):
                raise ExpressionError(f"{name} takes one expression.")
            return self.aggregate(name, node.args[0] if node.args else None)
        if name not in FUNCTIONS:
            raise UnknownNameError("function", name, sorted({*FUNCTIONS, *(AGGREGATES if self.aggregate else ())}))
        function = FUNCTIONS[name]
        if not function.fewest <= len(node.args) <= function.most:
            wanted = f"{function.fewest}" + (f" to {function.most}" if function.most > function.fewest else "")
            raise ExpressionError(f"{name} takes {wanted} arguments; received {len(node.args)}.")
        return function.build(*(self._node(argument) for argument in node.args))


_NODES: dict[type[ast.expr], Callable[[Compiler, Any], Element]] = {
    ast.Constant: Compiler._constant,
    ast.Name: Compiler._name,
    ast.Attribute: Compiler._attribute,
    ast.BinOp: Compiler._binary,
    ast.UnaryOp: Compiler._unary,
    ast.BoolOp: Compiler._boolean,
    ast.Compare: Compiler._compare,
    ast.IfExp: Compiler._choice,
    ast.Call: Compiler._call,
}


def _text_argument(node: ast.Call) -> str:
    match node.args:
        case [ast.Constant(value=str(text))]:
            return text
    raise ExpressionError(f"{ast.unparse(node)!r} takes one text in quotes.")


def _date_argument(node: ast.Call) -> dt.datetime:
    text = _text_argument(node)
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ExpressionError(f"{text!r} is not a date; write it as 2010-12-01 or 2010-12-01T13:00.") from None
