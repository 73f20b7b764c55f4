"""What an answer is broken down by: dimensions after "by", time buckets, and averages over them."""

from __future__ import annotations

from services.language import periods_asked
from services.language.date_words import PLURAL_UNITS, UNIT_WORDS
from services.language.draft import Draft
from services.language.items import Item


def read(draft: Draft) -> None:
    """Read "by", "per", "for each" and what they are followed by, through a list."""
    items = draft.items
    for place in list(items.free("than")):
        spread = draft.said(items.rows[place]) == "over" and (row := items.at(place + 1)) is not None
        if spread and row is not None and (row.kind == "grain" or (row.noun.dimension and row.noun.plural)):
            items.turn(place, "by")
    for place in [*items.free("by"), *items.free("split")]:
        if items.rows[place].used:
            continue
        items.use(place, "by")
        if items.kind(place) == "split":
            several = [each for each in draft.conditions if each.operator == "in" and len(each.values) > 1]
            if len(several) == 1 and items.kind(items.step(place, 1, "to")) == "value":
                draft.add_dimension(several[0].dimension)
            continue
        _listed(draft, place)


def _listed(draft: Draft, place: int) -> None:
    """Take the list of things after a "by"."""
    items = draft.items
    ranked = bool(draft.limit is not None and (draft.dimensions or draft.grain))
    each, found = items.step(place, 1, "to", "by", "distinct", "new", "count"), 0
    if items.kind(each) == "value" and items.rows[each + 1 :] and items.rows[each + 1].noun.dimension:
        each = _of_a_value(draft, place, each)
    while (row := items.at(each)) is not None and not row.used and _broken_by(draft, place, row, ranked=ranked):
        found += 1
        beyond = items.step(each, 1, "and", "to")
        if items.kind(beyond) == "by" and items.kind(beyond - 1) != "and":
            return
        beyond = items.step(each, 1, "and", "by", "to")
        between = [spot for spot in range(each + 1, beyond) if items.kind(spot) in ("and", "by")]
        taken = items.at(beyond)
        if not between or taken is None or taken.used:
            return
        for spot in between:
            if items.kind(spot) == "by":
                items.use(spot, "by")
        each = beyond
    if not found:
        _by_nothing(draft, place, each)


def _of_a_value(draft: Draft, place: int, value: int) -> int:
    """Return the place of what is broken down by in "every Swiss client", which a value stands before."""
    noun = draft.items.rows[value + 1]
    word, before = draft.said(draft.items.rows[place]), draft.items.kind(place - 1)
    doer = word == "by" and (before in ("sell", "spend", "contribute") or not noun.noun.plural)
    own = doer or any(each.dimension == noun.noun.dimension for each in draft.items.rows[value].named)
    beside = noun.edge.first == draft.items.rows[value].edge.past
    if own or not beside or (noun.used and noun.used != "condition"):
        return value
    noun.used = ""
    return value + 1


def _by_nothing(draft: Draft, place: int, each: int) -> None:
    row = draft.items.at(each)
    word = draft.said(draft.items.rows[place])
    if _each_member(draft, place, row):
        return
    if row is not None and row.used in ("condition", "threshold"):
        if row.named and row.named[0].tier in ("contains", "part") and len(row.named[0].terms) == 1:
            draft.doubt("odd_place")
        return
    unit = next((UNIT_WORDS[text] for text in draft.said(row).split() if text in PLURAL_UNITS), "") if row else ""
    if row is not None and row.kind == "date" and unit in ("day", "week", "month", "quarter", "year"):
        _bucket(draft, unit)
        return
    if row is not None and row.named and row.named[0].tier in ("part", "contains"):
        draft.faults.append(("missing_dimension", draft.said(row)))
    if row is None or row.used:
        if word in ("by", "per", "split by", "grouped by", "broken down by"):
            draft.doubt("lost")
        return
    if row.kind in ("unknown", "value"):
        if row.kind == "value" and word not in (
            "by",
            "per",
            "split by",
            "broken down by",
            "for every",
            "each",
            "every",
        ):
            return
        draft.faults.append(("missing_dimension", draft.said(row)))


def _each_member(draft: Draft, place: int, row: Item | None) -> bool:
    """Read "for each of Germany and France": the values that were named, one by one."""
    word = draft.said(draft.items.rows[place])
    several = [each for each in draft.conditions if each.operator == "in" and len(each.values) > 1]
    named = row is None or (row.used == "condition" and row.kind == "value")
    if not named or not several or not ("each" in word or "every" in word):
        return False
    name = several[-1].dimension
    if draft.limit is not None and draft.dimensions and name not in draft.dimensions:
        draft.limit_per = name
        draft.dimensions.insert(0, name)
    else:
        draft.add_dimension(name)
    return True


def _broken_by(draft: Draft, place: int, row: Item, *, ranked: bool) -> bool:  # noqa: PLR0911 - one per kind of thing
    """Take one thing to break down by; False when it is not one."""
    items = draft.items
    word = draft.said(items.rows[place])
    if row.kind in ("unit", "grain"):
        row.used = "grain"
        _bucket(draft, str(row.value))
        return True
    one_by_one = "each" in word or "every" in word
    if row.kind != "noun" or (one_by_one and draft.dimensions and row.noun.measure):
        return False
    if one_by_one and row.noun.measure and not row.noun.dimension:
        return False
    listed = bool(draft.dimensions or draft.grain)
    ranking = listed and draft.limit is not None
    alone = listed and not any(other.noun.measure and other is not row for other in items.rows)
    counted = items.kind(items.rows.index(row) - 1) == "count"
    several = row.noun.plural and word == "by" and (ranking or draft.order is not None or alone)
    measure_first = row.noun.measure and (not row.noun.dimension or several or counted)
    if measure_first and draft.order is None and row.noun.dimension:
        row.used = "measure"
        draft.add_measure(row.noun.measure or "")
        return True
    if measure_first and draft.order is not None:
        row.used = "order"
        _listed_before(draft, place)
        draft.order = (row.noun.measure, draft.order[1])
        return True
    if row.noun.dimension:
        row.used = "dimension"
        if ranking and ranked and row.noun.dimension not in draft.dimensions:
            draft.limit_per = row.noun.dimension
            draft.dimensions.insert(0, row.noun.dimension)
        else:
            draft.add_dimension(row.noun.dimension)
        return True
    if row.noun.measure:
        row.used = "order"
        _listed_before(draft, place)
        draft.add_measure(row.noun.measure)
        if draft.dimensions:
            draft.order = (row.noun.measure, True)
        return True
    return False


def _listed_before(draft: Draft, place: int) -> None:
    """Take the plural before "by" as what is listed: "countries by revenue"."""
    items = draft.items
    before = items.before(place, lambda each: bool(each.noun.dimension) and each.noun.plural and not each.used)
    if before >= 0 and not draft.dimensions and items.kind(items.step(before, -1, "to")) != "count":
        draft.add_dimension(items.use(before, "dimension").noun.dimension or "")


def _bucket(draft: Draft, name: str) -> None:
    if draft.calculation == "moving_avg":
        return
    buckets = ("hour", "day", "week", "month", "quarter", "year")
    ranked = draft.limit is not None and draft.order and draft.grain in buckets and name in buckets
    if ranked and buckets.index(name) > buckets.index(draft.grain or ""):
        draft.limit_per = name
        return
    if draft.limit is not None and draft.dimensions and name in ("day", "week", "month", "quarter", "year", "hour"):
        draft.limit_per = name
    elif draft.grain is not None and draft.grain != name:
        draft.doubt("grains")
    draft.grain = name


def read_grains(draft: Draft) -> None:
    """Read time buckets: "monthly", "over time", "which week"."""
    items = draft.items
    for place in list(items.free("grain")):
        _bucket(draft, str(items.use(place, "grain").value))
    for place in list(items.free("trend")):
        items.use(place, "grain")
        draft.grain = draft.grain or "any"
    for place in list(items.free("unit")):
        before = items.kind(items.step(place, -1, "to"))
        listed = before == "and" and any(row.noun.dimension for row in items.rows[max(0, place - 3) : place])
        every = draft.texts[items.rows[place].edge.first - 1 : items.rows[place].edge.first] in (["a"], ["an"])
        if before in ("which", "count") or listed or every or draft.calculation in ("cumulative", "moving_avg"):
            row = items.use(place, "grain")
            draft.grain = draft.grain or str(row.value)
            if before == "which":
                draft.doubt("which_unit")
    if draft.grain == "any":
        draft.grain = periods_asked.trend_grain(draft.time, draft.clock)
    usual = draft.items.has("usually")
    for place in list(items.free("usually")):
        items.use(place, "grain")
    if usual and draft.grain in periods_asked.CYCLIC:
        draft.grain = periods_asked.CYCLIC[draft.grain]
    if draft.grain == "hour" and not periods_asked.is_day(draft.time):
        draft.grain = "hour_of_day"
    if draft.calculation == "cumulative" and draft.grain is None:
        draft.grain = "month"
        draft.doubt("grain")


def _for_one(draft: Draft) -> None:
    """Read "how much does a Swiss customer spend on average" as the measure that divides by customers."""
    items = draft.items
    for place, row in enumerate(items.rows if items.has("average") else ()):
        name = row.noun.dimension
        counts = [each for each, dimension in draft.lexicon.counts.items() if dimension == name]
        if not name or row.noun.plural or not counts or row.used not in ("", "condition"):
            continue
        lead = items.rows[place - 1] if place and items.kind(place - 1) in ("value", "average", "usually") else row
        before = draft.texts[lead.edge.first - 1 : lead.edge.first]
        told = next((each.noun.measure for each in items.rows if each.noun.measure and each is not row), None)
        above = told or draft.verb or draft.lexicon.default
        ratio = next((found for each in counts if (found := draft.lexicon.ratios.get((above, each)))), None)
        if ratio and (before in (["a"], ["an"], ["one"], ["each"]) or items.kind(place - 1) == "average"):
            row.used = "measure"
            draft.measures = [ratio]
            for each in items.rows:
                if each.kind in ("average", "usually", "count") or (each.noun.measure == told and told):
                    each.used = each.used or "measure"


def read_averages(draft: Draft) -> None:
    """Read the average of time buckets, unless the measure is an average itself."""
    items = draft.items
    _for_one(draft)
    for place in list(items.free("average")):
        items.use(place, "calculation")
        beside = items.at(items.step(place, 1, "to", "count"))
        measure = (beside.noun.measure if beside is not None else None) or draft.main
        whole = draft.lexicon.model.measures[measure].expression
        if draft.calculation == "moving_avg" or "/" in whole or whole.startswith(("avg", "mean")):
            continue
        following = items.at(place + 1)
        if following is not None and following.kind == "unit" and not following.used and draft.grain is None:
            draft.grain = str(items.use(place + 1, "grain").value)
        if draft.grain in ("day", "week", "month", "quarter", "year", "hour") and draft.order is None:
            draft.calculation = "avg_per_period"
        else:
            draft.doubt("average", 2.0 if draft.order else 1.0)
