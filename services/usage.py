"""Who uses what, and which answers take long: counted in the process, written every few seconds."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services import circumstances, querylog
from services.database import SlowAnswer, Usage, utc_now
from services.query import SalesQuery
from services.querylog import Counted

log = logging.getLogger("salescope")
WRITE_EVERY = 5.0
#: Milliseconds from which an answer is kept one by one, and how many of them a process keeps between two writes.
SLOW, MOST_SLOW = 2_000.0, 50
KEEP = dt.timedelta(days=400)
KEEP_SLOW = dt.timedelta(days=30)


@dataclass(frozen=True)
class Used:
    """How often something was used over some days, by whom, the busiest first, and how long it took in milliseconds."""

    what: str
    people: tuple[str, ...]
    times: int
    mean: float
    slowest: float


@dataclass
class _Count:
    times: int = 0
    milliseconds: float = 0.0
    slowest: float = 0.0


@dataclass
class _Kept:
    counts: dict[tuple[dt.date, str, str], _Count] = field(default_factory=dict)
    slow: list[SlowAnswer] = field(default_factory=list)


class UsageLog:
    """Counts uses; what was counted in the last seconds before a crash is lost.

    `asked` is the folder of the query log.
    """

    def __init__(self, engine: sa.Engine, asked: Path | None = None) -> None:
        self._engine, self._asked, self._lock = engine, asked, threading.Lock()
        self._kept, self._due = _Kept(), time.monotonic() + WRITE_EVERY

    def note(self, email: str, what: str, milliseconds: float, detail: str = "") -> None:
        """Count one use; a database that is away costs the count, not the answer."""
        now = utc_now()
        with self._lock:
            count = self._kept.counts.setdefault((now.date(), email[:254], what[:200]), _Count())
            count.times += 1
            count.milliseconds += milliseconds
            count.slowest = max(count.slowest, milliseconds)
            if milliseconds >= SLOW and len(self._kept.slow) < MOST_SLOW:
                kept = {"at": now, "email": email[:254], "what": what[:200], "detail": detail[:2000]}
                self._kept.slow.append(SlowAnswer(milliseconds=milliseconds, **kept))
            due = time.monotonic() >= self._due
        if due:
            self.write()

    def write(self) -> None:
        """Write what was counted so far."""
        with self._lock:
            kept, self._kept, self._due = self._kept, _Kept(), time.monotonic() + WRITE_EVERY
        try:
            with circumstances.bookkeeping(), Session(self._engine) as session:
                for (day, email, what), count in kept.counts.items():
                    session.execute(_added(self._engine.dialect.name, day, email, what, count))
                session.add_all(kept.slow)
                session.execute(sa.delete(Usage).where(Usage.day < utc_now().date() - KEEP))
                session.execute(sa.delete(SlowAnswer).where(SlowAnswer.at < utc_now() - KEEP_SLOW))
                session.commit()
        except sa.exc.SQLAlchemyError as error:
            log.warning("Usage could not be written: %s", type(error).__name__)

    def used(self, days: int) -> list[Used]:
        """Return what was used in the last days, the most used first."""
        times = sa.func.sum(Usage.times)
        asked = (
            sa.select(Usage.what, Usage.email, times, sa.func.sum(Usage.milliseconds), sa.func.max(Usage.slowest))
            .where(Usage.day > utc_now().date() - dt.timedelta(days=days))
            .group_by(Usage.what, Usage.email)
            .order_by(times.desc(), Usage.email)
        )
        found: dict[str, list[sa.Row[str, str, int, float, float]]] = {}
        with Session(self._engine) as session:
            for row in session.execute(asked):
                found.setdefault(row[0], []).append(row)
        return sorted((_used(what, rows) for what, rows in found.items()), key=lambda used: (-used.times, used.what))

    def people(self, days: int) -> Sequence[sa.Row[str, int, int, dt.date]]:
        """Return who used the site in the last days: address, days, uses, last day; the busiest first."""
        times = sa.func.sum(Usage.times)
        asked = (
            sa.select(Usage.email, sa.func.count(Usage.day.distinct()), times, sa.func.max(Usage.day))
            .where(Usage.day > utc_now().date() - dt.timedelta(days=days))
            .group_by(Usage.email)
            .order_by(times.desc(), Usage.email)
        )
        with Session(self._engine) as session:
            return session.execute(asked).all()

    def queries(self, limit: int = 30) -> list[tuple[SalesQuery, Counted]]:
        """Return the kinds of queries of the last 30 days and their answers, the most frequent first."""
        found: dict[SalesQuery, Counted] = {}
        for (query, _), counted in (querylog.read(self._asked).kinds if self._asked else {}).items():
            found.setdefault(query, Counted()).add(counted.answers, counted.milliseconds)
        return sorted(found.items(), key=lambda item: -item[1].answers)[:limit]

    def slow(self, limit: int = 50) -> list[SlowAnswer]:
        """Return the latest slow answers."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(sa.select(SlowAnswer).order_by(SlowAnswer.id.desc()).limit(limit)))


def _used(what: str, rows: Sequence[sa.Row[str, str, int, float, float]]) -> Used:
    _, people, times, milliseconds, slowest = zip(*rows, strict=True)
    return Used(what, people, sum(times), sum(milliseconds) / sum(times), max(slowest))


def _added(dialect: str, day: dt.date, email: str, what: str, count: _Count) -> sa.Insert:
    insert = postgresql.insert(Usage) if dialect == "postgresql" else sqlite.insert(Usage)
    given = {"times": count.times, "milliseconds": count.milliseconds, "slowest": count.slowest}
    return insert.values(day=day, email=email, what=what, **given).on_conflict_do_update(
        index_elements=[Usage.day, Usage.email, Usage.what],
        set_={
            "times": Usage.times + count.times,
            "milliseconds": Usage.milliseconds + count.milliseconds,
            "slowest": sa.case((Usage.slowest > count.slowest, Usage.slowest), else_=count.slowest),
        },
    )
