"""Rollups: small tables of a snapshot that answer for the facts.

Each holds, per bucket of time and combination of values of some columns, the aggregates of the model's measures, in
a form that can be aggregated again. rollup_tables.py chooses them from the model and the data and makes them, the
planner proves which of them may answer a query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
import sqlalchemy as sa

from services.periods import Grain
from services.warehouse import Snapshot, rows_of

ROWS, HOUR, WEEKDAY = "__rows", "__hour", "__weekday"
#: How partial results of an aggregate are put together.
AGAIN: Mapping[str, str] = {"sum": "sum", "count": "sum", "count_distinct": "sum", "min": "min", "max": "max"}


@dataclass(frozen=True)
class Rollup:
    """A rollup: its table, what each row stands for, and what it holds.

    `keys` are facts columns kept as they are, `parts` parts of the time beside the bucket; of `highest` columns the
    highest value of each row is kept. `states` maps an aggregate's text to its column. A rollup with an `entity`
    holds no states but the distinct values of that column, for `aggregate`. Of `masks` columns each row keeps the set
    of values behind it, and nothing else of the row can be told apart by them. An `image` is in memory, see images.py;
    its `highest` columns depend on its keys.
    """

    table: str
    grain: Grain
    keys: tuple[str, ...]
    parts: tuple[str, ...] = ()
    highest: tuple[str, ...] = ()
    states: Mapping[str, str] = field(default_factory=dict, hash=False)
    entity: str = ""
    aggregate: str = ""
    rows: int = 0
    masks: tuple[str, ...] = ()
    image: bool = False

    def same(self, other: Rollup) -> bool:
        """Tell whether both have rows for the same, in whatever order of their keys."""
        mine, its = (({*each.keys}, {*each.parts}, each.masks, each.entity, each.aggregate) for each in (self, other))
        return self.grain is other.grain and mine == its

    @cached_property
    def label(self) -> str:
        """What the rollup is, for people."""
        return f"{self.grain.value}{self.columns}"

    @cached_property
    def columns(self) -> str:
        """What its rows are told apart by beside the time, for people."""
        sets = [f"set of {name}" for name in self.masks]
        by = "".join(f" × {name}" for name in (*(part.strip("_") for part in self.parts), *self.keys, *sets))
        entity = f" × {self.entity}" if self.entity else ""
        named = f"{by}{entity} ({self.aggregate})" if self.aggregate else by
        return f"{named}, in memory" if self.image else named


@dataclass(frozen=True)
class Tuning:
    """What people chose beside what is chosen for them: tables to have, and those not to have, by their `columns`."""

    add: tuple[Rollup, ...] = ()
    drop: tuple[str, ...] = ()

    def of(self, columns: Collection[str]) -> list[list[Rollup]]:
        """Return the tables to have whose keys are among some columns, each as the only one of its alternatives."""
        return [[each] for each in self.add if {*each.keys} <= {*columns}]

    def allows(self, wanted: Rollup, made: Iterable[Rollup]) -> bool:
        """Tell whether a table is to be made beside those made before."""
        return wanted.columns not in self.drop and not any(each.same(wanted) for each in made)


def read(definitions: Sequence[str]) -> tuple[Rollup, ...]:
    """Return the rollups a snapshot lists."""
    return tuple(rollup_from(orjson.loads(text)) for text in definitions)


def rollup_from(row: Mapping[str, Any]) -> Rollup:
    """Return the rollup that was written down as JSON."""
    lists = {name: tuple(row.get(name, ())) for name in ("keys", "parts", "highest", "masks")}
    return Rollup(**{**row, **lists, "grain": Grain(row["grain"])})


def rollups_of(snapshot: Snapshot) -> tuple[Rollup, ...]:
    """Return the rollups of a version; none where a version of Salescope without them made it."""
    there = sa.text(
        "SELECT count(*) AS tables FROM information_schema.tables "
        "WHERE table_name = 'rollups' AND table_schema = current_schema()"
    )
    if snapshot.coverage is not None or not rows_of(snapshot, there)[0]["tables"]:
        return ()
    return read([row["definition"] for row in rows_of(snapshot, sa.text("SELECT definition FROM rollups"))])
