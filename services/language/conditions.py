"""Named values of the data -> conditions, and values set against each other or against the rest."""

from __future__ import annotations

from dataclasses import replace

from services.language import literals
from services.language.demonyms import country_of
from services.language.draft import LINKS, Draft
from services.language.foreign import FOREIGN
from services.language.forms import Condition
from services.language.items import Item
from services.language.stretches import LEAVING, PARTICLES
from services.language.tokens import words_of
from services.language.values import Named
from services.model import Role

COMPARATIVES = frozenset(
    {"more", "less", "fewer", "better", "higher", "lower", "bigger", "larger", "stronger", "worse"}
)


def name_values(draft: Draft) -> None:
    """Turn named values into conditions; those after "without" are left out."""
    items = draft.items
    literals.read(draft)
    negated = _left_out(draft)
    for place in list(items.free("not")):
        items.use(place, "condition")
        _whose(draft, place)
        each = items.step(place, 1, "to", "count")
        if items.kind(each) == "not" or (draft.said(items.rows[place]) == "but" and items.kind(each) != "value"):
            continue
        done = items.step(each, 1, "to", "by") if items.kind(each) == "sell" else each
        if items.kind(done) == "value" and done > each:
            for beside in range(each, done):
                items.use(beside, "helper")
            each = done
        if items.kind(each) == "noun" and items.kind(each + 1) == "value":
            items.use(each, "condition")
            each += 1
        if items.kind(each) != "value":
            draft.doubt("lost")
            continue
        while items.kind(each) == "value":
            negated.add(each)
            following = items.step(each, 1, "and", "or", "to", "not")
            if _led_elsewhere(draft, each, following):
                break
            each = following
    for place in list(items.free("value")):
        item = items.use(place, "condition")
        _name(draft, place, _chosen(draft, place, item), negated=place in negated)


def _led_elsewhere(draft: Draft, left: int, place: int) -> bool:
    """Tell whether only "in" leads to a value of other dimensions: "excluding bags in Spain" keeps Spain."""
    between = {draft.items.kind(each) for each in range(left + 1, place)}
    one, other = (draft.items.at(each) for each in (left, place))
    if between != {"to"} or one is None or other is None:
        return False
    return {each.dimension for each in one.named}.isdisjoint(each.dimension for each in other.named)


def _left_out(draft: Draft) -> set[int]:
    """Return the places of values that are left out by what follows them: "postage and manual not counted"."""
    items, found = draft.items, set()
    for place in list(items.free("outed")):
        each = items.step(place, -1, "to")
        if items.kind(each) != "value":
            continue
        items.use(place, "condition")
        while items.kind(each) == "value":
            found.add(each)
            if items.kind(each - 1) not in ("and", "or") or items.rows[each - 1].edge.past - 1 < 0:
                break
            if draft.said(items.rows[each - 1]) == "," and items.kind(items.step(each, 1)) != "and":
                break
            each = items.step(each, -1, "and", "or")
    for place in items.free("value"):
        found |= _taken_out(draft, place)
    return found


def _taken_out(draft: Draft, place: int) -> set[int]:
    """Return the places of values between a verb and its particle: "once you take the Netherlands and EIRE out"."""
    items, past = draft.items, draft.items.rows[place].edge.past
    if PARTICLES.isdisjoint(draft.texts[past : past + 1]):
        return set()
    found = {place}
    while items.kind(place - 1) in ("and", "or") and items.kind(items.step(place, -1, "and", "or")) == "value":
        place = items.step(place, -1, "and", "or")
        found.add(place)
    first = items.rows[place].edge.first
    return found if LEAVING & set(draft.texts[max(0, first - 3) : first]) else set()


def _whose(draft: Draft, place: int) -> None:
    """Use up the plural that something is left out of: "revenue in all countries except France"."""
    items = draft.items
    row, value = items.at(place - 1), items.at(items.step(place, 1, "to"))
    if row is None or row.used or not row.noun.plural or value is None or not value.named:
        return
    same = any(named.dimension == row.noun.dimension for named in value.named)
    if same and any(each.noun.measure for each in items.rows[: place - 1]) and items.kind(place - 2) != "by":
        row.used = "condition"


def _chosen(draft: Draft, place: int, item: Item) -> Named:
    """Return which of several dimensions a value belongs to: the one said beside it, else the best known."""
    items, model = draft.items, draft.lexicon.model
    for beside in (place - 1, place + 1):
        noun = items.at(beside)
        if noun is None or noun.kind != "noun" or noun.noun.dimension is None:
            continue
        code = any(letter.isdecimal() for letter in item.named[0].entries[0].key) if item.named[0].entries else False
        coded = code and model.dimension(noun.noun.dimension).role is Role.PRODUCT
        if coded and beside < place and not noun.noun.plural:
            noun.used = noun.used or "condition"
        for named in item.named:
            same = model.dimension(named.dimension).column == model.dimension(noun.noun.dimension).column
            if named.dimension == noun.noun.dimension or same:
                led = items.at(items.step(beside, -1, "to"))
                if beside < place and led is not None and led.kind == "by":
                    if not (code and draft.said(led) == "by" and not noun.noun.plural):
                        continue
                    led.used = "helper"
                if not noun.noun.plural or beside < place or named.tier in ("whole", "code", "people"):
                    noun.used = noun.used or "condition"
                exact = [each for each in item.named if each.dimension == noun.noun.dimension]
                own = _by_code(draft, item)
                if own is not None and own.dimension != noun.noun.dimension:
                    draft.doubt("several", 0.5)
                return own or (exact[0] if exact else named)
    if len({model.dimension(named.dimension).column for named in item.named}) > 1:
        draft.doubt("several", 0.5 if item.named[0].tier == "code" else 1.0)
    return sorted(item.named, key=lambda named: _rank(draft, named))[0]


def _by_code(draft: Draft, item: Item) -> Named | None:
    """Return the value as one of the dimension whose names are its codes, None where it has no other name."""
    model = draft.lexicon.model
    labelled = {model.dimension(each.dimension).column for each in item.named if each.tier == "code"}
    plain = (model.dimension(each.dimension) for each in item.named)
    found = (each for each, own in zip(item.named, plain, strict=True) if own.column in labelled)
    return next((each for each in found if model.dimension(each.dimension).label_column is None), None)


def _rank(draft: Draft, named: Named) -> tuple[int, int]:
    """Order dimensions that know the same value: own codes before labelled ones, customers before orders.

    A name of a group and of one of its members means the group: `ValueIndex.exact` gives that first.
    """
    dimension = draft.lexicon.model.dimension(named.dimension)
    coded = named.tier == "whole" and any(letter.isdecimal() for letter in named.entries[0].label)
    if named.tier == "code" or (coded and dimension.label_column is None and dimension.role is None):
        return (0 if dimension.label_column is None and dimension.role is None else 1, 0)
    roles = [Role.COUNTRY, Role.PRODUCT, Role.PRODUCT_TYPE, Role.CHANNEL, Role.CUSTOMER]
    if named.tier == "whole" and dimension.role in (None, Role.PRODUCT, Role.PRODUCT_TYPE):
        return (2, roles.index(Role.PRODUCT))
    return (2, roles.index(dimension.role) if dimension.role in roles else 9)


def _name(draft: Draft, place: int, named: Named, *, negated: bool) -> None:
    said = draft.said(draft.items.rows[place])
    asked = draft.items.kind(place - 1) in ("much", "count", "average", "share", "growth")
    if (asked or named.tier in ("contains", "part")) and all(word in FOREIGN for word in said.split()):
        draft.faults.append(("unknown_value", said))
    if named.tier == "contains":
        _containing(draft, place, named, negated=negated)
        return
    keys = tuple(dict.fromkeys(entry.key for entry in named.entries))
    labels = tuple(entry.label for entry in named.entries)
    if named.tier == "part":
        _part(draft, place, labels[0], named)
        last = draft.conditions[-1] if draft.conditions else None
        if last and last.operator in ("contains", "not_contains") and _joined(draft, place):
            draft.conditions[-1] = replace(last, values=(*last.values, " ".join(named.terms).upper()))
            return
    operator = "not_in" if negated else "in"
    for number, known in enumerate(draft.conditions):
        if (known.dimension, known.operator) == (named.dimension, operator):
            joined = (*known.values, *(key for key in keys if key not in known.values))
            draft.conditions[number] = replace(known, values=joined, labels=(*known.words, *labels))
            return
    draft.conditions.append(Condition(named.dimension, operator, keys, labels))


def _containing(draft: Draft, place: int, named: Named, *, negated: bool) -> None:
    """Add a condition on what is in names; "mugs and umbrellas" is one condition with either."""
    draft.doubt("contains", 0.5 if len(named.terms[0].split()) > 1 or _joined(draft, place) else 1.0)
    if _out_of_place(draft, place):
        draft.doubt("odd_place")
    operator = "not_contains" if negated else "contains"
    terms = tuple(term.upper() for term in named.terms)
    last = draft.conditions[-1] if draft.conditions else None
    if len(terms) == 1 and last and _joined(draft, place):
        if last.operator == operator:
            draft.conditions[-1] = replace(last, values=tuple(dict.fromkeys((*last.values, *terms))))
            return
        draft.doubt("lost")
    draft.conditions += [Condition(named.dimension, operator, (term,)) for term in terms]


def _part(draft: Draft, place: int, label: str, named: Named) -> None:
    """Note how little of a name was said; a word or two of a long product name may as well be something else."""
    draft.doubt("part")
    spoken = [word for word in words_of(label) if word.isalpha() and len(word) > 2]
    product = draft.lexicon.model.dimension(named.dimension).role is Role.PRODUCT
    if product and 2 * len(named.terms) < len(spoken):
        draft.doubt("slight", 0.5 if words_of(label)[0] == named.terms[0] else 1.0)
        if _out_of_place(draft, place):
            draft.doubt("odd_place")


def _out_of_place(draft: Draft, place: int) -> bool:
    """Tell whether a word that is in names stands where something else does: a place, or what somebody is."""
    items, said = draft.items, draft.said(draft.items.rows[place])
    first = items.rows[place].edge.first
    before = draft.texts[first - 1] if first and items.kind(place - 1) != "not" else ""
    told = before in _COPULAS and place == len(items.rows) - 1 and any(row.kind == "noun" for row in items.rows[:place])
    return told or (before in ("in", "from", "to", "by") and " " not in said) or country_of(said) is not None


_COPULAS = ("is", "are", "was", "were")


def _joined(draft: Draft, place: int) -> bool:
    """Tell whether a value goes on from another of its dimension: "mugs and umbrellas"."""
    items = draft.items
    left = items.at(items.step(place, -1, "to"))
    before = items.at(items.step(place, -1, "and", "or", "to"))
    if left is None or left.kind not in ("and", "or") or before is None or not before.named:
        return False
    return before.named[0].dimension == items.rows[place].named[0].dimension


def compare_members(draft: Draft) -> None:
    """Compare members: two values of a dimension side by side, or one against the rest."""
    items = draft.items
    for place in list(items.free("rest")):
        if draft.conditions and items.has("versus", "compare", "split"):
            items.use(place, "calculation")
            following = items.at(place + 1)
            if following is not None and following.noun.dimension == draft.conditions[-1].dimension:
                following.used = "calculation"
            draft.calculation = "in_vs_rest"
            for versus in (*items.free("versus"), *items.free("compare")):
                items.use(versus, "calculation")
    _apart(draft)
    _value_by_value(draft)


def _apart(draft: Draft) -> None:
    """Read "the gap between Germany and France" and "how many more orders did France place than Spain"."""
    for place, row in enumerate(draft.items.rows):
        words = draft.said(row).split()
        apart = row.kind == "growth" and (words[0] in ("difference", "gap") or words[:1] == ["how"])
        if apart and not row.used and words[-1] != "far" and not _two_dates(draft):
            _side_by_side(draft, place)


def _value_by_value(draft: Draft) -> None:
    """Set values side by side that stand beside "versus", "than", "or" or "separately"."""
    items = draft.items
    told = draft.verb or any(row.noun.measure for row in items.rows)
    for place in list(items.free("than")):
        if told and items.kind(place - 1) == items.kind(place + 1) == "value":
            items.use(place, "comparison")
            _side_by_side(draft, place)
    for place in list(items.free("versus")):
        left, right = items.step(place, -1, *LINKS, "contribute"), items.step(place, 1, *LINKS, "noun")
        if items.kind(left) in ("value", "noun") and items.kind(right) == "value":
            _side_by_side(draft, place)
    if any(text in COMPARATIVES for text in draft.texts) and not draft.thresholds and items.has("or"):
        _side_by_side(draft, next(iter(items.free("or")), 0))
    for place in list(items.free("apart")):
        _side_by_side(draft, place)
    for place in list(items.free("compare")):
        if any(len(each.values) > 1 and each.operator == "in" for each in draft.conditions) and not _two_dates(draft):
            _side_by_side(draft, place)
        else:
            items.use(place, "comparison")


def _two_dates(draft: Draft) -> bool:
    return sum(row.kind == "date" for row in draft.items.rows) > 1


def _side_by_side(draft: Draft, place: int) -> None:
    several = [each for each in draft.conditions if each.operator == "in" and len(each.values) > 1]
    if several:
        draft.items.use(place, "comparison")
        draft.add_dimension(several[-1].dimension)
