"""The words of a model: every measure and dimension with its synonyms, plurals and what English makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from services.language.function_words import function_vocabulary
from services.language.stems import plural, stem
from services.language.tokens import listed, words_of
from services.language.verbs import inflected
from services.model import ColumnType, Dimension, Format, Role, SalesModel

#: Words that make a measure one of pieces, or a dimension one of people, whatever it is called.
PIECES = frozenset(listed("units unit quantity qty pieces volume items sold registrations"))
ROLE_NOUNS = {
    Role.CUSTOMER: ("customer", "client", "buyer", "shopper", "spender"),
    Role.PRODUCT: ("product", "item", "article"),
    Role.COUNTRY: ("country", "nation", "market"),
    Role.ORDER: ("order", "invoice"),
    Role.CHANNEL: ("channel",),
    Role.PRODUCT_TYPE: (),
}
ID_NOUNS = ("id", "number", "code", "no", "name")
#: Of these, the ones that tell a dimension by themselves: "code 22423".
TELLING = ("code",)
MEANS = ("average", "avg", "mean")
COUNTED = re.compile(r"count_distinct\(\s*(\w+)\s*\)")
RATIO = re.compile(r"(\w+)\s*/\s*(\w+)")


@dataclass(frozen=True)
class Noun:
    """What a word of the model may stand for: a measure, a dimension, or both, as "customers" does."""

    measure: str | None = None
    dimension: str | None = None
    plural: bool = False


def _variants(phrase: str) -> Iterator[str]:
    """Yield the other ways to say a mean or a number of things."""
    words = words_of(phrase)
    for place, word in enumerate(words):
        if word in MEANS:
            yield from (" ".join((*words[:place], other, *words[place + 1 :])) for other in MEANS if other != word)
            yield from (" ".join((*words[1:], other)) for other in MEANS if not place)
            return
    if words and words[-1] == "count" and len(words) > 1:
        yield f"number of {' '.join(words[:-1])}"
        yield f"{' '.join(words[:-1])}s"
    if words[:2] == ("number", "of"):
        yield f"{' '.join(words[2:])} count"


class Lexicon:
    """The vocabulary of one model. Phrases are tuples of stems; `extra` adds (phrase, name) pairs people taught."""

    def __init__(self, model: SalesModel, extra: tuple[tuple[str, str], ...] = ()) -> None:
        self.model = model
        self.phrases: dict[tuple[str, ...], Noun] = {}
        self.spoken: dict[str, str] = {}
        self.close_words: tuple[tuple[str, ...], ...] = ()
        for name, dimension in model.dimensions.items():
            for phrase in (dimension.label, dimension.plural, name.replace("_", " "), *dimension.synonyms):
                self._add(phrase, dimension=name)
        for name in model.dimensions:
            self._add_dimension(name, model.dimension(name))
        self._add_measures()
        for phrase, name in list(self._heads()):
            self._add(phrase, dimension=name, weak=True)
        for phrase, name in extra:
            if name in model.measures:
                self._add(phrase, measure=name)
            elif name in model.dimensions:
                self._add(phrase, dimension=name)

    def _add_measures(self) -> None:
        said = [(phrase, name) for name in self.model.measures for phrase in self._called(name)]
        for phrase, name in said:
            self._add(phrase, measure=name)
        for phrase, name in said:
            for variant in _variants(phrase):
                self._add(variant, measure=name, weak=True)
        for phrase, name in (*self._counted(), *self._ratios(), *self._done(said)):
            self._add(phrase, measure=name, weak=True)

    def _done(self, said: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """Yield "viewed" for a measure of views: what is neither money, pieces nor a number of things can be done."""
        for phrase, name in said:
            money = self.model.measures[name].format is Format.CURRENCY
            words = words_of(phrase)
            if len(words) == 1 and not money and words[0] not in PIECES and name not in self.counts:
                done = inflected(stem(words[0]))[2]
                if done not in function_vocabulary():
                    yield done, name

    def _add(
        self, phrase: str, *, measure: str | None = None, dimension: str | None = None, weak: bool = False
    ) -> None:
        spoken = words_of(phrase.replace("%", " percent"))
        if not spoken:
            return
        key = tuple(map(stem, spoken))
        known = self.phrases.get(key, Noun())
        if weak and known != Noun():
            return
        self.phrases[key] = Noun(known.measure or measure, known.dimension or dimension)
        for word in spoken:
            self.spoken.setdefault(word, word)
            self.spoken.setdefault(plural(word), word)

    def _add_dimension(self, name: str, dimension: Dimension) -> None:
        nouns = (*ROLE_NOUNS[dimension.role],) if dimension.role else ()
        named = (dimension.label, dimension.plural, *dimension.synonyms)
        own = {stem(word) for phrase in named for word in words_of(phrase)}
        taken = {words_of(other.label) for key, other in self.model.dimensions.items() if key != name}
        said = (dimension.label, dimension.plural, name.replace("_", " "), *dimension.synonyms)
        for phrase in said:
            if dimension.role in (Role.CUSTOMER, Role.ORDER, Role.PRODUCT):
                for tail in ID_NOUNS:
                    if stem(words_of(phrase)[-1]) != tail:
                        self._add(f"{phrase} {tail}", dimension=name, weak=True)
        for phrase in nouns:
            if phrase not in own and (phrase,) not in taken:
                self._add(phrase, dimension=name, weak=True)

    def _heads(self) -> Iterator[tuple[str, str]]:
        """Yield the last word of a dimension's name where no other name ends so: "rep" of "Sales rep"."""
        ends: dict[str, set[str]] = {}
        for name, dimension in self.model.dimensions.items():
            for phrase in (dimension.label, *dimension.synonyms):
                if len(words := words_of(phrase)) > 1 and (words[-1] not in ID_NOUNS or words[-1] in TELLING):
                    ends.setdefault(stem(words[-1]), set()).add(name)
        for word, names in ends.items():
            if len(names) == 1:
                yield word, names.copy().pop()

    def _counted(self) -> Iterator[tuple[str, str]]:
        """Yield "order count" for a measure that counts the values of a dimension."""
        for name, counted in self.counts.items():
            dimension = self.model.dimension(counted)
            for noun in (self.model.measures[name].label, dimension.label, *dimension.synonyms):
                yield from ((f"{noun} {tail}", name) for tail in ("count", "volume", "numbers"))

    def _ratios(self) -> Iterator[tuple[str, str]]:
        """Yield "revenue per order" and "average revenue per order" for a measure that divides one by the other."""
        measures = self.model.measures
        for name, measure in measures.items():
            found = RATIO.fullmatch(measure.expression.strip())
            if not found or not {found[1], found[2]} <= set(measures):
                continue
            above = (measures[found[1]].label, found[1].replace("_", " "), *measures[found[1]].synonyms)
            below = [measures[found[2]].label, found[2].replace("_", " "), *measures[found[2]].synonyms]
            if (counted := self.counts.get(found[2])) is not None:
                dimension = self.model.dimension(counted)
                below += [dimension.label, *dimension.synonyms]
            if found[1] == self.pieces and (product := self.model.by_role(Role.PRODUCT)) is not None:
                said = (*ROLE_NOUNS[Role.PRODUCT], self.model.dimension(product).label.lower())
                above = (*above, *map(plural, said), *(f"number of {plural(each)}" for each in said))
            for upper in above:
                for lower in below:
                    yield f"{upper} in an {lower}", name
                    yield f"average {upper} in an {lower}", name
                    yield f"ratio of {upper} to {plural(lower)}", name
                    yield f"ratio of {upper} to {lower}", name
                    yield f"{upper} per {lower}", name
                    yield f"average {upper} per {lower}", name
                    yield f"average {upper} for each {lower}", name
            if name == self.price:
                yield from ((f"price per {lower}", name) for lower in below)
            for lower in below:
                yield from ((f"{phrase} per {lower}", name) for phrase in (measure.label, *measure.synonyms))

    @cached_property
    def counts(self) -> dict[str, str]:
        """Measures that count the values of a dimension: measure -> dimension."""
        columns = {each.column: name for name, each in reversed(self.model.dimensions.items())}
        found = {}
        for name, measure in self.model.measures.items():
            counted = COUNTED.fullmatch(measure.expression.strip())
            if counted and counted[1] in columns:
                found[name] = columns[counted[1]]
        return found

    @cached_property
    def ratios(self) -> dict[tuple[str, str], str]:
        """Measures that divide one measure by another: (above, below) -> measure."""
        found = {name: RATIO.fullmatch(each.expression.strip()) for name, each in self.model.measures.items()}
        return {(match[1], match[2]): name for name, match in found.items() if match}

    @cached_property
    def counted_by(self) -> dict[str, str]:
        """Dimensions whose values a measure counts: dimension -> measure; sales before returns."""
        found: dict[str, str] = {}
        for measure, dimension in self.counts.items():
            found.setdefault(dimension, measure)
            for name, other in self.model.dimensions.items():
                if other.column == self.model.dimension(dimension).column:
                    found.setdefault(name, measure)
        return found

    @cached_property
    def default(self) -> str:
        """The measure a question means that names none."""
        return self.model.overview.measures[0]

    @cached_property
    def money(self) -> str:
        """The measure of money spent: the default when it is one, else the first amount."""
        measures = self.model.measures
        amounts = [name for name, each in measures.items() if each.format is Format.CURRENCY]
        return self.default if self.default in amounts or not amounts else amounts[0]

    @cached_property
    def pieces(self) -> str:
        """The measure of pieces sold; the default when the model has none."""
        for name, measure in self.model.measures.items():
            whole = measure.expression.replace(" ", "").startswith("sum(")
            if whole and self.said(name) & PIECES and measure.format is not Format.CURRENCY:
                return name
        return self.default

    @cached_property
    def price(self) -> str | None:
        """The measure of what a piece costs on average, None when the model has none."""
        found = (name for name in self.model.measures if "price" in self.said(name))
        return next(found, None)

    def said(self, name: str) -> set[str]:
        """Return all words a measure is called by."""
        return {word for phrase in self._called(name) for word in words_of(phrase)}

    def _called(self, name: str) -> tuple[str, ...]:
        measure = self.model.measures[name]
        return measure.label, name.replace("_", " "), *measure.synonyms

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Dimensions that hold numbers, such as a price."""
        numbers = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
        columns = self.model.facts.columns
        return tuple(name for name, each in self.model.dimensions.items() if columns[each.column].type in numbers)

    @cached_property
    def longest(self) -> int:
        """Words in the longest phrase."""
        return max(map(len, self.phrases), default=1)

    def find(self, words: tuple[str, ...]) -> Noun | None:
        """Return what a phrase stands for."""
        found = self.phrases.get(tuple(map(stem, words)))
        if found is None:
            return None
        many = stem(words[-1]) != words[-1]
        measure = found.measure or (self.counted_by.get(found.dimension or "") if many else None)
        if not many and found.dimension and measure in self.counts:
            measure = None
        return Noun(measure, found.dimension, many)
