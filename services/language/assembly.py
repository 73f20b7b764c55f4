"""Words of a question -> the form they make. One pass per part of the form, in the order of PASSES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from services.language import periods_asked
from services.language.dates import DateText
from services.language.edges import FOREIGN, Edge
from services.language.forms import TOP, Comparison, Condition, Form, Threshold
from services.language.function_words import CURRENCY_WORDS
from services.language.items import Item, Items
from services.language.lexicon import Lexicon, Noun
from services.language.spans import Clock, Span
from services.language.values import Named
from services.model import Role

LINKS = ("to", "sign", "and", "filler")
PRICED = ("cheaper", "expensive", "pricier", "dearer", "costlier")
QUANTITY = frozenset({"most", "the most", "least", "the least", "fewest"})


@dataclass
class Draft:
    """A form while it is put together. `doubts` counts what had to be assumed, `faults` what is missing."""

    lexicon: Lexicon
    clock: Clock
    items: Items
    texts: Sequence[str]
    dates: DateText
    measures: list[str] = field(default_factory=list)
    dimensions: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)
    time: Span | None = None
    grain: str | None = None
    order: tuple[str | None, bool] | None = None
    limit: int | None = None
    limit_per: str | None = None
    comparison: Comparison | None = None
    calculation: str | None = None
    window: int | None = None
    verb: str | None = None
    subject: str | None = None
    doubts: dict[str, float] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def doubt(self, name: str, much: float = 1.0) -> None:
        """Note something assumed."""
        self.doubts[name] = self.doubts.get(name, 0.0) + much

    def add_measure(self, name: str) -> None:
        """Add a measure once."""
        if name not in self.measures:
            self.measures.append(name)

    def add_dimension(self, name: str) -> None:
        """Add a dimension once."""
        if name not in self.dimensions:
            self.dimensions.append(name)

    def said(self, item: Item) -> str:
        """Return the words of an item."""
        return " ".join(self.texts[item.edge.first : item.edge.past])

    @property
    def main(self) -> str:
        """The measure everything else refers to."""
        return self.measures[0] if self.measures else (self.verb or self.lexicon.default)


def assemble(path: Sequence[Edge], lexicon: Lexicon, clock: Clock, texts: Sequence[str], dates: DateText) -> Draft:
    """Return the draft that a sequence of edges makes."""
    rows = []
    for edge in path:
        if edge.kind == "filler" or (edge.kind == "sign" and edge.value not in CURRENCY_WORDS):
            continue
        kind = "currency" if edge.kind in ("sign", "unknown") and edge.value in CURRENCY_WORDS else edge.kind
        rows.append(Item("number" if edge.kind == "number" else kind, edge.value, edge))
    draft = Draft(lexicon, clock, Items(rows), texts, dates)
    for make in PASSES:
        make(draft)
    return draft


def form_of(draft: Draft) -> Form:
    """Return the finished form."""
    measures = tuple(draft.measures) or (draft.verb or draft.lexicon.default,)
    order = None if draft.order is None else (draft.order[0] or measures[0], draft.order[1])
    if order and order[0] not in measures:
        measures = (*measures, order[0]) if draft.measures else (order[0],)
    return Form(
        measures,
        tuple(draft.dimensions),
        tuple(draft.conditions),
        tuple(draft.thresholds),
        draft.time,
        draft.grain,
        order,
        draft.limit,
        draft.limit_per,
        draft.comparison,
        draft.calculation,
        draft.window,
    )


# ---------------------------------------------------------------------------------------------------------- passes


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
        elif item.kind == "much":
            item.used = "verb"
            draft.verb = draft.verb or draft.lexicon.money
    money = next(draft.items.free("much"), None) is not None or draft.items.has("much")
    if money and draft.items.has("sell", "spend"):
        draft.verb = draft.lexicon.money


def _moving(draft: Draft) -> None:
    for place in draft.items.free("moving"):
        value = draft.items.use(place, "calculation").value
        if isinstance(value, tuple) and isinstance(value[0], int):
            if value[1] == "moving":
                continue
            draft.calculation, draft.window, draft.grain = "moving_avg", value[0], str(value[1])
        else:
            draft.faults.append(("unsupported_analysis", "a moving average needs a number of periods"))


def _thresholds(draft: Draft) -> None:
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
    if following is not None and following.kind == "times" and ordered in draft.lexicon.counted_by:
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
            measure = draft.lexicon.default
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
        if item is not None and item.kind == "noun" and item.noun.dimension in numeric and not item.used:
            item.used = "condition"
            return item.noun.dimension
        if item is not None and item.kind == "priced":
            item.used = "condition"
            of = draft.items.at(draft.items.step(draft.items.rows.index(item), -1, "to"))
            if of is not None and of.noun.dimension and not of.used and _belongs(draft, of):
                of.used = "condition"
            return numeric[0]
    if any(word in PRICED for word in draft.said(draft.items.rows[place]).split()):
        of = draft.items.at(draft.items.step(place, -1, "to"))
        if of is not None and of.noun.dimension and not of.used and draft.items.has("noun") and _measured(draft, of):
            of.used = "condition"
        return numeric[0]
    return None


def _belongs(draft: Draft, item: Item) -> bool:
    """Tell whether a noun only says what is filtered, as in "revenue of products costing less than 2"."""
    before = draft.texts[item.edge.first - 1] if item.edge.first else ""
    return before in ("of", "from", "for", "on") and _measured(draft, item)


def _measured(draft: Draft, item: Item) -> bool:
    """Tell whether another noun is the measure, as in "revenue from items cheaper than 1"."""
    return any(row.noun.measure and row is not item for row in draft.items.rows)


def _another_subject(draft: Draft, place: int) -> bool:
    """Tell whether the noun at a place is the measure of a threshold, not its subject."""
    item = draft.items.rows[place]
    if not item.noun.dimension or not item.noun.plural:
        return True
    return any(row.noun.dimension and not row.used for row in draft.items.rows[:place])


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
            draft.doubt("subject")
    draft.thresholds.append(Threshold(measure, operator, bounds))
    if not draft.measures:
        draft.subject = measure


def _numbered(draft: Draft, row: Item) -> bool:
    """Tell whether a noun itself says that things are counted: "number of countries"."""
    return row.noun.measure in draft.lexicon.counts and draft.said(row).startswith(
        ("number of", "distinct", "different")
    )


def _names(draft: Draft) -> None:
    """Turn named values into conditions; those after "without" are left out."""
    items = draft.items
    _literals(draft)
    negated: set[int] = set()
    for place in list(items.free("not")):
        items.use(place, "condition")
        each = items.step(place, 1, "to", "count")
        if items.kind(each) == "noun" and items.kind(each + 1) == "value":
            items.use(each, "condition")
            each += 1
        if items.kind(each) != "value":
            draft.doubt("lost")
            continue
        while items.kind(each) == "value":
            negated.add(each)
            each = items.step(each, 1, "and", "or", "to", "not")
    for place in list(items.free("value")):
        item = items.use(place, "condition")
        _name(draft, place, _chosen(draft, place, item), negated=place in negated)


def _literals(draft: Draft) -> None:
    """Read "containing X" and "starting with X"."""
    items = draft.items
    for place in list(items.free("inname")):
        items.use(place, "condition")
        named = items.at(place - 1)
        product = draft.lexicon.model.by_role(Role.PRODUCT)
        if named is None or named.used or named.kind != "value" or not product:
            draft.faults.append(("unknown_value", draft.said(named) if named else ""))
            continue
        named.used = "condition"
        terms = named.named[0].terms or (draft.said(named),)
        draft.conditions += [Condition(product, "contains", (term.upper(),)) for term in terms]
    for kind, operator in (("contains", "contains"), ("starts", "starts_with")):
        for place in list(items.free(kind)):
            item = items.use(place, "condition")
            following = items.at(place + 1)
            subject = items.before(place, lambda row: bool(row.noun.dimension))
            name = items.rows[subject].noun.dimension if subject >= 0 else draft.lexicon.model.by_role(Role.PRODUCT)
            negated = items.kind(place - 1) == "not"
            if subject >= 0 and items.rows[subject].edge.first and _belongs(draft, items.rows[subject]):
                items.rows[subject].used = "condition"
            if following is None or not name:
                draft.faults.append(("ambiguous", "what the name should contain is missing"))
                continue
            words = draft.said(following).strip("\"' ")
            following.used = "condition"
            if following.kind == "unknown" and operator == "contains":
                draft.faults.append(("unknown_value", words))
            if negated:
                items.use(place - 1, "condition")
            terms = following.named[0].terms if following.named and following.named[0].terms else (words.upper(),)
            if operator == "starts_with":
                terms = (words.upper(),)
            said = "not_contains" if negated else operator
            draft.conditions += [Condition(name, said, (term.upper(),)) for term in terms]
            item.used = "condition"


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
                if not noun.noun.plural or beside < place:
                    noun.used = noun.used or "condition"
                exact = [each for each in item.named if each.dimension == noun.noun.dimension]
                return exact[0] if exact else named
    if len(item.named) > 1:
        draft.doubt("several", 0.5 if item.named[0].tier == "code" else 1.0)
    return sorted(item.named, key=lambda named: _rank(draft, named))[0]


def _rank(draft: Draft, named: Named) -> tuple[int, int]:
    """Order dimensions that know the same value: own codes before labelled ones, customers before orders."""
    dimension = draft.lexicon.model.dimension(named.dimension)
    if named.tier == "code":
        return (0 if dimension.label_column is None and dimension.role is None else 1, 0)
    roles = [Role.COUNTRY, Role.PRODUCT, Role.PRODUCT_TYPE, Role.CHANNEL, Role.CUSTOMER]
    return (2, roles.index(dimension.role) if dimension.role in roles else 9)


def _name(draft: Draft, place: int, named: Named, *, negated: bool) -> None:
    keys = tuple(dict.fromkeys(entry.key for entry in named.entries))
    labels = tuple(entry.label for entry in named.entries)
    said = draft.said(draft.items.rows[place])
    if named.tier in ("contains", "part") and all(word in FOREIGN for word in said.split()):
        draft.faults.append(("unknown_value", said))
    if named.tier == "contains":
        draft.doubt("contains")
        before = draft.texts[draft.items.rows[place].edge.first - 1] if draft.items.rows[place].edge.first else ""
        if before in ("in", "from", "to", "by"):
            draft.doubt("odd_place")
        operator = "not_contains" if negated else "contains"
        draft.conditions += [Condition(named.dimension, operator, (term.upper(),)) for term in named.terms]
        return
    if named.tier == "part":
        draft.doubt("part")
    operator = "not_in" if negated else "in"
    for number, known in enumerate(draft.conditions):
        if (known.dimension, known.operator) == (named.dimension, operator):
            joined = (*known.values, *(key for key in keys if key not in known.values))
            draft.conditions[number] = replace(known, values=joined, labels=(*known.words, *labels))
            return
    draft.conditions.append(Condition(named.dimension, operator, keys, labels))


def _members(draft: Draft) -> None:
    """Compare members: two values of a dimension side by side, or one against the rest."""
    items = draft.items
    for place in list(items.free("rest")):
        if draft.conditions and items.has("versus", "compare"):
            items.use(place, "calculation")
            following = items.at(place + 1)
            if following is not None and following.noun.dimension == draft.conditions[-1].dimension:
                following.used = "calculation"
            draft.calculation = "in_vs_rest"
            for versus in (*items.free("versus"), *items.free("compare")):
                items.use(versus, "calculation")
    for place in list(items.free("versus")):
        left, right = items.step(place, -1, *LINKS), items.step(place, 1, *LINKS, "noun")
        if items.kind(left) in ("value", "noun") and items.kind(right) == "value":
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


def _shares(draft: Draft) -> None:
    for kind, calculation in (("share", "share"), ("running", "cumulative")):
        for place in list(draft.items.free(kind)):
            item = draft.items.use(place, "calculation")
            if kind == "share" and draft.items.kind(place + 1) == "growth" and " of" not in draft.said(item):
                continue
            draft.calculation = calculation
    if draft.calculation == "cumulative" and draft.grain is None:
        draft.subject = draft.subject or None


def _rankings(draft: Draft) -> None:
    """Read top and bottom, superlatives, and orders such as "highest first"."""
    items = draft.items
    for place, item in enumerate(items.rows):
        if item.used or item.kind not in ("most", "seller", "busy"):
            continue
        _superlative(draft, place, descending=item.value == "desc")
    for place in list(items.free("order")):
        descending = items.use(place, "order").value == "desc"
        draft.order = (draft.order[0] if draft.order else None, descending)
    for place in list(items.free("ranked")):
        noun = items.at(items.step(place, 1, "to", "most", "count"))
        if noun is not None and noun.noun.measure:
            items.use(place, "order")
            ranked = items.before(place, lambda row: bool(row.noun.dimension) and not row.used)
            if ranked >= 0 and not draft.dimensions:
                draft.add_dimension(items.use(ranked, "dimension").noun.dimension or "")
            noun.used = "order"
            draft.order = (noun.noun.measure, draft.order[1] if draft.order else True)
        elif noun is not None and noun.kind == "grain":
            items.use(place, "grain")
    for place in list(items.free("rank")):
        items.use(place, "order")
        draft.order = draft.order or (None, True)
        subject = items.after(place, lambda row: row.kind == "noun" and bool(row.noun.dimension) and not row.used)
        if subject >= 0:
            name = items.use(subject, "dimension").noun.dimension
            draft.add_dimension(name or "")


def _superlative(draft: Draft, place: int, *, descending: bool) -> None:
    items = draft.items
    item = items.rows[place]
    item.used = "order"
    subject = _ranked_before(draft, place)
    number = _count_beside(draft, place, subject)
    following = items.step(place, 1, "number", "seller", "most", "to", "distinct", "busy", "new")
    target = items.at(following)
    quantity = draft.said(item) in QUANTITY or " of" in draft.said(item) or "number" in draft.said(item)
    order: str | None = None
    asker = items.at(subject)
    if asker is not None and asker.kind in ("who", "where", "when") and target is not None and target.noun.dimension:
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
    _rows_ranked(draft, place, subject, number)
    if order is None and draft.order is not None:
        order = draft.order[0]
    draft.order = (order, descending)


def _rows_ranked(draft: Draft, place: int, subject: int, number: int | None) -> None:
    """Set what is ranked and how many rows of it are wanted."""
    if subject >= 0:
        _rank_subject(draft, subject, number)
    elif not draft.dimensions and draft.grain is None:
        _rank_nothing(draft, place, number)
    if number is not None:
        draft.limit = number
    elif draft.limit is None and (draft.dimensions or draft.grain or not draft.items.has("by")):
        draft.limit = 1


def _count_beside(draft: Draft, place: int, subject: int) -> int | None:
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


def _ranked_before(draft: Draft, place: int) -> int:
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
    if led == "by" and items.rows[each].kind != "unit":
        return -1
    if led == "count":
        return -1
    return each


def _rank_subject(draft: Draft, subject: int, number: int | None) -> None:
    row = draft.items.use(subject, "dimension")
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
    one = any(row.kind == "which" and row.value == "one" for row in draft.items.rows)
    if number is None:
        draft.limit = TOP if plural and not one else 1


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
    elif later >= 0:
        row = draft.items.use(later, "dimension")
        draft.add_dimension(row.noun.dimension or "")
        draft.limit = (TOP if row.noun.plural else 1) if number is None else number
    elif not draft.items.has("by"):
        draft.doubt("unranked")


def _breakdowns(draft: Draft) -> None:
    """Read "by", "per", "for each" and what they are followed by, through a list."""
    items = draft.items
    for place in [*items.free("by"), *items.free("split")]:
        items.use(place, "by")
        each = items.step(place, 1, "to", "by", "distinct", "new", "count") if items.kind(place) == "by" else place + 1
        if items.kind(place) == "split":
            each = items.after(place, lambda row: row.kind == "by")
            if each < 0:
                continue
            continue
        found = 0
        while (row := items.at(each)) is not None and not row.used:
            if not _broken_by(draft, place, row):
                break
            found += 1
            each = items.step(each, 1, "and", "by", "to")
            if items.kind(each - 1) not in ("and", "by") and items.kind(each - 2) not in ("and", "by"):
                break
        if not found:
            _by_nothing(draft, place, each)


def _by_nothing(draft: Draft, place: int, each: int) -> None:
    row = draft.items.at(each)
    word = draft.said(draft.items.rows[place])
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


def _broken_by(draft: Draft, place: int, row: Item) -> bool:  # noqa: PLR0911 - one per kind of thing
    """Take one thing to break down by; False when it is not one."""
    items = draft.items
    word = draft.said(items.rows[place])
    if row.kind in ("unit", "grain"):
        row.used = "grain"
        _bucket(draft, str(row.value))
        return True
    if row.kind != "noun":
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
        draft.order = (row.noun.measure, draft.order[1])
        return True
    if row.noun.dimension:
        row.used = "dimension"
        if ranking and draft.dimensions and row.noun.dimension not in draft.dimensions:
            draft.limit_per = row.noun.dimension
            draft.dimensions.insert(0, row.noun.dimension)
        else:
            draft.add_dimension(row.noun.dimension)
        return True
    if row.noun.measure:
        row.used = "order"
        before = items.before(place, lambda each: bool(each.noun.dimension) and each.noun.plural and not each.used)
        if before >= 0 and not draft.dimensions and items.kind(items.step(before, -1, "to")) != "count":
            draft.add_dimension(items.use(before, "dimension").noun.dimension or "")
        draft.add_measure(row.noun.measure)
        if draft.dimensions:
            draft.order = (row.noun.measure, True)
        return True
    return False


def _bucket(draft: Draft, name: str) -> None:
    if draft.calculation == "moving_avg":
        return
    if draft.limit is not None and draft.dimensions and name in ("day", "week", "month", "quarter", "year", "hour"):
        draft.limit_per = name
    draft.grain = name


def _grains(draft: Draft) -> None:
    items = draft.items
    for place in list(items.free("grain")):
        _bucket(draft, str(items.use(place, "grain").value))
    for place in list(items.free("trend")):
        items.use(place, "grain")
        draft.grain = draft.grain or "any"
    for place in list(items.free("unit")):
        before = items.kind(items.step(place, -1, "to"))
        if before in ("which", "count") or draft.calculation in ("cumulative", "moving_avg"):
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


def _averages(draft: Draft) -> None:
    items = draft.items
    for place in list(items.free("average")):
        items.use(place, "calculation")
        measure = draft.main
        whole = draft.lexicon.model.measures[measure].expression
        if draft.calculation == "moving_avg" or "/" in whole or whole.startswith(("avg", "mean")):
            continue
        if draft.grain in ("day", "week", "month", "quarter", "year", "hour") and draft.order is None:
            draft.calculation = "avg_per_period"
        else:
            draft.doubt("average")


def _nouns(draft: Draft) -> None:
    """Sort the remaining nouns into measures and dimensions by where they stand."""
    items = draft.items
    for place in list(items.free("noun")):
        row = items.rows[place]
        noun = row.noun
        left = items.step(place, -1, "to", "distinct")
        if noun.measure and not noun.dimension:
            row.used = "measure"
            draft.add_measure(noun.measure)
            if items.kind(left) == "count":
                items.rows[left].used = "measure"
        elif noun.dimension and not noun.measure:
            _plain_dimension(draft, place, left)
        else:
            _either(draft, place, left)
    for place in list(items.free("count")):
        items.use(place, "measure")
        if not draft.measures:
            draft.verb = draft.lexicon.pieces
            if not items.has("sell", "value", "spend"):
                draft.doubt("count")
    for place in list(items.free("distinct")):
        items.use(place, "measure")


def _plain_dimension(draft: Draft, place: int, left: int) -> None:
    items, row = draft.items, draft.items.rows[place]
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
    if items.kind(left) not in ("which", "by", "compare") and name not in draft.dimensions:
        draft.doubt("loose_dimension")
    draft.add_dimension(name)


def _either(draft: Draft, place: int, left: int) -> None:
    """Decide a noun such as "customers": counted, or listed."""
    items, row = draft.items, draft.items.rows[place]
    noun, lead = row.noun, items.kind(left)
    following = items.kind(items.step(place, 1, "filler"))
    role = draft.lexicon.model.dimension(noun.dimension or "").role
    same = any(each.dimension == noun.dimension for each in draft.conditions)
    counted = draft.measures or any(each.noun.measure and each is not row for each in items.rows)
    if items.kind(place - 1) == "value" and counted and (same or draft.measures or draft.dimensions):
        row.used = "condition"
        return
    asks = items.at(left)
    listed = (lead == "which" and asks is not None and asks.value != "is") or (
        following in ("sell", "contains", "starts", "priced", "who", "spend")
        and role is not Role.ORDER
        and lead != "count"
    )
    plain = items.kind(place - 1) != "distinct" and items.kind(left + 1) != "distinct" and " " not in draft.said(row)
    if lead == "count" and role is Role.PRODUCT and items.has("sell") and plain:
        items.rows[left].used = row.used = "measure"
        draft.add_measure(draft.lexicon.pieces)
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
        draft.doubt("either", 0.5)


def _times(draft: Draft) -> None:
    periods_asked.read(draft)


def _leftovers(draft: Draft) -> None:
    """Use up what only helped, and note what stayed without use."""
    items = draft.items
    if draft.subject and not draft.measures and draft.calculation is None:
        draft.measures.append(draft.subject)
    what_sold(draft)
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
    for place in list(items.free("who")):
        name = draft.lexicon.model.by_role(Role.CUSTOMER)
        items.use(place, "dimension")
        if name and not draft.measures and not draft.dimensions:
            draft.add_dimension(name)
    for place in list(items.free("where")):
        name = draft.lexicon.model.by_role(Role.COUNTRY)
        items.use(place, "dimension")
        if name and name not in draft.dimensions:
            draft.add_dimension(name)
    for row in items.rows:
        if row.kind == "unknown":
            draft.faults.append(("unknown", draft.said(row)))
        elif not row.used:
            draft.doubt(f"unused_{row.kind}" if row.kind in _NAMED_UNUSED else "unused")


_NAMED_UNUSED = ("number", "unit", "new", "not", "than", "versus", "growth", "rest", "noun", "by", "follow", "route")


def what_sold(draft: Draft) -> None:
    """Read "what did we sell to Malta" as a list of products."""
    items = draft.items
    what = next(iter(items.free("which")), -1)
    product = draft.lexicon.model.by_role(Role.PRODUCT)
    asks = (
        what == 0
        and draft.texts[items.rows[0].edge.first] == "what"
        and items.rows[0].edge.past == items.rows[0].edge.first + 1
    )
    bought = any(row.kind == "sell" for row in items.rows)
    if asks and bought and product and not draft.dimensions and not draft.measures and draft.grain is None:
        items.use(what, "dimension")
        draft.add_dimension(product)


PASSES: tuple[Callable[[Draft], None], ...] = (
    _verbs,
    _moving,
    _thresholds,
    _names,
    _members,
    _shares,
    _rankings,
    _times,
    _breakdowns,
    _grains,
    _averages,
    _nouns,
    _leftovers,
)
