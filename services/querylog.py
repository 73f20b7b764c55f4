"""The query log: which kinds of queries were asked, how often, how long they took, and what answered them.

A kind leaves out what was asked for: the values of filters, the dates, the page. Each process keeps a file per day.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services import counts
from services.counts import CountFiles
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
        self._files = CountFiles(folder, every=WRITE_EVERY, keep=KEEP_SECONDS)
        self._name, self._log = "", Log()

    def __call__(self, query: SalesQuery, plan: Plan, milliseconds: float) -> None:
        """Count an answer."""
        key = kind_of(query), FACTS if plan.left_to_facts else TABLES
        with self._files.lock:
            if key in self._log.kinds or len(self._log.kinds) < MOST_KINDS:
                self._log.kinds.setdefault(key, Counted()).add(1, milliseconds)
            self._log.used.update(plan.tables)
            if self._files.due:
                self._begin(f"{time.strftime('%Y-%m-%d', time.gmtime())}-{os.getpid()}")
                self._files.write(self._name, _rows(self._log))

    def _begin(self, name: str) -> None:
        """Begin a day's file; one that an earlier process of the same number left is gone on with."""
        if name != self._name:
            now = Log() if self._name else self._log
            _add(now, counts.read(self._files.folder / f"{name}.json"))
            self._name, self._log = name, now


def read(folder: Path) -> Log:
    """Return what all processes of the last days counted; the last seconds may be missing."""
    found = Log()
    for rows in counts.contents(folder):
        _add(found, rows)
    return found


def _rows(log: Log) -> dict[str, Any]:
    kinds = [
        [query.to_json().decode(), by, counted.answers, counted.milliseconds]
        for (query, by), counted in log.kinds.items()
    ]
    return {"kinds": kinds, "used": log.used}


def _add(log: Log, found: Any) -> None:
    """Add a file's counts; one that is damaged or of another version counts nothing."""
    try:
        rows: Iterable[Any] = [
            (SalesQuery.from_json(text), by, int(answers), float(spent)) for text, by, answers, spent in found["kinds"]
        ]
        used = {str(name): int(count) for name, count in found["used"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, SalescopeError):
        return
    for query, by, answers, spent in rows:
        log.kinds.setdefault((query, by), Counted()).add(answers, spent)
    log.used.update(used)
