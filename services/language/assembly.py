"""Words of a question -> the form they make. One pass per part of the form, in the order of PASSES."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from services.language import (
    breakdowns,
    calculations,
    conditions,
    newcomers,
    nouns,
    periods_asked,
    rankings,
    thresholds,
    weekdays,
)
from services.language.dates import DateText
from services.language.draft import Draft
from services.language.edges import SKIPPED
from services.language.fillers import CURRENCY_WORDS
from services.language.function_words import meanings
from services.language.items import Item, Items
from services.language.lexicon import Lexicon
from services.language.spans import Clock
from services.language.stretches import Edge
from services.model import Role


def assemble(path: Sequence[Edge], lexicon: Lexicon, clock: Clock, texts: Sequence[str], dates: DateText) -> Draft:
    """Return the draft that a sequence of edges makes."""
    rows = []
    for edge in path:
        if edge.kind == "filler" or (edge.kind == "sign" and edge.value not in CURRENCY_WORDS):
            continue
        kind = "currency" if edge.kind in ("sign", "unknown") and edge.value in CURRENCY_WORDS else edge.kind
        rows.append(Item("number" if edge.kind == "number" else kind, edge.value, edge))
    for left, sign, right in zip(rows, rows[1:], rows[2:], strict=False):
        slash = sign.kind == "by" and sign.edge.value == "" and texts[sign.edge.first] == "/"
        if slash and (left.kind == right.kind or {left.kind, right.kind} & _NO_BREAKDOWN or right.kind == "by"):
            sign.kind = "and"
            sign.used = "" if left.kind == right.kind else "helper"
    draft = Draft(lexicon, clock, Items(rows), texts, dates)
    if skipped := sum(edge.value == SKIPPED for edge in path):
        draft.doubt("skipped", skipped)
    for make in PASSES:
        make(draft)
    return draft


#: What a "/" never breaks anything down by.
_NO_BREAKDOWN = frozenset({"date", "value"})


def _verbs(draft: Draft) -> None:
    """Take the measure that a verb means: sold pieces, spent money."""
    for place, item in enumerate(draft.items.rows):
        if item.kind == "sell":
            draft.verb = draft.verb or draft.lexicon.pieces
            item.used = "verb"
        elif item.kind == "spend":
            draft.verb = draft.lexicon.money if draft.items.kind(place - 1) != "number" else draft.verb
            item.used = "verb"
        elif item.kind == "seller":
            draft.verb = draft.lexicon.pieces
        elif item.kind == "busy":
            draft.verb = "orders" if "orders" in draft.lexicon.model.measures else draft.verb
        elif item.kind == "terms":
            item.used = "verb"
        elif item.kind == "much":
            item.used = "verb"
            draft.verb = draft.verb or draft.lexicon.money
    money = next(draft.items.free("much"), None) is not None or draft.items.has("much")
    if money and draft.items.has("sell", "spend"):
        draft.verb = draft.lexicon.money
    terms = next((row.value for row in draft.items.rows if row.kind == "terms"), None)
    if terms:
        draft.verb = draft.lexicon.money if terms == "money" else draft.lexicon.pieces


def _leftovers(draft: Draft) -> None:
    """Use up what only helped, and note what stayed without use."""
    items = draft.items
    _judged(draft)
    if draft.subject and not draft.measures and draft.calculation is None:
        draft.measures.append(draft.subject)
    _what_sold(draft)
    _helpers(draft)
    for place in list(items.free("ormore")):
        if draft.said(items.rows[place]) in ("+", "plus"):
            items.use(place, "helper")
    for kind in (
        "which",
        "to",
        "and",
        "or",
        "contribute",
        "currency",
        "much",
        "sell",
        "spend",
        "compare",
        "trend",
        "split",
    ):
        for place in list(items.free(kind)):
            items.use(place, "helper")
    _asked_for(draft)
    _ties(draft)
    for row in items.rows:
        if row.kind == "unknown" and not row.used:
            draft.faults.append(("unknown", draft.said(row)))
        elif not row.used:
            draft.doubt(f"unused_{row.kind}" if row.kind in _NAMED_UNUSED else "unused")


_JUDGING = frozenset({"best", "worst", "better", "poorest", "finest", "good", "bad"})


def _judged(draft: Draft) -> None:
    """Turn "worst first" round for a measure that is better the lower it is, such as cancellations."""
    if draft.order is None:
        return
    judged = any(
        row.used == "order" and row.kind in ("most", "order") and _JUDGING & set(draft.said(row).split())
        for row in draft.items.rows
    )
    if judged and not draft.lexicon.model.measures[draft.order[0] or draft.main].up_is_good:
        draft.order = (draft.order[0], not draft.order[1])
        draft.doubt("judged")


def _helpers(draft: Draft) -> None:
    """Use up words that only led to others: "over" before a date, "what about" before a whole question."""
    items = draft.items
    whole = draft.measures and (draft.time or draft.conditions or draft.dimensions)
    for place in list(items.free("follow")) if whole else ():
        items.use(place, "helper")
    for place in list(items.free("than")):
        loose = items.kind(items.step(place, 1, "currency")) != "number" and draft.said(items.rows[place]) in (
            "only",
            "just",
        )
        before_date = items.kind(place + 1) in ("date", "which")
        loose |= draft.said(items.rows[place]) == "between" and items.kind(items.step(place, 1, "to")) == "value"
        if loose or (before_date and draft.said(items.rows[place]) in ("over", "under", "below", "above")):
            items.use(place, "helper")


#: Parts of a form that "and" may join: each with its own kind.
_ALIKE = {"grain": "dimension", "by": "dimension", "order": "measure", "verb": "measure"}
#: Words that tie clauses together in ways that no part of the form says.
_HINGES = frozenset({"if", "whether", "as", "then", "yet", "again", "some", "already"})


def _ties(draft: Draft) -> None:
    """Note words that tie parts together which do not belong together, or lead to nothing."""
    items = draft.items
    measured = [place for place, row in enumerate(items.rows) if row.kind == "noun" and row.used == "measure"]
    for first, second in itertools.pairwise(measured if len(draft.measures) > 1 else ()):
        if not any(row.kind in ("and", "by", "versus") for row in items.rows[first + 1 : second]):
            draft.doubt("unjoined")
    for place, row in enumerate(items.rows):
        left, right = items.at(place - 1), items.at(items.step(place, 1, "to", "by"))
        if row.kind in ("and", "or") and draft.said(row) not in (",", "/") and left is not None and right is not None:
            kinds = {_ALIKE.get(each.used, each.used) for each in (left, right)}
            if len(kinds) > 1 and "helper" not in kinds:
                draft.doubt("joined")
    if items.rows and items.rows[-1].kind == "to":
        draft.doubt("dangling")
    for one, other in itertools.pairwise(items.rows):
        same = one.named and other.named and one.named[0].dimension == other.named[0].dimension
        if same and one.edge.past == other.edge.first:
            draft.doubt("joined")
    hinges = sum(text in _HINGES for text in draft.texts)
    if hinges:
        draft.doubt("hinge", hinges)


def _asked_for(draft: Draft) -> None:
    """Read "who" and "where" as the customers and countries they ask for."""
    items = draft.items
    for place in list(items.free("who")):
        name = draft.lexicon.model.by_role(Role.CUSTOMER)
        items.use(place, "dimension")
        something = draft.verb or draft.conditions or draft.order or draft.thresholds or draft.time
        counted = draft.lexicon.counted_by.get(name or "") in draft.measures
        did = place == 0 and items.kind(1) in ("sell", "spend") and not counted
        if name and something and (did or not draft.measures) and not draft.dimensions:
            draft.add_dimension(name)
        elif name and place == 0 and not counted and not draft.dimensions:
            draft.doubt("subject")
    for place in list(items.free("where")):
        following = items.at(items.step(place, 1, "to"))
        if following is not None and following.used in ("condition", "threshold"):
            items.use(place, "helper")
            continue
        name = draft.lexicon.model.by_role(Role.COUNTRY)
        items.use(place, "dimension")
        if name and name not in draft.dimensions:
            draft.add_dimension(name)


_MOVED = frozenset(
    {
        "moved",
        "changed",
        "fared",
        "shifted",
        "move",
        "change",
        "shift",
        "fare",
        "gone",
        "moving",
        "changing",
        "varied",
        "vary",
    }
)


def _course(draft: Draft) -> None:
    """Read "how has the price moved since 2010" as a trend, unless two periods are set against each other."""
    items = draft.items
    dates = [row.date for row in items.rows if row.date]
    two = len(dates) > 1 or any(date.form == "range" for date in dates) or items.has("lastyear", "versus", "compare")
    if draft.texts[:1] != ["how"] or draft.texts[1:2] == [] or draft.texts[1] not in _HAVING or two:
        return
    for place, row in enumerate(items.rows):
        if row.kind in ("sell", "growth", "contribute", "spend") and draft.said(row) in _MOVED:
            items.turn(place, "trend")


_HAVING = frozenset({"has", "have", "had", "did", "do", "does", "is", "are", "was", "were"})
_NAMED_UNUSED = ("number", "unit", "new", "not", "than", "versus", "growth", "rest", "noun", "by", "follow", "route")


def _what_sold(draft: Draft) -> None:
    """Read "what did we sell to Malta" as a list of products."""
    items = draft.items
    what = next(iter(items.free("which")), -1)
    product = draft.lexicon.model.by_role(Role.PRODUCT)
    asks = (
        what == 0
        and draft.texts[items.rows[0].edge.first] == "what"
        and items.rows[0].edge.past == items.rows[0].edge.first + 1
    )
    bought = any(
        row.kind == "sell" or (row.used == "verb" and ("sell", "") in meanings(draft.said(row))) for row in items.rows
    )
    listed = not asks and not items.has("much", "count", "share") and _everything(draft)
    if (asks or listed) and bought and product and not draft.dimensions and not draft.measures and draft.grain is None:
        if asks:
            items.use(what, "dimension")
        draft.add_dimension(product)


_THINGS = frozenset({"everything", "anything", "things", "stuff", "goods", "merchandise"})
#: Words between things and their verb: "everything that customer 12748 ever bought".
_NEAR = 6


def _everything(draft: Draft) -> bool:
    """Tell whether things themselves are asked for: "list everything we have sold to Malta"; not a total of them."""
    items, texts = draft.items, draft.texts
    place = next((number for number, text in enumerate(texts) if text in _THINGS), -1)
    if place < 0 or any(text in ("total", "totals", "sum", "value", "amount") for text in texts[:place]):
        return False
    if any(row.edge.first < place and row.kind != "to" for row in items.rows):
        return False
    rest = (row for row in items.rows if row.edge.first > place and row.used != "condition")
    done = next(rest, None)
    between = texts[place + 1 : done.edge.first] if done is not None else []
    sold = done is not None and (done.kind == "sell" or done.used == "verb")
    return sold and len(between) < _NEAR and not {"on", "in", "to", "for"} & set(between)


PASSES: tuple[Callable[[Draft], None], ...] = (
    _course,
    _verbs,
    newcomers.read,
    calculations.read_moving,
    thresholds.read,
    weekdays.read,
    conditions.name_values,
    conditions.compare_members,
    calculations.read_shares,
    rankings.read,
    periods_asked.read,
    breakdowns.read,
    breakdowns.read_grains,
    breakdowns.read_averages,
    nouns.read,
    newcomers.settle,
    _leftovers,
)
