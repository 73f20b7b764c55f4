"""Bounds on measures and prices: "customers with at least 10 orders", "products cheaper than 2"."""

from __future__ import annotations

from services.language.draft import Draft
from services.language.edges import TIMES
from services.language.forms import Condition, Threshold
from services.language.items import REACH, Item
from services.model import Role

PRICED = ("cheaper", "expensive", "pricier", "dearer", "costlier")


def read(draft: Draft) -> None:
    """Turn numbers with "more than", "between" or "or more" into bounds."""
    items = draft.items
    for place, item in enumerate(items.rows):
        if item.used or item.kind != "than":
            continue
        number = items.step(place, 1, "currency", "to")
        if items.kind(number) != "number":
            continue
        values = [items.use(number, "threshold").number]
        if item.value == "between":
            second = items.step(number, 1, "and", "currency", "to")
            if items.kind(second) != "number":
                items.rows[number].used = ""
                continue
            values.append(items.use(second, "threshold").number)
            number = second
        item.used = "threshold"
        _bound(draft, place, number, str(item.value), values)
    for place in list(items.free("ormore")):
        number = items.step(place, -1, "currency", "noun")
        if items.kind(number) == "number" and not items.rows[number].used:
            value = items.use(number, "threshold").number
            operator = str(items.use(place, "threshold").value)
            _bound(draft, number, place if items.kind(place - 1) != "noun" else number, operator, [value])


def _bound(draft: Draft, place: int, last: int, operator: str, values: list[float]) -> None:
    """Add a threshold: its measure stands after the number or before the operator, its subject before that."""
    items = draft.items
    for each in (*range(place, last + 1), items.step(last, 1)):
        if items.kind(each) == "currency":
            items.use(each, "threshold")
            draft.doubt("currency", 0.0)
    money = any(items.kind(each) == "currency" for each in range(place, last + 2))
    after = items.step(last, 1, "currency", "to")
    left = items.step(place, -1, "to", "currency", "which", "who", "spend", "sell", "not")
    numeric = _numeric(draft, place, left, after)
    if numeric is not None and operator not in ("=", "between"):
        draft.conditions.append(Condition(numeric, operator, (_plain(values[0]),)))
        return
    measure: str | None = None
    following, preceding = items.at(after), items.at(left)
    between_words = range(left + 1, place)
    ordered = draft.lexicon.model.by_role(Role.ORDER)
    often = draft.said(items.rows[last]) in TIMES
    if often and ordered in draft.lexicon.counted_by:
        _subject_of(draft, place, draft.lexicon.counted_by[ordered or ""], operator, values)
        return
    one = following is not None and following.noun.dimension == ordered and values == [1.0]
    if following is not None and (one or following.kind == "times") and ordered in draft.lexicon.counted_by:
        measure, following.used = draft.lexicon.counted_by[ordered or ""], "threshold"
    elif following is not None and following.noun.measure and not following.used:
        measure, following.used = following.noun.measure, "threshold"
    elif preceding is not None and preceding.noun.measure and not preceding.used and _another_subject(draft, left):
        measure, preceding.used = preceding.noun.measure, "threshold"
    if measure is None:
        kinds = {items.kind(each) for each in between_words} | {items.kind(place - 1)}
        if "sell" in kinds and not money:
            measure = draft.lexicon.pieces
        elif "spend" in kinds or money:
            measure = draft.lexicon.money
        else:
            near = items.rows[max(0, place - REACH) : place + REACH]
            said = {name for row in near if (name := row.noun.measure) and not row.noun.dimension}
            measure = said.pop() if len(said) == 1 else draft.lexicon.default
            draft.doubt("threshold")
    _subject_of(draft, place, measure, operator, values)


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _numeric(draft: Draft, place: int, left: int, after: int) -> str | None:
    """Return the number column that a bound is about, such as a price."""
    numeric = draft.lexicon.numeric
    if not numeric:
        return None
    for each in (left, after, place - 1):
        item = draft.items.at(each)
        if item is None or item.used:
            continue
        named = item.noun.dimension if item.noun.dimension in numeric else None
        if named or item.kind == "priced":
            item.used = "condition"
            of = draft.items.at(draft.items.step(draft.items.rows.index(item), -1, "to"))
            if of is not None and of.noun.dimension and not of.used and belongs(draft, of):
                of.used = "condition"
            return named or numeric[0]
    if any(word in PRICED for word in draft.said(draft.items.rows[place]).split()):
        of = draft.items.at(draft.items.step(place, -1, "to"))
        if of is not None and of.noun.dimension and not of.used and draft.items.has("noun") and _measured(draft, of):
            of.used = "condition"
        return numeric[0]
    return None


def belongs(draft: Draft, item: Item) -> bool:
    """Tell whether a noun only says what is filtered, as in "revenue of products costing less than 2"."""
    first = item.edge.first
    before = draft.texts[first - 1] if first and draft.texts[max(0, first - 2)] not in ("list", "names") else ""
    said = ("of", "from", "for", "on", "with", "in", "to", "among", "those", "these", "only", "such")
    return before in said and _measured(draft, item)


def _measured(draft: Draft, item: Item) -> bool:
    """Tell whether another noun is the measure, as in "revenue from items cheaper than 1"."""
    return any(row.noun.measure and row is not item for row in draft.items.rows)


def _another_subject(draft: Draft, place: int) -> bool:
    """Tell whether the noun at a place is the measure of a threshold, not its subject."""
    item = draft.items.rows[place]
    if not item.noun.dimension or not item.noun.plural:
        return True
    return any(row.noun.dimension and not row.used for row in draft.items.rows[max(0, place - REACH) : place])


def _subject_of(draft: Draft, place: int, measure: str, operator: str, values: list[float]) -> None:
    items = draft.items

    counts = draft.lexicon.counts

    def fits(row: Item) -> bool:
        return bool(row.noun.dimension or _numbered(draft, row)) and row.used in ("", "subject")

    subject = items.before(place, fits)
    inside = subject >= 0 and _numbered(draft, items.rows[subject])
    counted = inside or (subject >= 0 and items.kind(items.step(subject, -1, "to", "distinct")) in ("count",))
    bounds = tuple(values)
    if subject < 0 and items.has("who"):
        name = draft.lexicon.model.by_role(Role.CUSTOMER)
        who = next(items.free("who"), -1)
        if name and who >= 0:
            items.use(who, "subject")
            draft.add_dimension(name)
    elif subject >= 0:
        row = items.rows[subject]
        name = row.noun.dimension or counts.get(row.noun.measure or "")
        row.used = "subject"
        if counted and row.noun.measure:
            counter = items.step(subject, -1, "to", "distinct")
            if not inside:
                items.use(counter, "measure")
            draft.add_measure(row.noun.measure)
            draft.thresholds.append(Threshold(measure, operator, bounds, per=name))
            return
        if name:
            draft.add_dimension(name)
    if not draft.dimensions:
        bucket = items.before(place, lambda row: row.kind == "unit")
        if bucket >= 0:
            draft.grain = str(items.use(bucket, "grain").value)
        else:
            draft.doubt("subject", 2.0 if items.has("count") else 1.0)
    draft.thresholds.append(Threshold(measure, operator, bounds))
    if not draft.measures:
        draft.subject = measure


def _numbered(draft: Draft, row: Item) -> bool:
    """Tell whether a noun itself says that things are counted: "number of countries"."""
    return row.noun.measure in draft.lexicon.counts and draft.said(row).startswith(
        ("number of", "distinct", "different")
    )
