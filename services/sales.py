"""Sales: answers queries for a viewer."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import orjson
import pandas as pd
import sqlalchemy as sa

from services import sql, tuning
from services.access import Permission, Viewer
from services.answering import Answering, Beside, Version
from services.cancelling import Cancelling
from services.errors import NotReadyError, QueryError
from services.fairness import Fairness
from services.flights import AlwaysOurTurn, Flights, Form, Outcome, ResultCache, Turns
from services.frames import arrow_stream, from_arrow_stream
from services.model import SalesModel
from services.periods import Coverage, Period, Window, window
from services.planner import FACTS, Plan
from services.priority import Aside
from services.query import Filter, SalesQuery, Sort
from services.querylog import Log
from services.together import Scan
from services.tuning import Proposal
from services.warehouse import NO_DATA, Snapshot, Warehouse, coverage_of

SECOND = dt.timedelta(seconds=1)
#: What an answer costs (`Plan.cost`) from which on it gives way to others; such ones computed at once in a process.
HEAVY, HEAVY_AT_ONCE = 5_000_000, 4


@dataclass(frozen=True)
class Trust:
    """Where an answer comes from: what the trust strip shows.

    `rows` counts the order lines behind the answer; `data_until` is the last moment in the data.
    """

    version: int
    published_at: str
    data_until: dt.datetime
    rows: int
    milliseconds: float
    cached: bool
    dialect: sa.Dialect
    answering: Answering = field(repr=False, compare=False)

    @property
    def plan(self) -> Plan | None:
        """How the query is answered; None for order lines, which the facts alone have."""
        return self.answering.plan

    @property
    def served(self) -> str:
        """The tables that answered."""
        return self.plan.served if self.plan else FACTS

    @property
    def statement(self) -> str:
        """The SQL behind the answer, with its parameters as placeholders."""
        return str(self.answering.statement.compile(dialect=self.dialect))


@dataclass(frozen=True)
class Answer:
    """The rows of an answer and their provenance.

    `frame` has the columns of `query.fields` (measures float64, `time` datetime64, keys as in the data), beside
    them `<dimension>__label` and `<dimension>__code` where the model has them, and `rows`, the lines per row.
    """

    query: SalesQuery
    window: Window
    frame: pd.DataFrame
    trust: Trust

    def value(self, field: str) -> float:
        """Return a field of the first row; NaN when there is none."""
        return float(self.frame[field].iloc[0]) if len(self.frame) else float("nan")


@dataclass(frozen=True)
class Choice:
    """A value of a dimension as a menu shows it."""

    key: str
    label: str


@dataclass(frozen=True)
class _Open:
    """A query on its way: when it began, and the seconds it took before it had to wait for others of its page."""

    query: SalesQuery
    window: Window
    answering: Answering
    key: str
    started: float
    spent: float = 0.0


class Sales:
    """The one door to the facts: scope, limits, cache and statement in one place.

    `turns` keeps processes from computing the same twice, `fairness` one person from taking all of this one, `tell`
    hears how each answer came to be, and `note` how and in how many milliseconds each was computed.
    """

    def __init__(
        self,
        model: SalesModel,
        warehouse: Warehouse,
        cache: ResultCache,
        *,
        seconds: float = 30.0,
        clock: Callable[[], dt.date] = dt.date.today,
        turns: Turns | None = None,
        fairness: Fairness | None = None,
        tell: Callable[[Outcome], None] = lambda outcome: None,
        note: Callable[[SalesQuery, Plan, float], None] = lambda query, plan, milliseconds: None,
    ) -> None:
        self.model, self._note = model, note
        self._warehouse, self._seconds, self._clock = warehouse, seconds, clock
        self._fairness = fairness or Fairness()
        self._flights = Flights(cache, turns or AlwaysOurTurn(), Form(arrow_stream, from_arrow_stream), seconds, tell)
        self._aside = Aside(HEAVY_AT_ONCE)
        self._tell, self._cancelling = tell, Cancelling(warehouse.root / "cancelled")
        self._known: Version | None = None

    def proposals(self, log: Log) -> list[Proposal]:
        """Return what `tuning` proposes for the live data after a log of what was asked."""
        root = self._warehouse.root
        return tuning.propose(self.model, self._version(self._warehouse.current()), log, tuning.read(root))

    def tune(self, accepted: Iterable[Proposal]) -> None:
        """Have some proposals hold from the next publish on."""
        root = self._warehouse.root
        with self._warehouse.writing():
            tuning.write(root, tuning.chosen(tuning.read(root), accepted))

    def coverage(self) -> Coverage:
        """Return what the live data cover."""
        return self._coverage(self._warehouse.current())

    def version(self) -> int:
        """Return the number of the live data version."""
        return self._warehouse.current().version

    def today(self) -> dt.date:
        """Return the day that "this year" and its like count from."""
        return self._today(self.coverage())

    def window(self, query: SalesQuery) -> Window:
        """Return the concrete ranges of a query's period and comparison."""
        return self._window(query, self._warehouse.current())

    def answer(self, query: SalesQuery, viewer: Viewer) -> Answer:
        """Answer a query with the rows this viewer may see.

        Raises AccessDeniedError without the permission, UnknownNameError or QueryError for a query that the
        model or the limits refuse, BusyError for one too many of this viewer at once, NotReadyError before the
        first load.
        """
        return self.answer_many((query,), viewer)[0]

    def answer_many(self, queries: Sequence[SalesQuery], viewer: Viewer) -> list[Answer]:
        """Answer the queries of one page, all from the same version of the data, in their order.

        Those with the same filters share their work: rows are chosen once, the facts read in one scan. Raises as
        `answer` does, for the first query that has a fault.
        """
        for query in queries:
            viewer.require(Permission.LINES_VIEW if query.columns else Permission.DASHBOARDS_VIEW)
            query.check(self.model)
        snapshot, beside = self._warehouse.current(), Beside(Scan(self.model, viewer.scope))
        found = [self._kept(query, viewer, snapshot, beside) for query in queries]
        return [each if isinstance(each, Answer) else self._computed(each, viewer, snapshot) for each in found]

    def _kept(self, query: SalesQuery, viewer: Viewer, snapshot: Snapshot, beside: Beside) -> Answer | _Open:
        """Return an answer from memory or the cache; else what is left to do, noted in what the page shares."""
        started = time.perf_counter()
        covered = self._window(query, snapshot)
        answering = self._answering(query, viewer, snapshot, covered, beside)
        found = _Open(query, covered, answering, "", started)
        frame, outcome = self._from_memory(answering, viewer), Outcome.MEMORY
        if frame is None:
            found = replace(found, key=self._key(query, viewer, snapshot, covered))
            frame, outcome = self._flights.kept(found.key), Outcome.KEPT
        if frame is None:
            answering.expect()
            return replace(found, spent=time.perf_counter() - started)
        return self._answer(found, frame, outcome, snapshot)

    def _computed(self, asked: _Open, viewer: Viewer, snapshot: Snapshot) -> Answer:
        asked = replace(asked, started=time.perf_counter() - asked.spent)
        with self._fairness.turn(viewer.user_id):
            frame, outcome = self._flights.value(asked.key, partial(self._frame, asked.answering))
        return self._answer(asked, frame, outcome, snapshot)

    def _frame(self, answering: Answering) -> pd.DataFrame:
        """Compute an answer; one from many rows gives way to what else the machine has to do."""
        return self._aside.run(answering.frame) if answering.cost > HEAVY else answering.frame()

    def _answer(self, asked: _Open, frame: pd.DataFrame, outcome: Outcome, snapshot: Snapshot) -> Answer:
        trust = Trust(
            version=snapshot.version,
            published_at=snapshot.published_at,
            data_until=self._coverage(snapshot).end - SECOND,
            rows=int(frame[sql.ALL_ROWS].iloc[0]) if sql.ALL_ROWS in frame and len(frame) else len(frame),
            milliseconds=(time.perf_counter() - asked.started) * 1000,
            cached=outcome in (Outcome.KEPT, Outcome.SHARED),
            dialect=snapshot.engine.dialect,
            answering=asked.answering,
        )
        if not trust.cached and trust.plan is not None:
            self._note(asked.query, trust.plan, trust.milliseconds)
        if sql.ALL_ROWS in frame:
            del frame[sql.ALL_ROWS]
        return Answer(asked.query, asked.window, frame, trust)

    def cancel(self, viewer: Viewer) -> None:
        """Stop every statement that runs for this viewer now, in all worker processes; each raises CancelledError."""
        self._cancelling.cancel(viewer.user_id)

    def _answering(
        self, query: SalesQuery, viewer: Viewer, snapshot: Snapshot, covered: Window, beside: Beside | None = None
    ) -> Answering:
        unwanted, version = self._cancelling.watch(viewer.user_id), self._version(snapshot)
        return Answering(self.model, version, query, covered, viewer.scope, self._seconds, unwanted, beside)

    def _from_memory(self, answering: Answering, viewer: Viewer) -> pd.DataFrame | None:
        """Return an answer that asks SQL for nothing, None for any other; it is as fast as the cache is."""
        if not answering.only_memory:
            return None
        with self._fairness.turn(viewer.user_id):
            frame = answering.from_memory()
        if frame is not None:
            self._tell(Outcome.MEMORY)
        return frame

    def explain(self, query: SalesQuery, viewer: Viewer) -> Plan:
        """Return which tables answer a query for measures, and why no other does."""
        viewer.require(Permission.DASHBOARDS_VIEW)
        query.check(self.model)
        snapshot = self._warehouse.current()
        found = self._answering(query, viewer, snapshot, self._window(query, snapshot)).plan
        if found is None:
            raise QueryError("Order lines are read from the facts; ask for measures.")
        return found

    def count_lines(self, query: SalesQuery, viewer: Viewer) -> int:
        """Return how many order lines a query for `columns` has in all."""
        viewer.require(Permission.LINES_VIEW)
        query.check(self.model)
        snapshot = self._warehouse.current()
        window = self._window(query, snapshot)
        answering = self._answering(query, viewer, snapshot, window)
        with self._fairness.turn(viewer.user_id):
            return answering.count_lines()

    def values(self, dimension: str, viewer: Viewer, *, search: str = "", limit: int = 50) -> list[Choice]:
        """Return values of a dimension that this viewer may see, those with most of the model's first measure first.

        `search` keeps those whose key or label contains it.
        """
        found = self.model.dimension(dimension)
        query = SalesQuery(
            measures=(self.model.overview.measures[0],),
            dimensions=(dimension,),
            period=Period("all"),
            filters=(Filter(dimension, "contains", (search,)),) if search else (),
            sort=(Sort(self.model.overview.measures[0], descending=True),),
            limit=limit,
        )
        frame = self.answer(query, viewer).frame
        frame = frame[frame[dimension].notna()]
        labels = frame[f"{dimension}__label"] if found.label_column else frame[dimension]
        return [Choice(str(key), str(label)) for key, label in zip(frame[dimension], labels, strict=True)]

    def labels(self, dimension: str, keys: tuple[str, ...], viewer: Viewer) -> list[Choice]:
        """Return the given values with their labels, in the given order; unknown ones keep their key."""
        if not keys or not self.model.dimension(dimension).label_column:
            return [Choice(key, key) for key in keys]
        query = SalesQuery(
            measures=(self.model.overview.measures[0],),
            dimensions=(dimension,),
            filters=(Filter(dimension, "is", keys),),
        )
        frame = self.answer(query, viewer).frame
        labels = dict(zip(frame[dimension], frame[f"{dimension}__label"], strict=True))
        return [Choice(key, str(labels.get(key, key))) for key in keys]

    def _window(self, query: SalesQuery, snapshot: Snapshot) -> Window:
        """Return the ranges against one snapshot, so that a publish in between mixes no two versions."""
        covered = self._coverage(snapshot)
        return window(query.period, query.compare, self._today(covered), self.model.calendar, covered)

    def _today(self, covered: Coverage) -> dt.date:
        return covered.last_day if self.model.today == "data" else self._clock()

    def _coverage(self, snapshot: Snapshot) -> Coverage:
        return self._version(snapshot).coverage

    def _version(self, snapshot: Snapshot) -> Version:
        known = self._known
        if known is not None and known.snapshot is snapshot:
            return known
        row = coverage_of(snapshot)
        if not row["line_count"]:
            raise NotReadyError(NO_DATA)
        if row["model_name"] != self.model.name:
            raise NotReadyError(
                f"The data were loaded for the model {row['model_name']!r}, the model in use is "
                f"{self.model.name!r}. Restart with the model of the data, or load data for this one."
            )
        last = row["last_time"]
        end = last + SECOND if row["has_hours"] else dt.datetime.combine(last.date(), dt.time()) + dt.timedelta(days=1)
        coverage = Coverage(row["first_time"], end, row["has_hours"])
        self._known = Version(snapshot, coverage, int(row["line_count"]), self._warehouse.root)
        return self._known

    def _key(self, query: SalesQuery, viewer: Viewer, snapshot: Snapshot, covered: Window) -> str:
        parts = (
            query.to_json().decode(),
            str(covered),
            viewer.scope.fingerprint,
            self.model.version,
            snapshot.version,
            snapshot.published_at,
        )
        return hashlib.sha256(orjson.dumps(parts)).hexdigest()
