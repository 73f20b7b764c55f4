"""Bounds on measures and prices: "customers with at least 10 orders", "products cheaper than 2"."""

from __future__ import annotations

from services.language.counted import TIMES
from services.language.draft import Draft
from services.language.forms import Condition, Threshold
from services.language.items import REACH, Item
from services.model import Role

PRICED = ("cheaper", "expensive", "pricier", "dearer", "costlier")


def read(draft: Draft) -> None:
    """Turn numbers with "more than", "between" or "or more" into bounds."""
    items = draft.items
    _bare_bounds(draft)
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
    for place in list(items.free("number")):
        said, following = draft.said(items.rows[place]), items.at(place + 1)
        order = following is not None and following.noun.dimension == draft.lexicon.model.by_role(Role.ORDER)
        counted = following is not None and (following.kind == "times" or (said == "single" and order))
        did = items.kind(place - 1) in ("sell", "spend", "who", "noun")
        if (said in TIMES and did) or (counted and not items.has("than", "ormore")):
            _bound(draft, place, place, "=", [items.use(place, "threshold").number])
    for place in list(items.free("ormore")):
        number = items.step(place, -1, "currency", "noun", "times")
        if items.kind(number) == "number" and not items.rows[number].used:
            value = items.use(number, "threshold").number
            operator = str(items.use(place, "threshold").value)
            last = number if items.kind(place - 1) in ("noun", "times") else place
            _bound(draft, number, last, operator, [value])


def _dear(draft: Draft, left: int, place: int) -> bool:
    """Tell whether money right behind products is their price: "products under £1"."""
    row = draft.items.at(left)
    product = draft.lexicon.model.by_role(Role.PRODUCT)
    beside = row is not None and row.noun.dimension == product and row.edge.past == draft.items.rows[place].edge.first
    return bool(beside and product and draft.lexicon.numeric)


_ENDS = {"minimum": ">=", "min": ">=", "maximum": "<=", "max": "<="}


def _bare_bounds(draft: Draft) -> None:
    """Read "minimum 500 pieces" and "passed 1 million": what stands right before a number is a bound on it."""
    for place, row in enumerate(draft.items.rows):
        if row.kind == "passed":
            counted = draft.items.kind(draft.items.step(place, 1, "currency", "to")) == "number"
            draft.items.turn(place, "than" if counted else "sell")
            continue
        sign = _ENDS.get(draft.said(row)) if row.kind == "most" else None
        number = draft.items.step(place, 1, "currency")
        following = draft.items.at(draft.items.step(number, 1, "currency"))
        amount = following is not None and following.noun.measure and not following.noun.dimension
        if sign and draft.items.kind(number) == "number" and (amount or draft.items.kind(place + 1) == "currency"):
            draft.items.turn(place, "than")
            row.value = sign


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
    if numeric is not None and operator != "=":
        signs = (">=", "<=") if operator == "between" else (operator,)
        pairs = zip(signs, sorted(values) if len(values) > 1 else values, strict=True)
        draft.conditions += [Condition(numeric, sign, (_plain(value),)) for sign, value in pairs]
        return
    if money and operator in (">", ">=", "<", "<=") and _dear(draft, left, place):
        draft.conditions.append(Condition(draft.lexicon.numeric[0], operator, (_plain(values[0]),)))
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
        _use_leads(draft, items.step(left, -1, "to"))
    if measure is None:
        kinds = {items.kind(each) for each in between_words} | {items.kind(place - 1)}
        first = items.rows[place].edge.first
        money = money or ("sell" in kinds and draft.texts[first - 1 : first] == ["for"])
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


def _use_leads(draft: Draft, lead: int) -> None:
    """Use up what leads to a bounded measure: "when the number of orders fell below 1000"."""
    for each in (lead, lead - 1):
        if draft.items.kind(each) in ("count", "when", "where"):
            draft.items.use(each, "threshold")


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _numeric(draft: Draft, place: int, left: int, after: int) -> str | None:
    """Return the number column that a bound is about, such as a price."""
    numeric = draft.lexicon.numeric
    if not numeric:
        said = draft.said(draft.items.rows[place])
        if draft.lexicon.price is None and any(word in PRICED for word in said.split()):
            draft.faults.append(("missing_dimension", said))
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
    while first and draft.texts[first - 1] in ("all", "the", "our", "any"):
        first -= 1
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
    before = draft.items.rows[max(0, place - REACH) : place]
    return any((row.noun.dimension or row.kind == "unit") and not row.used for row in before)


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
