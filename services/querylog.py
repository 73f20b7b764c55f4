"""The query log: which kinds of queries were asked, how often, how long they took, and what answered them.

A kind leaves out what was asked for: the values of filters, the dates, the page. Each process keeps a file per day.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from services.errors import SalescopeError
from services.periods import Period
from services.planner import Plan
from services.query import SalesQuery

WRITE_EVERY, KEEP_SECONDS = 10.0, 30 * 24 * 3600
MOST_KINDS = 1_000
ANY = ("*",)
#: Nothing but the facts had some of the answer.
FACTS, TABLES = "facts", "tables"


@dataclass
class Counted:
    """How many answers there were, and the milliseconds they took together."""

    answers: int = 0
    milliseconds: float = 0.0

    def add(self, answers: int, milliseconds: float) -> None:
        """Count more."""
        self.answers += answers
        self.milliseconds += milliseconds


@dataclass
class Log:
    """What was asked: per kind and what answered it; and how many answers each table had a part in."""

    kinds: dict[tuple[SalesQuery, str], Counted] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        """How many answers were counted."""
        return sum(each.answers for each in self.kinds.values())


def kind_of(query: SalesQuery) -> SalesQuery:
    """Return a query without what it was asked about."""
    filters = tuple(sorted((replace(each, values=ANY) for each in query.filters), key=str))
    return replace(query, period=Period("all"), filters=filters, having=(), sort=(), limit=None, offset=0)


class QueryLog:
    """Counts answers and writes them, every few seconds at most, into a file of this process and day."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._path, self._log, self._due = Path(), Log(), 0.0

    def __call__(self, query: SalesQuery, plan: Plan, milliseconds: float) -> None:
        """Count an answer; a disk that cannot be written costs the count, not the answer."""
        key = kind_of(query), FACTS if plan.left_to_facts else TABLES
        with self._lock:
            if key in self._log.kinds or len(self._log.kinds) < MOST_KINDS:
                self._log.kinds.setdefault(key, Counted()).add(1, milliseconds)
            self._log.used.update(plan.tables)
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + WRITE_EVERY
                self._write()

    def _write(self) -> None:
        path = self._folder / f"{time.strftime('%Y-%m-%d', time.gmtime())}-{os.getpid()}.json"
        try:
            if path != self._path:
                self._begin(path)
            fresh = path.with_suffix(".new")
            fresh.write_bytes(orjson.dumps(_rows(self._log)))
            fresh.replace(path)
        except OSError:
            return

    def _begin(self, path: Path) -> None:
        """Begin a file; one that an earlier process of the same number left is gone on with."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in self._folder.glob("*.json"):
            if old.stat().st_mtime < time.time() - KEEP_SECONDS:
                old.unlink(missing_ok=True)
        now = self._log if not self._path.name else Log()
        _add(now, path)
        self._path, self._log = path, now


def read(folder: Path) -> Log:
    """Return what all processes of the last days counted; the last seconds may be missing."""
    found = Log()
    for path in sorted(folder.glob("*.json")):
        _add(found, path)
    return found


def _rows(log: Log) -> dict[str, Any]:
    kinds = [
        [query.to_json().decode(), by, counted.answers, counted.milliseconds]
        for (query, by), counted in log.kinds.items()
    ]
    return {"kinds": kinds, "used": log.used}


def _add(log: Log, path: Path) -> None:
    """Add a file's counts; one that is damaged or of another version counts nothing."""
    try:
        found = orjson.loads(path.read_bytes())
        rows: Iterable[Any] = [
            (SalesQuery.from_json(text), by, int(answers), float(spent)) for text, by, answers, spent in found["kinds"]
        ]
        used = {str(name): int(count) for name, count in found["used"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SalescopeError):
        return
    for query, by, answers, spent in rows:
        log.kinds.setdefault((query, by), Counted()).add(answers, spent)
    log.used.update(used)
