"""The role of each column of a table: by its header, its values, and the arithmetic between numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import duckdb

from services.intake import contents
from services.intake.fitting import allowed, cancelling, currency_texts, heard_as
from services.intake.headers import ENTITIES, Header, header
from services.intake.leftovers import Guess, otherwise
from services.intake.profile import Measured, Stack
from services.intake.proposal import FieldRole
from services.intake.vocabulary import words_of

#: Roles that one column of a table may have; another that fits becomes a plain dimension or measure.
ONCE = frozenset(FieldRole) - {
    FieldRole.CATEGORY,
    FieldRole.REGION,
    FieldRole.CITY,
    FieldRole.CHANNEL,
    FieldRole.DIMENSION,
    FieldRole.MEASURE,
    FieldRole.AVERAGE,
    FieldRole.IGNORE,
    FieldRole.LINE,
}
#: Words of the dates that tell when something was sold, the surest first; others tell of something else.
SOLD = ("order", "invoice", "sale", "sales", "sold", "purchase", "transaction", "bestell", "rechnungs", "kauf", "beleg")
ELSE = words_of(
    "ship shipped shipping delivery delivered due required birth updated modified sys expiry end closed "
    "resolved liefer livraison entrega consegna levering paid payment redemption"
)


def guess(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    given: Mapping[str, FieldRole],
    entity: FieldRole | None = None,
    *,
    lookup: bool = False,
) -> dict[str, Guess]:
    """Return the role of every column; `given` roles stay, `entity` is what the rows of a lookup are."""
    found = {column: Guess(role, 1.0, ("you chose it",)) for column, role in given.items()}
    taken = {role for role in given.values() if role in ONCE}
    offers = [
        offer for column, each in measured.items() if column not in given for offer in _offers(connection, stack, each)
    ]
    for column, offered in sorted(offers, key=lambda pair: -pair[1].confidence):
        if column not in found and offered.role not in taken:
            found[column] = offered
            taken |= {offered.role} & ONCE
    for column, each in measured.items():
        if column not in found:
            found[column] = otherwise(each, header(column), lookup=lookup)
    if FieldRole.TIME in taken:
        found = {column: _beside_date(column, each, given) for column, each in found.items()}
    found = _named(connection, stack, measured, found, set(given))
    if not lookup or entity is FieldRole.PRODUCT:
        found = _product_at_last(measured, found, set(given))
    return _counted(connection, stack, measured, found, set(given))


def _beside_date(column: str, each: Guess, given: Mapping[str, FieldRole]) -> Guess:
    if column in given or each.role not in {FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY}:
        return each
    return Guess(FieldRole.IGNORE, each.confidence, (*each.reasons, "the date says it"))


def _offers(connection: duckdb.DuckDBPyConnection, stack: Stack, each: Measured) -> Iterator[tuple[str, Guess]]:
    """Yield the roles a column may have."""
    head = header(each.name)
    if not each.filled or (each.distinct <= 1 and not _may_be_constant(each, head)):
        yield (
            each.name,
            Guess(FieldRole.IGNORE, 0.95, ("it is empty",) if not each.filled else ("it is always the same",)),
        )
        return
    for heard in head.heard:
        role = heard_as(heard.role, head, each)
        if allowed(role, each, head):
            words = f"its header says {heard.words!r}"
            yield each.name, Guess(role, _trust(role, heard.share, each, head), (words, *_content_words(role, each)))
    yield from ((each.name, offer) for offer in _by_content(connection, stack, each, head))


def _may_be_constant(each: Measured, head: Header) -> bool:
    kept = (FieldRole.QUANTITY, FieldRole.DISCOUNT, FieldRole.TAX)
    return (each.is_number and any(head.share(role) for role in kept)) or each.is_time or bool(currency_texts(each))


def _trust(role: FieldRole, share: float, each: Measured, head: Header) -> float:
    """Return the confidence in what a header says: how much of it says so, and how well the column is filled."""
    base = 0.5 + 0.45 * share
    if role is FieldRole.TIME:
        early = next((1 - 0.02 * rank for rank, word in enumerate(SOLD) if word in head.words), 0.8)
        base *= 0.5 if set(head.words) & ELSE else early
    if role is FieldRole.CURRENCY:
        base = 0.97
    if role in {FieldRole.REVENUE, FieldRole.UNIT_PRICE} and head.is_average and role is FieldRole.REVENUE:
        base *= 0.6
    filled = each.filled / each.rows if each.rows else 1.0
    return round(base * (0.7 + 0.3 * filled), 3)


def _content_words(role: FieldRole, each: Measured) -> tuple[str, ...]:
    if role is FieldRole.TIME:
        return (f"its values are dates from {each.low:%Y-%m-%d} to {each.high:%Y-%m-%d}",) if each.low else ()
    if role in ENTITIES:
        return (f"it has {each.distinct:,} different values",)
    return ()


def _by_content(connection: duckdb.DuckDBPyConnection, stack: Stack, each: Measured, head: Header) -> Iterator[Guess]:
    """Yield roles that the values alone show."""
    if each.is_time and not each.is_clock:
        yield Guess(FieldRole.TIME, 0.3 if set(head.words) & ELSE else 0.45, ("its values are dates",))
    if each.is_number or each.is_time:
        return
    if each.distinct <= 400:
        rows, values = contents.country_share(connection, stack, each.name)
        named = head.share(FieldRole.COUNTRY)
        codes = all(len(text) <= 3 for text, _ in each.top)
        if rows >= 0.8 and values >= 0.5 and each.distinct >= 2 and (named or not codes):
            says = f"{rows:.0%} of its values are countries"
            yield Guess(FieldRole.COUNTRY, 0.96 if named else 0.85, (says,))
    if cancelling(each, head):
        yield Guess(FieldRole.STATUS, 0.7, (f"it marks {', '.join(map(repr, cancelling(each, head)))}",))
    if head.share(FieldRole.CURRENCY) and currency_texts(each):
        yield Guess(FieldRole.CURRENCY, 0.97, ("its values are currencies",))


def _named(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    found: Mapping[str, Guess],
    fixed: set[str],
) -> dict[str, Guess]:
    """Give names to their ids: a description that goes with the product code is the product's name."""
    made = dict(found)
    of = {each.role: column for column, each in made.items()}
    for key, name in ((FieldRole.PRODUCT, FieldRole.PRODUCT_NAME), (FieldRole.CUSTOMER, FieldRole.CUSTOMER_NAME)):
        if key in of and name not in of:
            nameless = [c for c in measured if header(c).is_name and not header(c).heard and c not in fixed]
            for column in nameless:
                share = contents.belongs(connection, stack, of[key], column)
                if made[column].role in {FieldRole.DIMENSION, FieldRole.IGNORE} and share >= 0.8:
                    made[column] = Guess(name, 0.9, (f"in {share:.0%} of the rows it goes with {of[key]!r}",))
                    of[name] = column
                    break
        elif name in of and key not in of and of[name] not in fixed:
            made[of[name]] = replace(made[of[name]], role=key)
            of[key] = of.pop(name)
    return made


BRANDS = words_of("brand make maker marke marque marca merke maerke jenama marka manufacturer hersteller fabricant")


def _product_at_last(measured: Mapping[str, Measured], made: dict[str, Guess], fixed: set[str]) -> dict[str, Guess]:
    """Where nothing is the product, take the brand, or a description."""
    if any(each.role is FieldRole.PRODUCT for each in made.values()):
        return made
    for column in measured:
        head = header(column)
        branded = bool(set(head.words) & BRANDS) and made[column].role is FieldRole.CATEGORY
        described = head.is_name and not head.heard and made[column].role in {FieldRole.DIMENSION, FieldRole.IGNORE}
        if column not in fixed and (branded or described):
            made[column] = Guess(FieldRole.PRODUCT, 0.6, (*made[column].reasons, "nothing else names the product"))
            break
    return made


def _counted(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    measured: Mapping[str, Measured],
    found: Mapping[str, Guess],
    fixed: set[str],
) -> dict[str, Guess]:
    """Confirm quantity, price and revenue by arithmetic, or find them by it."""
    made = dict(found)
    product = _product(connection, stack, measured, made)
    if product is None:
        return made
    says = f"on {product.share:.1%} of the rows {product.total!r} = {product.left!r} × {product.right!r}"
    if product.less:
        says += f" less {product.less!r}" + (" as a share" if product.as_share else "")
    wanted = {product.left: FieldRole.QUANTITY, product.right: FieldRole.UNIT_PRICE, product.total: FieldRole.REVENUE}
    if product.less:
        wanted[product.less] = FieldRole.DISCOUNT_SHARE if product.as_share else FieldRole.DISCOUNT
    if any(column in fixed and made[column].role is not role for column, role in wanted.items()):
        return made
    for column, each in made.items():
        if column not in wanted and each.role in wanted.values() and column not in fixed:
            head = header(column)
            role = FieldRole.AVERAGE if head.is_average else FieldRole.MEASURE
            made[column] = Guess(role, 0.7, (*each.reasons, "another column is that by arithmetic"))
    for column, role in wanted.items():
        same = made[column].role is role
        made[column] = Guess(
            role, max(0.97 if same else 0.9, made[column].confidence), (*made[column].reasons[: int(same)], says)
        )
    return made


def _product(
    connection: duckdb.DuckDBPyConnection, stack: Stack, measured: Mapping[str, Measured], made: Mapping[str, Guess]
) -> contents.Product | None:
    def having(roles: Iterable[FieldRole]) -> list[str]:
        wanted = set(roles)
        return [column for column, each in made.items() if each.role in wanted and measured[column].is_number]

    free = having({FieldRole.MEASURE, FieldRole.AVERAGE})[:8]
    discounts = having({FieldRole.DISCOUNT, FieldRole.DISCOUNT_SHARE})
    quantities, prices, revenues = (
        having({role}) for role in (FieldRole.QUANTITY, FieldRole.UNIT_PRICE, FieldRole.REVENUE)
    )
    named: Sequence[tuple[list[str], list[str], list[str]]] = (
        (quantities, prices, revenues),
        (quantities, prices or revenues or free, revenues + prices + free),
        (free + revenues, prices, revenues + free),
    )
    for lefts, rights, totals in named:
        best = contents.product(connection, stack, lefts, rights, totals, discounts)
        if best:
            return best
    known = [measured[column] for column in (*free, *quantities, *prices, *revenues)]
    return contents.unnamed_product(connection, stack, known) if len(known) >= 3 else None
