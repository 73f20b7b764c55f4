"""Answering: a query against one version of the data -> the frame, from memory where the plan says so, else by SQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from services import sql
from services.access import RowScope
from services.arrays import Arrays
from services.choosing import Choosing, allowed_values
from services.dialects import never
from services.errors import QueryError
from services.exact import RefusedError
from services.folding import fold
from services.frames import frame_of
from services.imagefiles import images_of
from services.images import Images
from services.model import SalesModel
from services.paging import Page, by_time, counting, narrowed
from services.periods import Coverage, Window
from services.planner import ASKING, Plan, plan
from services.query import SalesQuery
from services.rollups import Rollup, rollups_of
from services.together import Scan, Wanted
from services.warehouse import Snapshot, columns_of, rows_of

log = logging.getLogger("salescope")
MEMORY = "memory"
#: Rows an answer has at most.
MOST_ROWS = 500_000


@dataclass(frozen=True)
class Version:
    """A version of the data: where to read it, what it covers, how many lines it has, the folder of its warehouse."""

    snapshot: Snapshot
    coverage: Coverage
    lines: int
    root: Path

    @cached_property
    def rollups(self) -> tuple[Rollup, ...]:
        """The small tables beside the facts."""
        return rollups_of(self.snapshot)

    @cached_property
    def images(self) -> Images:
        """The small tables in memory."""
        return images_of(self.snapshot, self.root)


@dataclass
class Beside:
    """What the queries of one page share: the rows chosen in images, and one scan of the facts."""

    scan: Scan
    choosings: dict[tuple[object, ...], Choosing] = field(default_factory=dict)


class Answering:
    """Plans and answers one query within a row scope; `beside` is what it shares with others of a page."""

    def __init__(
        self,
        model: SalesModel,
        version: Version,
        query: SalesQuery,
        window: Window,
        scope: RowScope,
        seconds: float,
        unwanted: Callable[[], bool] = never,
        beside: Beside | None = None,
    ) -> None:
        self._model, self._version, self._query, self._window = model, version, query, window
        self._scope, self._seconds, self._unwanted = scope, seconds, unwanted
        self._beside = beside or Beside(Scan(model, scope))

    @cached_property
    def _by_sql(self) -> Plan:
        rollups, coverage = self._version.rollups, self._version.coverage
        return plan(self._model, self._query, self._window, self._scope, rollups, coverage)

    @cached_property
    def plan(self) -> Plan | None:
        """How the query is answered: from memory where that costs least; None for order lines."""
        if self._query.columns:
            return None
        images, version = self._version.images, self._version
        if not images.images:
            return self._by_sql
        days, now, before = images.days, self._window.now, self._window.before
        window = replace(self._window, now=days.widened(now), before=before and days.widened(before))
        found = plan(self._model, self._query, window, self._scope, images.rollups, version.coverage)
        if not found.in_memory:
            return replace(self._by_sql, misses=(*self._by_sql.misses, *found.misses))
        cost = found.cost(version.coverage, version.lines)
        cheaper = cost > ASKING and self._by_sql.cost(version.coverage, version.lines) < cost
        reason = "SQL reads fewer rows" if cheaper else self._refused
        if reason:
            return replace(self._by_sql, misses=(*self._by_sql.misses, (MEMORY, reason)))
        return found

    @property
    def cost(self) -> float:
        """About how many rows are read for the answer; a page of order lines counts for nothing."""
        coverage, lines = self._version.coverage, self._version.lines
        return self.plan.cost(coverage, lines) if self.plan is not None else 0

    @cached_property
    def _refused(self) -> str:
        """Why memory cannot tell which values are meant, or ""."""
        try:
            _ = self._choosing
        except RefusedError as refused:
            return str(refused)
        return ""

    @cached_property
    def _choosing(self) -> Choosing:
        images, shared = self._version.images, self._beside.choosings
        key = (self._query.filters, self._query.segments)
        if key not in shared:
            shared[key] = Choosing(images, allowed_values(self._model, images, self._query, self._scope))
        return shared[key]

    @cached_property
    def statement(self) -> sa.Select[Any]:
        """The SQL that answers the query, also where memory does."""
        if not self._query.columns:
            return sql.build(self._model, self._query, self._window, self._scope, self._by_sql)
        page = Page(self._query, self._window)
        if by_time(self._model, self._query) and (days := self._lines_per_day()) is not None:
            page = narrowed(self._query, self._window, days)
        return sql.build(self._model, page.query, page.window, self._scope)

    def count_lines(self) -> int:
        """Return how many order lines a query for `columns` has in all."""
        days = self._lines_per_day()
        if days is not None:
            return int(days[sql.ROWS].sum())
        statement = sql.count_lines(self._model, self._query, self._window, self._scope)
        return int(rows_of(self._version.snapshot, statement, self._seconds, self._unwanted)[0][sql.ROWS])

    def _lines_per_day(self) -> pd.DataFrame | None:
        """Return the lines of each day that a query for lines has in all, None where memory does not tell."""
        asked = counting(self._model, self._query)
        if asked is None:
            return None
        counted = Answering(self._model, self._version, asked, self._window, self._scope, self._seconds)
        return counted.from_memory() if counted.only_memory else None

    @property
    def only_memory(self) -> bool:
        """Whether the plan asks SQL for nothing."""
        return self.plan is not None and self.plan.only_memory

    def expect(self) -> None:
        """Have what the plan wants of the facts read together with what other queries of the page want."""
        if self.plan is not None and self.plan.in_memory:
            self._beside.scan.expect(Wanted.of(self._query, self.plan, self._window))

    def from_memory(self) -> pd.DataFrame | None:
        """Return the rows of the answer; None where memory does not have it, and the plan is another then."""
        if self.plan is None or not self.plan.in_memory:
            return None
        try:
            return frame_of(self._model, self._query, self._columns(self.plan))
        except RefusedError as refused:
            self.plan = replace(self._by_sql, misses=(*self._by_sql.misses, (MEMORY, str(refused))))
            return None

    def frame(self) -> pd.DataFrame:
        """Return the rows of the answer."""
        found = self.from_memory()
        if found is not None:
            return found
        statement = self.statement if self._query.limit else self.statement.limit(MOST_ROWS + 1)
        columns = {name: values.tolist() for name, values in self._run(statement).items()}
        self._require_few(len(next(iter(columns.values()))))
        return frame_of(self._model, self._query, columns)

    def _columns(self, found: Plan) -> Mapping[str, Any]:
        images = self._version.images
        arrays = Arrays(
            self._model,
            images,
            self._query,
            self._window,
            found,
            self._choosing,
            lambda wanted: self._beside.scan.columns(wanted, self._run),
        )
        columns = fold(self._model, images, self._query, found, arrays, arrays.totals())
        self._require_few(len(columns[sql.ROWS]))
        return columns

    def _run(self, statement: sa.Select[Any]) -> Mapping[str, Any]:
        return columns_of(self._version.snapshot, statement, self._seconds, self._unwanted)

    def _require_few(self, rows: int) -> None:
        """Raise QueryError for an answer of more rows than one may have."""
        if self._query.limit is None and rows > MOST_ROWS:
            raise QueryError(
                f"The answer would have more than {MOST_ROWS:,} rows, which is the limit. Choose a shorter period, "
                "larger steps of time, fewer breakdowns, filters, or the first rows only."
            )
