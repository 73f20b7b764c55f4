"""Imaging: makes the images of a version from its facts, when it is built. See images.py for what they are.

Each chain starts with the finest grain, made from the facts; the coarser ones are made from it. chains.py says which.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import sqlalchemy as sa

from services.chains import CHAIN_SHARE, COUNTING_SHARE, KEYS, MOST_TEXT, MOST_VALUES, Chains, KeyCodes
from services.expressions import names_in
from services.imagefiles import Writer, sweep
from services.imagerows import ImageRows, smallest
from services.images import ENTITY, LEAD, MASK, ROWS, Array, Basis, Dictionary, narrow
from services.measures import Aggregate, MeasurePlan
from services.model import ColumnType, SalesModel
from services.periods import Grain
from services.rollups import AGAIN, HOUR, WEEKDAY, Rollup, Tuning
from services.rollups import ROWS as STORED_ROWS
from services.sqltext import name_of, one, statement_text
from services.surveying import Survey, counted

#: Share of an image's rows that a small one beside it may have.
SMALL = 1 / 3
COARSER = {Grain.DAY: Grain.MONTH, Grain.MONTH: Grain.YEAR}
PARTS = {HOUR: "hour", WEEKDAY: "isodow"}


def build(
    connection: duckdb.DuckDBPyConnection,
    model: SalesModel,
    found: Survey | None,
    root: Path,
    version: int,
    tuning: Tuning,
    made: Sequence[Rollup] = (),
) -> None:
    """Make the images of a version being built, and the table `images` that names their folder.

    `made` are the rollups it has: what one of them sums already is taken from there.
    """
    connection.execute("CREATE TABLE images (folder VARCHAR, digest VARCHAR)")
    sweep(root, version)
    if found is None:
        return
    name = f"{version:06d}-{uuid.uuid4().hex[:12]}"
    imaging = Imaging(connection, model, found, Writer(root / "images" / name), tuning, made)
    imaging.run()
    connection.execute("INSERT INTO images VALUES (?, ?)", [name, imaging.writer.finish()])


class Imaging:
    """Makes the images of facts in a snapshot being built."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        model: SalesModel,
        found: Survey,
        writer: Writer,
        tuning: Tuning,
        made: Sequence[Rollup] = (),
    ) -> None:
        self.writer, self._tuning = writer, tuning
        self._chains = Chains(connection, model, found, tuning)
        self._keys, self._depending = self._chains.keys, self._chains.depending
        self._connection, self._model, self._found, self._rollups = connection, model, found, made
        self._plan = MeasurePlan(model, tuple(model.measures))
        self._facts, self._time = name_of(model.facts.table), name_of(model.facts.time)
        self._entities: dict[str, int] = {}
        self._chains_made: list[tuple[Rollup, ...]] = []
        self._made = 0
        #: The condition of the lines that images are made of.
        self._within = "true"

    def run(self) -> None:
        """Make them all and write what they are."""
        for column in (*self._found.few, *self._found.many):
            if column.values <= MOST_VALUES and self._model.facts.columns[column.name].type in KEYS:
                self._make_dictionary(column.name)
        left = budget = self._chains.budget()
        for alternatives in self._chains.alternatives():
            part = COUNTING_SHARE if any(each.entity for each in alternatives) else CHAIN_SHARE
            wanted = self._chains.first_within(alternatives, min(left, part * budget))
            if wanted is not None and self._tuning.allows(wanted, (chain[0] for chain in self._chains_made)):
                known = [each for chain in self._chains_made for each in (*chain, wanted)]
                small = [each for each in self._chains.narrower(wanted) if not any(map(each.same, known))]
                left -= self._make_chain(wanted, small, left)
        self.writer.add_days(*self._days())
        self.writer.note(self._chains_made, Basis(self._model.version, self._found.lines, int(budget)))

    def _days(self) -> tuple[Array, Array, Array]:
        """Return the days with lines, and the moments of the first and the last of each."""
        moments = f"SELECT {self._time}::DATE AS d, min({self._time}) AS a, max({self._time}) AS z"
        asked = f"{moments} FROM {self._facts} WHERE {self._within} GROUP BY 1 ORDER BY 1"
        found = self._connection.sql(asked).to_arrow_table()
        days, first, last = (found[name].to_numpy() for name in ("d", "a", "z"))
        return days, first, last

    def _make_dictionary(self, column: str) -> None:
        """Read the values of a key, and what depends on it: labels, and segments that ask for nothing else."""
        attributes, flags, found = self._described_values(column)
        key = len(self._keys)
        self._number(f"key_{key}", found)
        table = self._connection.sql(f"SELECT * FROM key_{key} ORDER BY code").to_arrow_table().to_pydict()  # noqa: S608 - a name made here
        depending = {
            name: tuple(table[f"label_{number}"])
            for number, name in enumerate(attributes)
            if all(table[f"same_{number}"])
        }
        conditions = {text: tuple(table[f"flag_{number}"]) for number, text in enumerate(flags)}
        self._keep_dictionary(column, Dictionary(tuple(table["value"]), depending, conditions))

    def _keep_dictionary(self, column: str, dictionary: Dictionary) -> None:
        self._keys[column] = KeyCodes(column, len(self._keys), len(dictionary.values))
        self.writer.add_dictionary(column, dictionary)
        self._depending[column] = tuple(dictionary.attributes)

    def _described_values(self, column: str) -> tuple[list[str], list[str], str]:
        """Return the labels of a key, the conditions on it, and the select of its values with both."""
        attributes = self._attributes(column)
        flags = {
            segment.condition: f"coalesce({_where(self._model, segment.condition)}, false)"
            for segment in self._model.segments.values()
            if names_in(segment.condition) == {column}
        }
        asked = [f"{name_of(column)} AS value"]
        for number, name in enumerate(attributes):
            label = name_of(name)
            same = f"min({label}) IS NOT DISTINCT FROM max({label}) AND count({label}) IN (0, count(*))"
            asked.append(f"max({label}) AS label_{number}, {same} AS same_{number}")
        asked += [f"bool_or({sql}) AS flag_{number}" for number, sql in enumerate(flags.values())]
        found = f"SELECT {', '.join(asked)} FROM {self._facts} WHERE {self._within} GROUP BY 1"  # noqa: S608 - a model's names
        return attributes, [*flags], found

    def _number(self, table: str, values: str) -> None:
        """Make a table of a select's rows and a `code`: the place of their `value`, nothing last."""
        code = "(row_number() OVER (ORDER BY value NULLS LAST) - 1)::INTEGER AS code"
        self._connection.execute(f"CREATE TEMP TABLE {table} AS SELECT *, {code} FROM ({values})")  # noqa: S608 - as above

    def _attributes(self, column: str) -> list[str]:
        dimensions = [each for each in self._model.dimensions.values() if each.column == column]
        named = [name for each in dimensions for name in (each.label_column, each.code_column) if name]
        return [*dict.fromkeys(named)]

    # Making them

    def _make_chain(self, wanted: Rollup, narrower: Sequence[Rollup], room: float) -> float:
        """Make an image, the small ones beside it and those of coarser grains.

        Return the bytes they take, 0 when there is no room for them.
        """
        if wanted.entity and not self._make_entity(wanted.entity):
            return 0.0
        aggregates = self._aggregates(wanted)
        self._fill_chain(wanted, aggregates)
        taken = 0.0
        if not wanted.aggregate or wanted.entity or self._proven(wanted):
            grain: Grain | None = wanted.grain
            while grain is not None:
                wrote, narrower = self._write_grain(wanted, grain, narrower, aggregates)
                taken += wrote
                grain = COARSER.get(grain)
                if grain is not None:
                    self._coarsen(wanted, aggregates, grain)
            if taken > room:
                self.writer.take_back()
                taken = 0.0
            elif taken:
                self.writer.keep()
                self._chains_made.append((wanted, *narrower))
        self._connection.execute("DROP TABLE chain")
        return taken

    def _write_grain(
        self, wanted: Rollup, grain: Grain, narrower: Sequence[Rollup], aggregates: Mapping[str, Aggregate]
    ) -> tuple[float, list[Rollup]]:
        """Write the chain as it is now and the small images beside it; return their bytes, and which small ones."""
        taken, made = self._write(replace(wanted, grain=grain), aggregates), {"chain": wanted}
        for each in narrower:
            # Of those made before that have it all, the last one has fewest rows.
            source = next(table for table, of in reversed(made.items()) if _holds(of, each))
            table = f"narrower_{len(made)}"
            self._narrow(source, made[source], table, each, aggregates)
            if grain is wanted.grain and not self._is_small(table):
                self._connection.execute(f"DROP TABLE {table}")
                continue
            made[table] = each
            taken += self._write(replace(each, grain=grain), aggregates, table)
        small = [*made][1:]
        for table in small:
            self._connection.execute(f"DROP TABLE {table}")
        return taken, [made[table] for table in small]

    def _fill_chain(self, wanted: Rollup, aggregates: Mapping[str, Aggregate]) -> None:
        """Make the table of the finest grain."""
        self._connection.execute(f"CREATE TEMP TABLE chain AS {self._select(wanted, aggregates)}")

    def _aggregates(self, wanted: Rollup) -> dict[str, Aggregate]:
        """Return the aggregates whose partial results an image keeps, by the column of the chain."""
        if wanted.entity:
            return {}
        if wanted.aggregate:
            return {"s0": self._described(wanted.aggregate)}
        kept = [(column, each) for column, each in self._plan.described.items() if each.function != "count_distinct"]
        return {f"s{number}": each for number, (_, each) in enumerate(kept)}

    def _described(self, text: str) -> Aggregate:
        return next(each for each in self._plan.described.values() if each.text == text)

    def _select(self, wanted: Rollup, aggregates: Mapping[str, Aggregate]) -> str:
        """Return the select of the finest grain: b, parts, k0…, then states and n, or mask and entity."""
        cells = [f"date_trunc('{wanted.grain.value}', {self._time})::DATE AS b"]
        cells += [f"{PARTS[part]}({self._time})::UTINYINT AS {name_of(part)}" for part in wanted.parts]
        cells += [f"{self._facts}.{name_of(key)} AS r{number}" for number, key in enumerate(wanted.keys)]
        source, where = self._facts, f" WHERE {self._within}"
        if wanted.aggregate:
            described = self._described(wanted.aggregate)
            cells.append(f"{self._facts}.{name_of(described.source)} AS e")
            where += f" AND {counted(self._model, described)}"
            for number, name in enumerate(wanted.masks):
                of = f"{self._facts}.{name_of(name)}"
                source += (
                    f" JOIN key_{self._keys[name].number} AS m{number} ON m{number}.value IS NOT DISTINCT FROM {of}"
                )
            kept = [f"bit_or(1::BIGINT << ({self._bit(wanted)})::INTEGER) AS m"]
        else:
            by_text = {each.text: self._plan.aggregates[column] for column, each in self._plan.described.items()}
            kept = [f"{_sql(self._model, by_text[each.text])} AS {column}" for column, each in aggregates.items()]
            kept.append("count(*) AS n")
            if rollup := self._summed_in(wanted, aggregates):
                again = [f"{rollup.states[each.text]} AS {column}" for column, each in aggregates.items()]
                inner = f"SELECT {', '.join((*cells, *again))}, {STORED_ROWS} AS n FROM {rollup.table} AS {self._facts}"  # noqa: S608 - a model's names
                return self._coded(wanted, inner, aggregates)
        grouped = ", ".join(map(str, range(1, len(cells) + 1)))
        inner = f"SELECT {', '.join((*cells, *kept))} FROM {source}{where} GROUP BY {grouped}"  # noqa: S608 - a model's names
        return self._coded(wanted, inner, aggregates)

    def _summed_in(self, wanted: Rollup, aggregates: Mapping[str, Aggregate]) -> Rollup | None:
        """Return a rollup that has the rows of an image, or None."""
        texts = {each.text for each in aggregates.values()}
        same = (each for each in self._rollups if each.same(wanted) and texts <= {*each.states})
        return None if wanted.parts else next(same, None)

    def _bit(self, wanted: Rollup) -> str:
        sizes = [self._keys[name].values for name in wanted.masks]
        return " + ".join(f"m{number}.code * {prod(sizes[number + 1 :])}" for number in range(len(sizes))) or "0"

    def _coded(self, wanted: Rollup, inner: str, aggregates: Mapping[str, Aggregate]) -> str:
        """Return the select with codes for the values of keys and entities."""
        joins = "".join(
            f" JOIN key_{self._keys[name].number} AS d{number} ON d{number}.value IS NOT DISTINCT FROM i.r{number}"
            for number, name in enumerate(wanted.keys)
        )
        cells = [
            "b",
            *map(name_of, wanted.parts),
            *(f"d{number}.code AS k{number}" for number in range(len(wanted.keys))),
        ]
        if wanted.entity:
            joins += f" JOIN entity_{self._entities[wanted.entity]} AS en ON en.value = i.e"
            return f"SELECT {', '.join(cells)}, en.code AS e, m FROM ({inner}) AS i{joins}"  # noqa: S608 - names made here
        if wanted.aggregate:
            return f"SELECT {', '.join(cells)}, m, count(*) AS s0 FROM ({inner}) AS i{joins} GROUP BY ALL"  # noqa: S608 - as above
        return f"SELECT {', '.join((*cells, *aggregates))}, n FROM ({inner}) AS i{joins}"  # noqa: S608 - as above

    def _narrow(
        self, source: str, wanted: Rollup, table: str, narrower: Rollup, aggregates: Mapping[str, Aggregate]
    ) -> None:
        """Make the table of an image with fewer columns from that of another."""
        keys = [f"k{wanted.keys.index(name)} AS k{number}" for number, name in enumerate(narrower.keys)]
        kept = [f"{AGAIN[each.function]}({column}) AS {column}" for column, each in aggregates.items()]
        kept += [] if wanted.aggregate else ["sum(n) AS n"]
        keys += ["m"] if narrower.masks else []
        cells = ", ".join(("b", *map(name_of, wanted.parts), *keys, *kept))
        self._connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {cells} FROM {source} GROUP BY ALL")  # noqa: S608 - as below

    def _is_small(self, table: str) -> bool:
        """Tell whether a table made from the chain has few rows beside it."""
        counted = f"SELECT (SELECT count(*) FROM {table}), (SELECT count(*) FROM chain)"  # noqa: S608 - names made here
        rows, all_rows = one(self._connection, counted)
        return bool(rows <= SMALL * all_rows)

    def _coarsen(self, wanted: Rollup, aggregates: Mapping[str, Aggregate], grain: Grain) -> None:
        cells = [*map(name_of, wanted.parts), *(f"k{number}" for number in range(len(wanted.keys)))]
        kept = [f"{AGAIN[each.function]}({column}) AS {column}" for column, each in aggregates.items()]
        if wanted.entity:
            cells, kept = [*cells, "e"], ["bit_or(m) AS m"]
        elif wanted.aggregate:
            cells = [*cells, "m"]
        else:
            kept.append("sum(n) AS n")
        self._connection.execute(
            f"CREATE TEMP TABLE coarser AS SELECT date_trunc('{grain.value}', b)::DATE AS b, "  # noqa: S608 - as above
            f"{', '.join((*cells, *kept))} FROM chain GROUP BY ALL"
        )
        self._connection.execute("DROP TABLE chain")
        self._connection.execute("ALTER TABLE coarser RENAME TO chain")

    def _proven(self, wanted: Rollup) -> bool:
        """Tell whether each counted value stands in one row only: then the sum is the whole count."""
        column = next(name for name, each in self._plan.described.items() if each.text == wanted.aggregate)
        counting = statement_text(sa.select(self._plan.aggregates[column]).select_from(self._model.table))
        (total,) = one(self._connection, "SELECT sum(s0) FROM chain")
        return bool((total or 0) == one(self._connection, counting)[0])

    def _make_entity(self, column: str) -> bool:
        """Number the values of a column that are counted; False for texts that are too long or hold a NUL."""
        if column in self._entities:
            return True
        number, name = len(self._entities), name_of(column)
        distinct = f"SELECT DISTINCT {name} AS value FROM {self._facts} WHERE {name} IS NOT NULL"  # noqa: S608 - as above
        self._number(f"entity_{number}", distinct)
        found = self._connection.sql(f"SELECT value FROM entity_{number} ORDER BY code").to_arrow_table()["value"]  # noqa: S608 - a name made here
        values = found.to_numpy()
        if self._model.facts.columns[column].type is ColumnType.TEXT:
            texts = [text.encode() for text in values]
            if any(len(text) > MOST_TEXT or b"\0" in text for text in texts):
                self._connection.execute(f"DROP TABLE entity_{number}")
                return False
            values = np.array(texts, dtype="S")
        self._entities[column] = number
        self.writer.add_entity(column, values)
        return True

    def _write(self, rollup: Rollup, aggregates: Mapping[str, Aggregate], source: str = "chain") -> float:
        """Write the chain as it is now, or what was made from it, as an image; return its bytes."""
        names = [*rollup.parts, *(f"k{number}" for number in range(len(rollup.keys)))]
        sizes = [self._keys[name].values for name in rollup.keys]
        # Values of parts, such as hours, are their own codes and narrow nothing.
        order = ["b", *(["k0"] if sizes else []), *map(name_of, names)]
        rows = f"SELECT * FROM {source} ORDER BY {', '.join(dict.fromkeys(order))}"  # noqa: S608 - names made here
        table = self._connection.sql(rows).to_arrow_table()
        return self._keep(rollup, ImageRows.read(table, names, aggregates))

    def _keep(self, rollup: Rollup, rows: ImageRows) -> float:
        """Write the rows of an image; return its bytes."""
        if not len(rows.days):
            return 0.0
        columns, states, scales = rows.time_columns(), {}, {}
        if rollup.keys:
            columns[LEAD] = rows.lead(rows.codes[len(rollup.parts)], self._keys[rollup.keys[0]].values)
        columns |= {f"k{number}": narrow(codes) for number, codes in enumerate(rows.codes)}
        for number, (text, state) in enumerate(rows.states.items()):
            small = smallest(state)
            if small is not None:
                column = f"s{number}"
                columns[column], scales[column], states[text] = small.values, small.scale, column
                columns |= {} if small.known is None else {f"{column}_known": small.known}
        for name in (ROWS, ENTITY, *((MASK,) if rollup.masks else ())):
            if name in rows.others:
                columns[name] = narrow(rows.others[name])
        self._made += 1
        made = replace(rollup, table=f"image_{self._made}", states=states, rows=len(rows.days))
        self.writer.add(made, columns, scales)
        return float(sum(values.nbytes for values in columns.values()))


def _holds(wide: Rollup, narrower: Rollup) -> bool:
    """Tell whether the rows of one image, put together, are those of another of the same chain."""
    return {*narrower.keys} <= {*wide.keys} and narrower.masks in ((), wide.masks)


def _sql(model: SalesModel, element: sa.ColumnElement[Any]) -> str:
    text = statement_text(sa.select(element.label("x")).select_from(model.table))
    return text.removeprefix("SELECT ").rpartition(" AS x")[0].strip()


def _where(model: SalesModel, condition: str) -> str:
    text = statement_text(sa.select(sa.literal(1)).where(model.row_compiler.compile(condition)))
    return f"({text.partition('WHERE')[2]})"
