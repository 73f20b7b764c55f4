"""Renewing: brings the images of a version up to date after the lines of some days changed.

The rows of the years these days lie in are made anew: those of the days from the facts, those of other days from the
images before. All other rows are taken over, their codes changed where keys have new values. What this cannot do
raises RebuildError, and everything is made from the facts instead.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from services.chains import MOST_TEXT, MOST_VALUES
from services.errors import RebuildError
from services.imagefiles import Writer, read_whole, sweep
from services.imagerows import KEPT, ImageRows
from services.images import Array, Dictionary, Image, Images, State
from services.imaging import Imaging
from services.measures import Aggregate
from services.model import ColumnType, SalesModel
from services.periods import Grain
from services.rollup_tables import require_alone
from services.rollups import Rollup, Tuning
from services.sqltext import name_of, one
from services.surveying import Survey
from services.touched import Touched

#: Data that grew by more than this since their tables were chosen get a new choice.
GROWTH = 1.25


def renew(connection: duckdb.DuckDBPyConnection, model: SalesModel, root: Path, version: int, touched: Touched) -> None:
    """Make the images of a version being built from those of the one before."""
    old = _before(connection, root)
    (lines,) = one(connection, f"SELECT count(*) FROM {name_of(model.facts.table)}")  # noqa: S608 - a model's name
    if old.basis is None or not old.chains or old.basis.model != model.version or lines > GROWTH * old.basis.lines:
        raise RebuildError("The tables are to be chosen anew.")
    sweep(root, version)
    name = f"{version:06d}-{uuid.uuid4().hex[:12]}"
    renewing = Renewing(connection, model, old, Writer(root / "images" / name), touched)
    renewing.run()
    connection.execute("UPDATE images SET folder = ?, digest = ?", [name, renewing.writer.finish()])


def _before(connection: duckdb.DuckDBPyConnection, root: Path) -> Images:
    rows = connection.execute("SELECT folder, digest FROM images").fetchall()
    try:
        found = [read_whole(root / "images" / str(folder), str(digest)) for folder, digest in rows]
    except FileNotFoundError:
        found = []
    if len(found) != 1 or found[0] is None:
        raise RebuildError("The images before are missing or damaged.")
    return found[0]


class Renewing(Imaging):
    """Makes images from those before and the lines of some days."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        model: SalesModel,
        old: Images,
        writer: Writer,
        touched: Touched,
    ) -> None:
        super().__init__(connection, model, Survey(0, (), (), {}), writer, Tuning())
        self._old, self._touched = old, touched
        self._within = touched.within(Grain.DAY)
        #: The new code of each old one, by column, and of the entities.
        self._moved: dict[str, Array] = {}

    def run(self) -> None:
        """Make them all and write what they are."""
        assert self._old.basis is not None  # noqa: S101 - renew looked
        for column, dictionary in self._old.dictionaries.items():
            self._renew_dictionary(column, dictionary)
        left = float(self._old.basis.budget)
        for wanted, *narrower in self._old.chains:
            taken = self._make_chain(wanted, narrower, left)
            if not taken:
                raise RebuildError("The images have no room any more.")
            left -= taken
        self._within = self._touched.within(Grain.DAY)
        self.writer.add_days(*self._joined_days())
        self.writer.note(self._chains_made, self._old.basis)

    def _joined_days(self) -> list[Array]:
        days, first, after = self._old.days, np.datetime64(self._touched.first), np.datetime64(self._touched.after)
        before, beyond = np.searchsorted(days.days, np.array([first, after], "datetime64[D]"))
        old = (days.days, days.first, days.last)
        new = self._days()
        return [np.concatenate([each[:before], fresh, each[beyond:]]) for each, fresh in zip(old, new, strict=True)]

    # Keys and entities

    def _renew_dictionary(self, column: str, old: Dictionary) -> None:
        """Add the new values of a key to its dictionary, and make the table of codes."""
        attributes, flags, found = self._described_values(column)
        table = self._connection.sql(found).to_arrow_table().to_pydict()
        fresh = Dictionary(
            tuple(table["value"]),
            {name: tuple(table[f"label_{number}"]) for number, name in enumerate(attributes)},
            {text: tuple(table[f"flag_{number}"]) for number, text in enumerate(flags)},
        )
        for number, name in enumerate(attributes):
            if name in old.attributes and not all(table[f"same_{number}"]):
                raise RebuildError(f"{name} depends on {column} no longer.")
        values = sorted({*old.values, *fresh.values}, key=lambda value: (value is None, value or type(value)()))
        codes = {value: code for code, value in enumerate(values)}
        self._moved[column] = np.array([codes[value] for value in old.values], np.int64)
        if len(values) > MOST_VALUES or set(flags) != set(old.flags):
            raise RebuildError(f"{column} is to be looked at anew.")
        merged = Dictionary(
            tuple(values),
            {
                name: _merged(values, old, fresh, old.attributes[name], fresh.attributes[name])
                for name in old.attributes
            },
            {text: _merged(values, old, fresh, old.flags[text], fresh.flags[text]) for text in old.flags},
        )
        self._table_of_codes(f"key_{len(self._keys)}", column, values, np.arange(len(values)))
        self._keep_dictionary(column, merged)

    def _table_of_codes(self, table: str, column: str, values: Sequence[Any], codes: Array) -> None:
        kind = pa.string() if self._model.facts.columns[column].type is ColumnType.TEXT else pa.int64()
        found = pa.table({"value": pa.array(values, kind), "code": pa.array(codes, pa.int32())})
        self._connection.register("codes", found)
        self._connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM codes")  # noqa: S608 - a name made here
        self._connection.unregister("codes")

    def _make_entity(self, column: str) -> bool:
        """Add the new values of a column that is counted."""
        if column in self._entities:
            return True
        number, name = len(self._entities), name_of(column)
        within = self._touched.within(Grain.YEAR)
        asked = f"SELECT DISTINCT {name} AS value FROM {self._facts} WHERE {within} AND {name} IS NOT NULL"  # noqa: S608 - a model's names
        fresh = self._connection.sql(asked).to_arrow_table()["value"].to_pylist()
        old = self._old.entities[column]
        if old.dtype.kind == "S":
            seen = np.array([text.encode() for text in fresh], "S")
            if any(len(text.encode()) > MOST_TEXT or "\0" in text for text in fresh):
                raise RebuildError(f"{column} has a text that is too long.")
        else:
            seen = np.array(fresh, old.dtype)
        values = np.union1d(old, seen)
        self._moved[f"entity {column}"] = np.searchsorted(values, old)
        self._table_of_codes(f"entity_{number}", column, fresh, np.searchsorted(values, seen))
        self._entities[column] = number
        self.writer.add_entity(column, values)
        return True

    # Chains

    def _aggregates(self, wanted: Rollup) -> dict[str, Aggregate]:
        """Return the aggregates that the images before keep."""
        old = self._image(wanted)
        return {column: each for column, each in super()._aggregates(wanted).items() if each.text in old.states}

    def _image(self, rollup: Rollup) -> Image:
        """Return the image before of what a rollup is."""
        found = [each for each in self._old.images.values() if each.rollup.same(rollup)]
        if len(found) != 1:
            raise RebuildError(f"{rollup.label} was not there before.")
        return found[0]

    def _fill_chain(self, wanted: Rollup, aggregates: Mapping[str, Aggregate]) -> None:
        """Make the table of the finest grain, of whole years: new rows from the facts, others from the image."""
        for name in wanted.masks:
            if len(self._old.dictionaries[name].values) != self._keys[name].values:
                raise RebuildError(f"{name} has a new value, which sets of its values have no room for.")
        self._within = self._touched.within(wanted.grain)
        super()._fill_chain(wanted, aggregates)
        self._within = self._touched.within(Grain.DAY)
        image = self._image(wanted)
        start, after = self._buckets(image, wanted.grain)
        first, last = self._buckets(image, Grain.YEAR)
        for low, high in ((first, start), (after, last)):
            rows = self._rows(image, int(image.offsets[low]), int(image.offsets[high]))
            self._connection.register("kept_rows", _table(wanted, rows, aggregates))
            self._connection.execute("INSERT INTO chain BY NAME SELECT * FROM kept_rows")
            self._connection.unregister("kept_rows")

    def _is_small(self, table: str) -> bool:  # noqa: ARG002 - as it is asked elsewhere
        """Tell that a small image is wanted: it was before."""
        return True

    def _proven(self, wanted: Rollup) -> bool:
        """Tell that each counted value stands in one row only, as it did before; raises RebuildError otherwise."""
        require_alone(self._connection, self._model, self._described(wanted.aggregate), wanted.keys, self._touched)
        return True

    def _buckets(self, image: Image, grain: Grain) -> tuple[int, int]:
        """Return the first bucket of an image that lies in the buckets of touched days, and the one after the last."""
        reach = np.array(self._touched.reach(grain), "datetime64[s]")
        first, after = np.searchsorted(image.starts, reach)
        return int(first), int(after)

    def _keep(self, rollup: Rollup, rows: ImageRows) -> float:
        image = self._image(rollup)
        first, after = (int(image.offsets[bucket]) for bucket in self._buckets(image, Grain.YEAR))
        before, beyond = self._rows(image, 0, first), self._rows(image, after, int(image.offsets[-1]))
        return super()._keep(rollup, _joined([before, rows, beyond]))

    def _rows(self, image: Image, first: int, after: int) -> ImageRows:
        """Return some rows of an image before, in today's codes."""
        rollup, rows = image.rollup, slice(first, after)
        days = image.starts.astype("datetime64[D]").astype(np.int32)[image.bucket[rows]]
        codes = [image.codes[name][rows] for name in rollup.parts]
        codes += [self._moved[name][image.codes[name][rows]] for name in rollup.keys]
        states = {
            text: State(state.values[rows], state.scale, None if state.known is None else state.known[rows])
            for text, state in image.states.items()
        }
        others = {"rows": image.rows, "mask": image.mask}
        found = {name: values[rows] for name, values in others.items() if values is not None}
        if image.entity is not None:
            found["entity"] = self._moved[f"entity {rollup.entity}"][image.entity[rows]]
        return ImageRows(days, codes, states, found)


def _merged(
    values: Sequence[Any], old: Dictionary, fresh: Dictionary, before: Sequence[Any], now: Sequence[Any]
) -> tuple[Any, ...]:
    """Return what depends on a key, for the values of both dictionaries; raises RebuildError where they differ."""
    known = dict(zip(old.values, before, strict=True))
    for value, found in zip(fresh.values, now, strict=True):
        if known.setdefault(value, found) != found:
            raise RebuildError("What depends on a key has changed.")
    return tuple(known[value] for value in values)


def _table(wanted: Rollup, rows: ImageRows, aggregates: Mapping[str, Aggregate]) -> pa.Table:
    """Return rows of an image as a chain has them."""
    names = [*wanted.parts, *(f"k{number}" for number in range(len(wanted.keys)))]
    columns: dict[str, Any] = {"b": pa.array(rows.days, pa.int32()).cast(pa.date32())}
    columns |= {name: pa.array(codes.astype(np.int64)) for name, codes in zip(names, rows.codes, strict=True)}
    columns |= {column: _arrow(rows.states[each.text]) for column, each in aggregates.items()}
    columns |= {KEPT[name]: pa.array(values.astype(np.int64)) for name, values in rows.others.items()}
    if wanted.aggregate and "m" not in columns:
        # Of no columns there is one set of values: bit 0.
        columns["m"] = pa.array(np.ones(len(rows.days), np.int64))
    return pa.table(columns)


def _arrow(state: State) -> pa.Array:
    """Return partial results in a type that says what they are: doubles, whole numbers, decimals."""
    nothing = None if state.known is None else ~state.known
    if state.scale is None:
        return pa.array(np.asarray(state.values, np.float64), mask=nothing)
    wholes = np.asarray(state.values, np.int64)
    if not state.scale:
        return pa.array(wholes, mask=nothing)
    words = np.column_stack([wholes, wholes >> 63])
    there = None if nothing is None else pa.py_buffer(np.packbits(~nothing, bitorder="little").tobytes())
    buffers = [there, pa.py_buffer(np.ascontiguousarray(words).tobytes())]
    return pa.Array.from_buffers(pa.decimal128(38, state.scale), len(wholes), buffers)


def _joined(pieces: Sequence[ImageRows]) -> ImageRows:
    """Return the rows of several pieces, one after the other; of states those that all have."""
    texts = [text for text in pieces[0].states if all(text in each.states for each in pieces)]
    return ImageRows(
        np.concatenate([each.days for each in pieces]),
        [np.concatenate(codes) for codes in zip(*(each.codes for each in pieces), strict=True)],
        {text: _joined_states([each.states[text] for each in pieces]) for text in texts},
        {name: np.concatenate([each.others[name] for each in pieces]) for name in pieces[0].others},
    )


def _joined_states(states: Sequence[State]) -> State:
    known = None
    if any(each.known is not None for each in states):
        known = np.concatenate(
            [np.ones(len(each.values), bool) if each.known is None else each.known for each in states]
        )
    if any(each.scale is None for each in states):
        return State(np.concatenate([each.values / 10.0 ** (each.scale or 0) for each in states]), None, known)
    scale = max(each.scale or 0 for each in states)
    wholes = [each.values.astype(np.int64) * 10 ** (scale - (each.scale or 0)) for each in states]
    return State(np.concatenate(wholes), scale, known)
