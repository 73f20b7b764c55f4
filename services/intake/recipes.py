"""From a proposal to a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from services.errors import LoadError
from services.intake.derivation import has_country_code
from services.intake.naming import COUNTRY_CODE, facts_type, reference
from services.intake.proposal import FieldRole, Proposal, ProposedColumn, ProposedTable
from services.model import ColumnType
from services.recipe import Lookup, MostFrequent, Recipe, Source, Typing

MODEL_FILE = "model.yaml"
#: Names that stand beside an id; for each id the most frequent is taken.
NAMED = {FieldRole.PRODUCT_NAME: FieldRole.PRODUCT, FieldRole.CUSTOMER_NAME: FieldRole.CUSTOMER}
#: The order in which facts columns are listed.
ORDER = tuple(FieldRole)


def facts_of(proposal: Proposal) -> ProposedTable:
    """Return the table with the sales."""
    return next(table for table in proposal.tables if table.use == "facts")


def targets(proposal: Proposal) -> tuple[ProposedColumn, ...]:
    """Return the columns that become facts columns, in the order they are listed."""
    used = {table.name for table in proposal.tables if table.use != "unused"}
    made = {each.target for each in proposal.derived}
    found = [each for each in proposal.columns if each.target and each.table in used and each.target not in made]
    return tuple(sorted(found, key=lambda each: ORDER.index(each.role)))


def recipe_of(proposal: Proposal, sources: Mapping[str, Source] | None = None) -> Recipe:
    """Return the recipe that loads what is proposed.

    `sources` says where each staged table is found, by its name; by default it is a file of that name beside the
    recipe. Raises LoadError while a question is open.
    """
    if proposal.open_questions:
        words = "; ".join(
            f"{each.words} ({' or '.join(o.key for o in each.options)})" for each in proposal.open_questions
        )
        raise LoadError(f"{len(proposal.open_questions)} question(s) must be answered before loading: {words}")
    facts = facts_of(proposal)
    let, columns, named = _columns(proposal, facts.name)
    has_order = any(each.role is FieldRole.ORDER for each in targets(proposal))
    return Recipe(
        recipe=1,
        name=proposal.name,
        model=MODEL_FILE,
        sources=_sources(facts, sources or {}, proposal.wheres),
        read=facts.reading,
        fields=_fields(proposal, facts.name),
        lookups={
            join.table: Lookup(
                sources=_sources(_table(proposal, join.table), sources or {}, {}),
                read=_table(proposal, join.table).reading,
                fields=_fields(proposal, join.table),
                by=join.on,
            )
            for join in proposal.joins
        },
        leave_out={each.reason: each.condition for each in proposal.leave_out if each.active},
        key=("order_id",) if has_order else (),
        let=let,
        columns=columns,
        most_frequent=named,
        country_codes={COUNTRY_CODE: "country"} if has_country_code(targets(proposal)) else {},
    )


def _table(proposal: Proposal, name: str) -> ProposedTable:
    return next(table for table in proposal.tables if table.name == name)


def _sources(table: ProposedTable, sources: Mapping[str, Source], wheres: Mapping[str, str]) -> tuple[Source, ...]:
    found = ((name, sources.get(name, Source(file=name))) for name in table.sources)
    return tuple(source.model_copy(update={"where": wheres.get(name, source.where)}) for name, source in found)


def _fields(proposal: Proposal, table: str) -> dict[str, Typing]:
    """Return how every column of a table is typed; one that is not used can refuse no row."""
    unused = {FieldRole.IGNORE, FieldRole.LINE}
    keys = {key for join in proposal.joins for key in join.on if join.table == table}
    keys |= {column.source for column in proposal.columns_of(table) if _leads(proposal, column)}
    return {
        column.source: Typing(type=column.staged)
        if column.role in unused and column.source not in keys
        else column.typing
        for column in proposal.columns_of(table)
    }


def _leads(proposal: Proposal, column: ProposedColumn) -> bool:
    """Tell whether a lookup is found by the column."""
    return any(reference(column.source) in join.on.values() for join in proposal.joins)


def _columns(proposal: Proposal, facts: str) -> tuple[dict[str, str], dict[str, str], dict[str, MostFrequent]]:
    """Return the helpers, the columns, and the names taken by majority."""
    used = targets(proposal)
    made = {each.target: each.expression for each in proposal.derived}
    let: dict[str, str] = {}
    columns = {"order_time": made.pop("order_time")} if "order_time" in made else {}
    shadows = {each.target for each in used} | set(made) | set(columns)
    named: dict[str, MostFrequent] = {}
    by_role = {each.role: each for each in used}
    for column in used:
        source = _source(column, facts, shadows, let)
        key = by_role.get(NAMED.get(column.role, FieldRole.IGNORE))
        if key is not None and key.target and column.target and column.table == facts:
            let[f"{column.target}_given"] = source
            where = f"coalesce({column.target}_given, '') != ''"
            named[column.target] = MostFrequent(
                value=f"{column.target}_given", per=key.target, where=where, otherwise=key.target
            )
        elif column.target:
            columns[column.target] = source
    return let, columns | made, named


def _source(column: ProposedColumn, facts: str, shadows: set[str | None], let: dict[str, str]) -> str:
    """Return the expression of a column; one whose name another facts column takes is kept under `let`."""
    source = reference(column.source, None if column.table == facts else column.table)
    if column.table == facts and column.source in shadows and column.source != column.target:
        alias = f"source_{column.source}"[:60]
        let[alias] = source
        source = alias
    if facts_type(column) is ColumnType.TEXT and column.typing.type is not ColumnType.TEXT:
        return f"text({source})"
    return source
