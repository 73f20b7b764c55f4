"""Plain-English questions -> SalesQuery, by the model's own vocabulary.

A question is read phrase by phrase, longest first. Every word must be understood or be a filler: a word that is
neither is asked back, never guessed.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from rapidfuzz import fuzz, process

from services.access import Viewer
from services.errors import UserError
from services.model import Role, SalesModel
from services.overview import default_query
from services.periods import PRESETS, Compare, Grain, Period, add_months
from services.query import MAX_LIMIT, MAX_TEXT, Filter, SalesQuery, Sort
from services.sales import Sales

FILLERS = frozenset(
    re.findall(
        r"\w+",
        """a all an and are as at be by did do does each for from get give had has have how i in is it list made many me
        much my of on our per please report see sell selling show sold tell that the there total us was we were what
        which who with""",
    )
)
COMPARISONS = {
    "compared with last year": Compare.YEAR,
    "compared to last year": Compare.YEAR,
    "vs last year": Compare.YEAR,
    "versus last year": Compare.YEAR,
    "year on year": Compare.YEAR,
    "compared with the period before": Compare.PRIOR,
    "vs the period before": Compare.PRIOR,
    "vs previous period": Compare.PRIOR,
}
GRAINS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
Apply = Callable[[SalesQuery], SalesQuery]


class NotUnderstoodError(UserError):
    """A question with words that mean nothing here; `words` are those words."""

    def __init__(self, words: list[str], near: list[str]) -> None:
        self.words, self.near = words, near
        hint = f" Known words close to it: {', '.join(near)}." if near else ""
        super().__init__(f"I do not understand {', '.join(map(repr, words))}.{hint} Say it in other words.")


@dataclass(frozen=True)
class Reading:
    """What a question was taken to mean: the query, and which words gave which part of it."""

    query: SalesQuery
    spans: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Meaning:
    """What a phrase stands for: words for the person, and a measure or a change of the query."""

    part: str
    apply: Apply = lambda query: query
    measure: str | None = None


def read(question: str, sales: Sales, viewer: Viewer) -> Reading:
    """Return the reading of a question.

    Raises NotUnderstoodError when a word is neither known nor a filler, UserError for an empty or overlong one.
    Values of dimensions are looked up among the rows the viewer may see.
    """
    if not question.strip() or len(question) > MAX_TEXT:
        raise UserError(f"Ask something of 1 to {MAX_TEXT} characters, such as: revenue by country last month.")
    words = _words(question)
    known = _vocabulary(sales, viewer)
    found: list[tuple[str, _Meaning]] = []
    unknown: list[str] = []
    position = 0
    while position < len(words):
        length, meaning = _longest(words, position, known)
        if meaning is not None:
            found.append((" ".join(words[position : position + length]), meaning))
        elif words[position] not in FILLERS:
            unknown.append(words[position])
        position += max(length, 1)
    if unknown:
        raise NotUnderstoodError(unknown, _near(unknown[0], known))
    query = _query([meaning for _, meaning in found], sales.model)
    return Reading(query.check(sales.model), tuple((words, meaning.part) for words, meaning in found))


def _words(text: str) -> list[str]:
    return [word.strip(".'-") for word in re.findall(r"[\w&'.-]+", text.casefold()) if word.strip(".'-")]


def _query(meanings: list[_Meaning], model: SalesModel) -> SalesQuery:
    named = tuple(dict.fromkeys(meaning.measure for meaning in meanings if meaning.measure))
    query = replace(default_query(model), measures=named or model.overview.measures[:1], compare=Compare.NONE)
    for meaning in meanings:
        query = meaning.apply(query)
    if query.dimensions and not query.grain and not query.sort:
        query = replace(query, sort=(Sort(query.measures[0], descending=True),))
    return query


def _longest(words: list[str], start: int, known: Mapping[str, _Meaning]) -> tuple[int, _Meaning | None]:
    for length in range(min(12, len(words) - start), 0, -1):
        phrase = " ".join(words[start : start + length])
        meaning = known.get(phrase) or _counted(phrase) or _dated(phrase)
        if meaning is not None:
            return length, meaning
    return 0, None


def _near(word: str, known: Mapping[str, _Meaning]) -> list[str]:
    return [match for match, *_ in process.extract(word, known.keys(), scorer=fuzz.ratio, limit=3, score_cutoff=70)]


def _vocabulary(sales: Sales, viewer: Viewer) -> dict[str, _Meaning]:
    known: dict[str, _Meaning] = {}
    for phrase, meaning in (
        *_values(sales, viewer),
        *_dimensions(sales.model),
        *_measures(sales.model),
        *_times(),
    ):
        known[phrase.casefold()] = meaning
    return known


def _measures(model: SalesModel) -> Iterator[tuple[str, _Meaning]]:
    for name, measure in model.measures.items():
        meaning = _Meaning(f"measure {measure.label}", measure=name)
        for phrase in (measure.label, name.replace("_", " "), *measure.synonyms):
            yield phrase, meaning


def _dimensions(model: SalesModel) -> Iterator[tuple[str, _Meaning]]:
    for name, dimension in model.dimensions.items():
        meaning = _Meaning(f"by {dimension.label}", partial(_broken_down, name=name, model=model))
        for noun in (dimension.label, dimension.plural, *dimension.synonyms, *(f"{s}s" for s in dimension.synonyms)):
            for lead in ("by ", "per ", "by each ", "for each ", ""):
                yield lead + noun, meaning


def _broken_down(query: SalesQuery, name: str, model: SalesModel) -> SalesQuery:
    within = model.dimension(name).rank_within
    typed = query.filtered(model.by_role(Role.PRODUCT_TYPE) or name)
    segments = (within,) if within and not typed else query.segments
    return replace(query, dimensions=_with(query.dimensions, name), segments=segments)


def _values(sales: Sales, viewer: Viewer) -> Iterator[tuple[str, _Meaning]]:
    for name in reversed(sales.model.filters):
        label = sales.model.dimension(name).label
        for choice in sales.values(name, viewer, limit=MAX_LIMIT):
            meaning = _Meaning(f"{label} is {choice.label}", partial(_filtered, name=name, key=choice.key))
            yield choice.key, meaning
            yield " ".join(_words(choice.label)), meaning


def _filtered(query: SalesQuery, name: str, key: str) -> SalesQuery:
    others = tuple(each for each in query.filters if each.field != name)
    return replace(query, filters=(*others, Filter(name, "is", _with(query.chosen(name), key))))


def _times() -> Iterator[tuple[str, _Meaning]]:
    for key, preset in PRESETS.items():
        yield preset.label, _Meaning(preset.label, partial(replace, period=Period(key)))
    for grain, adverb in GRAINS.items():
        meaning = _Meaning(f"by {grain}", partial(replace, grain=Grain(grain)))
        for phrase in (f"by {grain}", f"per {grain}", f"each {grain}", adverb):
            yield phrase, meaning
    for phrase, compare in COMPARISONS.items():
        yield phrase, _Meaning(phrase, partial(replace, compare=compare))


def _counted(phrase: str) -> _Meaning | None:
    """Read `top 5`, `bottom 10` and the like."""
    found = re.fullmatch(r"(top|best|bottom|worst)(?: (\d{1,4}))?", phrase)
    if not found:
        return None
    descending, count = found[1] in ("top", "best"), int(found[2] or 10)
    if count == 0:
        return None
    return _Meaning(
        f"{'highest' if descending else 'lowest'} {count}",
        lambda query: replace(query, limit=count, sort=(Sort(query.measures[0], descending),)),
    )


MONTHS = {
    name.casefold(): index for names in (calendar.month_name, calendar.month_abbr) for index, name in enumerate(names)
}


def _dated(phrase: str) -> _Meaning | None:
    """Read `2011`, `q3 2011` and `november 2011`."""
    found = re.fullmatch(r"(?:(?:q(?P<quarter>[1-4])|(?P<month>[a-z]{3,9})) )?(?P<year>(?:19|20)\d\d)", phrase)
    if not found or (found["month"] and found["month"] not in MONTHS):
        return None
    year = int(found["year"])
    if found["quarter"]:
        first, length = dt.date(year, 3 * int(found["quarter"]) - 2, 1), 3
    elif found["month"]:
        first, length = dt.date(year, MONTHS[found["month"]], 1), 1
    else:
        first, length = dt.date(year, 1, 1), 12
    period = Period(first=first, last=add_months(first, length) - dt.timedelta(days=1))
    return _Meaning(f"{period.first} to {period.last}", partial(replace, period=period))


def _with(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return values if value in values else (*values, value)
