"""A form while the words of a question are put together into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.language.dates import DateText
from services.language.forms import Comparison, Condition, Form, Threshold
from services.language.items import Item, Items
from services.language.lexicon import Lexicon
from services.language.spans import Clock, Span

LINKS = ("to", "sign", "and", "filler")


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
