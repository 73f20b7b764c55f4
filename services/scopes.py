"""Row scopes as admins write them, checked against the data, and what a person with one would see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import pandas as pd

from services.access import EVERYTHING, NOTHING, RowScope, Viewer
from services.errors import UserError
from services.model import EMPTY
from services.periods import Period
from services.query import MAX_LIMIT, Filter, SalesQuery
from services.sales import Choice, Sales

ROWS_SHOWN = 5
#: Values of a dimension that are offered to tick, those with most of the first measure; others are written.
OFFERED = 200


@dataclass(frozen=True)
class Seen:
    """How many values of a dimension somebody sees, of how many."""

    label: str
    seen: int
    all: int


@dataclass(frozen=True)
class Preview:
    """What a row scope shows: values per dimension, the share of the first measure (None when unknown), some rows."""

    values: tuple[Seen, ...]
    measure: str
    share: float | None
    lines: pd.DataFrame | None


@dataclass(frozen=True)
class Offered:
    """Values of a dimension to tick; `chosen` stand among them, `all` tells whether there are no others."""

    dimension: str
    label: str
    values: tuple[Choice, ...]
    chosen: tuple[str, ...]
    all: bool


def offered(sales: Sales, scope: RowScope, viewer: Viewer) -> tuple[Offered, ...]:
    """Return what an admin ticks to make a scope: the model's filters, and what the scope names besides."""
    everyone, chosen = replace(viewer, scope=EVERYTHING), dict(scope.limits)
    known = [name for name in chosen if name in sales.model.dimensions]
    return tuple(
        _offered(sales, name, chosen.get(name, ()), everyone) for name in dict.fromkeys([*sales.model.filters, *known])
    )


def _offered(sales: Sales, name: str, chosen: tuple[str, ...], everyone: Viewer) -> Offered:
    most = sales.values(name, everyone, limit=OFFERED + 1)
    listed = most[:OFFERED]
    there = {each.key for each in listed}
    beside = sales.labels(name, tuple(key for key in chosen if key not in there), everyone)
    label = sales.model.dimension(name).label
    return Offered(name, label, (*beside, *listed), chosen, all=len(most) <= OFFERED)


def chosen_scope(ticked: Mapping[str, Sequence[str]], text: str) -> RowScope:
    """Return the scope of ticked values per dimension and of written rules; raises UserError as `read_rules` does."""
    limits = {name: list(values) for name, values in ticked.items() if values}
    for name, values in read_rules(text).limits:
        limits.setdefault(name, []).extend(values)
    return RowScope.of(limits) if limits else NOTHING


def read_rules(text: str) -> RowScope:
    """Return the scope of lines like country=France; without any line there are no rows. Raises UserError."""
    limits: dict[str, list[str]] = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        name, separator, value = (part.strip() for part in line.partition("="))
        if not separator or not name or not value:
            raise UserError(f"{line!r} is not a rule; write it as country=Germany.")
        limits.setdefault(name, []).append(value)
    return RowScope.of(limits) if limits else NOTHING


def write_rules(scope: RowScope) -> str:
    """Return the lines that `read_rules` reads."""
    return "\n".join(f"{name}={value}" for name, values in scope.limits for value in values)


def check_values(sales: Sales, scope: RowScope, viewer: Viewer) -> None:
    """Raise UserError for a dimension that does not exist or a value that no row has, with what comes near."""
    if sales.model is EMPTY:
        return
    for name, values in scope.limits:
        sales.model.dimension(name)
        there = set(_values(sales, name, replace(viewer, scope=EVERYTHING), values))
        missing = [value for value in values if value not in there]
        if missing:
            known = [choice.key for choice in sales.values(name, replace(viewer, scope=EVERYTHING), limit=200)]
            near = get_close_matches(missing[0], known, n=3)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise UserError(f"No row has the {name} {missing[0]!r}.{hint}")


def preview(sales: Sales, scope: RowScope, viewer: Viewer) -> Preview:
    """Return what somebody with this scope would see, asked with the viewer's permissions."""
    check_values(sales, scope, viewer)
    all_rows, limited = replace(viewer, scope=EVERYTHING), replace(viewer, scope=scope)
    model = sales.model
    measure = model.overview.measures[0]
    dimensions = [name for name, _ in scope.limits] or list(model.filters[:1])
    counts = tuple(
        Seen(model.dimension(name).label, len(_values(sales, name, limited)), len(_values(sales, name, all_rows)))
        for name in dimensions
    )
    total, seen = _total(sales, measure, all_rows), _total(sales, measure, limited)
    lines = None
    if model.lines:
        query = SalesQuery(columns=model.lines[:6], period=Period("all"), limit=ROWS_SHOWN)
        lines = sales.answer(query, limited).frame
    return Preview(counts, model.measure(measure).label, seen / total if total else None, lines)


def _values(sales: Sales, name: str, viewer: Viewer, among: tuple[str, ...] = ()) -> list[str]:
    query = SalesQuery(
        measures=(sales.model.overview.measures[0],),
        dimensions=(name,),
        period=Period("all"),
        filters=(Filter(name, "is", among),) if among else (),
        limit=MAX_LIMIT,
    )
    return [str(value) for value in sales.answer(query, viewer).frame[name].dropna()]


def _total(sales: Sales, measure: str, viewer: Viewer) -> float:
    frame = sales.answer(SalesQuery(measures=(measure,), period=Period("all")), viewer).frame
    value = frame[measure].iloc[0] if len(frame) else 0.0
    return 0.0 if pd.isna(value) else float(value)
