"""The names of facts columns, and how expressions name the columns of sources."""

from __future__ import annotations

import keyword
from collections.abc import Iterable

from services.expressions import AGGREGATES, FUNCTIONS
from services.intake.proposal import FieldRole, ProposedColumn
from services.intake.relations import entity_of
from services.intake.words import singular, slug
from services.model import RESERVED, TIME_PARTS, ColumnType

#: The facts column that a role becomes; other columns keep their own names.
TARGETS: dict[FieldRole, str] = {
    FieldRole.ORDER: "order_id",
    FieldRole.TIME: "order_time",
    FieldRole.CUSTOMER: "customer_id",
    FieldRole.CUSTOMER_NAME: "customer_name",
    FieldRole.PRODUCT: "product_id",
    FieldRole.PRODUCT_NAME: "product_name",
    FieldRole.COUNTRY: "country",
    FieldRole.STATUS: "status",
    FieldRole.CURRENCY: "currency",
    FieldRole.QUANTITY: "quantity",
    FieldRole.UNIT_PRICE: "unit_price",
    FieldRole.DISCOUNT_SHARE: "discount_share",
    FieldRole.DISCOUNT: "discount",
    FieldRole.REVENUE: "revenue",
    FieldRole.UNIT_COST: "unit_cost",
    FieldRole.COST: "cost",
    FieldRole.TAX: "tax",
}
LINE_KIND, COUNTRY_CODE = "line_kind", "country_code"
#: Names that generated columns and measures have, which no other column may take.
TAKEN = (
    frozenset(TARGETS.values())
    | RESERVED
    | frozenset(TIME_PARTS)
    | {
        "line_id",
        LINE_KIND,
        COUNTRY_CODE,
        "orders",
        "customers",
        "units",
        "lines",
        "returns",
        "sales",
        "facts",
        "order",
    }
    | {"average_order_value", "average_price", "return_value", "return_rate", "net_revenue", "margin", "margin_rate"}
    | {"customer", "product", "total_cost", "total_discount", "total_tax", "returned_units"}
)
#: Roles whose column becomes a part of another one, or none.
PARTS = frozenset({FieldRole.YEAR, FieldRole.MONTH, FieldRole.DAY, FieldRole.CLOCK, FieldRole.LINE, FieldRole.IGNORE})


def target_of(source: str, role: FieldRole, table: str | None, taken: Iterable[str]) -> str | None:
    """Return the facts column a source column becomes; `table` is the lookup it stands in."""
    if role in PARTS:
        return None
    used = set(taken)
    if role in TARGETS and TARGETS[role] not in used:
        return TARGETS[role]
    plain = slug(source)
    choices = [plain]
    if table is not None:
        choices.append(f"{singular(table)}_{plain}"[:60])
    choices += [f"{choices[-1][:56]}_{number}" for number in range(2, 100)]
    if table is not None and entity_of(table) is None:
        choices = [f"{singular(table)}_{plain}"[:60], *choices]
    return next(name for name in choices if name not in used | TAKEN)


def reference(column: str, table: str | None = None) -> str:
    """Return how an expression names a source column, of the facts or of a lookup."""
    bare = column.isidentifier() and column.isascii() and not keyword.iskeyword(column)
    if table is not None:
        return f"{table}.{column}" if bare else f"column({f'{table}.{column}'!r})"
    return column if bare and column not in FUNCTIONS and column not in AGGREGATES else f"column({column!r})"


def facts_type(column: ProposedColumn) -> ColumnType:
    """Return the type of the facts column: what names something is a text, even if it is written in digits."""
    numbers = {FieldRole.MEASURE, FieldRole.AVERAGE, FieldRole.QUANTITY, *_amounts()}
    if column.role is FieldRole.TIME:
        return ColumnType.TIME
    return column.typing.type if column.role in numbers else ColumnType.TEXT


def _amounts() -> set[FieldRole]:
    return {
        FieldRole.UNIT_PRICE,
        FieldRole.DISCOUNT_SHARE,
        FieldRole.DISCOUNT,
        FieldRole.REVENUE,
        FieldRole.UNIT_COST,
        FieldRole.COST,
        FieldRole.TAX,
    }
