"""What the Overview asks: one query per tile, made from what the filter bar says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from services.access import Viewer
from services.model import Role, SalesModel
from services.periods import Compare, Grain, Period, Window
from services.query import Filter, SalesQuery, Sort
from services.sales import Answer, Sales

TOP = 15


@dataclass(frozen=True)
class Tile:
    """A part of the page: its key, the role it needs the data to have, and its query.

    `query(base, model, grain)` makes it from the page's query, which holds period, comparison and filters.
    """

    key: str
    needs: Role | None
    query: Callable[[SalesQuery, SalesModel, Grain], SalesQuery]


def _main(base: SalesQuery) -> tuple[str, ...]:
    return base.measures[:1]


def _figures(base: SalesQuery, model: SalesModel) -> SalesQuery:
    """Return the query of the key figures, and of the sparklines with a grain: whatever measure the charts show."""
    return replace(base, measures=tuple(dict.fromkeys((*model.overview.measures, *_main(base)))), sort=())


def rank_segments(query: SalesQuery, model: SalesModel) -> tuple[str, ...]:
    """Return the segments a ranking keeps to, such as merchandise.

    Those its dimensions name, unless the query names segments, or filters such a dimension, or the type of product,
    itself.
    """
    typed = query.filtered(model.by_role(Role.PRODUCT_TYPE) or "")
    if query.segments:
        return query.segments
    found: list[str] = []
    for name in query.dimensions:
        within = model.dimensions[name].rank_within if name in model.dimensions else None
        if within and within not in found and not typed and not query.filtered(name):
            found.append(within)
    return tuple(found)


def _ranking(role: Role, limit: int | None = None) -> Callable[[SalesQuery, SalesModel, Grain], SalesQuery]:
    def query(base: SalesQuery, model: SalesModel, _grain: Grain) -> SalesQuery:
        ranked = replace(
            base,
            measures=_main(base),
            dimensions=(model.by_role(role) or "",),
            sort=(Sort(base.measures[0], descending=True),),
            limit=limit,
        )
        return replace(ranked, segments=rank_segments(ranked, model))

    return query


TILES: tuple[Tile, ...] = (
    Tile("kpis", None, lambda base, model, grain: _figures(base, model)),
    Tile("trend", None, lambda base, model, grain: replace(_figures(base, model), grain=grain)),
    Tile("places", Role.COUNTRY, _ranking(Role.COUNTRY)),
    Tile("products", Role.PRODUCT, _ranking(Role.PRODUCT, TOP)),
    Tile(
        "hours",
        None,
        lambda base, model, grain: replace(
            base, measures=_main(base), dimensions=("weekday", "hour"), compare=Compare.NONE
        ),
    ),
)


def default_query(model: SalesModel) -> SalesQuery:
    """Return what the page shows when the URL says nothing."""
    overview = model.overview
    return SalesQuery(measures=overview.measures, period=Period(overview.period), compare=overview.compare)


def grain_of(window: Window) -> Grain:
    """Return the bucket size that shows a period in a readable number of points."""
    days = window.asked.days
    return Grain.DAY if days <= 45 else Grain.WEEK if days <= 100 else Grain.MONTH


def offered(model: SalesModel) -> tuple[Tile, ...]:
    """Return the tiles this model's data can fill."""
    return tuple(tile for tile in TILES if tile.needs is None or model.by_role(tile.needs))


def answers(sales: Sales, tiles: Iterable[Tile], base: SalesQuery, viewer: Viewer) -> dict[str, Answer]:
    """Return the answer of each tile by its key."""
    asked = queries(sales, tiles, base)
    return dict(zip(asked, sales.answer_many([*asked.values()], viewer), strict=True))


def queries(sales: Sales, tiles: Iterable[Tile], base: SalesQuery) -> dict[str, SalesQuery]:
    """Return the query of each tile by its key; the time grain is the one asked for, or what suits the period."""
    grain = base.grain or grain_of(sales.window(base))
    plain = replace(base, grain=None, dimensions=(), segments=())
    return {tile.key: tile.query(plain, sales.model, grain) for tile in tiles}


def rest_of(base: SalesQuery, model: SalesModel, field: str) -> SalesQuery | None:
    """Return the key figures of all that a filter on this dimension leaves out; None where it keeps to nothing."""
    kept = base.chosen(field)
    if not kept or field not in model.dimensions:
        return None
    others = tuple(each for each in base.filters if each.field != field)
    plain = replace(base, grain=None, dimensions=(), segments=(), filters=(*others, Filter(field, "not", kept)))
    return _figures(plain, model)
