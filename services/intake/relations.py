"""How several tables belong together: which stack, which are looked up from which, which holds the sales."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import duckdb
from rapidfuzz import fuzz

from services.intake.headers import header
from services.intake.profile import Measured, Stack
from services.intake.proposal import FieldRole
from services.intake.staged import DeclaredKey, Staged
from services.intake.vocabulary import ID_WORDS, RETURNED_WORDS
from services.intake.words import singular, slug, tokens
from services.model import ColumnType
from services.sqltext import name_of, one

#: Keys of fewer of the rows than this are another thing of the same name.
COVERAGE = 0.2
SIMILAR = 92


@dataclass(frozen=True)
class Link:
    """Rows of `many` find at most one row of `one` by pairs of columns."""

    many: str
    one: str
    columns: tuple[tuple[str, str], ...]
    coverage: float
    reason: str


def stacks(tables: Sequence[Staged]) -> tuple[Stack, ...]:
    """Return the tables, those with the same columns stacked, each under a name of its own."""
    groups: dict[frozenset[str], list[Staged]] = defaultdict(list)
    for staged in tables:
        groups[frozenset(staged.columns)].append(staged)
    found: dict[str, Stack] = {}
    for group in groups.values():
        name = _stack_name([staged.name for staged in group])
        while name in found:
            name += "_2"
        found[name] = Stack(name, tuple(group), _columns(group))
    return tuple(found.values())


def _stack_name(names: Sequence[str]) -> str:
    stems = [re.sub(r"(\.[A-Za-z]{1,7})+$", "", name.rpartition("/")[2]) for name in names]
    common = "".join(a[0] for a in takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False)))
    worded = sum(map(str.isalpha, common)) > 2
    return slug(common if worded or len(names) == 1 else "lines", "table")[:40].rstrip("_")


def _columns(group: Sequence[Staged]) -> dict[str, ColumnType]:
    """Return the columns with the type they have in every table; text where types differ."""
    found = dict(group[0].columns)
    for staged in group[1:]:
        for column, kind in staged.columns.items():
            if found[column] is not kind:
                numbers = {found[column], kind} <= {ColumnType.INTEGER, ColumnType.NUMBER}
                found[column] = ColumnType.NUMBER if numbers else ColumnType.TEXT
    return found


def links(
    connection: duckdb.DuckDBPyConnection,
    found: Sequence[Stack],
    measured: Mapping[str, Mapping[str, Measured]],
    keys: Sequence[DeclaredKey],
) -> list[Link]:
    """Return every way from a table to a row of another, the surest first."""
    made = [link for key in keys for link in _declared(connection, found, key)]
    have = {(link.many, link.one) for link in made}
    for other in found:
        unique: dict[tuple[str, ...], bool] = {}
        for many in found:
            if many is not other and (many.name, other.name) not in have:
                made += _detected(connection, many, other, measured, unique)
    return made


def _declared(connection: duckdb.DuckDBPyConnection, found: Sequence[Stack], key: DeclaredKey) -> Iterator[Link]:
    of = {staged.name: stack for stack in found for staged in stack.staged}
    many, other = of.get(key.table), of.get(key.other)
    if many is None or other is None or many is other:
        return
    pairs = tuple(zip(key.columns, key.other_columns, strict=True))
    if all(a in many.columns and b in other.columns for a, b in pairs):
        yield Link(
            many.name, other.name, pairs, _coverage(connection, many, other, pairs), "the database declares the key"
        )


def _detected(
    connection: duckdb.DuckDBPyConnection,
    many: Stack,
    other: Stack,
    measured: Mapping[str, Mapping[str, Measured]],
    unique: dict[tuple[str, ...], bool],
) -> Iterator[Link]:
    """Yield the best key from `many` to `other`: one column, or else all those they share."""
    likely = [
        (score, a, b)
        for b, right in measured[other.name].items()
        if right.filled == other.rows and not right.is_time
        for a, left in measured[many.name].items()
        if left.filled and (score := _alike(a, b, other.name)) >= SIMILAR
    ]
    for _, a, b in sorted(likely, key=lambda each: -each[0]):
        if _is_unique(connection, other, (b,), unique):
            coverage = _coverage(connection, many, other, ((a, b),))
            if coverage >= COVERAGE:
                words = f"{b!r} is different in each of its rows and holds {coverage:.0%} of the values of {a!r}"
                yield Link(many.name, other.name, ((a, b),), coverage, words)
                return
    shared = tuple(
        sorted(column for column in other.columns if column in many.columns and _keyed(measured, other, column))
    )
    if len(shared) > 1 and _is_unique(connection, other, shared, unique):
        pairs = tuple((column, column) for column in shared)
        coverage = _coverage(connection, many, other, pairs)
        if coverage >= COVERAGE:
            words = f"{', '.join(shared)} together are different in each of its rows and found for {coverage:.0%}"
            yield Link(many.name, other.name, pairs, coverage, words)


def _keyed(measured: Mapping[str, Mapping[str, Measured]], stack: Stack, column: str) -> bool:
    each = measured[stack.name][column]
    return not (each.is_number and not each.whole) and each.filled > 0


def _alike(column: str, key: str, table: str) -> float:
    """Return how surely a column names a key of a table, by their headers: equal, `id` of the table, or nearly."""
    left, right = tokens(column), tokens(key)
    if left == right:
        return 100.0
    entity = tokens(singular(table))
    if set(right) <= ID_WORDS and left[: len(entity)] == entity and set(left[len(entity) :]) <= ID_WORDS:
        return 98.0
    plain_left, plain_right = ([word for word in words if word not in ID_WORDS] for words in (left, right))
    if plain_left and plain_left == plain_right:
        return 95.0
    if not header(column).is_id or not header(key).is_id:
        return 0.0
    return float(fuzz.ratio("".join(left), "".join(right)))


def _is_unique(
    connection: duckdb.DuckDBPyConnection, stack: Stack, columns: tuple[str, ...], known: dict[tuple[str, ...], bool]
) -> bool:
    if columns not in known:
        key = ", ".join(map(name_of, columns))
        repeated = one(
            connection,
            f"SELECT count(*) FROM (SELECT 1 FROM {stack.typed} GROUP BY {key} HAVING count(*) > 1 LIMIT 1)",
        )
        known[columns] = repeated[0] == 0
    return known[columns]


def _coverage(
    connection: duckdb.DuckDBPyConnection, many: Stack, other: Stack, pairs: Sequence[tuple[str, str]]
) -> float:
    """Return the share of the rows with a key that find one."""
    left = ", ".join(f"CAST({name_of(a)} AS VARCHAR)" for a, _ in pairs)
    right = ", ".join(f"CAST({name_of(b)} AS VARCHAR)" for _, b in pairs)
    given = " AND ".join(f"{name_of(a)} IS NOT NULL" for a, _ in pairs)
    share = one(
        connection,
        f"SELECT avg(CAST(({left}) IN (SELECT ({right}) FROM {other.typed}) AS DOUBLE)) FROM {many.typed} "
        f"WHERE {given}",
    )
    return float(share[0] or 0.0)


def reachable(start: str, found: Sequence[Link]) -> list[Link]:
    """Return the links by which tables are looked up from `start`, each table once, near ones first."""
    chosen: list[Link] = []
    seen = {start}
    front = [start]
    while front:
        steps = [link for link in found if link.many in front and link.one not in seen]
        steps.sort(key=lambda link: -link.coverage)
        front = []
        for link in steps:
            if link.one not in seen:
                seen.add(link.one)
                chosen.append(link)
                front.append(link.one)
    return chosen


def entity_of(table: str) -> FieldRole | None:
    """Return what the rows of a table are, by its name; None when it is not one of the roles."""
    head = header(singular(table))
    wanted = (FieldRole.CUSTOMER, FieldRole.PRODUCT, FieldRole.ORDER, FieldRole.CATEGORY, FieldRole.REGION)
    ranked = sorted(((head.share(role), -rank, role) for rank, role in enumerate(wanted)), reverse=True)
    return ranked[0][2] if ranked[0][0] > 0 else None


def is_returns(table: str) -> bool:
    """Tell whether a table lists what came back, by its name."""
    words = set(tokens(table))
    return bool((words | {singular(word) for word in words}) & RETURNED_WORDS)
