"""The role of a column about which neither its header nor its values say anything special."""

from __future__ import annotations

from dataclasses import dataclass

from services.intake.fitting import NUMERIC
from services.intake.headers import Header
from services.intake.profile import Measured
from services.intake.proposal import FieldRole
from services.intake.vocabulary import NAMED_WORDS, words_of

FREE_TEXT = 60
CONTACT_WORDS = words_of(
    "phone telephone tel mobile fax email mail address street url homepage website photo picture image notes note "
    "comment comments remark remarks password iban telefon adresse strasse anschrift telefone endereco direccion "
    "telefono indirizzo alamat"
)


@dataclass(frozen=True)
class Guess:
    """A role with the confidence in it and the reasons."""

    role: FieldRole
    confidence: float
    reasons: tuple[str, ...]


def otherwise(each: Measured, head: Header, *, lookup: bool) -> Guess:
    """Return the role of a column about which neither header nor values say anything special."""
    if each.is_time:
        return Guess(FieldRole.IGNORE, 0.6, ("another date than that of the sale",))
    if not each.is_number and set(head.words) & CONTACT_WORDS:
        return Guess(FieldRole.IGNORE, 0.75, ("contact data, notes and pictures group nothing",))
    unique = each.distinct >= 0.95 * each.filled and each.filled > (2 if lookup else 50)
    if each.is_number:
        return _other_number(each, head, unique)
    if unique and head.is_name and lookup:
        return Guess(FieldRole.DIMENSION, 0.6, ("it names the rows of this table",))
    if unique or sum(len(text) for text, _ in each.top[:50]) > FREE_TEXT * len(each.top[:50]):
        return Guess(
            FieldRole.IGNORE, 0.7, (f"{each.distinct:,} different texts in {each.filled:,} rows group nothing",)
        )
    return Guess(FieldRole.DIMENSION, 0.6, (f"its {each.distinct:,} different texts can group the rows",))


def _other_number(each: Measured, head: Header, unique: bool) -> Guess:  # noqa: FBT001
    shares = each.typing.percent or (each.low is not None and not each.whole and each.low >= 0 and each.high <= 1)
    adding = head.is_additive or any(heard.role in NUMERIC for heard in head.heard)
    parts = (FieldRole.TIME, FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY)
    dated = each.distinct <= 400 and any(head.share(role) >= 0.5 for role in parts)
    few = each.whole and each.distinct <= 12 and each.filled > 50 * each.distinct
    named = each.whole and bool(set(head.words) & NAMED_WORDS) and not head.is_additive
    names = head.is_id or bool(each.leading_zeros) or named
    rows: tuple[tuple[bool, FieldRole, float, str], ...] = (
        (names and unique, FieldRole.IGNORE, 0.7, "each row has its own number"),
        (names, FieldRole.DIMENSION, 0.6, "it is a number that names something"),
        (unique and each.whole and _counts_up(each), FieldRole.LINE, 0.9, "it numbers the rows"),
        (head.is_average, FieldRole.AVERAGE, 0.8, "its header names something that does not add up"),
        (shares, FieldRole.AVERAGE, 0.75, "shares do not add up"),
        (adding, FieldRole.MEASURE, 0.8, "its header names something that adds up"),
        (dated and each.whole, FieldRole.DIMENSION, 0.6, "its header names a part of the date"),
        (few, FieldRole.DIMENSION, 0.55, f"its {each.distinct} whole numbers look like groups"),
        (True, FieldRole.MEASURE, 0.5, "it is a number; nothing says that it does not add up"),
    )
    return next(Guess(role, trust, (why,)) for holds, role, trust, why in rows if holds)


def _counts_up(each: Measured) -> bool:
    return each.low in {0, 1} and each.high - each.low == each.filled - 1 and each.distinct >= 0.99 * each.filled
