"""In which countries series of a model are sold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.geography import country_code
from services.model import Role
from services.query import SalesQuery
from services.sales import Sales

Shares = Mapping[str, float]


def shares(sales: Sales, query: SalesQuery, viewer: Viewer, keys: Sequence[str]) -> list[Shares]:
    """Return per series what share of it each country (ISO 3166 alpha-3) is, of the rows the viewer may see.

    `keys` are values of the query's dimension, and others (the total, the rest) for all of its rows. Empty where the
    model has no countries or nothing that adds up over them.
    """
    country = sales.model.by_role(Role.COUNTRY)
    candidates = (*query.measures[:1], *sales.model.overview.measures)
    measure = next((name for name in candidates if adding(sales.model, name) is Adding.SUM), None)
    if country is None or measure is None:
        return [{} for _ in keys]
    whole = replace(query, measures=(measure,), dimensions=(country,), grain=None)
    frame = sales.answer(whole, viewer).frame.dropna(subset=[country])
    sold = frame[measure].astype("float64").clip(lower=0).to_numpy()
    sold_in = pd.DataFrame({"key": frame[country].astype("str"), "code": _codes(frame, country), "sold": sold})
    total = _shares(sold_in)
    if query.dimensions[:1] != (country,):
        return [total for _ in keys]
    rest = _shares(sold_in[~sold_in["key"].isin(keys)])
    own: dict[str, Shares] = {str(key): _shares(rows) for key, rows in sold_in.groupby("key")}
    return [own.get(key, rest if key else total) for key in keys]


def _codes(frame: pd.DataFrame, country: str) -> list[str | None]:
    said = f"{country}__code"
    if said in frame:
        return [code if isinstance(code, str) and code else None for code in frame[said]]
    names = frame[f"{country}__label"] if f"{country}__label" in frame else frame[country]
    return [country_code(str(name)) for name in names]


def _shares(sold_in: pd.DataFrame) -> Shares:
    found = sold_in.groupby("code")["sold"].sum() / sold_in["sold"].sum()
    return {str(code): float(share) for code, share in found.items() if share > 0}
