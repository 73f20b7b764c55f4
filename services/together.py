"""Together: the pieces that a page's queries want of the facts, read in one scan.

Lines that several pieces want are read once per range of time, grouped at once by what each piece groups by
(grouping sets), and handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import sqlalchemy as sa

from services import expressions
from services.access import RowScope
from services.expressions import names_in
from services.images import Array
from services.measures import Aggregate
from services.model import TIME_PARTS, SalesModel
from services.periods import Grain, Range, Shift, Window
from services.planner import Piece, Plan, Slice
from services.query import SalesQuery
from services.sources import Element, Source, conditions_of, keys_of
from services.sql import ROWS, seen

Columns = Mapping[str, Array]
Run = Callable[[sa.Select[Any]], Columns]
#: Columns of the statement beside those of the facts.
PIECE, SET = "__piece", "__set"


@dataclass(frozen=True)
class Wanted:
    """A piece of a query that the facts answer: for which period, and how its lines' times are moved."""

    query: SalesQuery
    plan: Plan
    slice: Slice
    piece: Piece
    moved: Shift

    @property
    def aggregates(self) -> Mapping[str, Aggregate]:
        """The aggregates asked for, by their column."""
        return {name: self.plan.measures.described[name] for name in self.slice.aggregates}

    @property
    def keys(self) -> tuple[tuple[str, Grain | None, Shift], ...]:
        """What its lines are grouped by; the same for the same column."""
        time = (("time", self.query.grain, self.moved),) if self.query.grain else ()
        return (*time, *((name, None, Shift()) for name in self.query.dimensions))

    @classmethod
    def of(cls, query: SalesQuery, plan: Plan, window: Window) -> Iterator[Self]:
        """Yield the pieces that the facts answer in a query's plan."""
        for each in plan.slices:
            for moved, pieces in zip((Shift(), window.shift), each.periods, strict=False):
                yield from (cls(query, plan, each, piece, moved) for piece in pieces if piece.of_facts)

    def beside(self, other: Wanted) -> bool:
        """Tell whether both are about lines of the same filters and neither counts distinct values."""
        mine, others = self.query, other.query
        return (mine.filters, mine.segments) == (others.filters, others.segments) and not other.slice.entity


@dataclass
class Scan:
    """The facts' part in the answers of a page: all that is expected is read as soon as some of it is asked for."""

    model: SalesModel
    scope: RowScope
    _expected: list[Wanted] = field(default_factory=list)
    _found: dict[Wanted, Columns] = field(default_factory=dict)

    def expect(self, wanted: Iterable[Wanted]) -> None:
        """Note pieces that will be asked for."""
        self._expected += wanted

    def columns(self, wanted: Wanted, run: Run) -> Columns:
        """Return a piece: its keys, partial aggregates and `rows`, or `entity`, distinct values.

        `run` executes a statement and returns its columns.
        """
        if wanted.slice.entity:
            return run(
                seen(
                    self.model, wanted.query, wanted.plan, wanted.slice, wanted.piece, self.scope, wanted.moved
                ).distinct()
            )
        if wanted not in self._found:
            pieces = [*dict.fromkeys((wanted, *(each for each in self._expected if wanted.beside(each))))]
            self._expected = [each for each in self._expected if each not in pieces]
            found = run(statement(self.model, self.scope, pieces))
            self._found |= dict(zip(pieces, handed_out(pieces, found), strict=True))
        return self._found[wanted]


def statement(model: SalesModel, scope: RowScope, pieces: Sequence[Wanted]) -> sa.Select[Any]:
    """Return the statement of pieces about lines of the same filters: one scan per range of time."""
    facts, first = Source(model, None), pieces[0]
    read = _columns_read(model, pieces)
    lines = [
        sa.select(sa.literal_column(str(number), sa.Integer()).label(PIECE), *(facts.columns[name] for name in read))
        .select_from(facts.table)
        .where(*conditions_of(facts, first.query, scope, covered))
        for number, covered in enumerate(_ranges(pieces))
    ]
    together = (sa.union_all(*lines) if len(lines) > 1 else lines[0]).subquery("lines")
    source = Source(model, None, together)
    covered = _covered(pieces)
    keys = {
        key: element
        for each in pieces
        for key, element in zip(each.keys, keys_of(source, each.query, covered, each.moved), strict=True)
    }
    sources = sorted({name for text in _aggregates(pieces).values() for name in _names(text)})
    keyed = sa.select(
        together.c[PIECE],
        *(element.label(f"__k{number}") for number, element in enumerate(keys.values())),
        *(together.c[name] for name in sources),
    ).subquery("keyed")
    names = [keyed.c[f"__k{number}"] for number in range(len(keys))]
    rows = expressions.Compiler(dict(keyed.c))
    sets = [[keyed.c[PIECE], *(names[number] for number in each)] for each in _sets(pieces)]
    several = len(sets) > 1
    told = sa.func.grouping(*names) if several else sa.literal_column("0", sa.Integer())
    grouped = [sa.func.grouping_sets(*(sa.tuple_(*each) for each in sets))] if several else sets[0]
    return sa.select(
        told.label(SET),
        keyed.c[PIECE],
        *names,
        *(_compiled(rows, each).label(f"__a{number}") for number, each in enumerate(_aggregates(pieces).values())),
        sa.func.count().label(ROWS),
    ).group_by(*grouped)


def _covered(pieces: Sequence[Wanted]) -> Range:
    """Return the range from the first to the last line of all pieces."""
    ranges = _ranges(pieces)
    return Range(min(each.start for each in ranges), max(each.end for each in ranges))


def handed_out(pieces: Sequence[Wanted], found: Columns) -> Iterator[Columns]:
    """Yield what the statement of some pieces found for each: columns named as the piece's query names them."""
    ranges, sets, keys = _ranges(pieces), _sets(pieces), _keys(pieces)
    texts = [*_aggregates(pieces)]
    told, places = np.asarray(found[SET]), np.asarray(found[PIECE])
    for each in pieces:
        of_set = tuple(keys.index(key) for key in each.keys)
        code = sum(1 << (len(keys) - 1 - number) for number in range(len(keys)) if number not in of_set)
        mine = np.flatnonzero((places == ranges.index(each.piece.covered)) & (told == (code if len(sets) > 1 else 0)))
        columns = {
            name: _plain(found[f"__k{number}"][mine]) for (name, _, _), number in zip(each.keys, of_set, strict=True)
        }
        columns |= {name: found[f"__a{texts.index(text.text)}"][mine] for name, text in each.aggregates.items()}
        yield columns | {ROWS: found[ROWS][mine]}


def _plain(values: Array) -> Array:
    """Return values without a mask that hides none of them."""
    return values.data if isinstance(values, np.ma.MaskedArray) and not values.mask.any() else values


def _ranges(pieces: Sequence[Wanted]) -> list[Range]:
    return [*dict.fromkeys(each.piece.covered for each in pieces)]


def _keys(pieces: Sequence[Wanted]) -> list[tuple[str, Grain | None, Shift]]:
    return [*dict.fromkeys(key for each in pieces for key in each.keys)]


def _sets(pieces: Sequence[Wanted]) -> list[tuple[int, ...]]:
    """Return the keys each piece groups by, as places among all keys; the same set once."""
    keys = _keys(pieces)
    return [*dict.fromkeys(tuple(sorted(keys.index(key) for key in each.keys)) for each in pieces)]


def _aggregates(pieces: Sequence[Wanted]) -> dict[str, Aggregate]:
    return {each.text: each for piece in pieces for each in piece.aggregates.values()}


def _names(aggregate: Aggregate) -> set[str]:
    return {*names_in(aggregate.source), *(names_in(aggregate.condition) if aggregate.condition else ())}


def _columns_read(model: SalesModel, pieces: Sequence[Wanted]) -> list[str]:
    """Return the facts columns that pieces group by or aggregate."""
    found = {model.facts.time, *(name for each in _aggregates(pieces).values() for name in _names(each))}
    for each in pieces:
        found |= {model.dimension(name).column for name in each.query.dimensions if name not in TIME_PARTS}
    return [name for name in model.facts.columns if name in found]


def _compiled(rows: expressions.Compiler, aggregate: Aggregate) -> Element:
    element = expressions.AGGREGATES[aggregate.function](rows.compile(aggregate.source))
    if aggregate.condition is None:
        return element
    return sa.funcfilter(element, rows.compile(aggregate.condition))  # type: ignore[arg-type]
