"""The measures of a generated model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.intake.naming import LINE_KIND
from services.intake.proposal import FieldRole, Proposal
from services.intake.recipes import targets
from services.model import ColumnType, Format, Measure


class Rule(NamedTuple):
    """A measure and the facts columns it needs."""

    name: str
    needs: frozenset[str]
    measure: Measure


def _rule(
    name: str, needs: str, label: str, expression: str, form: Format, synonyms: str = "", words: str = ""
) -> Rule:
    split = tuple(word for word in synonyms.split(", ") if word)
    made = Measure(label=label, expression=expression, format=form, synonyms=split, description=words)
    return Rule(name, frozenset(needs.split()), made)


MONEY = Format.CURRENCY
#: Measures of sales, in the order of the first page; each is made when its columns are there.
RULES = (
    _rule(
        "revenue",
        "revenue",
        "Revenue",
        "sum(revenue)",
        MONEY,
        "sales, turnover, sales value, income, takings, amount, money",
        "What was sold.",
    ),
    _rule(
        "orders", "order_id", "Orders", "count_distinct(order_id)", Format.INTEGER, "invoices, transactions, purchases"
    ),
    _rule("customers", "customer_id", "Customers", "count_distinct(customer_id)", Format.INTEGER, "buyers, clients"),
    _rule("units", "quantity", "Units", "sum(quantity)", Format.INTEGER, "quantity, volume, qty, pieces, units sold"),
    _rule(
        "average_order_value",
        "revenue order_id",
        "Average order",
        "revenue / orders",
        MONEY,
        "aov, basket value, order value",
        "Revenue per order.",
    ),
    _rule(
        "margin", "revenue cost", "Margin", "revenue - total_cost", MONEY, "profit, gross profit", "Revenue less cost."
    ),
    _rule("margin_rate", "revenue cost", "Margin rate", "margin / revenue", Format.PERCENT, "profit margin"),
    _rule(
        "average_price",
        "revenue quantity",
        "Average price",
        "revenue / units",
        MONEY,
        "price, unit price",
        "Revenue per unit sold.",
    ),
    _rule("total_discount", "discount", "Discount", "sum(discount)", MONEY, "discounts, rebate", "What was taken off."),
    _rule("total_cost", "cost", "Cost", "sum(cost)", MONEY, "costs, cogs"),
    _rule("total_tax", "tax", "Tax", "sum(tax)", MONEY, "vat"),
)
PRICES = Measure(
    label="Average price",
    expression="sum(unit_price) / count(unit_price)",
    format=MONEY,
    description="Average over the rows that have a price.",
    synonyms=("price", "unit price"),
)
LINES = Measure(
    label="Lines",
    expression="count()",
    format=Format.INTEGER,
    description="Rows of the data.",
    synonyms=("rows", "records"),
)


def measures_of(proposal: Proposal, *, segmented: bool, taken: frozenset[str]) -> dict[str, Measure]:
    """Return the measures the columns allow; with segments, sales are counted without returns."""
    used = targets(proposal)
    columns = {each.target for each in used} | {each.target for each in proposal.derived}
    where = "sales" if segmented else None
    found = {rule.name: rule.measure for rule in RULES if rule.needs <= columns}
    if "unit_price" in columns and "average_price" not in found:
        found["average_price"] = PRICES
    found |= {name: made for name, made in _extras(proposal) if name not in found}
    if segmented:
        found = {name: _within(made, where) for name, made in found.items()} | dict(_returns(proposal, columns))
    found["lines"] = LINES.model_copy(update={"where": where})
    first = [name for name in found if name in {rule.name for rule in RULES}]
    ordered = [*first, *(name for name in found if name not in first)]
    if not first:
        ordered = [*(name for name in ordered if name != "lines"), "lines"]
    return {name if name not in taken else f"total_{name}": found[name] for name in ordered}


def _within(measure: Measure, where: str | None) -> Measure:
    """Return a measure over the rows of a segment; one made of other measures needs none of its own."""
    aggregates = any(f"{word}(" in measure.expression for word in ("sum", "count", "count_distinct", "min", "max"))
    return measure.model_copy(update={"where": where if aggregates else None})


def _extras(proposal: Proposal) -> Iterator[tuple[str, Measure]]:
    """Yield a sum for each further number that adds up, an average for each that does not."""
    for column in targets(proposal):
        money = column.typing.type is ColumnType.MONEY
        if column.role is FieldRole.MEASURE and column.target:
            form = MONEY if money else Format.INTEGER if column.typing.type is ColumnType.INTEGER else Format.NUMBER
            yield column.target, Measure(label=column.label, expression=f"sum({column.target})", format=form)
        if column.role is FieldRole.AVERAGE and column.target:
            form = Format.PERCENT if column.typing.percent else MONEY if money else Format.NUMBER
            words = f"Average of {column.label} over the rows that have one."
            average = f"sum({column.target}) / count({column.target})"
            label = (
                column.label
                if column.label.casefold().startswith(("average", "avg", "mean"))
                else f"Average {_lower(column.label)}"
            )
            yield column.target, Measure(label=label, expression=average, format=form, description=words)


def _lower(label: str) -> str:
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def _returns(proposal: Proposal, columns: set[str | None]) -> Iterator[tuple[str, Measure]]:
    kind = next(each for each in proposal.derived if each.target == LINE_KIND)
    if "'return'" not in kind.expression:
        return
    if "revenue" in columns:
        yield (
            "return_value",
            Measure(
                label="Returned",
                expression="sum(abs(revenue))",
                where="returns",
                format=MONEY,
                up_is_good=False,
                description="Value of returned lines.",
                synonyms=("returns", "refunds", "cancellations"),
            ),
        )
        yield (
            "return_rate",
            Measure(
                label="Return rate",
                expression="return_value / revenue",
                format=Format.PERCENT,
                up_is_good=False,
                description="Returned value per revenue of the same period.",
            ),
        )
    elif "quantity" in columns:
        yield (
            "returned_units",
            Measure(
                label="Returned units",
                expression="sum(abs(quantity))",
                where="returns",
                format=Format.INTEGER,
                up_is_good=False,
            ),
        )
