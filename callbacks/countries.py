"""Countries: what its URL means and which tiles it has: for all, for one, or for some side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from callbacks.tiled_page import TiledPage, TileOf
from layouts import countries as layout
from layouts import country
from layouts.changes import changes
from layouts.tiles import Drawn
from services import countries, pivot
from services.access import Viewer
from services.countries import CountryQuery
from services.model import Role, SalesModel
from services.overview import grain_of
from services.periods import Compare
from services.pivot import TIME, Pivot
from services.sales import Answer, Sales
from services.spine import with_gaps


def needs(model: SalesModel) -> str:
    """Return why these data have no countries to show, or ""."""
    return "" if model.by_role(Role.COUNTRY) else "No dimension of the model of these data has the role `country`."


def _settings(sales: Sales, asked: CountryQuery, viewer: Viewer) -> Sequence[Any]:
    dimension = countries.dimension_of(sales.model)
    found = {each.key: each.label for each in sales.values(dimension, viewer, limit=countries.ROWS)}
    found |= {each.key: each.label for each in sales.labels(dimension, asked.chosen, viewer) if each.key not in found}
    return layout.settings(asked, sorted(found.items(), key=lambda each: each[1]), dimension, sales.model)


def _tiles(sales: Sales, asked: CountryQuery, viewer: Viewer) -> list[TileOf]:
    if not asked.chosen:
        return _all(sales, asked, viewer)
    return _one(sales, asked, viewer) if len(asked.chosen) == 1 else _some(sales, asked, viewer)


def _all(sales: Sales, asked: CountryQuery, viewer: Viewer) -> list[TileOf]:
    model, dimension = sales.model, countries.dimension_of(sales.model)

    @cache
    def found() -> Answer:
        return sales.answer(countries.listing(asked, model), viewer)

    def concentrated() -> Drawn:
        values = found().frame[asked.measure].dropna().tolist()
        return layout.concentrated(countries.concentration(values), found(), dimension, model)

    def ranking() -> Drawn:
        return layout.ranking(found(), sales.answer(countries.total(asked), viewer), dimension, model)

    return [
        TileOf("world", "Map", lambda: layout.world(found(), dimension, model)),
        TileOf("ranking", "Ranking", ranking),
        TileOf("changes", "What changed", lambda: changes(found(), model)),
        TileOf("share", "Concentration", concentrated),
    ]


def _one(sales: Sales, asked: CountryQuery, viewer: Viewer) -> list[TileOf]:
    model, dimension, key = sales.model, countries.dimension_of(sales.model), asked.chosen[0]
    plural, query = model.dimension(dimension).plural, countries.only(asked, model, key)
    (choice,) = sales.labels(dimension, (key,), viewer)
    product = model.by_role(Role.PRODUCT)

    @cache
    def movers() -> tuple[Answer, Answer] | None:
        return countries.movers(sales, asked, key, viewer)

    def trend() -> Drawn:
        answer = sales.answer(replace(query, grain=grain_of(sales.window(query))), viewer)
        return country.trend(with_gaps(answer, model.calendar), choice.label, model)

    def against() -> Drawn:
        found, answer = countries.against(sales, asked, key, viewer)
        return country.against(found, answer, choice.label, plural, model)

    def products() -> Drawn:
        by = countries.ranked(asked, model, key, product or "")
        return country.ranked(sales.answer(replace(by, limit=country.TOP), viewer), choice.label, model)

    found = [
        TileOf("trend", "Over time", trend),
        TileOf("against", "Against the others", against),
        TileOf("mix", "Mix", lambda: country.mix(countries.mix(sales, asked, key, viewer), choice.label, model)),
    ]
    if product is not None:
        found += [
            TileOf("products", "Products", products, wide=True),
            TileOf("rose", "Rose most", lambda: country.movers(movers(), True, choice.label, model)),
            TileOf("fell", "Fell most", lambda: country.movers(movers(), False, choice.label, model)),
        ]
    return found


def _some(sales: Sales, asked: CountryQuery, viewer: Viewer) -> list[TileOf]:
    model, dimension = sales.model, countries.dimension_of(sales.model)

    def lines() -> Drawn:
        query = countries.only(asked, model, *asked.chosen)
        query = replace(query, grain=grain_of(sales.window(query)), compare=Compare.NONE)
        return layout.lines(pivot.table(sales, Pivot(query, (TIME,), (dimension,)), viewer), model)

    def beside() -> Drawn:
        return layout.beside(countries.side_by_side(sales, asked, viewer), dimension, model)

    return [TileOf("beside", "Side by side", beside, wide=True), TileOf("lines", "Over time", lines, wide=True)]


PAGE = TiledPage(
    layout.PAGE, "Countries", countries.default, countries.read, lambda asked: asked.query, _settings, _tiles
)
