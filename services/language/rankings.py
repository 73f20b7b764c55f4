"""Top and bottom, superlatives, and orders such as "highest first"."""

from __future__ import annotations

from services.language.draft import Draft
from services.language.forms import TOP
from services.language.lexicon import Noun
from services.language.ranked import count_beside, ranked_before, rows_ranked

_SIZES = tuple([word] for word in ("number", "amount", "value", "size", "total", "volume", "count"))
QUANTITY = frozenset({"most", "the most", "least", "the least", "fewest"})


def read(draft: Draft) -> None:
    """Read top and bottom, superlatives, and orders such as "highest first"."""
    items = draft.items
    _from_to(draft)
    _named_first(draft)
    for place, item in enumerate(items.rows):
        if item.used or item.kind not in ("most", "seller", "busy", "costly"):
            continue
        if item.kind == "costly" and draft.lexicon.price is None:
            draft.faults.append(("missing_measure", draft.said(item)))
            continue
        if draft.said(item) in ("better", "worse") and items.kind(place + 1) == "versus":
            item.used = "comparison"
            continue
        _superlative(draft, place, descending=item.value == "desc")
    _of_them(draft)
    _how_many(draft)
    _ranked_by(draft)


def _ranked_by(draft: Draft) -> None:
    """Read "ranked by", "highest first", "ranking of"."""
    items = draft.items
    if draft.order and sum(row.used == "order" and row.kind in ("most", "seller", "costly") for row in items.rows) > 1:
        draft.doubt("unranked")
    for place in list(items.free("order")):
        descending = items.use(place, "order").value == "desc"
        draft.order = (draft.order[0] if draft.order else None, descending)
    for place in list(items.free("ranked")):
        noun = items.at(items.step(place, 1, "to", "most", "count"))
        if items.rows[place].value == "basis" and draft.order is None and draft.limit is None:
            items.use(place, "helper")
            continue
        if noun is not None and noun.noun.measure:
            items.use(place, "order")
            ranked = items.before(place, lambda row: bool(row.noun.dimension) and not row.used)
            if ranked >= 0 and not draft.dimensions:
                draft.add_dimension(items.use(ranked, "dimension").noun.dimension or "")
            noun.used = "order"
            draft.order = (noun.noun.measure, draft.order[1] if draft.order else True)
        elif noun is not None and noun.kind == "grain":
            items.use(place, "grain")
        elif draft.texts[items.rows[place].edge.past : items.rows[place].edge.past + 1] in _SIZES:
            items.use(place, "order")
            draft.order = (None, draft.order[1] if draft.order else True)
    for place in list(items.free("rank")):
        items.use(place, "order")
        draft.order = draft.order or (None, True)
        subject = items.after(place, lambda row: row.kind == "noun" and bool(row.noun.dimension) and not row.used)
        if subject >= 0 and not draft.dimensions:
            name = items.use(subject, "dimension").noun.dimension
            draft.add_dimension(name or "")


_OF_THEM = (("of", "them"), ("of", "those"), ("of", "these"))


def _of_them(draft: Draft) -> None:
    """Read a number of rows that comes last: "least popular products, 5 of them"."""
    for place in list(draft.items.free("number")):
        row = draft.items.rows[place]
        after = tuple(draft.texts[row.edge.past : row.edge.past + 2])
        if after[:1] in (("rows",), ("results",), ("only",)) or after in _OF_THEM:
            draft.limit = int(draft.items.use(place, "limit").number) or None


def _from_to(draft: Draft) -> None:
    """Read "from dearest to cheapest" as an order."""
    items, kinds = draft.items, ("most", "costly", "busy", "seller")
    for place, row in enumerate(items.rows):
        last = items.at(items.step(place, 1, "to"))
        if row.used or row.kind not in kinds or last is None or last.kind not in kinds or last.value == row.value:
            continue
        if items.kind(place + 1) == "to":
            row.used = last.used = "order"
            draft.order = (None, row.value == "desc")


_FIRST = (("first",), ("on", "top"), ("at", "the", "top"), ("at", "top"), ("leading",), ("up", "top"))
_SENTENCE_ENDS = (".", "?", "!", "please", "thanks")


def _named_first(draft: Draft) -> None:
    """Read an order told by what comes first: "by country, strongest market on top", "biggest spender first"."""
    items, texts = draft.items, draft.texts
    for place, row in enumerate(items.rows):
        noun = items.at(place + 1)
        if row.used or row.kind not in ("most", "busy") or noun is None or noun.kind != "noun":
            continue
        rest = [text for text in texts[noun.edge.past :] if text not in _SENTENCE_ENDS]
        if tuple(rest) not in _FIRST or not any(each.noun.dimension for each in items.rows[:place]):
            continue
        row.used = noun.used = "order"
        for each in items.rows[place + 2 :]:
            each.used = "helper"
        counted = noun.noun.measure if not noun.noun.dimension else None
        draft.order = (counted, row.value == "desc")


def _how_many(draft: Draft) -> None:
    """Read a number before what is ranked, with values between: "the seven Belgian buyers with the most orders"."""
    items = draft.items
    for place in list(items.free("number")):
        row = items.rows[place]
        noun = items.at(items.step(place, 1, "value", "most", "seller", "new", "busy"))
        beside = items.kind(place - 1) not in ("than", "currency") and items.kind(place + 1) != "currency"
        ranked = draft.order is not None or items.has("rank", "ranked")
        if noun is None or not noun.noun.dimension or not noun.noun.plural or not beside or not ranked:
            continue
        if 0 < row.number <= 1000 and row.number == int(row.number) and draft.limit in (None, TOP):
            row.used = "limit"
            draft.limit = int(row.number)


def _superlative(draft: Draft, place: int, *, descending: bool) -> None:
    items = draft.items
    item = items.rows[place]
    item.used = "order"
    if draft.order is not None and draft.order[1] is not descending:
        draft.doubt("unranked")
    subject = ranked_before(draft, place)
    number = count_beside(draft, place, subject)
    following = items.step(place, 1, "number", "seller", "most", "to", "distinct", "busy", "new", "growth")
    target = items.at(following)
    quantity = draft.said(item) in QUANTITY or " of" in draft.said(item) or "number" in draft.said(item)
    order: str | None = None
    asker = items.at(subject)
    counted = asker is not None and asker.kind == "when" and target is not None and target.noun.measure
    asks = asker is not None and asker.kind in ("who", "where", "when") and not counted
    if asker is not None and asks and target is not None and target.noun.dimension:
        asker.used, subject = "helper", -1
    if target is not None and target.kind == "noun" and not target.used:
        noun = target.noun
        if number is not None and not noun.dimension and noun.measure in draft.lexicon.counts:
            noun = Noun(None, draft.lexicon.counts[noun.measure], plural=True)
        ranked_already = subject >= 0
        if noun.measure and (not noun.dimension or quantity or ranked_already):
            order, target.used = noun.measure, "order"
        elif noun.dimension and not ranked_already:
            target.used = "dimension"
            draft.add_dimension(noun.dimension)
            if number is None:
                draft.limit = TOP if noun.plural else 1
        elif noun.dimension:
            target.used = "dimension"
            draft.add_dimension(noun.dimension)
    elif target is not None and target.kind in ("unit", "grain") and not target.used and subject < 0:
        target.used = "grain"
        draft.grain = str(target.value)
        plural = draft.said(target).endswith("s")
        draft.limit = (TOP if plural else 1) if number is None else draft.limit
    rows_ranked(draft, place, subject, number)
    if items.kind(place - 1) == "by" and subject >= 0:
        items.use(place - 1, "helper")
    if order is None and draft.order is not None:
        order = draft.order[0]
    if item.kind == "costly":
        order = draft.lexicon.price
    draft.order = (order, descending)
