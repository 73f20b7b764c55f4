"""Tuning: which tables the queries that people ask would need, what these cost, and which are used by none.

What is chosen lies in `tuning.json` beside the data and counts from the next publish on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from services.access import EVERYTHING
from services.answering import Version
from services.errors import SalescopeError, UserError
from services.measures import measure_plan
from services.model import SalesModel
from services.periods import Grain
from services.planner import FACTS_ROW, needs_of
from services.query import SalesQuery
from services.querylog import FACTS, Log
from services.rollups import HOUR, ROWS, WEEKDAY, Rollup, Tuning, rollup_from
from services.warehouse import rows_of

FILE = "tuning.json"
#: Bytes of a row beside its states and of each state, in the table and in memory together, about.
ROW_BYTES, STATE_BYTES = 14, 12
#: Making a table takes about this many times as long as finding out how many rows it has.
MAKING = 3.0
#: What an answer takes at least, and how few answers say nothing about what is not used.
LEAST_MS, FEW_ANSWERS = 3.0, 200
COUNTING_SECONDS = 600.0


@dataclass(frozen=True)
class Proposal:
    """A table to add, or to drop when `drop`: what it costs, and what it serves.

    `bytes` and `seconds` of a publish are estimates; `answers` of the log it would serve or did serve, which took
    `milliseconds` together and would take `after`. `problem` says why it cannot be had.
    """

    rollup: Rollup
    rows: int
    bytes: int
    seconds: float = 0.0
    answers: int = 0
    milliseconds: float = 0.0
    after: float = 0.0
    drop: bool = False
    problem: str = ""

    @property
    def label(self) -> str:
        """What the table is, for people."""
        return self.rollup.columns.removeprefix(" × ") if self.drop else self.rollup.label


def read(root: Path) -> Tuning:
    """Return what was chosen for the data in a folder; raises UserError for a damaged file."""
    path = root / FILE
    try:
        found = orjson.loads(path.read_bytes())
        return Tuning(tuple(rollup_from(row) for row in found["add"]), tuple(map(str, found["drop"])))
    except FileNotFoundError:
        return Tuning()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is damaged. Remove it, then run: salescope tune") from None


def write(root: Path, chosen: Tuning) -> None:
    """Keep what was chosen, whole or not at all."""
    add = [{"table": "", "grain": each.grain.value, "keys": each.keys, "parts": each.parts} for each in chosen.add]
    fresh = root / f".{FILE}.new"
    fresh.write_bytes(orjson.dumps({"add": add, "drop": chosen.drop}, option=orjson.OPT_INDENT_2))
    fresh.replace(root / FILE)


def chosen(before: Tuning, accepted: Iterable[Proposal]) -> Tuning:
    """Return what holds when some proposals are accepted."""
    added, dropped = list(before.add), list(before.drop)
    for each in accepted:
        if each.drop:
            dropped.append(each.rollup.columns)
            added = [other for other in added if other.columns not in dropped]
        else:
            added.append(each.rollup)
            dropped = [name for name in dropped if name != each.rollup.columns]
    return Tuning(tuple(dict.fromkeys(added)), tuple(dict.fromkeys(dropped)))


def propose(model: SalesModel, version: Version, log: Log, before: Tuning) -> list[Proposal]:
    """Return what to add, the most useful first, then what to drop; of the live version's data."""
    return [*_additions(model, version, log, before), *_drops(model, version, log)]


# To add


def _additions(model: SalesModel, version: Version, log: Log, before: Tuning) -> Iterator[Proposal]:
    slow = {query: counted for (query, by), counted in log.kinds.items() if by == FACTS and _adds_up(model, query)}
    wanted = {query: _wanted(model, query) for query in slow}
    candidates = [each for each in dict.fromkeys(wanted.values()) if each is not None and each not in before.add]
    found = []
    for candidate in candidates:
        served = [query for query in slow if _serves(model, candidate, query)]
        answers = sum(slow[query].answers for query in served)
        spent = sum(slow[query].milliseconds for query in served)
        found.append(_costed(model, version, candidate, answers, spent))
    found.sort(key=lambda each: each.after - each.milliseconds)
    taken: list[Rollup] = []
    for each in found:
        # What one that serves more already serves needs no table of its own.
        if each.milliseconds > each.after and not any(_covers(other, each.rollup) for other in taken):
            taken.append(each.rollup)
            yield each


def _adds_up(model: SalesModel, query: SalesQuery) -> bool:
    """Tell whether a table of partial results could answer: a count of distinct values is more than their sum."""
    try:
        query.check(model)
    except SalescopeError:
        return False
    described = measure_plan(model, query.measures).described.values()
    return all(each.function != "count_distinct" for each in described)


def _wanted(model: SalesModel, query: SalesQuery) -> Rollup | None:
    needs = needs_of(model, query, EVERYTHING)
    read = needs.columns.union(*needs.conditions)
    keys = tuple(name for name in model.facts.columns if name in read)
    if len(keys) < len(read):
        return None
    fine = query.grain in (Grain.DAY, Grain.WEEK)
    parts = tuple(part for part in (HOUR, WEEKDAY) if part in needs.parts)
    return Rollup("", Grain.DAY if fine else Grain.MONTH, keys, parts)


def _serves(model: SalesModel, candidate: Rollup, query: SalesQuery) -> bool:
    own = _wanted(model, query)
    return own is not None and _covers(candidate, own)


def _covers(wide: Rollup, narrow: Rollup) -> bool:
    finer = wide.grain is narrow.grain or wide.grain is Grain.DAY
    return finer and {*narrow.keys} <= {*wide.keys} and {*narrow.parts} <= {*wide.parts}


def _costed(model: SalesModel, version: Version, wanted: Rollup, answers: int, spent: float) -> Proposal:
    started = time.perf_counter()
    rows = _count(model, version, wanted)
    seconds = (time.perf_counter() - started) * MAKING
    share = rows / max(1, version.lines * FACTS_ROW)
    after = min(spent, max(answers * LEAST_MS, spent * share))
    room, size = version.lines * model.rollups, rows * _width(model)
    problem = f"it would have {rows:,} rows; rollups may have {room:,.0f} together" if rows > room else ""
    found = replace(wanted, rows=rows)
    return Proposal(found, rows, size, seconds, answers, spent, after, problem=problem)


def _width(model: SalesModel) -> int:
    return ROW_BYTES + STATE_BYTES * len(measure_plan(model, tuple(model.measures)).aggregates)


def _count(model: SalesModel, version: Version, wanted: Rollup) -> int:
    """Return how many rows a table would have."""
    table, time_ = model.table, model.table.c[model.facts.time]
    grain: sa.ColumnElement[Any] = sa.literal_column(f"'{wanted.grain.value}'")
    cells: list[sa.ColumnElement[Any]] = [sa.func.date_trunc(grain, time_).label(ROWS)]
    parts = {HOUR: "hour", WEEKDAY: "isodow"}
    cells += [sa.extract(parts[part], time_).label(part) for part in wanted.parts]
    cells += [table.c[name] for name in wanted.keys]
    distinct = sa.select(*cells).distinct().subquery()
    asked = sa.select(sa.func.count().label("n")).select_from(distinct)
    return int(rows_of(version.snapshot, asked, COUNTING_SECONDS)[0]["n"])


# To drop


def _drops(model: SalesModel, version: Version, log: Log) -> Iterator[Proposal]:
    if log.answers < FEW_ANSWERS:
        return
    tables: dict[str, list[Rollup]] = {}
    for each in (*version.rollups, *version.images.rollups):
        tables.setdefault(each.columns, []).append(each)
    for columns, alike in tables.items():
        if columns in log.used:
            continue
        rows = sum(each.rows for each in alike)
        size = sum(_bytes(model, version, each) for each in alike)
        yield Proposal(replace(alike[0], table=""), rows, size, drop=True)


def _bytes(model: SalesModel, version: Version, rollup: Rollup) -> int:
    image = version.images.images.get(rollup.table) if rollup.image else None
    return image.nbytes if image is not None else rollup.rows * _width(model)
