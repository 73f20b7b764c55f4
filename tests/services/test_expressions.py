from __future__ import annotations

import ast
import contextlib
import datetime as dt
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from services.errors import ExpressionError
from services.expressions import AGGREGATES, FUNCTIONS, Compiler, Element, parse

COLUMNS = sa.table(
    "t",
    sa.column("number", sa.Integer()),
    sa.column("zero", sa.Integer()),
    sa.column("price", sa.Double()),
    sa.column("name", sa.String()),
    sa.column("missing", sa.String()),
    sa.column("moment", sa.DateTime()),
    sa.column("Customer ID", sa.String()),
)
ROWS = Compiler(dict(COLUMNS.c))


@pytest.fixture(scope="module")
def engine() -> Iterator[sa.Engine]:
    made = sa.create_engine("duckdb:///:memory:")
    with made.begin() as connection:
        connection.exec_driver_sql(
            """CREATE TABLE t AS SELECT 7 AS number, 0 AS zero, -2.5::DOUBLE AS price, ' It''s 100% Ü_\\ ' AS name,
               NULL::VARCHAR AS missing, TIMESTAMP '2010-12-01 13:00:00' AS moment, 'C1' AS "Customer ID" """
        )
    yield made
    made.dispose()


def value(engine: sa.Engine, element: Element) -> Any:
    with engine.connect() as connection:
        return connection.execute(sa.select(element).select_from(COLUMNS)).scalar_one()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("number", 7),
        ("number + 1", 8),
        ("number - 10", -3),
        ("number * 3", 21),
        ("number / 2", 3.5),
        ("number / zero", None),
        ("-number", -7),
        ("1.5", 1.5),
        ("'text'", "text"),
        ("'it''s'", "its"),
        ('"it\'s"', "it's"),
        ("'100%'", "100%"),
        ("':name'", ":name"),
        ("True", True),
        ("None", None),
        ("number == 7", True),
        ("number != 7", False),
        ("number < 7", False),
        ("number <= 7", True),
        ("number > 7", False),
        ("number >= 7", True),
        ("0 < number < 10", True),
        ("0 < number < 5", False),
        ("make_time(2007)", dt.datetime(2007, 1, 1)),
        ("make_time(2007, number)", dt.datetime(2007, 7, 1)),
        ("make_time(2008, 2, 29)", dt.datetime(2008, 2, 29)),
        ("make_time(2007, 2, 29)", None),
        ("make_time(2007, 13)", None),
        ("month_number('February')", 2),
        ("month_number(' sept.')", 9),
        ("month_number('total')", None),
        ("month_start(moment)", dt.datetime(2010, 12, 1)),
        ("month_start(moment) == month_start(date('2010-11-30T23:59:59'))", False),
        ("at(moment, 9)", dt.datetime(2010, 12, 1, 9)),
        ("at(make_time(2007), moment)", dt.datetime(2007, 1, 1, 13)),
        ("number in [1, 7]", True),
        ("number in (1, 2)", False),
        ("number not in [1, 2]", True),
        ("missing == None", True),
        ("missing != None", False),
        ("number > 1 and price < 0", True),
        ("number > 9 or price < 0", True),
        ("not number > 9", True),
        ("'a' if number > 9 else 'b' if price > 0 else 'c'", "c"),
        ("trim(name)", "It's 100% Ü_\\"),
        ("upper(trim(name))", "IT'S 100% Ü_\\"),
        ("lower(trim(name))", "it's 100% ü_\\"),
        ("coalesce(missing, 'none')", "none"),
        ("nullif(number, 7)", None),
        ("round(price * 1.01, 1)", -2.5),
        ("abs(price)", 2.5),
        ("text(number)", "7"),
        ("number('1.5')", 1.5),
        ("whole('12')", 12),
        ("text(money('1.23456'))", "1.2346"),
        ("starts_with(trim(name), 'It')", True),
        ("starts_with(trim(name), 'x', 'It')", True),
        ("starts_with(trim(name), '_')", False),
        ("matches(name, '[0-9]{3}%')", True),
        ("matches(name, '^[0-9]+$')", False),
        ("matches('2024', '^\\\\d+$')", True),
        ("column('Customer ID')", "C1"),
        ("moment < date('2010-12-01')", False),
        ("moment == date('2010-12-01T13:00')", True),
        ("  number\n", 7),
    ],
    ids=str,
)
def test_value(engine: sa.Engine, source: str, expected: object) -> None:
    compiler = ROWS
    if source.startswith("number("):
        compiler = Compiler({})
    assert value(engine, compiler.compile(source)) == expected


def test_every_function_is_tried() -> None:
    tried = {
        node.func.id
        for mark in test_value.pytestmark  # type: ignore[attr-defined]
        for source, _ in mark.args[1]
        for node in ast.walk(parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert tried == {*FUNCTIONS, "column", "date"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("a.b", "There is no column 'a.b'", id="attribute"),
        pytest.param("number.__class__", "There is no column 'number.__class__'", id="dunder attribute"),
        pytest.param("__import__('os')", "There is no function '__import__'", id="dunder function"),
        pytest.param("__builtins__", "There is no column '__builtins__'", id="dunder name"),
        pytest.param("lambda: 1", "is not allowed", id="lambda"),
        pytest.param("(x := 1)", "is not allowed", id="walrus"),
        pytest.param("[n for n in number]", "is not allowed", id="list comprehension"),
        pytest.param("{n for n in number}", "is not allowed", id="set comprehension"),
        pytest.param("(n for n in number)", "is not allowed", id="generator"),
        pytest.param("{1: 2}", "is not allowed", id="dictionary"),
        pytest.param("[number]", "is not allowed", id="list outside in"),
        pytest.param("f'{number}'", "is not allowed", id="f-string"),
        pytest.param("number[0]", "is not allowed", id="subscript"),
        pytest.param("await number", "is not allowed", id="await"),
        pytest.param("number if number", "is not an expression", id="half a choice"),
        pytest.param("number ** 2", "allowed: + - * /", id="power"),
        pytest.param("number % 2", "allowed: + - * /", id="modulo"),
        pytest.param("number // 2", "allowed: + - * /", id="floor division"),
        pytest.param("number << 2", "allowed: + - * /", id="shift"),
        pytest.param("~number", "allowed: - and not", id="invert"),
        pytest.param("+number", "allowed: - and not", id="plus"),
        pytest.param("number is None", "the comparison in 'number is None' is not allowed", id="is"),
        pytest.param("number in name", "'in' needs a list", id="in a column"),
        pytest.param("trim(value=name)", "named arguments are not allowed", id="named argument"),
        pytest.param("trim(**name)", "named arguments are not allowed", id="double star"),
        pytest.param("trim(*name)", "is not allowed", id="star"),
        pytest.param("name.trim()", "There is no function 'name.trim'", id="method"),
        pytest.param("trim(name)(name)", "There is no function", id="call of a call"),
        pytest.param("open('/etc/passwd')", "There is no function 'open'", id="open"),
        pytest.param("read_csv('x')", "There is no function 'read_csv'", id="function of the engine"),
        pytest.param("upcase(name)", "Allowed: abs, at, coalesce", id="function list"),
        pytest.param("uper(name)", "Did you mean 'upper'", id="near function"),
        pytest.param("prise", "Did you mean 'price'", id="near column"),
        pytest.param("sum(number)", "There is no function 'sum'", id="aggregate of a row"),
        pytest.param("column(number)", "takes one text in quotes", id="column of a name"),
        pytest.param("column('nope')", "There is no column 'nope'", id="unknown quoted column"),
        pytest.param("date(2010)", "takes one text in quotes", id="date of a number"),
        pytest.param("date('1.12.2010')", "write it as 2010-12-01", id="malformed date"),
        pytest.param("1j", "use a number, a text", id="complex number"),
        pytest.param("b'x'", "use a number, a text", id="bytes"),
        pytest.param("...", "use a number, a text", id="ellipsis"),
        pytest.param("", "is not an expression", id="nothing"),
        pytest.param("number; number", "is not an expression (column", id="two statements"),
        pytest.param("import os", "is not an expression", id="statement"),
        pytest.param("number = 1", "is not an expression", id="assignment"),
        pytest.param("number\x00", "is not an expression", id="nul"),
        pytest.param("'\ud800'", "is not an expression", id="half a character"),
        pytest.param("(" * 300 + "1" + ")" * 300, "is not an expression", id="300 brackets"),
        pytest.param("+".join(["number"] * 20_000), "", id="20,000 terms"),
        pytest.param("'x' OR 1=1", "is not an expression", id="sql"),
        pytest.param("number -- comment", "There is no column 'comment'", id="sql comment"),
    ],
)
def test_refusal(source: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        ROWS.compile(source)
    assert said in str(caught.value)


NOT_YET = [
    pytest.param("-" * 900 + "number", id="900 minus signs"),
    pytest.param("+".join(["number"] * 950), id="950 terms"),
    pytest.param("[0x" + "f" * 5000 + "]", id="number too long to print"),
    pytest.param("starts_with(name)", id="starts_with of one argument"),
    pytest.param("-name", id="minus a text"),
    pytest.param("trim()", id="trim of nothing"),
    pytest.param("coalesce()", id="coalesce of nothing"),
    pytest.param("abs(number, number)", id="abs of two"),
    pytest.param("name == '\\ud800'", id="half a character by its escape"),
]


@pytest.mark.parametrize("source", NOT_YET)
def test_refusal_that_is_missing(source: str) -> None:
    with pytest.raises(ExpressionError):
        ROWS.compile(source)


def test_number_of_arguments_is_said_in_the_words_of_the_language() -> None:
    with pytest.raises(ExpressionError) as caught:
        ROWS.compile("matches(name)")
    assert "_matches" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_aggregate(name: str) -> None:
    asked: list[tuple[str, str]] = []

    def aggregate(function: str, argument: ast.expr | None) -> Element:
        asked.append((function, ast.unparse(argument) if argument else ""))
        return sa.column("a0", sa.Double())

    compiled = Compiler({}, aggregate).compile(f"{name}(price * number) / 2")
    assert asked == [(name, "price * number")]
    assert "a0" in str(compiled)


@pytest.mark.parametrize(
    "source", ["sum()", "sum(number, price)", "count(number, price)", "max()", "sum(value=number)"], ids=str
)
def test_aggregate_with_wrong_arguments(source: str) -> None:
    def aggregate(_function: str, _argument: ast.expr | None) -> Element:
        return sa.column("a0", sa.Double())

    with pytest.raises(ExpressionError):
        Compiler({}, aggregate).compile(source)


def test_message_names_the_expression_and_the_kind() -> None:
    with pytest.raises(ExpressionError, match=r"In 'revenu / orders': There is no measure 'revenu'"):
        Compiler({"revenue": sa.column("a"), "orders": sa.column("b")}, kind="measure").compile("revenu / orders")


def test_texts_are_bound_and_never_part_of_the_sql() -> None:
    statement = sa.select(ROWS.compile('name == "x\' OR 1=1 --"'))
    assert "OR" not in str(statement)
    assert "x' OR 1=1 --" in statement.compile().params.values()


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(
            st.sampled_from(list("abn()[]{}.,:=<>!+-*/%&|^~'\"\\0123 \n\t\r#@;_ if else not and or in")), max_size=60
        ),
        st.text(st.characters(codec=None), max_size=20),
    )
)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        ROWS.compile(text)


NUMBERS = st.recursive(
    st.sampled_from(["number", "price", "zero", "1", "2.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
        inner.map(lambda each: f"(-{each})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} > 0 else {parts[2]})"),
    ),
    max_leaves=6,
)


PYTHON: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def reckon(node: ast.expr) -> float | None:
    """Return the value by plain Python; nothing is None, as in SQL."""
    match node:
        case ast.Name(name):
            return {"number": 7, "zero": 0, "price": -2.5}[name]
        case ast.Constant(int() | float() as number):
            return number
        case ast.UnaryOp(_, operand):
            inner = reckon(operand)
            return None if inner is None else -inner
        case ast.IfExp(ast.Compare(left), body, orelse):
            condition = reckon(left)
            return reckon(body if condition is not None and condition > 0 else orelse)
        case ast.BinOp(left, operation, right):
            first, second = reckon(left), reckon(right)
            if first is None or second is None or (isinstance(operation, ast.Div) and second == 0):
                return None
            return PYTHON[type(operation)](first, second)
    raise AssertionError(ast.dump(node))


@given(source=NUMBERS)
def test_arithmetic_equals_python(engine: sa.Engine, source: str) -> None:
    found, expected = value(engine, ROWS.compile(source)), reckon(parse(source))
    assert (found is None) == (expected is None)
    assert found is None or float(found) == pytest.approx(expected)


def test_date_literal_keeps_its_time() -> None:
    element = ROWS.compile("date('2010-12-01T13:00')")
    assert isinstance(element, sa.BindParameter)
    assert element.value == dt.datetime(2010, 12, 1, 13)
