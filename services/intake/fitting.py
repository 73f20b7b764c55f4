"""Whether the values of a column can have a role that its header names."""

from __future__ import annotations

from services.intake import currencies
from services.intake.headers import ENTITIES, Header, header
from services.intake.profile import Measured
from services.intake.proposal import FieldRole
from services.intake.vocabulary import CANCELLED_WORDS, RETURNED_WORDS, YES_WORDS, words_of
from services.intake.words import fold

NUMERIC = frozenset(
    {FieldRole.QUANTITY, FieldRole.UNIT_PRICE, FieldRole.DISCOUNT, FieldRole.DISCOUNT_SHARE, FieldRole.REVENUE}
    | {FieldRole.COST, FieldRole.UNIT_COST, FieldRole.TAX}
)
#: Words of the dates that tell when something was sold, the surest first; others tell of something else.
#: A status is short; a note that tells of a return is none.
LONGEST_MARK = 30


def heard_as(role: FieldRole, head: Header, each: Measured) -> FieldRole:
    """Return the role a header's word means for a column of this kind."""
    day = each.is_time and not each.is_clock
    rows: tuple[tuple[bool, FieldRole], ...] = (
        (role is FieldRole.CUSTOMER and head.is_name, FieldRole.CUSTOMER_NAME),
        (role is FieldRole.PRODUCT and head.is_name, FieldRole.PRODUCT_NAME),
        (role is FieldRole.DISCOUNT and _is_share(each, head), FieldRole.DISCOUNT_SHARE),
        (role in {FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY} and day, FieldRole.TIME),
        (role is FieldRole.TIME and each.is_clock, FieldRole.CLOCK),
        (role is FieldRole.TIME and each.is_number and _is_year(each), FieldRole.YEAR),
    )
    return next((meant for holds, meant in rows if holds), role)


def _is_share(each: Measured, head: Header) -> bool:
    if not each.is_number or each.low is None:
        return False
    if each.typing.percent or {"%", "pct", "percent", "percentage", "rate", "prozent"} & set(head.words):
        return True
    return each.low >= 0 and each.high <= 1 and not each.whole


def _is_year(each: Measured) -> bool:
    return each.whole and each.low is not None and each.low >= 1900 and each.high <= 2100


def allowed(role: FieldRole, each: Measured, head: Header) -> bool:
    """Tell whether values of this kind can have the role."""
    if role in NUMERIC:
        return each.is_number and not each.leading_zeros and not (head.is_id and role is not FieldRole.QUANTITY)
    whole_from_to = each.whole and each.low is not None
    checks = {
        FieldRole.TIME: each.is_time and not each.is_clock,
        FieldRole.YEAR: _is_year(each),
        FieldRole.MONTH: (whole_from_to and each.low >= 1 and each.high <= 12) or _is_month_name(each),
        FieldRole.DAY: whole_from_to and each.low >= 1 and each.high <= 31 and each.distinct > 12,
        FieldRole.CLOCK: each.is_clock
        or (whole_from_to and each.low >= 0 and each.high <= 23 and "hour" in head.words),
        FieldRole.STATUS: bool(cancelling(each, head)),
        FieldRole.CURRENCY: bool(currency_texts(each)),
        FieldRole.LINE: each.whole and not each.negative,
        FieldRole.COUNTRY: not each.is_number and not each.is_time,
        FieldRole.CHANNEL: not each.is_number and not each.is_time and each.distinct <= 200,
        FieldRole.CUSTOMER_NAME: not each.is_number and not each.is_time,
        FieldRole.PRODUCT_NAME: not each.is_number and not each.is_time,
    }
    if role in ENTITIES:
        return _is_key(each, head)
    if role in {FieldRole.CATEGORY, FieldRole.REGION, FieldRole.CITY}:
        return (
            not each.is_time and (not each.is_number or (each.whole and each.distinct <= 1_000)) and not head.is_average
        )
    return checks[role]


def _is_key(each: Measured, head: Header) -> bool:
    """Tell whether values can name an order, a customer or a product; "orders" with numbers counts them instead."""
    if each.is_time or (each.is_number and not each.whole) or head.is_average:
        return False
    counts = any(word.endswith("s") and word not in {"sales", "pos"} for word in head.words)
    return not each.is_number or head.is_id or (not counts and not each.negative)


MONTH_NAMES = words_of("january february march april may june july august september october november december")


def _is_month_name(each: Measured) -> bool:
    names = {name[:size] for name in MONTH_NAMES for size in (3, 4, len(name))}
    return bool(each.top) and not each.is_number and all(fold(text) in names for text, _ in each.top)


def currency_texts(each: Measured) -> list[str]:
    """Return the ISO codes in a column of currencies; empty for another column."""
    if each.typing.type.value != "text" or each.distinct > 60:
        return []
    found = [currencies.currency_of(text) for text, _ in each.top if len(text) <= 4]
    return [code for code in found if code] if len(found) == len(each.top) and all(found) else []


def cancelling(each: Measured, head: Header) -> tuple[str, ...]:
    """Return the values that mark a line as cancelled or returned."""
    if each.is_time or each.distinct > 40:
        return ()
    marks = CANCELLED_WORDS | RETURNED_WORDS
    said = tuple(text for text, _ in each.top if len(text) <= LONGEST_MARK and set(_mark_words(text)) & marks)
    if not said and each.distinct <= 2 and set(head.words) & marks:
        said = tuple(text for text, _ in each.top if fold(text) in YES_WORDS)
    return said


def _mark_words(text: str) -> list[str]:
    return fold(text).replace("-", " ").replace("_", " ").split()


def marks(each: Measured) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the values of a status that mean returned, and those that mean cancelled."""
    head = header(each.name)
    said = cancelling(each, head)
    returned = tuple(
        text for text in said if set(_mark_words(text)) & RETURNED_WORDS
        or (fold(text) in YES_WORDS and set(head.words) & RETURNED_WORDS)
    )  # fmt: skip
    return returned, tuple(text for text in said if text not in returned)
