"""What people write beside the data: targets per period, and notes on dates (a campaign, a strike)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.access import Permission, Viewer
from services.database import NoteRow, TargetRow, utc_now
from services.errors import LoadError, QueryError
from services.model import SalesModel
from services.periods import DAY, Range
from services.query import SalesQuery

COLUMNS = ("measure", "from", "to", "value", "dimension", "key")
MAX_ROWS = 20_000
MAX_NOTE = 300
#: How much of the pace is on the way (amber), and how much is reached (green).
AMBER, GREEN = 0.9, 1.0


@dataclass(frozen=True)
class Target:
    """What a measure is to reach from `first` to `last`, for one value of a dimension or, without one, for all."""

    measure: str
    first: dt.date
    last: dt.date
    value: float
    dimension: str = ""
    key: str = ""

    @property
    def days(self) -> int:
        """How many days it covers."""
        return (self.last - self.first).days + 1


class State(StrEnum):
    """How a measure stands against the pace its target needs."""

    GREEN = "reached"
    AMBER = "close"
    RED = "behind"


@dataclass(frozen=True)
class Progress:
    """A measure against its target: the whole target, the part of it due by now, what there is."""

    target: float
    due: float
    actual: float
    up_is_good: bool

    @property
    def share(self) -> float:
        """The actual as a share of the whole target."""
        return self.actual / self.target if self.target else math.nan

    @property
    def state(self) -> State:
        """How the actual stands against what is due: less is better where up is not good."""
        if not self.due or not self.actual:
            pace = 0.0 if self.up_is_good else math.inf
        else:
            pace = self.actual / self.due if self.up_is_good else self.due / self.actual
        return State.GREEN if pace >= GREEN else State.AMBER if pace >= AMBER else State.RED


@dataclass(frozen=True)
class Note:
    """A remark about one or more days."""

    number: int
    first: dt.date
    last: dt.date
    text: str
    by: str


class Planning:
    """Targets and notes of the model in use, in the application database."""

    def __init__(self, engine: sa.Engine, model: SalesModel) -> None:
        self._engine, self._model = engine, model

    def targets(self, viewer: Viewer) -> list[Target]:
        """Return the targets that this viewer may see: those for all only with all rows."""
        with Session(self._engine) as session:
            rows = session.scalars(
                sa.select(TargetRow).where(TargetRow.model == self._model.name).order_by(TargetRow.first, TargetRow.id)
            ).all()
            found = [_target_of(row) for row in rows]
        return [target for target in found if _visible(target, viewer)]

    def replace_targets(self, text: str, viewer: Viewer) -> int:
        """Put the targets of a CSV in the place of those the viewer sees; returns how many. All or nothing.

        Raises LoadError that names the line, what stands there and what is allowed.
        """
        return self._replace(lambda: read_targets(text, self._model), viewer)

    def replace_rows(self, rows: Sequence[Mapping[str, str]], viewer: Viewer) -> int:
        """Put the targets of a table's rows in the place of those the viewer sees. All or nothing.

        Empty rows do not count. Raises LoadError that names the row, what stands there and what is allowed.
        """
        return self._replace(lambda: targets_of(rows, self._model), viewer)

    def _replace(self, read: Callable[[], list[Target]], viewer: Viewer) -> int:
        viewer.require(Permission.PLANS_EDIT)
        found = read()
        foreign = next((each for each in found if not _visible(each, viewer)), None)
        if foreign is not None:
            whose = f"of the {foreign.dimension} {foreign.key!r}" if foreign.key else "for all rows"
            raise LoadError(f"A target {whose} is not yours to set: your rows are {viewer.scope.describe()}.")
        with Session(self._engine) as session, session.begin():
            there = session.scalars(sa.select(TargetRow).where(TargetRow.model == self._model.name)).all()
            for row in there:
                if _visible(_target_of(row), viewer):
                    session.delete(row)
            session.add_all(
                TargetRow(
                    model=self._model.name,
                    measure=each.measure,
                    first=each.first,
                    last=each.last,
                    value=each.value,
                    dimension=each.dimension,
                    key=each.key,
                    user_id=viewer.user_id,
                )
                for each in found
            )
        return len(found)

    def progress(
        self, query: SalesQuery, asked: Range, now: Range, actual: Mapping[str, float], viewer: Viewer
    ) -> dict[str, Progress]:
        """Return how the measures stand against their targets, for those whose targets cover exactly what is asked.

        A target counts when targets cover every day of the period once, and what the viewer sees and filters is what
        they were set for. The part due by now is a day's share of each target for every day that is over.
        """
        wanted = _scope_of(query, viewer)
        if wanted is None:
            return {}
        dimension, keys = wanted
        targets = [each for each in self.targets(viewer) if each.dimension == dimension and each.key in keys]
        found = {}
        for name, value in actual.items():
            mine = [each for each in targets if each.measure == name]
            parts = [_cover([each for each in mine if each.key == key], asked) for key in keys]
            measure = self._model.measure(name)
            if math.isnan(value) or not all(parts) or (len(keys) > 1 and not adds(self._model, name)):
                continue
            rows = [each for part in parts for each in part]
            if len(rows) > 1 and not adds(self._model, name):
                continue
            whole = sum(each.value for each in rows)
            due = sum(each.value * _elapsed(each, now) for each in rows) if adds(self._model, name) else whole
            found[name] = Progress(whole, due, value, measure.up_is_good)
        return found

    def notes(self, first: dt.date, last: dt.date) -> list[Note]:
        """Return the notes that touch these days, in their order."""
        with Session(self._engine) as session:
            rows = session.scalars(
                sa.select(NoteRow)
                .where(NoteRow.model == self._model.name, NoteRow.first <= last, NoteRow.last >= first)
                .order_by(NoteRow.first, NoteRow.id)
            ).all()
            return [Note(row.id, row.first, row.last, row.text, row.by) for row in rows]

    def add_note(self, first: dt.date, last: dt.date, text: str, viewer: Viewer) -> None:
        """Add a note that everybody sees on every chart over time."""
        viewer.require(Permission.PLANS_EDIT)
        text = " ".join(text.split())
        if not text or len(text) > MAX_NOTE:
            raise QueryError(f"A note has {len(text)} characters; allowed: 1 to {MAX_NOTE}.")
        if last < first:
            raise QueryError(f"The note ends ({last}) before it begins ({first}); swap the two dates.")
        with Session(self._engine) as session, session.begin():
            session.add(
                NoteRow(model=self._model.name, first=first, last=last, text=text, by=viewer.email, made_at=utc_now())
            )

    def remove_note(self, number: int, viewer: Viewer) -> None:
        """Take a note away; nothing happens when it is gone already."""
        viewer.require(Permission.PLANS_EDIT)
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(NoteRow).where(NoteRow.id == number, NoteRow.model == self._model.name))


def _target_of(row: TargetRow) -> Target:
    return Target(row.measure, row.first, row.last, row.value, row.dimension, row.key)


def _visible(target: Target, viewer: Viewer) -> bool:
    if viewer.scope.everything:
        return True
    limits = dict(viewer.scope.limits)
    return list(limits) == [target.dimension] and target.key in limits[target.dimension]


def _scope_of(query: SalesQuery, viewer: Viewer) -> tuple[str, tuple[str, ...]] | None:
    """Return the dimension and values that a query is limited to by filters and row scope; None when by more."""
    limits = [(name, tuple(keys)) for name, keys in viewer.scope.limits if not viewer.scope.everything]
    limits += [(each.field, each.values) for each in query.filters if each.operator == "is"]
    if any(each.operator != "is" for each in query.filters) or query.segments or len({name for name, _ in limits}) > 1:
        return None
    if not limits:
        return ("", ("",)) if viewer.scope.everything else None
    keys = set.intersection(*(set(keys) for _, keys in limits))
    return (limits[0][0], tuple(sorted(keys))) if keys else None


def adds(model: SalesModel, name: str) -> bool:
    """Tell whether a measure of a longer period is the sum of its parts."""
    return model.measure(name).expression.lstrip("-").startswith(("sum(", "count("))


def _cover(targets: Sequence[Target], asked: Range) -> list[Target]:
    """Return targets that cover every day of a period once, the longest first; none when there are no such."""
    day, end, found = asked.start.date(), asked.end.date(), list[Target]()
    while day < end:
        here = [each for each in targets if each.first == day and each.last < end]
        if not here:
            return []
        found.append(max(here, key=lambda each: each.days))
        day = found[-1].last + DAY
    return found


def _elapsed(target: Target, now: Range) -> float:
    """Return the share of a target's days that are over, the current one by its hours."""
    start = dt.datetime.combine(target.first, dt.time())
    length = dt.timedelta(days=target.days)
    return max(0.0, min(1.0, (now.end - start) / length))


def read_targets(text: str, model: SalesModel) -> list[Target]:
    """Return the targets of a CSV with the columns measure, from, to, value and, where set for less, dimension, key."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff").strip()))
    heads = [head.strip().lower() for head in reader.fieldnames or ()]
    missing = [name for name in COLUMNS[:4] if name not in heads]
    if missing:
        words = f"The first line names the columns {', '.join(heads) or 'nothing'}; missing: {', '.join(missing)}."
        raise LoadError(f"{words} Allowed: {', '.join(COLUMNS)}.")
    reader.fieldnames = heads
    rows = ({key: (value or "").strip() for key, value in row.items() if key} for row in reader)
    return _checked(((f"Line {number}", row) for number, row in enumerate(rows, 2)), model)


def targets_of(rows: Sequence[Mapping[str, str]], model: SalesModel) -> list[Target]:
    """Return the targets of a table, whose rows have texts under COLUMNS; empty ones are left out."""
    stripped = ({name: row.get(name, "").strip() for name in COLUMNS} for row in rows)
    return _checked(((f"Row {n}", row) for n, row in enumerate(stripped, 1) if any(row.values())), model)


def _checked(rows: Iterable[tuple[str, Mapping[str, str]]], model: SalesModel) -> list[Target]:
    found: list[Target] = []
    for where, row in rows:
        if len(found) >= MAX_ROWS:
            raise LoadError(f"There are more than {MAX_ROWS:,} targets; allowed are {MAX_ROWS:,}.")
        found.append(_target(row, where, model))
    _no_overlap(found)
    return found


def _target(row: Mapping[str, str], where: str, model: SalesModel) -> Target:
    names = {each.label.lower(): name for name, each in model.measures.items()} | {
        name: name for name in model.measures
    }
    measure = names.get(row["measure"].lower())
    if measure is None:
        raise LoadError(f"{where}: there is no measure {row['measure']!r}. Allowed: {', '.join(model.measures)}.")
    dimension, key = row.get("dimension", ""), row.get("key", "")
    if dimension and dimension not in model.dimensions:
        raise LoadError(f"{where}: there is no dimension {dimension!r}. Allowed: {', '.join(model.dimensions)}.")
    if bool(dimension) != bool(key):
        raise LoadError(f"{where}: dimension and key go together; received {dimension!r} and {key!r}.")
    try:
        first, last = (dt.date.fromisoformat(row[name]) for name in ("from", "to"))
        value = float(row["value"])
    except ValueError as error:
        raise LoadError(f"{where}: {error}. Write dates like 2011-01-31 and values like 125000.50.") from None
    if last < first or not math.isfinite(value):
        raise LoadError(f"{where}: from {first} to {last}, value {value}; the end must not lie before the beginning.")
    return Target(measure, first, last, value, dimension, key)


def _no_overlap(targets: Iterable[Target]) -> None:
    """Raise LoadError where two targets of the same measure, value and length of period share a day."""
    seen: dict[tuple[str, str, str, dt.date, dt.date], Target] = {}
    for each in targets:
        key = (each.measure, each.dimension, each.key, each.first, each.last)
        if key in seen:
            words = f"{each.measure} from {each.first} to {each.last}"
            raise LoadError(f"There are two targets for {words}{f' of {each.key}' if each.key else ''}; keep one.")
        seen[key] = each


def as_csv(targets: Sequence[Target]) -> str:
    """Return targets as the CSV that `read_targets` reads."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([each.measure, each.first, each.last, each.value, each.dimension, each.key] for each in targets)
    return text.getvalue()
