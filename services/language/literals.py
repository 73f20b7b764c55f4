"""Conditions on what a name holds: "containing X", "starting with X", "with X in the name"."""

from __future__ import annotations

from services.language.draft import Draft
from services.language.forms import Condition
from services.language.items import Item
from services.language.thresholds import belongs
from services.model import Role


def read(draft: Draft) -> None:
    """Read "containing X" and "starting with X"."""
    items = draft.items
    for place in list(items.free("inname")):
        items.use(place, "condition")
        named = items.at(place - 1)
        product = draft.lexicon.model.by_role(Role.PRODUCT)
        if named is None or named.used or named.kind not in ("value", "grain", "unit", "number", "date") or not product:
            draft.faults.append(("unknown_value", draft.said(named) if named else ""))
            continue
        named.used = "condition"
        carrier = items.at(items.step(place - 1, -1, "to"))
        if carrier is not None and carrier.noun.dimension == product and not carrier.used:
            carrier.used = "condition" if belongs(draft, carrier) or items.has("much") else ""
        terms = (named.named[0].terms if named.named else ()) or (draft.said(named),)
        said = "not_contains" if _denied(draft, place - 1) else "contains"
        draft.conditions += [Condition(product, said, (term.upper(),)) for term in terms]
    for kind, operator in (("contains", "contains"), ("starts", "starts_with")):
        for place in list(items.free(kind)):
            item = items.use(place, "condition")
            following = items.at(place + 1)
            if following is not None and following.kind not in _CONTAINED:
                continue
            if following is not None and following.named and _entire(draft, item, following):
                continue
            subject = items.before(place, lambda row: bool(row.noun.dimension) and not _ordered(draft, row))
            name = items.rows[subject].noun.dimension if subject >= 0 else draft.lexicon.model.by_role(Role.PRODUCT)
            negated = _denied(draft, place)
            if subject >= 0 and items.rows[subject].edge.first and belongs(draft, items.rows[subject]):
                items.rows[subject].used = "condition"
            if following is None or not name:
                draft.faults.append(("ambiguous", "what the name should contain is missing"))
                continue
            words = draft.said(following).strip("\"' ")
            following.used = "condition"
            if following.kind == "unknown" and operator == "contains":
                draft.faults.append(("unknown_value", words))
            terms = following.named[0].terms if following.named and following.named[0].terms else (words.upper(),)
            if (beyond := _hyphened(draft, place + 1)) is not None:
                beyond.used = "condition"
                words = f"{words}-{draft.said(beyond)}"
                terms = (words.upper(),)
            if operator == "starts_with":
                terms = (words.upper(),)
            said = "not_contains" if negated else operator
            draft.conditions += [Condition(name, said, (term.upper(),)) for term in terms]
            item.used = "condition"


def _hyphened(draft: Draft, place: int) -> Item | None:
    """Return the second half of a word with a hyphen: the "tron" of "e-tron"."""
    first, second = draft.items.at(place), draft.items.at(place + 1)
    if first is None or second is None or second.kind not in _CONTAINED:
        return None
    between = draft.dates.original[first.edge.past : second.edge.first + 1]
    glued = len(between) > 1 and between[0].text == "-" and all(token.glued for token in between)
    return second if glued else None


def _denied(draft: Draft, place: int) -> bool:
    """Use up the "not" that leads to a place over what carries the words: "excluding products with bag in the name"."""
    items = draft.items
    before = items.step(place, -1, "to")
    thing = items.at(before)
    if thing is not None and thing.noun.dimension and not thing.used and items.kind(before - 1) == "not":
        thing.used, before = "condition", before - 1
    if items.kind(before) != "not":
        return False
    items.use(before, "condition")
    return True


#: What may stand after "containing".
_CONTAINED = frozenset({"value", "unknown", "noun", "number", "date", "grain", "unit", "most", "new", "trend", "sell"})


def _entire(draft: Draft, item: Item, value: Item) -> bool:
    """Tell whether a whole name follows "named" or "called": that one value is meant, not what contains it."""
    called = draft.said(item).split()[-1] in ("named", "called", "of") and value.named[0].tier != "contains"
    inside = value.named[0].tier == "whole" and draft.said(item) in (
        "containing",
        "contains",
        "contain",
        "that contain",
    )
    return called or (inside and len(value.named[0].terms or draft.said(value).split()) > 2)


def _ordered(draft: Draft, row: Item) -> bool:
    """Tell whether a noun is what is ordered: an order contains products, its number contains no words."""
    return row.noun.dimension == draft.lexicon.model.by_role(Role.ORDER)
