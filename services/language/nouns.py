"""The nouns no other pass took: measures, or dimensions, by where they stand."""

from __future__ import annotations

from services.language.draft import Draft
from services.language.function_words import meanings
from services.language.items import Item
from services.model import Role


def read(draft: Draft) -> None:
    """Sort the remaining nouns into measures and dimensions by where they stand."""
    items = draft.items
    for place in list(items.free("noun")):
        row = items.rows[place]
        noun = row.noun
        left = items.step(place, -1, "to", "distinct")
        if noun.measure and not noun.dimension:
            if _is_verb(draft, row, items.kind(left)):
                row.used = "verb"
                draft.verb = draft.verb or _done(draft, row)
                continue
            row.used = "measure"
            if _says_number(draft, place):
                continue
            draft.add_measure(noun.measure)
            if items.kind(left) == "count":
                items.rows[left].used = "measure"
        elif noun.dimension and not noun.measure:
            _plain_dimension(draft, place, left)
        else:
            _either(draft, place, left)
    for place in list(items.free("count")):
        past = items.use(place, "measure").edge.past
        people = draft.lexicon.model.by_role(Role.CUSTOMER)
        if draft.texts[past : past + 1] in _PEOPLE and people in draft.lexicon.counted_by:
            draft.add_measure(draft.lexicon.counted_by[people])
        if not draft.measures:
            draft.verb = draft.lexicon.pieces
            if not items.has("sell", "value", "spend"):
                draft.doubt("count")
    _assortment(draft)
    for place in list(items.free("distinct")):
        items.use(place, "measure")


def _assortment(draft: Draft) -> None:
    """Count the products that sold for "how wide was our range"."""
    product = draft.lexicon.model.by_role(Role.PRODUCT)
    for place in list(draft.items.free("assortment")) if product in draft.lexicon.counted_by else ():
        draft.items.use(place, "measure")
        if not draft.measures:
            draft.add_measure(draft.lexicon.counted_by[product or ""])


def _says_number(draft: Draft, place: int) -> bool:
    """Tell whether a measure only says "number" of what follows: "the quantity of orders", "the amount of pieces"."""
    items, row = draft.items, draft.items.rows[place]
    after = items.at(items.step(place, 1, "to", "sell"))
    if after is None or not after.noun.measure:
        return False
    if draft.said(row) == "amount" and after.noun.measure == draft.lexicon.pieces:
        return draft.texts[row.edge.past : row.edge.past + 1] == ["of"]
    if row.noun.measure != draft.lexicon.pieces:
        return False
    counted = draft.lexicon.counts.get(after.noun.measure)
    if counted is None or draft.lexicon.model.dimension(counted).role is Role.PRODUCT:
        return False
    return draft.texts[row.edge.past : row.edge.past + 1] == ["of"] and not after.used


def _is_verb(draft: Draft, row: Item, lead: str) -> bool:
    """Tell whether a noun is the verb of its question: "which items did Redline order", "what did we invoice"."""
    ours = row.noun.dimension == draft.lexicon.model.by_role(Role.ORDER) and _text_before(draft, row) in _PRONOUNS
    asked = any(text in ("did", "do", "does") for text in draft.texts[: row.edge.first])
    verb = ours or ("sell", "") in meanings(draft.said(row))
    return verb and asked and not row.noun.plural and lead not in ("by", "which", "count", "most")


def _done(draft: Draft, row: Item) -> str:
    """Return the measure of what was done: invoices are of money, other verbs of pieces."""
    return draft.lexicon.money if draft.said(row) == "invoice" else draft.lexicon.pieces


def _text_before(draft: Draft, row: Item) -> str:
    return draft.texts[row.edge.first - 1] if row.edge.first else ""


def _plain_dimension(draft: Draft, place: int, left: int) -> None:
    items, row = draft.items, draft.items.rows[place]
    if _is_verb(draft, row, items.kind(left)):
        row.used = "verb"
        draft.verb = draft.verb or _done(draft, row)
        return
    others = (each for each in items.rows if each is not row and each.noun.measure and not each.noun.dimension)
    named = items.at(place - 1)
    if named is not None and named.kind == "value" and named.edge.past == row.edge.first and any(others):
        row.used = "condition"
        return
    row.used = "dimension"
    name = row.noun.dimension or ""
    if items.kind(left) == "count":
        items.rows[left].used = "measure"
        role = draft.lexicon.model.dimension(name).role
        if role is Role.PRODUCT and items.has("sell") and items.kind(left + 1) != "distinct":
            draft.add_measure(draft.lexicon.pieces)
        elif name in draft.lexicon.counted_by:
            draft.add_measure(draft.lexicon.counted_by[name])
        else:
            draft.faults.append(("missing_measure", f"number of {draft.said(row)}"))
        return
    if any(each.dimension == name for each in draft.conditions) and not row.noun.plural:
        return
    if _course_of(draft, place) and name in draft.lexicon.counted_by:
        row.used = "measure"
        draft.add_measure(draft.lexicon.counted_by[name])
        return
    if items.kind(left) not in ("which", "by", "compare") and name not in draft.dimensions:
        draft.doubt("loose_dimension", 2.0 if name in draft.lexicon.numeric else 1.0)
    draft.add_dimension(name)


def _course_of(draft: Draft, place: int) -> bool:
    """Tell whether a singular stands for its number: "order trend", "customer growth"."""
    row, following = draft.items.rows[place], draft.items.at(place + 1)
    moves = following is not None and following.kind in ("trend", "growth") and following.edge.first == row.edge.past
    return moves and not row.noun.plural and not draft.measures and draft.items.kind(place - 1) != "by"


def _apart(draft: Draft, place: int) -> bool:
    """Tell whether a sign stands between an item and the one before: "Italy vs Portugal: orders and revenue"."""
    rows = draft.items.rows
    return not {":", ",", ";", "-"}.isdisjoint(draft.texts[rows[place - 1].edge.past : rows[place].edge.first])


def _doers(draft: Draft, place: int) -> bool:
    """Tell whether a noun is who did what follows: "what did Brazilian customers spend"."""
    row, following = draft.items.rows[place], draft.items.at(place + 1)
    done = following is not None and (following.kind in ("sell", "spend") or following.noun.measure is not None)
    beside = following is not None and following.edge.first == row.edge.past
    asked = not {"did", "do", "does"}.isdisjoint(draft.texts[: row.edge.first])
    return done and beside and asked and not draft.items.has("count")


def _either(draft: Draft, place: int, left: int) -> None:
    """Decide a noun such as "customers": counted, or listed."""
    items, row = draft.items, draft.items.rows[place]
    noun, lead = row.noun, items.kind(left)
    following = items.kind(items.step(place, 1, "filler"))
    role = draft.lexicon.model.dimension(noun.dimension or "").role
    same = any(each.dimension == noun.dimension for each in draft.conditions)
    counted = draft.measures or any(each.noun.measure and each is not row for each in items.rows)
    told = same or draft.measures or draft.dimensions or _doers(draft, place)
    if role is Role.CUSTOMER and counted and lead != "count" and _text_before(draft, row) in ("did", "do", "does"):
        row.used = "condition"
        return
    cyclic = draft.grain == "month_of_year" and role is Role.PRODUCT and lead != "count"
    if items.kind(place - 1) == "value" and same and cyclic and not counted:
        row.used = "condition"
        return
    if items.kind(place - 1) == "value" and counted and told and not _apart(draft, place):
        row.used = "condition"
        return
    if _only_filtered(draft, place):
        row.used = "condition"
        return
    asks = items.at(left)
    before = [text for text in draft.texts[max(0, row.edge.first - 4) : row.edge.first] if text not in _ARTICLES]
    listed = (
        before[-1:] in (["list"], ["names"])
        or (lead == "which" and asks is not None and asks.value != "is")
        or (
            following in ("sell", "contains", "starts", "priced", "who", "spend")
            and role is not Role.ORDER
            and lead != "count"
        )
    )
    plain = items.kind(place - 1) != "distinct" and items.kind(left + 1) != "distinct" and " " not in draft.said(row)
    if lead == "count" and role is Role.PRODUCT and items.has("sell") and plain:
        items.rows[left].used = row.used = "measure"
        draft.add_measure(draft.lexicon.pieces)
        draft.doubt("count", 0.5)
        return
    if listed or (draft.limit is not None and not draft.dimensions and draft.grain is None):
        row.used = "dimension"
        draft.add_dimension(noun.dimension or "")
        return
    if lead == "count":
        items.rows[left].used = "measure"
    row.used = "measure"
    draft.add_measure(noun.measure or "")
    if lead != "count":
        joined = "and" in (items.kind(place - 1), items.kind(place + 1))
        draft.doubt("either", 0.5 if joined or len(draft.measures) == 1 else 2.0)


_PEOPLE = (["people"], ["persons"], ["individuals"])
_PRONOUNS = ("we", "they", "you", "i")
_ARTICLES = ("a", "the", "of", "all", "our", "my", "me", "us")


def _only_filtered(draft: Draft, place: int) -> bool:
    """Tell whether a noun only says whose rows count: "average order value for customers in Germany"."""
    items, row = draft.items, draft.items.rows[place]
    follower = items.at(items.step(place, 1, "to"))
    led = draft.texts[row.edge.first - 1] if row.edge.first else ""
    return bool(
        row.noun.plural
        and led in ("for", "from", "among", "by", "with", "to", "of")
        and any(each.noun.measure and each is not row and not each.noun.dimension for each in items.rows)
        and follower is not None
        and (follower.kind == "value" or (follower.noun.dimension and items.kind(place + 2) == "noun"))
        and items.kind(place + 1) == "to"
    )
