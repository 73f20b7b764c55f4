"""From a proposal to the model of the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from services import yamlfile
from services.errors import LoadError
from services.intake.derivation import has_country_code
from services.intake.headers import header
from services.intake.measures import measures_of
from services.intake.naming import COUNTRY_CODE, LINE_KIND, facts_type
from services.intake.proposal import FieldRole, Proposal, ProposedColumn
from services.intake.recipes import targets
from services.intake.words import plural
from services.model import Column, ColumnType, Dimension, Facts, Overview, Role, SalesModel, Segment
from services.periods import Compare

#: A model whose data ended longer ago counts "this year" from the last day of the data.
STALE = dt.timedelta(days=60)
MANY_VALUES, MOST_FILTERS = 500, 8

#: Field role -> (dimension, label of it, role in the model, synonyms).
ENTITIES: dict[FieldRole, tuple[str, str, Role, tuple[str, ...]]] = {
    FieldRole.COUNTRY: ("country", "Country", Role.COUNTRY, ("market", "nation")),
    FieldRole.PRODUCT: ("product", "Product", Role.PRODUCT, ("item", "article", "sku")),
    FieldRole.CUSTOMER: ("customer", "Customer", Role.CUSTOMER, ("buyer", "client")),
    FieldRole.ORDER: ("order", "Order", Role.ORDER, ("invoice", "transaction")),
}
ONCE = {FieldRole.CATEGORY: Role.PRODUCT_TYPE, FieldRole.CHANNEL: Role.CHANNEL}
LABELS = {FieldRole.PRODUCT: FieldRole.PRODUCT_NAME, FieldRole.CUSTOMER: FieldRole.CUSTOMER_NAME}
GROUPS = (
    FieldRole.CATEGORY,
    FieldRole.REGION,
    FieldRole.CITY,
    FieldRole.CHANNEL,
    FieldRole.STATUS,
    FieldRole.CURRENCY,
    FieldRole.DIMENSION,
    FieldRole.CUSTOMER_NAME,
    FieldRole.PRODUCT_NAME,
)


def model_of(proposal: Proposal, today: dt.date | None = None) -> SalesModel:
    """Return the model of what is proposed; raises LoadError when a name given by a person makes it impossible."""
    segments = _segments(proposal)
    dimensions = dict(_dimensions(proposal))
    measures = measures_of(proposal, segmented=bool(segments), taken=frozenset(dimensions))
    first, last = _moment(proposal.first), _moment(proposal.last)
    period, compare = _period(first, last)
    old = last is not None and dt.datetime.combine(today or dt.date.today(), dt.time()) - last > STALE
    columns = dict(_columns(proposal))
    model = SalesModel(
        model=1,
        name=proposal.name,
        title=proposal.title,
        currency=proposal.currency,
        today="data" if old else "clock",
        facts=Facts(time="order_time", columns=columns),
        segments=segments,
        dimensions=dimensions,
        measures=measures,
        filters=tuple(_filters(proposal, dimensions)),
        lines=tuple(name for name in columns if name not in {"line_id", COUNTRY_CODE}),
        overview=Overview(measures=tuple(measures)[:6], period=period, compare=compare),
    )
    for problem in model.problems():
        raise LoadError(f"The proposed model is not sound: {'.'.join(map(str, problem.location))}: {problem.message}")
    return model


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _columns(proposal: Proposal) -> Iterator[tuple[str, Column]]:
    yield "line_id", Column(type=ColumnType.INTEGER, label="Line")
    used = targets(proposal)
    made = {each.target: each for each in proposal.derived}
    if "order_time" in made:
        yield "order_time", Column(type=ColumnType.TIME, label=made.pop("order_time").label)
    for column in used:
        if column.target:
            yield column.target, Column(type=facts_type(column), label=column.label)
        if column.role is FieldRole.COUNTRY and has_country_code(used):
            yield COUNTRY_CODE, Column(type=ColumnType.TEXT, label="Country code")
    for name, each in made.items():
        yield name, Column(type=each.type, label=each.label)


def _segments(proposal: Proposal) -> dict[str, Segment]:
    kind = next((each for each in proposal.derived if each.target == LINE_KIND), None)
    if kind is None:
        return {}
    found = {
        "sales": Segment(label="Sales", condition=f"{LINE_KIND} == 'sale'", description="Lines that are no returns.")
    }
    if "'return'" in kind.expression:
        words = kind.reason[:1].upper() + kind.reason[1:] + "."
        found["returns"] = Segment(label="Returns", condition=f"{LINE_KIND} == 'return'", description=words)
    return found


def _dimensions(proposal: Proposal) -> Iterator[tuple[str, Dimension]]:
    used = targets(proposal)
    by_role = {each.role: each for each in reversed(used)}
    labels = {column.target for role, column in by_role.items() if role in LABELS.values()}
    for role, (name, plain, model_role, synonyms) in ENTITIES.items():
        column = by_role.get(role)
        if column is not None and column.target:
            yield name, _entity(column, by_role.get(LABELS.get(role, role)), plain, model_role, synonyms, used)
    given: set[Role] = set()
    for column in used:
        named = column.role in LABELS.values() and column.target in labels and _has_key(column, by_role)
        if column.role in GROUPS and column.target and not named:
            role_here = ONCE.get(column.role)
            yield (
                column.target,
                Dimension(
                    label=column.label,
                    plural=plural(column.label),
                    column=column.target,
                    role=None if role_here in given else role_here,
                ),
            )
            given |= {role_here} if role_here else set()
    if any(each.target == LINE_KIND for each in proposal.derived):
        yield LINE_KIND, Dimension(label="Kind of line", plural="Kinds of line", column=LINE_KIND)


def _has_key(column: ProposedColumn, by_role: dict[FieldRole, ProposedColumn]) -> bool:
    return any(name is column.role and key in by_role for key, name in LABELS.items())


def _entity(
    column: ProposedColumn,
    named: ProposedColumn | None,
    plain: str,
    role: Role,
    synonyms: tuple[str, ...],
    used: tuple[ProposedColumn, ...],
) -> Dimension:
    head = header(column.label)
    own = plain if head.is_id or head.is_name or len(head.words) > 2 else column.label
    others = tuple(word for word in (plain.casefold(), *synonyms) if word != own.casefold())
    return Dimension(
        label=own,
        plural=plural(own),
        column=column.target or "",
        label_column=named.target if named is not None and named is not column else None,
        code_column=COUNTRY_CODE if role is Role.COUNTRY and has_country_code(used) else None,
        role=role,
        synonyms=others,
    )


def _filters(proposal: Proposal, dimensions: dict[str, Dimension]) -> Iterator[str]:
    """Yield what people filter by: the roles pages know, then small dimensions."""
    distinct = {column.target: column.distinct for column in targets(proposal)}
    first = [name for name in ("country", "product") if name in dimensions]
    small = [
        name
        for name, each in dimensions.items()
        if name not in {*first, "order", "customer", LINE_KIND} and 1 < distinct.get(each.column, 0) <= MANY_VALUES
    ]
    yield from [*first, *small][:MOST_FILTERS]


def _period(first: dt.datetime | None, last: dt.datetime | None) -> tuple[str, Compare]:
    """Return a period that the span of the data can fill and compare."""
    if first is None or last is None:
        return "all", Compare.NONE
    days = (last - first).days
    for fewest, period, compare in (
        (380, "ytd", Compare.YEAR),
        (180, "last_90_days", Compare.PRIOR),
        (60, "last_30_days", Compare.PRIOR),
        (14, "last_7_days", Compare.PRIOR),
    ):
        if days >= fewest:
            return period, compare
    return "all", Compare.NONE


def check_text(text: str, path: Path) -> SalesModel:
    """Return the model written in a text; raises DefinitionError with the line of the first mistake."""
    return yamlfile.parse(text, SalesModel, path)
