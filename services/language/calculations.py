"""Shares, running totals and moving averages."""

from __future__ import annotations

from services.language.draft import Draft
from services.language.items import Item


def read_moving(draft: Draft) -> None:
    """Read moving averages and the periods they run over."""
    for place in draft.items.free("moving"):
        value = draft.items.use(place, "calculation").value
        if isinstance(value, tuple) and isinstance(value[0], int):
            if value[1] == "moving":
                continue
            draft.calculation, draft.window, draft.grain = "moving_avg", value[0], str(value[1])
        elif not _moving_over(draft):
            draft.faults.append(("unsupported_analysis", "a moving average needs a number of periods"))


def _moving_over(draft: Draft) -> bool:
    """Read the periods of "moving average of daily orders over 7 days", which stand apart."""
    items = draft.items
    for place in list(items.free("number")):
        unit, number = items.at(place + 1), items.rows[place].number
        if unit is not None and unit.kind == "unit" and 0 < number < 1000:
            draft.calculation, draft.window, draft.grain = "moving_avg", int(number), str(unit.value)
            items.use(place, "calculation")
            unit.used = "calculation"
            for beside in (place - 1, place + 2):
                if items.kind(beside) in ("than", "to"):
                    items.use(beside, "calculation")
            return True
    return False


_PERCENT = ("%", "percent", "percentage", "cent")


def read_shares(draft: Draft) -> None:
    """Read shares of a total and running totals."""
    growth = draft.items.has("growth")
    for kind, calculation in (("share", "share"), ("running", "cumulative")):
        for place in list(draft.items.free(kind)):
            item = draft.items.use(place, "calculation")
            named = draft.items.at(draft.items.step(place, 1, "to"))
            if item.value == "of" and (named is None or not named.noun.measure):
                draft.verb = draft.verb or draft.lexicon.pieces
                continue
            if kind == "share" and growth and draft.said(item).split()[-1] in _PERCENT:
                continue
            if kind == "running" and not _accumulates(draft, item, named):
                continue
            draft.calculation = calculation
    if draft.calculation == "cumulative" and draft.grain is None:
        draft.subject = draft.subject or None


_GROWING = frozenset({"accumulate", "accumulates", "accumulated", "accumulating", "up"})


def _accumulates(draft: Draft, item: Item, named: Item | None) -> bool:
    """Tell whether a running total is meant: not by "how is revenue running", nor by "who built up over 5,000"."""
    said = draft.said(item)
    if said == "running":
        return named is not None and (bool(named.noun.measure) or named.kind in ("grain", "sell", "average"))
    return said.split()[-1] not in _GROWING or not draft.thresholds
