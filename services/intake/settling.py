"""Typings that follow from what a column is: dates by their header, ids as texts, amounts as money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from services.intake import dates
from services.intake.currencies import currency_of
from services.intake.headers import Header, header
from services.intake.leftovers import Guess
from services.intake.measuring import measure
from services.intake.profile import NUMBERS, Measured, Stack
from services.intake.proposal import FieldRole
from services.model import ColumnType
from services.recipe import Typing

#: Roles whose values are names, however they look.
NAMES = frozenset(
    {FieldRole.ORDER, FieldRole.CUSTOMER, FieldRole.CUSTOMER_NAME, FieldRole.PRODUCT, FieldRole.PRODUCT_NAME}
    | {FieldRole.CATEGORY, FieldRole.COUNTRY, FieldRole.REGION, FieldRole.CITY, FieldRole.CHANNEL, FieldRole.STATUS}
    | {FieldRole.CURRENCY, FieldRole.DIMENSION}
)
AMOUNTS = frozenset(
    {FieldRole.REVENUE, FieldRole.UNIT_PRICE, FieldRole.COST, FieldRole.UNIT_COST, FieldRole.DISCOUNT, FieldRole.TAX}
)
#: What numbers under a date's header are: whole numbers of this range in this format.
DATE_NUMBERS = ((19000101, 21001231, ("%Y%m%d",)), (190001, 210012, ("%Y%m",)), (20_000, 60_000, ("excel",)))


def dated_numbers(
    connection: duckdb.DuckDBPyConnection, stack: Stack, measured: Mapping[str, Measured], fixed: set[str]
) -> dict[str, Measured]:
    """Read numbers under a date's header as dates where they can be: 20110131, 201101, a spreadsheet's 40574."""
    wanted = {}
    for column, each in measured.items():
        formats = _date_formats(each, header(column))
        if formats and column not in fixed:
            wanted[column] = Typing(type=ColumnType.TIME, formats=formats, missing=each.typing.missing)
    found = remeasured(connection, stack, measured, wanted)
    return {
        column: measured[column] if column in wanted and each.unparseable else each for column, each in found.items()
    }


def _date_formats(each: Measured, head: Header) -> tuple[str, ...]:
    if each.typing.type not in {ColumnType.INTEGER, ColumnType.NUMBER} or each.low is None:
        return ()
    if head.is_average or max(head.share(role) for role in (FieldRole.TIME, FieldRole.MONTH)) < 0.5:
        return ()
    fitting = (formats for low, high, formats in DATE_NUMBERS if low <= each.low and each.high <= high)
    found = next((formats for formats in fitting if each.whole or formats == ("excel",)), ())
    return () if head.is_id and found != ("%Y%m%d",) else found


def remeasured(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    wanted: Mapping[str, Typing],
) -> dict[str, Measured]:
    """Return the columns with other typings, measured again where they differ."""
    other = {column: typing for column, typing in wanted.items() if typing != measured[column].typing}
    if not other:
        return dict(measured)
    part = replace(stack, columns={column: stack.columns[column] for column in other})
    return {**measured, **measure(connection, part, other)}


def settled(each: Measured, guess: Guess) -> Typing:
    """Return the typing a column needs for its role."""
    typing = each.typing
    if guess.role in NAMES and typing.type is not ColumnType.TEXT:
        return _as_name(each)
    if guess.role in AMOUNTS and typing.type in NUMBERS and not typing.percent:
        kind = ColumnType.NUMBER if each.fine else ColumnType.MONEY
        return typing.model_copy(update={"type": kind})
    if typing.type is ColumnType.MONEY and guess.role in {FieldRole.QUANTITY, FieldRole.AVERAGE}:
        return typing.model_copy(update={"type": ColumnType.NUMBER})
    if guess.role is FieldRole.DISCOUNT_SHARE and not typing.percent and each.high is not None and each.high > 1:
        return typing.model_copy(update={"type": ColumnType.NUMBER, "percent": True})
    if guess.role is FieldRole.TIME and typing.type in NUMBERS:
        return typing.model_copy(update={"type": ColumnType.TIME, "formats": _date_formats(each, header("date"))})
    return typing


def _as_name(each: Measured) -> Typing:
    """Return a text; but whole numbers that some program wrote as 17850.0 stay whole numbers, to lose the ".0"."""
    spoilt = any(text.endswith(".0") for text, _ in each.top)
    whole = each.whole and not each.unparseable and not each.leading_zeros
    if each.is_number and whole and (spoilt or each.staged is not ColumnType.TEXT):
        return each.typing.model_copy(update={"type": ColumnType.INTEGER})
    return Typing(missing=each.typing.missing)


#: Currencies whose amounts are written with three decimals.
THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def by_currency(measured: Mapping[str, Measured]) -> dict[str, Measured]:
    """Decide amounts such as Rp 10.000 that could have three decimals: but for seven currencies none has."""
    return {column: _as_amount(each) for column, each in measured.items()}


def _as_amount(each: Measured) -> Measured:
    grouped = [t for t in (each.typing, *(rival.typing for rival in each.rivals)) if t.thousands]
    sign = each.sign
    if not each.rivals or sign is None or len(grouped) != 1 or currency_of(sign) in THREE_DECIMALS:
        return each
    return replace(
        each,
        typing=grouped[0],
        rivals=(),
        confidence=0.85,
        reasons=(f"amounts in {sign} have no three decimals: {grouped[0].thousands!r} parts thousands",),
    )


def by_siblings(measured: Mapping[str, Measured]) -> dict[str, Measured]:
    """Decide numbers that could be read in two ways by the decimal mark of the table's other columns."""
    shown = {each.typing.decimal for each in measured.values() if _shows_mark(each)}
    if len(shown) != 1:
        return dict(measured)
    (mark,) = shown
    return {column: _with_mark(each, mark) for column, each in measured.items()}


def _shows_mark(each: Measured) -> bool:
    separated = not each.whole or each.typing.thousands
    return each.is_number and not each.rivals and each.staged is ColumnType.TEXT and bool(separated)


def _with_mark(each: Measured, mark: str) -> Measured:
    choices = [(each.typing, each.order), *((rival.typing, rival.order) for rival in each.rivals)]
    fitting = [typing for typing, _ in choices if typing.type in NUMBERS and typing.decimal == mark]
    if not each.rivals or len(fitting) != 1:
        return each
    return replace(
        each,
        typing=fitting[0],
        rivals=(),
        confidence=0.8,
        reasons=(f"it could be read in two ways; other columns of the table use {mark!r} as decimal mark",),
    )


def typing_reasons(each: Measured) -> tuple[str, ...]:
    """Return sentences about how the values are read."""
    found = list(each.reasons)
    if each.order != dates.ANY and not each.rivals and each.is_time:
        found.append(f"dates are {each.order}: only so all {each.filled - each.unparseable:,} can be read")
    if each.is_number and each.typing.decimal == ",":
        found.append("the decimal mark is a comma")
    if each.leading_zeros and each.typing.type is ColumnType.TEXT:
        found.append("numbers with leading zeros are names")
    return tuple(found)
