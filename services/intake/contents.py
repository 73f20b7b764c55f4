"""What the values of columns say of their roles: countries, products of columns, names that belong to ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from services.geography import country_code
from services.intake.profile import Measured, Stack
from services.sqltext import name_of, one

LOOKED_AT = 2_000
#: Rows on which arithmetic is tried.
TRIED_ROWS = 100_000
HOLDS = 0.9


@dataclass(frozen=True)
class Product:
    """`total` is `left` times `right` on this share of the rows; `less` is taken off, as a share or an amount."""

    left: str
    right: str
    total: str
    share: float
    less: str | None = None
    as_share: bool = False


def country_share(connection: duckdb.DuckDBPyConnection, stack: Stack, column: str) -> tuple[float, float]:
    """Return which shares of the rows and of the distinct values are names or codes of countries."""
    name = name_of(column)
    rows = connection.execute(
        f"SELECT CAST({name} AS VARCHAR) AS v, count(*) FROM {stack.typed} WHERE {name} IS NOT NULL "
        f"GROUP BY v ORDER BY count(*) DESC LIMIT {LOOKED_AT}"
    ).fetchall()
    if not rows:
        return 0.0, 0.0
    known = [(value, count) for value, count in rows if not value.isdigit() and country_code(value)]
    return sum(count for _, count in known) / sum(count for _, count in rows), len(known) / len(rows)


def belongs(connection: duckdb.DuckDBPyConnection, stack: Stack, key: str, name: str) -> float:
    """Return on which share of the rows the column `name` is the one most frequent for its `key`."""
    k, n = name_of(key), name_of(name)
    found = one(
        connection,
        f"SELECT sum(top), sum(total) FROM (SELECT max(c) AS top, sum(c) AS total FROM "
        f"(SELECT {k}, {n}, count(*) AS c FROM {stack.typed} WHERE {k} IS NOT NULL AND {n} IS NOT NULL GROUP BY 1, 2) "
        f"GROUP BY {k})",
    )
    return float(found[0] / found[1]) if found[1] else 0.0


def product(
    connection: duckdb.DuckDBPyConnection,
    stack: Stack,
    lefts: Sequence[str],
    rights: Sequence[str],
    totals: Sequence[str],
    discounts: Sequence[str] = (),
) -> Product | None:
    """Return the columns of which one is the product of two others, perhaps less a discount, on nearly all rows."""
    tried: list[tuple[Product, str]] = []
    for left in lefts:
        for right in rights:
            for total in totals:
                if len({left, right, total}) == 3:
                    tried += _forms(left, right, total, discounts)
    if not tried:
        return None
    sums = ", ".join(
        f"avg(CAST(abs({name_of(each.total)} - ({sql})) <= 0.011 + 0.002 * abs({name_of(each.total)}) AS DOUBLE)) "
        f"FILTER ({name_of(each.total)} <> 0 AND {name_of(each.left)} <> 1 AND {name_of(each.right)} <> 1)"
        for each, sql in tried
    )
    shares = one(connection, f"SELECT {sums} FROM (SELECT * FROM {stack.typed} LIMIT {TRIED_ROWS})")
    best, share = max(zip((each for each, _ in tried), shares, strict=True), key=lambda pair: pair[1] or 0.0)
    if (share or 0.0) < HOLDS:
        return None
    return Product(best.left, best.right, best.total, share, best.less, best.as_share)


def _forms(left: str, right: str, total: str, discounts: Sequence[str]) -> list[tuple[Product, str]]:
    times = f"CAST({name_of(left)} AS DOUBLE) * {name_of(right)}"
    found = [(Product(left, right, total, 0.0), times)]
    for less in discounts:
        if less not in {left, right, total}:
            share = f"(CASE WHEN {name_of(less)} > 1 THEN {name_of(less)} / 100.0 ELSE {name_of(less)} END)"
            found.append((Product(left, right, total, 0.0, less, as_share=True), f"{times} * (1 - {share})"))
            found.append((Product(left, right, total, 0.0, less), f"{times} - {name_of(less)}"))
    return found


def unnamed_product(connection: duckdb.DuckDBPyConnection, stack: Stack, numbers: Sequence[Measured]) -> Product | None:
    """Return a whole-number column, another and their product, found by arithmetic alone."""
    varied = [each for each in numbers if each.distinct > 2][:10]
    whole = [each.name for each in varied if each.whole]
    found: Product | None = None
    for left in whole:
        rest = [each.name for each in varied if each.name != left]
        best = product(connection, stack, [left], rest, rest)
        if best and (found is None or best.share > found.share):
            found = best
    return found
