"""What lies behind a number: an order with all its lines, a customer with its orders."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from services.access import Viewer
from services.errors import QueryError, UnknownNameError
from services.model import Role, SalesModel
from services.overview import default_query
from services.periods import Compare, Grain
from services.query import ALL_DATA, Filter, Params, SalesQuery, Sort, from_params
from services.sales import Answer, Sales

PREFIX = "details-"
#: Lines of an order, and orders of a customer, that are read at most.
LINES, ORDERS, PRODUCTS = 1_000, 200, 15
#: What has details, and the setting that names one.
ROLES = {"order": Role.ORDER, "customer": Role.CUSTOMER}


@dataclass(frozen=True)
class DetailQuery:
    """What the page shows: `kind` is order or customer, "" for neither; `key` names it."""

    query: SalesQuery
    kind: str = ""
    key: str = ""


def default(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing."""
    return replace(default_query(model), period=ALL_DATA, compare=Compare.NONE)


def dimension_of(model: SalesModel, kind: str) -> str:
    """Return the dimension of orders or customers; raises QueryError where the data have none."""
    name = model.by_role(ROLES[kind])
    if name is None:
        raise QueryError(f"These data have no {kind}s. Give a dimension of the model the role `{kind}`.")
    return name


def read(params: Params, model: SalesModel) -> tuple[DetailQuery, tuple[str, ...]]:
    """Return what a URL's parameters ask for, and a notice per parameter not used. Never raises.

    Where both an order and a customer are named, the order is shown.
    """
    query, notices = from_params(params, default(model), model)
    query = replace(query, measures=default_query(model).measures, dimensions=(), grain=None, sort=())
    own = {key.removeprefix(PREFIX): value for key, value in reversed(params) if key.startswith(PREFIX) and value}
    problems = [
        str(UnknownNameError("setting of this page", PREFIX + k, map(PREFIX.__add__, ROLES)))
        for k in own
        if k not in ROLES
    ]
    kind = next((kind for kind in ROLES if kind in own), "")
    return DetailQuery(query, kind, own.get(kind, "")), (*notices, *problems)


def of(asked: DetailQuery, model: SalesModel) -> SalesQuery:
    """Return the measures of the order or customer asked for."""
    name = dimension_of(model, asked.kind)
    others = tuple(each for each in asked.query.filters if each.field != name)
    return replace(asked.query, filters=(*others, Filter(name, "is", (asked.key,))))


def totals(sales: Sales, asked: DetailQuery, viewer: Viewer) -> Answer:
    """Return the overview's measures of the order or customer; raises QueryError where there is none that is seen."""
    query = of(asked, sales.model)
    if asked.kind == "order":
        query = replace(query, measures=_telling(query.measures, sales.model, dimension_of(sales.model, "order")))
    answer = sales.answer(query, viewer)
    if answer.trust.rows == 0:
        label = sales.model.dimension(dimension_of(sales.model, asked.kind)).label.lower()
        raise QueryError(
            f"There is no {label} {asked.key[:80]!r} among the rows you may see, in this period and with these filters."
        )
    return answer


def lines(sales: Sales, asked: DetailQuery, viewer: Viewer) -> tuple[Answer, int]:
    """Return the order lines of an order, the first LINES of them, and how many there are."""
    query = of(asked, sales.model)
    found = SalesQuery(columns=sales.model.lines, period=query.period, filters=query.filters, limit=LINES)
    return sales.answer(found, viewer), sales.count_lines(found, viewer)


def customer_of(sales: Sales, asked: DetailQuery, viewer: Viewer) -> list[str]:
    """Return the customers of an order: one, or none where it has no number."""
    name = sales.model.by_role(Role.CUSTOMER)
    if name is None or asked.kind != "order":
        return []
    query = replace(of(asked, sales.model), measures=default_query(sales.model).measures[:1], dimensions=(name,))
    return [str(key) for key in sales.answer(query, viewer).frame[name].dropna()]


def orders(sales: Sales, asked: DetailQuery, viewer: Viewer) -> Answer | None:
    """Return the orders by day, latest first, of a day the largest first; those of a customer where one is asked for.

    None where the data have no orders.
    """
    name = sales.model.by_role(Role.ORDER)
    if name is None:
        return None
    base = of(asked, sales.model) if asked.kind == "customer" else asked.query
    kept = _telling(base.measures, sales.model, name)
    sort = (Sort("time", descending=True), Sort(kept[0], descending=True))
    query = replace(base, measures=kept, dimensions=(name,), grain=Grain.DAY, compare=Compare.NONE)
    return sales.answer(replace(query, sort=sort, limit=ORDERS), viewer)


def _telling(measures: tuple[str, ...], model: SalesModel, order: str) -> tuple[str, ...]:
    """Return the measures that say something of a single order: no counts of orders or customers, nothing per such."""
    counts = _counts(model, order)
    kept = tuple(
        name
        for name in measures
        if name not in counts and not set(re.findall(r"\w+", model.measure(name).expression)) & {*counts}
    )
    return kept or measures


def _counts(model: SalesModel, order: str) -> list[str]:
    """Return the measures that count orders or customers."""
    columns = [model.dimension(order).column]
    columns += [model.dimension(name).column for role in (Role.CUSTOMER,) if (name := model.by_role(role))]
    counting = {f"count_distinct({column})" for column in columns}
    return [name for name, each in model.measures.items() if each.expression.replace(" ", "") in counting]


def products(sales: Sales, asked: DetailQuery, viewer: Viewer) -> Answer | None:
    """Return what a customer buys most; None where the data have no products."""
    name = sales.model.by_role(Role.PRODUCT)
    if name is None:
        return None
    query = of(asked, sales.model)
    measure = query.measures[0]
    query = replace(
        query, measures=(measure,), dimensions=(name,), sort=(Sort(measure, descending=True),), limit=PRODUCTS
    )
    return sales.answer(query, viewer)
