"""Facts that stay in the tables of a database: the select that makes the model's columns of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from services.errors import ExpressionError, UnknownNameError
from services.expressions import Compiler, Element

if TYPE_CHECKING:
    from services.model import Origin, Place, Translated

Types = Mapping[Any, sa.types.TypeEngine[Any]]


def facts_of(place: Place, name: str, key: str, columns: Types, types: Types) -> sa.Subquery:
    """Return the facts as a subquery called `name` with `columns` and the whole-number column `key`.

    `types` are the SQL types by their names in the place. Raises UnknownNameError or ExpressionError.
    """
    line = _table(place, "line")
    names = _typed(place, line, "", types)
    source: Any = line
    for alias, join in place.joins.items():
        table = _table(join, alias)
        found = _typed(join, table, f"{alias}.", types)
        source = source.outerjoin(table, sa.and_(*_matches(alias, join.by, names, found)))
        names |= found
    wanted = [sa.not_(sa.func.coalesce(Compiler(names).compile(rule), sa.false())) for rule in place.leave_out.values()]
    if place.where is not None:
        wanted.append(Compiler(names).compile(place.where))
    selected: list[sa.Label[Any]] = [_key(place, names).label(key)]
    for column, rule in {**place.let, **place.columns}.items():
        element = _value(names, rule)
        if column in place.columns:
            if column not in columns:
                raise UnknownNameError("column of the facts", column, columns)
            element = _as(element, columns[column])
            selected.append(element.label(column))
        names[column] = element
    missing = [column for column in columns if column != key and column not in place.columns]
    if missing:
        raise ExpressionError(f"nothing says what the columns {', '.join(missing)} are made of.")
    return sa.select(*selected).select_from(source).where(*wanted).subquery(name)


def _table(origin: Origin, alias: str) -> sa.FromClause:
    columns: list[sa.ColumnClause[Any]] = [sa.column(sa.quoted_name(name, True)) for name in origin.fields]
    schema = sa.quoted_name(origin.in_schema, True)
    return sa.table(sa.quoted_name(origin.table, True), *columns, schema=schema).alias(alias)


def _typed(origin: Origin, table: sa.FromClause, prefix: str, types: Types) -> dict[str, Element]:
    return {f"{prefix}{name}": _as(table.c[name], types[kind]) for name, kind in origin.fields.items()}


def _as(value: Element, kind: sa.types.TypeEngine[Any]) -> Element:
    cast: Element = sa.cast(value, kind)
    # Texts compare and sort by their bytes, whatever the database's own order is.
    return cast.collate("C") if isinstance(kind, sa.String) else cast


def _matches(
    alias: str, by: Mapping[str, str], names: Mapping[str, Element], found: Mapping[str, Element]
) -> Iterator[Element]:
    for column, rule in by.items():
        right = found.get(f"{alias}.{column}")
        if right is None:
            raise UnknownNameError(f"column of {alias!r}", column, (name.partition(".")[2] for name in found))
        left = Compiler(names).compile(rule)
        if type(left.type) is not type(right.type):
            left, right = (_as(side, sa.String()) for side in (left, right))
        yield left == right


def _key(place: Place, names: Mapping[str, Element]) -> Element:
    """Return what tells a row from others: its whole-number key, else a number made of its key's texts."""
    key = place.key or tuple(place.fields)
    for name in key:
        if name not in names:
            raise UnknownNameError("column", name, names)
    if len(key) == 1 and isinstance(names[key[0]].type, sa.BigInteger):
        return names[key[0]]
    joined = sa.func.concat_ws("|", *(sa.cast(names[name], sa.String) for name in key))
    return sa.func.hashtextextended(joined, sa.literal_column("0"), type_=sa.BigInteger())


def _value(names: Mapping[str, Element], rule: str | Translated) -> Element:
    if isinstance(rule, str):
        return Compiler(names).compile(rule)
    value = Compiler(names).compile(rule.value)
    otherwise: Element = sa.null() if rule.only else value
    return sa.case(rule.replace, value=value, else_=otherwise) if rule.replace else otherwise
