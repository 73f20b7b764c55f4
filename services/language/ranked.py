"""What a ranking ranks, and how many rows of it are wanted."""

from __future__ import annotations

import itertools

from services.language.draft import Draft
from services.language.forms import TOP
from services.language.items import Item
from services.model import Role

_PARTITIVE = frozenset({"of", "among", "amongst", "within", "from", "at", "between"})


def rows_ranked(draft: Draft, place: int, subject: int, number: int | None) -> None:
    """Set what is ranked and how many rows of it are wanted."""
    if subject >= 0:
        _rank_subject(draft, subject, number)
    elif not draft.dimensions and draft.grain is None:
        _rank_nothing(draft, place, number)
    if number is not None:
        draft.limit = number
    elif draft.limit is None and (draft.dimensions or draft.grain or not draft.items.has("by")):
        draft.limit = 1


def count_beside(draft: Draft, place: int, subject: int) -> int | None:
    """Return the number of rows asked for: beside the superlative, or before what it ranks."""
    items = draft.items
    for each in (place + 1, place - 1, items.step(place, 1, "seller", "noun", "most"), items.step(subject, -1, "most")):
        row = items.at(each)
        if row is None or row.kind != "number" or row.used or row.number != int(row.number):
            continue
        counted = items.kind(each - 1) == "than" or items.kind(each + 1) == "currency"
        if 0 < row.number <= 1000 and not counted and (each != items.step(subject, -1, "most") or subject >= 0):
            row.used = "limit"
            return int(row.number)
    return None


def ranked_before(draft: Draft, place: int) -> int:
    """Return the place of the noun or unit before a superlative that it ranks: "which country had the highest"."""
    items = draft.items

    def fits(row: Item) -> bool:
        if row.used:
            return False
        if row.kind in ("unit", "grain"):
            return True
        return row.kind == "noun" and bool(row.noun.dimension) and (row.noun.measure is None or row.noun.plural)

    each = items.before(place, fits)
    asked = [spot for spot in range(place) if fits(items.rows[spot]) and items.kind(spot - 1) == "which"]
    if asked:
        return asked[-1]
    if each < 0:
        return items.before(place, lambda row: row.kind in ("who", "where", "when") and not row.used)
    led = items.kind(items.step(each, -1, "to", "number"))
    if led == "and" and items.kind(each + 1) in ("and", ""):
        led = items.kind(items.step(each, -1, "to", "number", "and", "noun", "unit"))
    later = items.at(items.step(place, 1, "number", "most", "to", "distinct", "new"))
    ranks_later = later is not None and bool(later.noun.dimension)
    if led == "by" and (items.rows[each].kind != "unit" or ranks_later):
        return -1
    if led == "count":
        return -1
    return each


def _rank_subject(draft: Draft, subject: int, number: int | None) -> None:
    row = draft.items.use(subject, "dimension")
    rest = draft.items.rows[subject + 1 :]
    first = row.edge.first
    partitive = bool(_PARTITIVE & set(draft.texts[max(0, first - 4) : first])) and subject <= 3
    one_of = partitive and any(each.kind in ("who", "which") for each in rest)
    model = draft.lexicon.model
    if row.kind in ("unit", "grain"):
        draft.grain = str(row.value)
        plural = draft.said(row).endswith("s") and row.kind == "unit"
    elif row.kind == "noun":
        draft.add_dimension(row.noun.dimension or "")
        plural = row.noun.plural
    else:
        role = Role.CUSTOMER if row.kind == "who" else Role.COUNTRY
        name = model.by_role(role) if row.kind != "when" else None
        if name:
            draft.add_dimension(name)
        elif row.kind == "when":
            draft.grain = "month"
            draft.doubt("when")
        else:
            draft.faults.append(("missing_dimension", draft.said(row)))
        plural = False
    one = one_of or any(row.kind == "which" and row.value == "one" for row in draft.items.rows)
    if number is None:
        draft.limit = TOP if plural and not one else 1


def _led_by(draft: Draft, place: int) -> bool:
    """Tell whether a noun that is also a measure follows "by": what is ranked on, not what is ranked."""
    row = draft.items.rows[place]
    return row.noun.measure is not None and draft.items.kind(draft.items.step(place, -1, "to")) == "by"


def _listed_before(draft: Draft, place: int) -> bool:
    """Tell whether a breakdown comes before a place: "revenue by country, top 10 by customers"."""
    rows = draft.items.rows[:place]
    return any(left.kind == "by" and right.noun.dimension for left, right in itertools.pairwise(rows))


def _only_listed(draft: Draft) -> str | None:
    """Return what a bound on prices was about, which is ranked where nothing else is: "items under 1 pound, top 20"."""
    rows = draft.items.rows
    return next((row.noun.dimension for row in rows if row.used == "condition" and row.noun.plural), None)


def _rank_nothing(draft: Draft, place: int, number: int | None) -> None:
    """Rank what the kind of superlative implies: a bestseller is a product."""
    item = draft.items.rows[place]
    product = draft.lexicon.model.by_role(Role.PRODUCT)
    later = draft.items.after(place, lambda row: row.kind == "noun" and bool(row.noun.dimension) and not row.used)
    beyond = draft.items.step(place, 1, "noun", "to", "number")
    bucket = draft.items.at(beyond)
    if bucket is not None and bucket.kind == "unit" and draft.items.kind(beyond - 1) == "noun":
        bucket.used = "grain"
        draft.grain = str(bucket.value)
        draft.limit = (TOP if draft.said(bucket).endswith("s") else 1) if number is None else number
        return
    if item.kind == "seller" and product:
        draft.add_dimension(product)
        plural = draft.said(item).endswith("s")
        draft.limit = (TOP if plural else 1) if number is None else number
    elif product and (group := _of_a_group(draft, place)) is not None:
        draft.add_dimension(product)
        draft.doubt("subject", 0.5)
        draft.limit = (TOP if draft.said(group).endswith("s") else 1) if number is None else number
    elif later >= 0 and not (_led_by(draft, later) and _listed_before(draft, place)):
        row = draft.items.use(later, "dimension")
        draft.add_dimension(row.noun.dimension or "")
        draft.limit = (TOP if row.noun.plural else 1) if number is None else number
    elif (listed := _only_listed(draft)) is not None:
        draft.add_dimension(listed)
    elif not draft.items.has("by"):
        draft.doubt("unranked")


def _of_a_group(draft: Draft, place: int) -> Item | None:
    """Return the value that names what is ranked by the group it is in: "top three beverages", "best-selling tea"."""
    beside = draft.items.step(place, 1, "number", "seller", "most")
    row, named = draft.items.at(beside), draft.items.at(beside + 1)
    if row is None or not row.named or row.used != "condition" or row.named[0].tier != "whole":
        return None
    role = draft.lexicon.model.dimension(row.named[0].dimension).role
    nothing = named is None or named.kind != "noun" or named.edge.first != row.edge.past
    return row if nothing and role in (None, Role.PRODUCT_TYPE) else None
