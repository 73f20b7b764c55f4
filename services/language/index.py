"""The vocabulary of a viewer: the model's words and the data's values, kept per data version and row scope."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Iterator

from services.access import Viewer
from services.language.asking import Vocabulary
from services.language.lexicon import Lexicon
from services.language.spans import Clock
from services.language.values import Entry, ValueIndex
from services.model import ColumnType, SalesModel
from services.query import MAX_LIMIT
from services.sales import Sales

#: Vocabularies kept: one per row scope in use.
KEPT = 32


class Vocabularies:
    """Makes and keeps vocabularies; `extra` are (phrase, name) pairs that people taught."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        self._kept: OrderedDict[tuple[object, ...], Vocabulary] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, viewer: Viewer, extra: tuple[tuple[str, str], ...] = ()) -> Vocabulary:
        """Return the vocabulary of what this viewer may see, and of nothing else."""
        coverage = self._sales.coverage()
        key = (self._sales.version(), viewer.scope.fingerprint, self._sales.model.version, extra)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
            indexes = {each[:3]: kept.index for each, kept in self._kept.items()}
        model = self._sales.model
        index = indexes.get(key[:3])
        if index is None:
            index = ValueIndex(model, values(self._sales, viewer))
            # The collector would walk these thousands of small objects in the midst of a question: up to 80 ms.
            gc.freeze()
        made = Vocabulary(model, Lexicon(model, extra), index, (coverage.start.date(), coverage.last_day))
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def clock(self) -> Clock:
        """Return what dates are read against."""
        return clock_of(self._sales.model, self._sales)


def clock_of(model: SalesModel, sales: Sales) -> Clock:
    """Return the clock of a model: its calendar, its locale's order of day and month, today."""
    calendar = model.calendar
    return Clock(sales.today(), calendar.fiscal_start, calendar.week_start, day_first=model.locale != "en_US")


def values(sales: Sales, viewer: Viewer) -> Iterator[Entry]:
    """Yield the values of every text dimension among the rows the viewer may see."""
    columns = sales.model.facts.columns
    for name, dimension in sales.model.dimensions.items():
        if columns[dimension.column].type is not ColumnType.TEXT:
            continue
        for choice in sales.values(name, viewer, limit=MAX_LIMIT):
            yield Entry(name, choice.key, choice.label)
