"""How published forecasts did."""

from __future__ import annotations

from collections.abc import Sequence

from layouts import tables
from layouts.tiles import Drawn
from services import formats
from services.forecasting.record import Kept
from services.model import Format, SalesModel
from services.periods import Grain


def record(kept: Sequence[Kept], model: SalesModel) -> Drawn:
    """Return how published forecasts did."""
    title = "Track record"
    if not kept:
        words = "No forecast has been published for your rows yet. Show the total and press Publish this forecast."
        return Drawn(title, "", problem=words)
    rows = [
        [
            f"{each.made_at:%Y-%m-%d} {_name(each, model)}",
            f"{each.due} of {each.periods}",
            *(
                formats.short(share, Format.PERCENT, model)
                for share in (each.wape, each.naive, each.bias, *each.within)
            ),
            each.models,
        ]
        for each in kept
    ]
    heads = ["Published", "Over", "Error (WAPE)", "Naive", "Bias", "Within 80 %", "Within 95 %", "Models"]
    made = tables.table(title, heads, rows, words=(len(heads) - 1,))
    return Drawn(title, "Forecasts as they were said, against what came.", None, made)


def _name(each: Kept, model: SalesModel) -> str:
    label = model.measure(each.query.measures[0]).label
    filters = ", ".join(" ".join(condition.values) for condition in each.query.filters)
    return f"{label}{f' ({filters})' if filters else ''}, by {each.query.grain or Grain.WEEK}"
