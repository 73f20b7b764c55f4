"""Facts columns that no source column gives as it stands: time of parts, revenue, cost, the kind of line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.intake.naming import COUNTRY_CODE, LINE_KIND, TARGETS, reference
from services.intake.proposal import Derived, FieldRole, ProposedColumn
from services.model import ColumnType

Columns = Mapping[FieldRole, ProposedColumn]
REVENUE = TARGETS[FieldRole.REVENUE]


def by_role(columns: Sequence[ProposedColumn]) -> dict[FieldRole, ProposedColumn]:
    """Return the first column of each role."""
    found: dict[FieldRole, ProposedColumn] = {}
    for column in columns:
        found.setdefault(column.role, column)
    return found


def source_of(column: ProposedColumn, facts: str) -> str:
    """Return how an expression names the source column."""
    return reference(column.source, None if column.table == facts else column.table)


def time(found: Columns, facts: str) -> Derived | None:
    """Return the time of split columns; None when one column tells it all."""
    made: str | None = None
    reason = ""
    if FieldRole.TIME in found:
        if FieldRole.CLOCK in found:
            clock = found[FieldRole.CLOCK]
            made = f"at({source_of(found[FieldRole.TIME], facts)}, {source_of(clock, facts)})"
            reason = f"{found[FieldRole.TIME].source!r} gives the day, {clock.source!r} the time of day"
    elif FieldRole.YEAR in found:
        parts = [found[role] for role in (FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY) if role in found]
        if FieldRole.MONTH not in found:
            parts = parts[:1]
        made = f"make_time({', '.join(_part(part, facts) for part in parts)})"
        reason = f"the date is in {' and '.join(repr(part.source) for part in parts)}"
    if made is None:
        return None
    return Derived(target="order_time", type=ColumnType.TIME, label="Date", expression=made, reason=reason)


def _part(column: ProposedColumn, facts: str) -> str:
    source = source_of(column, facts)
    return f"month_number({source})" if column.typing.type is ColumnType.TEXT else source


def revenue(found: Columns) -> Derived | None:
    """Return revenue from quantity, price and discount; None when a column has it or there is no price."""
    if FieldRole.REVENUE in found or FieldRole.UNIT_PRICE not in found:
        return None
    price, quantity = TARGETS[FieldRole.UNIT_PRICE], TARGETS[FieldRole.QUANTITY]
    if FieldRole.QUANTITY not in found:
        if FieldRole.MEASURE in found:
            return None
        return Derived(
            target=REVENUE,
            type=ColumnType.MONEY,
            label="Revenue",
            expression=f"money({price})",
            reason="no column has a quantity: each row is taken as one piece at its price",
        )
    times, words = f"{quantity} * {price}", "no column has it: quantity times price"
    if FieldRole.DISCOUNT_SHARE in found:
        times = f"{times} * (1 - coalesce({TARGETS[FieldRole.DISCOUNT_SHARE]}, 0))"
        words += ", less the discount as a share"
    elif FieldRole.DISCOUNT in found:
        times = f"{times} - coalesce({TARGETS[FieldRole.DISCOUNT]}, 0)"
        words += ", less the discount"
    return Derived(target=REVENUE, type=ColumnType.MONEY, label="Revenue", expression=f"money({times})", reason=words)


def discount(found: Columns) -> Derived | None:
    """Return the amount of a discount given as a share."""
    if FieldRole.DISCOUNT_SHARE not in found or FieldRole.DISCOUNT in found:
        return None
    if FieldRole.UNIT_PRICE not in found or FieldRole.QUANTITY not in found:
        return None
    times = " * ".join(TARGETS[role] for role in (FieldRole.QUANTITY, FieldRole.UNIT_PRICE, FieldRole.DISCOUNT_SHARE))
    return Derived(
        target="discount",
        type=ColumnType.MONEY,
        label="Discount",
        expression=f"money({times})",
        reason="quantity times price times the share taken off",
    )


def cost(found: Columns) -> Derived | None:
    """Return the cost of a line from the cost per unit."""
    if FieldRole.COST in found or FieldRole.UNIT_COST not in found or FieldRole.QUANTITY not in found:
        return None
    return Derived(
        target="cost",
        type=ColumnType.MONEY,
        label="Cost",
        expression=f"money({TARGETS[FieldRole.QUANTITY]} * {TARGETS[FieldRole.UNIT_COST]})",
        reason="quantity times cost per unit",
    )


def line_kind(
    found: Columns,
    prefixes: Sequence[str],
    returned: Sequence[str],
    cancelled: Sequence[str],
    negatives: FieldRole | None,
    table: str | None,
) -> Derived | None:
    """Return what kind a line is, by every mark of a return there is; None when all lines are sales."""
    rules, reasons = [], []
    status = TARGETS[FieldRole.STATUS]
    if cancelled:
        rules.append(f"'cancelled' if coalesce({status}, '') in {list(cancelled)!r} else")
        reasons.append(f"{found[FieldRole.STATUS].source!r} says {', '.join(cancelled)}")
    if returned:
        rules.append(f"'return' if coalesce({status}, '') in {list(returned)!r} else")
        reasons.append(f"{found[FieldRole.STATUS].source!r} says {', '.join(returned)}")
    if table is not None:
        rules.append(f"'return' if coalesce({table}, '') != '' else")
        reasons.append("the table of returns lists it")
    if prefixes:
        rules.append(f"'return' if starts_with({TARGETS[FieldRole.ORDER]}, {', '.join(map(repr, prefixes))}) else")
        reasons.append(f"the order number begins with {', '.join(prefixes)}")
    if negatives is not None:
        kind = "correction" if prefixes else "return"
        rules.append(f"'{kind}' if coalesce({TARGETS[negatives]}, 0) < 0 else")
        reasons.append(f"negative {TARGETS[negatives].replace('_', ' ')}: {kind}")
    if not rules:
        return None
    expression = " ".join([*rules, "'sale'"])
    return Derived(
        target=LINE_KIND, type=ColumnType.TEXT, label="Kind", expression=expression, reason="; ".join(reasons)
    )


def all_of(columns: Sequence[ProposedColumn], facts: str, kind: Derived | None) -> Iterator[Derived]:
    """Yield the derived columns in an order in which each only needs those above it."""
    found = by_role(columns)
    for made in (time(found, facts), revenue(found), discount(found), cost(found), kind):
        if made is not None:
            yield made


def has_country_code(columns: Sequence[ProposedColumn]) -> bool:
    """Tell whether codes for a map can be found: there is a country column, and no target of that name."""
    found = by_role(columns)
    return FieldRole.COUNTRY in found and all(column.target != COUNTRY_CODE for column in columns)
