"""What other prices may do to a forecast."""

from __future__ import annotations

from collections.abc import Sequence

from layouts import tables
from layouts.tiles import Drawn
from services import formats
from services.forecasting.page import ForecastQuery
from services.forecasting.sales import Outlook
from services.forecasting.whatif import Elasticity, WhatIf
from services.model import SalesModel


def prices(
    found: Outlook, moved: Elasticity | None, steps: Sequence[WhatIf], asked: ForecastQuery, model: SalesModel
) -> Drawn:
    """Return the sum over the horizon at other prices, side by side."""
    measure, title = model.measure(asked.measure), "At other prices, if sales move as they did"
    if moved is None:
        return Drawn(title, "", problem="The data do not tell how sales move with prices: prices changed too little.")
    expected = float(found.total["mean"].sum())
    rows = [
        [
            f"{each.change:+.0%}" if each.change else "As they are",
            *(formats.exact(expected * factor, measure.format, model) for factor in (each.factor, each.low, each.high)),
            formats.change_text(each.factor - 1, model),
        ]
        for each in steps
    ]
    summary = (
        f"So far, pieces moved by {moved.value:.2f} % for each per cent of price ({moved.low:.2f} to {moved.high:.2f}; "
        f"{moved.products} products, month by month). That is what went together, not proof of cause: large orders at "
        "lower prices count too."
    )
    heads = ["Prices", f"Next {asked.horizon} together", "From", "To", "Change"]
    return Drawn(title, summary, None, tables.table(title, heads, rows))
