"""New and returning customers: how questions ask for them, and the answer.

A customer is new in the period, or the time bucket, of the first sale to them in all data the viewer may see, and
returning in every later one.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from services.access import Viewer
from services.adding import Adding, adding
from services.errors import QueryError
from services.language.draft import Draft
from services.language.forms import TREND, Form
from services.language.lexicon import COUNTED
from services.language.queries import DAY, period_of, to_query
from services.language.results import NEWNESS, SHARE, Added, Result
from services.language.values import ValueIndex
from services.model import Role, SalesModel
from services.periods import Period
from services.query import MAX_LIMIT, SalesQuery
from services.sales import Sales

#: Meaning of a word -> what rows of these customers are called; calculation that asks for them alone.
KINDS = {"new": "New", "returning": "Returning"}
BOTH = "new_vs_returning"
CALCULATIONS = (*KINDS, BOTH)
UNKNOWN = "Not known"
#: Items that ask for more of such customers than how many or how much.
_MORE = ("most", "seller", "busy", "rank", "order", "than", "growth", "lastyear", "who", "where", "running", "rest")


def read(draft: Draft) -> None:
    """Take "new", "returning" and the customers beside them; what else is asked of them stays unread."""
    items, model = draft.items, draft.lexicon.model
    places = [place for kind in KINDS for place in items.free("new", kind)]
    people = model.by_role(Role.CUSTOMER)
    if not places or people is None or people not in draft.lexicon.counted_by or items.has(*_MORE):
        return
    nouns = [place for place, row in enumerate(items.rows) if row.noun.dimension == people and not row.used]
    beside = any(items.step(place, 1, "and", "versus", "new", "to", "value") in nouns for place in places)
    told = items.has("share", "count") and all(_are(draft, place) for place in places)
    beside |= told and any(items.step(place, -1, "and", "new") in nouns for place in places)
    if not nouns or not beside:
        return
    kinds = {str(items.rows[place].value) for place in places}
    together = len(kinds) > 1 or items.has("share")
    for place in (*places, *nouns):
        items.use(place, "calculation")
        for joint in (place - 1, place + 1):
            if items.kind(joint) in ("versus", "and", "compare", "split", "by", "to") and place in places:
                items.use(joint, "calculation")
    for kind in ("share", "compare", "versus"):
        for place in list(items.free(kind)) if together else ():
            items.use(place, "calculation")
    draft.calculation = BOTH if together else kinds.pop()
    asked = any(row.noun.measure and not row.used for row in items.rows) or items.has("much", "spend")
    if not asked:
        draft.add_measure(draft.lexicon.counted_by[people])


def _are(draft: Draft, place: int) -> bool:
    """Tell whether it is said of customers that they are new, or come back."""
    first = draft.items.rows[place].edge.first
    return not {"are", "were", "was", "is", "and", "or"}.isdisjoint(draft.texts[max(0, first - 1) : first])


def settle(draft: Draft) -> None:
    """Set the time steps where neither they nor a period were said; refuse what has no answer."""
    if draft.calculation not in CALCULATIONS:
        return
    if draft.time is None and draft.grain is None:
        draft.grain = "month"
        draft.doubt("grain", 0.5)
    people = draft.lexicon.model.by_role(Role.CUSTOMER)
    cyclic = draft.grain is not None and draft.grain not in TREND
    if people in draft.dimensions or draft.comparison or draft.order or draft.thresholds or cyclic:
        draft.faults.append(("unsupported_analysis", "new"))


def answer(form: Form, sales: Sales, viewer: Viewer, index: ValueIndex) -> Result:
    """Answer with a measure of new customers, of returning ones, or of both with their share.

    Raises QueryError for a measure that cannot be added up over customers, and for more customers than a query lists.
    """
    model, data = sales.model, sales.coverage()
    people = model.by_role(Role.CUSTOMER) or ""
    measure = form.measures[0]
    _check(model, measure, people)
    plain = to_query(replace(form, calculation=None, limit=None, limit_per=None), model, data, index)
    each = replace(plain, dimensions=(*plain.dimensions, people), sort=(), segments=(), limit=MAX_LIMIT)
    found = sales.answer(each, viewer)
    history = _first_seen(form, sales, viewer, people)
    frame = found.frame.merge(history.rename("__first"), left_on=people, right_index=True, how="left")
    new = frame["__first"] == frame["time"] if plain.grain else frame["__first"].isna()
    frame[NEWNESS] = new.map({True: KINDS["new"], False: KINDS["returning"]}).where(frame[people].notna(), UNKNOWN)
    if len(found.frame) >= MAX_LIMIT:
        raise QueryError(f"More than {MAX_LIMIT:,} customers and times would have to be told apart; ask for less time.")
    keys = [*(("time",) if plain.grain else ()), *plain.dimensions]
    return _put_together(Result(form, found, frame), keys)


def _check(model: SalesModel, measure: str, people: str) -> None:
    counted = COUNTED.fullmatch(model.measure(measure).expression.strip())
    own = [model.dimension(name).column for name in (people, model.by_role(Role.ORDER) or people)]
    if adding(model, measure) is not Adding.SUM and (counted is None or counted[1] not in own):
        allowed = [each.label for name, each in model.measures.items() if adding(model, name) is Adding.SUM]
        raise QueryError(
            f"{model.measure(measure).label} cannot be told apart by new and returning customers; "
            f"ask for {', '.join(allowed[:5])}."
        )


def _first_seen(form: Form, sales: Sales, viewer: Viewer, people: str) -> pd.Series:
    """Return the bucket of a trend each customer was first seen in; without a trend, those seen before the period."""
    model, data = sales.model, sales.coverage()
    counted = next(
        name
        for name, each in model.measures.items()
        if (found := COUNTED.fullmatch(each.expression.strip())) and found[1] == model.dimension(people).column
    )
    period = period_of(form.time, data)
    plain = to_query(Form((counted,), grain=form.grain), model, data, ValueIndex(model, ()))
    last = period.last or data.last_day
    query = SalesQuery((counted,), (people,), plain.grain, Period(first=data.start.date(), last=last), limit=MAX_LIMIT)
    if plain.grain is None:
        first = period.first or data.start.date()
        if first <= data.start.date():
            return pd.Series(dtype="datetime64[ns]")
        query = replace(query, period=Period(first=data.start.date(), last=first - DAY))
    frame = sales.answer(query, viewer).frame.dropna(subset=[people])
    if len(frame) >= MAX_LIMIT:
        raise QueryError(f"More than {MAX_LIMIT:,} customers and times would have to be told apart; ask for less time.")
    # Who only gave goods back has rows, but no sale.
    frame = frame[frame[counted] > 0]
    if plain.grain is None:
        return pd.Series(pd.Timestamp(data.start.date()), index=pd.Index(frame[people]))
    return frame.groupby(people)["time"].min()


def _put_together(result: Result, keys: list[str]) -> Result:
    """Add the customers up by kind; a share of both kinds goes beside them."""
    form, frame = result.form, result.frame
    measure = form.measures[0]
    labels = {name: "first" for name in frame if str(name).endswith(("__label", "__code"))}
    labels = {name: how for name, how in labels.items() if str(name).rpartition("__")[0] in keys}
    alone = form.calculation in KINDS
    if alone:
        frame = frame[frame[NEWNESS] == KINDS[str(form.calculation)]]
        if not keys:
            total = float(frame[measure].sum())
            return replace(result, frame=pd.DataFrame({measure: [total]}), total=total)
    else:
        keys = [*keys, NEWNESS]
    added = frame.groupby(keys, dropna=False, as_index=False).agg({measure: "sum", **labels})
    if not alone:
        ranks = {kind: rank for rank, kind in enumerate((*KINDS.values(), UNKNOWN))}
        order = added.assign(**{NEWNESS: added[NEWNESS].map(ranks)}).sort_values(keys, kind="stable").index
        added = added.loc[order]
    added = added[(added[measure] != 0) | (added.get(NEWNESS, "") != UNKNOWN)].reset_index(drop=True)
    if alone:
        return replace(result, frame=added)
    others = [key for key in keys if key != NEWNESS]
    known = added[added[NEWNESS] != UNKNOWN]
    whole = known.groupby(others, dropna=False)[measure].transform("sum") if others else known[measure].sum()
    added[SHARE] = (known[measure] / whole).reindex(added.index)
    return replace(result, frame=added, added=(*result.added, Added(SHARE, "Share")))
